"""What each fold knows is frozen: a table or a rule that changes it must be frozen anew, knowingly."""

import json
from pathlib import Path

import pytest

from archimeter.analysis.evaluation.splits import PROTOCOLS, split_hash
from archimeter.analysis.prediction.panels import facts_of, panels
from archimeter.data.tables import load_datasets, load_observations

FROZEN = Path(__file__).parent / "frozen_splits.json"


@pytest.fixture(scope="module")
def hashes():
    found, facts = panels(load_observations()), facts_of(load_datasets())
    return {protocol: split_hash(found, facts, protocol) for protocol in PROTOCOLS}


def test_every_protocol_has_a_split_of_its_own(hashes):
    assert len(set(hashes.values())) == len(PROTOCOLS)


def test_splits_are_those_that_were_frozen(hashes):
    assert hashes == json.loads(FROZEN.read_text()), (
        "The tables or the rules of the splits changed: run the bars again, then freeze with "
        f"`python {Path(__file__).name}` in this folder."
    )


if __name__ == "__main__":
    found, facts = panels(load_observations()), facts_of(load_datasets())
    frozen = {protocol: split_hash(found, facts, protocol) for protocol in PROTOCOLS}
    FROZEN.write_text(json.dumps(frozen, indent=2) + "\n")
