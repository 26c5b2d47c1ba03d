"""The mean-rank baselines that the evaluation is read against, as measured independently of this code."""

import numpy as np
import pytest

from archimeter.analysis.evaluation.measures import weighted_tau
from archimeter.analysis.prediction.panels import panels
from archimeter.analysis.prediction.ranking import mean_rank
from archimeter.data.tables import load_observations

PUBLISHED = {
    "sfda-cnn-finetune": (0.837, 0.001),
    "logme-tllib-finetune": (0.680, 0.001),
    "juodelyte-medmnist-archs": (0.500, 0.001),
    "aitlas-arena-finetune": (0.51, 0.005),
    "mieb-linear-probe": (0.708, 0.016),  # models without a result on some sets are handled differently
}


def leave_one_out(errors):
    taus = []
    for j in range(errors.shape[1]):
        order = mean_rank(np.delete(errors, j, axis=1))
        rated = ~np.isnan(errors[:, j]) & ~np.isnan(order)
        taus.append(weighted_tau(errors[rated, j], order[rated]))
    return float(np.mean(taus))


@pytest.mark.parametrize("study", PUBLISHED)
def test_mean_rank_scores_what_was_measured_elsewhere(study):
    (panel,) = panels(load_observations(study))
    expected, tolerance = PUBLISHED[study]
    assert leave_one_out(panel.errors) == pytest.approx(expected, abs=tolerance)


def test_mean_rank_on_biobench_counts_imagenet_and_every_task():
    rows = load_observations("biobench")
    cells = rows[rows["status"] == "ok"].pivot_table(
        index="published_name", columns="dataset", values="error", aggfunc="mean"
    )
    assert leave_one_out(cells.to_numpy()) == pytest.approx(0.679, abs=0.005)
