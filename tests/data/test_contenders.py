"""The modern contenders resolve, or say why not."""

import pytest
import timm

from archimeter.data.contenders import CONTENDERS, resolve
from archimeter.data.errors import TargetError, UnknownNameError

WEIGHTS = timm.list_pretrained()
# the user's list
NAMED = ["EfficientNetV2", "BEiT", "Swin V2", "ConvNeXt", "CoAtNet", "CoCa", "PaLI", "Florence", "EVA"]


def test_every_contender_that_was_named_is_in_the_table():
    assert [contender.name for contender in CONTENDERS] == NAMED
    assert all(contender.note for contender in CONTENDERS)


@pytest.mark.parametrize("contender", [c for c in CONTENDERS if c.patterns], ids=lambda c: c.name)
def test_a_contender_resolves_to_weights_and_each_pattern_finds_some(contender):
    found = resolve(contender.name.lower().replace(" ", "-"), WEIGHTS)
    assert set(found) <= set(WEIGHTS)
    assert len(found) >= len(contender.patterns)


def test_coca_is_unavailable_with_its_reason():
    with pytest.raises(TargetError, match="No backbone of CoCa is available: Google published no weights"):
        resolve("coca", WEIGHTS)
    assert [name for name in WEIGHTS if "coca" in name] == []


def test_an_unknown_contender_says_who_is_known():
    with pytest.raises(UnknownNameError, match="Did you mean Florence"):
        resolve("Florenc", WEIGHTS)
