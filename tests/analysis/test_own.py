"""What only the user has: networks that nobody measured, and results of their own."""

import math

import numpy as np
import pytest

from archimeter.analysis.custom import with_custom, with_unnamed
from archimeter.analysis.evidence import load_evidence
from archimeter.analysis.limits import LatencyBudget
from archimeter.analysis.own_results import own_networks, own_rows
from archimeter.analysis.prediction.forecast import load_fitted
from archimeter.analysis.query import Query
from archimeter.analysis.recommend import recommend
from archimeter.data.errors import InputError
from archimeter.data.records import Observation, Profile
from archimeter.data.store import Store
from archimeter.data.tables import load_profiles, load_rows

SATELLITE = {"images": 1000, "classes": 17, "domain": "remote-sensing"}


@pytest.fixture(scope="module")
def shipped():
    return load_evidence()


@pytest.fixture(scope="module")
def row():
    """resnet50's own counts, under another name."""
    found = load_profiles().set_index("backbone").loc["resnet50"].to_dict()
    return found | {"backbone": "net:build", "input_shapes": ((3, 224, 224),)}


def own(dataset, backbone, error, **changes):
    return {
        "study": "mine", "dataset": dataset, "backbone": backbone, "weights": None, "match": "architecture",
        "recipe": "fine-tune", "error": error, "metric": "top1", "status": "ok",
    } | changes  # fmt: skip


def test_a_network_of_ones_own_stands_beside_the_shipped_with_its_full_variance(shipped, row):
    answer = recommend(Query(**SATELLITE, top=1), shipped.with_models([row]))
    first, mine = answer.rows
    assert (mine.custom, mine.backbone, mine.support) == (True, "net:build", "outside")
    assert mine.rank > 1
    assert mine.params == row["params"]
    known = recommend(Query(**SATELLITE, top=2000), shipped)
    (twin,) = [r for r in known.rows if r.backbone == "resnet50"]

    def width(one):
        return math.log(one.expected.high / (1 - one.expected.high)) - math.log(
            one.expected.low / (1 - one.expected.low)
        )

    assert width(mine) > width(twin)  # the same counts, measured by nobody
    assert mine.expected.behind_high - mine.expected.behind_low > 0
    assert any("nobody measured" in words for words in answer.notes)
    assert not first.custom


def test_ones_own_network_has_the_predicted_speed_of_its_counts_and_stays_over_the_budget(shipped, row):
    within = (LatencyBudget(1e-4, "RTX 4090"),)
    answer = recommend(Query(**SATELLITE, within=within, top=1), shipped.with_models([row]))
    (speed,) = answer.rows[-1].speeds
    published = 1 / shipped.speeds("NVIDIA GeForce RTX 4090")["resnet50"]["throughput"]
    assert speed.low < published < speed.high
    assert speed.verdict == "exceeds"
    assert "predicted" in speed.source


def test_its_memory_decides_against_the_budget(shipped, row):
    from archimeter.analysis.costs import CONTEXT_BYTES
    from archimeter.analysis.limits import MemoryBudget

    mine = row | {"memory": {"training": {"fixed_bytes": 1e9, "bytes_per_image": 1e8}}}
    known = shipped.with_models([mine])
    limit = int(1e9 + 32e8 + 2 * CONTEXT_BYTES)
    try:
        answer = recommend(Query(**SATELLITE, memory=(MemoryBudget(limit, 32, "training"),), top=1), known)
    except InputError as error:
        pytest.skip(f"the memory table is not shipped: {error}")
    assert answer.rows[-1].memory[0].peak_bytes == pytest.approx(4.2e9)
    assert answer.rows[-1].memory[0].verdict == "keeps"


def test_an_added_network_changes_nothing_for_the_others(shipped, row):
    alone = recommend(Query(**SATELLITE, top=5), shipped)
    beside = recommend(Query(**SATELLITE, top=5), shipped.with_models([row]))
    assert [r.weights for r in alone.rows] == [r.weights for r in beside.rows[:5]]
    for a, b in zip(alone.rows, beside.rows, strict=False):
        assert (a.expected.error, a.expected.low) == (b.expected.error, b.expected.low)


