"""What the user's own results on other data sets change."""

import numpy as np
import pytest

from archimeter.analysis.evidence import Evidence, load_evidence
from archimeter.analysis.laboratory import as_evaluated, with_laboratory
from archimeter.analysis.prediction.forecast import Forecast, load_fitted
from archimeter.analysis.prediction.logits import expit
from archimeter.analysis.prediction.ranking import doubt_of, standing
from archimeter.analysis.query import Query
from archimeter.analysis.recommend import recommend

MODELS = (
    "regnety_032.ra_in1k",
    "resnet50.a1_in1k",
    "vgg16.tv_in1k",
    "densenet121.ra_in1k",
    "convnext_tiny.in12k",
)
DATA = {"domain": "remote-sensing", "n_train": 1000, "n_classes": 17}


@pytest.fixture(scope="module")
def fitted():
    return load_fitted()


@pytest.fixture(scope="module")
def models(fitted):
    return [name for name in MODELS if name in fitted.place]


def tasks(fitted, models, favourite, n_datasets, gain=1.0):
    """Results as they were expected, but for one model that is better; on data sets of any difficulty."""
    rows = [fitted.place[name] for name in models]
    expected = fitted.x[rows] @ fitted.slopes
    for name, at in fitted.groups.items():
        expected = expected + np.where(at[rows] >= 0, fitted.means[name][at[rows]], 0.0)
    found = []
    for d in range(n_datasets):
        logits = fitted.scale["trained"] * expected + d - 2
        logits = logits - fitted.scale["trained"] * gain * (np.array(models) == favourite)
        found += [
            {
                "study": "mine", "dataset": f"d{d}", "backbone": name.partition(".")[0], "weights": name,
                "match": "exact", "recipe": "fine-tune", "error": float(error), "metric": "top1",
                "status": "ok",
            }
            for name, error in zip(models, expit(logits), strict=True)
        ]  # fmt: skip
    return found


def moved(fitted, models, favourite, n_datasets, gain=1.0):
    """By how much every model's expected logit error moved."""
    evidence = Evidence.of(observations=tasks(fitted, models, favourite, n_datasets, gain))
    updated = with_laboratory(fitted, evidence.tasks)
    before, after = (Forecast.of(one, DATA, "fine-tune").mean for one in (fitted, updated))
    return after - before


def test_what_does_better_than_expected_here_is_expected_to_again(fitted, models):
    change = moved(fitted, models, models[0], 4)
    assert change[fitted.place[models[0]]] < 0
    assert change[fitted.place[models[0]]] == min(change)
    assert all(change[fitted.place[name]] > change[fitted.place[models[0]]] for name in models[1:])


def test_its_family_gains_less_and_other_families_hardly(fitted, models):
    change = moved(fitted, models, models[0], 4)
    family = fitted.groups["family"]
    own = family[fitted.place[models[0]]]
    tested = {fitted.place[name] for name in models}
    kin = [i for i in np.flatnonzero(family == own) if i not in tested]
    others = [i for i in range(len(family)) if family[i] not in {family[j] for j in tested}]
    assert change[kin].max() < 0
    assert change[kin].min() > change[fitted.place[models[0]]]
    assert np.abs(change[others]).max() < 1e-9


def test_one_data_set_says_less_than_many(fitted, models):
    at = fitted.place[models[0]]
    one, many = moved(fitted, models, models[0], 1)[at], moved(fitted, models, models[0], 8)[at]
    assert many < one < 0
    assert many > -fitted.scale["trained"]  # shrunk: never more than was seen


def test_results_as_expected_change_nothing(fitted, models):
    assert np.abs(moved(fitted, models, models[0], 5, gain=0.0)).max() < 1e-9


def test_two_models_are_too_few_to_tell(fitted, models):
    evidence = Evidence.of(observations=tasks(fitted, models[:2], models[0], 5))
    assert with_laboratory(fitted, evidence.tasks) is fitted


def test_own_results_reach_the_answer(fitted, models):
    shipped = load_evidence()
    query = Query(images=1000, classes=17, domain="remote-sensing", top=2000)

    def place(known):
        return next(row.rank for row in recommend(query, known).rows if row.weights == models[0])

    rows = tasks(fitted, models, models[0], 5)
    assert place(shipped.with_results(rows)) < place(shipped)


def test_measured_models_are_recommended_in_the_order_that_evaluate_scores(fitted):
    names = sorted(
        name
        for name in fitted.models
        if name.partition(".")[0]
        in ("resnet18", "resnet50", "resnet101", "convnext_tiny", "vgg16", "mixnet_s")
    )
    rng = np.random.default_rng(0)
    domains = {"ours-1": "remote-sensing", "ours-2": "natural", "ours-3": "natural"}
    errors = {name: dict(zip(domains, 0.05 + 0.2 * rng.random(3), strict=True)) for name in names}
    rows = [
        {
            "study": "mine", "dataset": dataset, "backbone": name.partition(".")[0], "weights": name,
            "match": "exact", "recipe": "fine-tune", "error": float(error), "metric": "top1", "status": "ok",
        }
        for name, own in errors.items()
        for dataset, error in own.items()
    ]  # fmt: skip
    facts = [{"dataset": name, "domain": domain} for name, domain in domains.items()]
    known = Evidence.of(observations=rows, datasets=facts)
    updated = as_evaluated(with_laboratory(fitted, known.tasks), known.tasks, "fine-tune", "remote-sensing")
    given = Forecast.of(updated, DATA, "fine-tune").mean[[fitted.place[name] for name in names]]
    at = [fitted.place[name] for name in names]
    table = np.array([[errors[name][dataset] for dataset in sorted(domains)] for name in names])
    x, slopes = fitted.x[at], fitted.slopes
    doubt = doubt_of(x, slopes, fitted.slopes_covariance)
    where = [domains[d] for d in sorted(domains)]
    scored = standing(table, where, "remote-sensing", x @ slopes, doubt)
    assert list(np.argsort(given)) == list(np.argsort(scored))
    few = Evidence.of(observations=rows[:12], datasets=facts)
    assert as_evaluated(fitted, few.tasks, "fine-tune", "natural") is fitted
    assert as_evaluated(fitted, known.tasks, "linear-probe", "natural") is fitted
