import pandas as pd
import pytest

from archimeter.reports.measures import STATIC, available, metric_words, with_speeds


def test_seconds_per_image_are_one_over_the_throughput_at_the_profile_s_own_size(tables):
    profiles, (measure,) = with_speeds(tables.profiles, tables.benchmarks)
    assert measure.cost
    assert "RTX 4090" in measure.label
    assert "amp-float16" in measure.source
    assert profiles[measure.key].tolist() == pytest.approx([(n + 1) / 5000 for n in range(30)])


def test_a_benchmark_at_another_input_size_is_not_taken(tables):
    other = tables.benchmarks.assign(input_shapes="[[3,288,288]]")
    profiles, (measure,) = with_speeds(tables.profiles, other)
    assert profiles[measure.key].isna().all()


def test_settings_of_one_device_are_never_mixed(tables):
    slow = tables.benchmarks.head(10).assign(memory_format="channels_last", throughput=1.0)
    profiles, (measure,) = with_speeds(tables.profiles, pd.concat([tables.benchmarks, slow]))
    assert "contiguous" in measure.source
    assert profiles[measure.key].max() < 0.01


def test_a_statistic_that_never_varies_or_is_hardly_known_is_no_axis(tables):
    frame = tables.profiles.assign(blocks=3, feature_dim=[1, 2, 3, 4, *[None] * 26])
    keys = [measure.key for measure in available(STATIC, frame)]
    assert "macs" in keys
    assert "blocks" not in keys
    assert "feature_dim" not in keys


def test_metrics_are_told_in_words():
    assert metric_words("top1") == "top-1 accuracy"
    assert metric_words("quadratic-kappa") == "quadratic kappa"