def test_its_own_results_elsewhere_say_how_good_ones_own_network_is(shipped, row):
    names = ("resnet18", "resnet34", "resnet50", "resnet101", "vgg11", "densenet121")

    def predicted(of_mine):
        rows = [own(d, name, 0.2) for d in ("cells", "leaves") for name in names]
        rows += [own(d, "net:build", of_mine) for d in ("cells", "leaves")]
        (mine,) = [
            r
            for r in recommend(Query(**SATELLITE, top=1), shipped.with_results(rows).with_models([row])).rows
            if r.custom
        ]
        return mine

    better, worse = predicted(0.05), predicted(0.6)
    assert better.expected.error < worse.expected.error
    assert better.rank < worse.rank
    assert better.support == "edge"


def test_rows_of_a_shipped_study_count_once_beside_it(shipped):
    (theirs, *_) = [row for row in load_rows("fastai") if row["status"] == "ok"]
    rows = [theirs, own("pets", "resnet50", 0.1)]
    assert [task.study for task in shipped.with_results(rows).own_tasks] == ["mine"]
    assert [task.study for task in shipped.with_results(rows, only=True).own_tasks] == ["fastai", "mine"]
    older = theirs | {"error": 0.123}  # called so before a study of that name was shipped
    assert [task.study for task in shipped.with_results([older]).own_tasks] == ["fastai"]


def test_a_stored_network_is_called_by_its_profile_and_brings_its_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path))
    network = {"backbone": "nets:build", "source": "file", "source_ref": "nets.py:build", "mode": "static"}
    network |= {"device": "meta", "input_shapes": ((3, 224, 224),)}
    with Store() as store:
        store.put_observations([Observation(study="s", dataset="d", backbone="nets.py:build", error=0.1)])
        store.put_profiles(
            [Profile(**network, params=10), Profile(**(network | {"backbone": "nets:other"}), params=20)]
        )
    (mine,) = own_rows()
    assert (mine["backbone"], mine["match"]) == ("nets:build", "architecture")
    assert [one["params"] for one in own_networks([mine])] == [10]


def test_unnamed_weights_are_the_defaults_but_for_their_own_effect(shipped):
    fitted = load_fitted()
    more = with_unnamed(fitted, ["resnet50", "no_such_net"], shipped)
    assert [*more.models[len(fitted.models) :]] == ["resnet50"]
    default = next(
        w for w, known in shipped.weights.items() if known["backbone"] == "resnet50" and known["is_default"]
    )
    i, j = fitted.place[default], more.place["resnet50"]
    assert np.array_equal(more.x[j], fitted.x[i])
    assert more.groups["family"][j] == fitted.groups["family"][i]
    assert more.groups["weights"][j] == -1
    assert with_custom(fitted, {}) is fitted


def test_own_results_lead_where_they_are_nearest(shipped):
    names = ["resnet18", "resnet50", "vgg11", "densenet121", "regnety_032", "efficientnet_b0"]
    rows = [own("cells", name, 0.30 - 0.02 * i) for i, name in enumerate(names)]
    answer = recommend(Query(recipe="fine-tune"), shipped.with_results(rows, only=True))
    assert [row.backbone for row in answer.rows] == names[::-1]
    assert answer.rows[0].expected is None
    assert answer.rows[0].results[0].study == "mine"


def test_own_results_beside_the_shipped_make_their_models_candidates(shipped):
    errors = {"vgg11": 0.001, "resnet18": 0.2, "resnet34": 0.1}
    rows = [own("planet", name, error) for name, error in errors.items()]
    plain = recommend(Query(**SATELLITE), shipped)
    beside = recommend(Query(**SATELLITE), shipped.with_results(rows))
    assert any(n.task.study == "mine" for n in beside.nearest)
    assert beside.n_candidates == plain.n_candidates  # in the place of their default weights


def test_only_without_any_result_says_how_to_get_some(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"archimeter import results\.csv"):
        own_rows(only=True)
    assert own_rows() == []


def test_the_store_and_a_file_both_count_as_own(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path))
    with Store(None, create=True) as store:
        store.put_observations([Observation(study="a", dataset="d", backbone="resnet18", error=0.1)])
    assert [row["backbone"] for row in own_rows()] == ["resnet18"]
    file = tmp_path / "mine.csv"
    file.write_text("dataset,backbone,accuracy\ncells,resnet50,81.5\ncells,vgg11,80.2\n")
    rows = own_rows(file)
    assert {row["backbone"] for row in rows} == {"resnet18", "resnet50", "vgg11"}
    (fifty,) = [row for row in rows if row["backbone"] == "resnet50"]
    assert fifty["error"] == pytest.approx(0.185)
    assert fifty["weights"] is None
