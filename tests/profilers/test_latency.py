import pytest
from hypothesis import given
from hypothesis import strategies as st

from archimeter.data.errors import InputError
from archimeter.profilers.clocks import CpuClock, CudaClock, clock_for
from archimeter.profilers.latency import (
    Protocol,
    Timing,
    batch_sizes,
    compare_steps,
    largest_fitting,
    time_step,
)


class FakeClock:
    """Time passes only when a step runs: `durations` in turn, then the last for ever."""

    def __init__(self, durations, *, share=1.0, tells=True):
        self.durations, self.share, self.tells = list(durations), share, tells
        self.seconds, self.timed = 0.0, 0

    def time(self, step):
        step()
        duration = self.durations[min(self.timed, len(self.durations) - 1)]
        self.timed += 1
        self.seconds += duration
        return duration

    def now(self):
        return self.seconds

    def busy(self):
        return self.seconds * self.share if self.tells else None

    def waited(self):
        return self.seconds * (1 - self.share) if self.tells else None


def nothing():
    return None


def test_warm_up_lasts_until_two_windows_agree_and_none_of_it_is_kept():
    slowing_down = [0.5, 0.4, 0.3, 0.2, 0.15] + [0.1] * 100
    timing = time_step(nothing, FakeClock(slowing_down))
    assert timing.settled
    assert timing.warmup_steps == 13  # the medians of steps 4-8 and 9-13 are the first to agree
    assert set(timing.samples_s) == {0.1}


def test_warm_up_that_never_settles_ends_and_says_so():
    clock = FakeClock([2.0**n for n in range(40)])
    timing = time_step(nothing, clock, Protocol(warmup_seconds=100, min_seconds=1, max_seconds=10))
    assert not timing.settled
    assert timing.warmup_steps == 7  # 1 + 2 + … + 64 = 127 s


def test_short_steps_are_sampled_for_three_seconds():
    timing = time_step(nothing, FakeClock([0.01]))
    assert timing.window_s == pytest.approx(3.0, abs=0.02)
    assert len(timing.samples_s) == timing.steps == pytest.approx(300, abs=2)


def test_long_steps_are_sampled_thirty_times():
    timing = time_step(nothing, FakeClock([0.5]))
    assert len(timing.samples_s) == 30


def test_very_long_steps_end_after_a_minute_with_what_they_have():
    assert len(time_step(nothing, FakeClock([20.0])).samples_s) == 3
    assert len(time_step(nothing, FakeClock([50.0])).samples_s) == 3


def test_tiny_steps_fill_the_time_but_not_the_memory():
    timing = time_step(nothing, FakeClock([1e-5]))
    assert 1000 <= len(timing.samples_s) <= 2000
    assert timing.window_s == pytest.approx(3.0, rel=0.1)
    assert timing.steps > 100_000


def test_every_sample_is_kept_in_order():
    durations = [1.0] * 10 + [1 + n / 1000 for n in range(30)]
    timing = time_step(nothing, FakeClock(durations))
    assert timing.samples_s == tuple(durations[10:])


def test_what_is_to_happen_between_warm_up_and_sampling_happens_there():
    clock = FakeClock([1.0])
    at = []
    timing = time_step(nothing, clock, on_warm=lambda: at.append(clock.timed))
    assert at == [timing.warmup_steps]


@pytest.mark.parametrize(("share", "contended"), [(1.0, False), (0.97, False), (0.9, True), (0.3, True)])
def test_a_step_that_had_to_wait_for_a_core_is_contended(share, contended):
    timing = time_step(nothing, FakeClock([0.1], share=share))
    assert timing.core_share == pytest.approx(share)
    assert timing.contended is contended


def test_a_device_that_does_not_tell_is_not_called_quiet():
    timing = time_step(nothing, FakeClock([0.1], tells=False))
    assert timing.contended is None


def test_noise_is_an_interquartile_range_above_a_tenth_of_the_median():
    assert not Timing(samples_s=(0.96, 0.98, 1.0, 1.02, 1.04)).noisy
    assert Timing(samples_s=(0.8, 0.9, 1.0, 1.1, 1.2)).noisy


def test_two_steps_are_timed_in_turn():
    order = []
    clock = FakeClock([0.2, 0.1] * 1000)
    comparison = compare_steps(lambda: order.append("A"), lambda: order.append("B"), clock)
    assert order[:6] == ["A", "B"] * 3
    assert order.count("A") == order.count("B")
    assert comparison.ratio.estimate == pytest.approx(2.0)
    assert comparison.ratio.low == comparison.ratio.high == pytest.approx(2.0)


def test_a_slowdown_of_the_machine_cancels_in_a_ratio():
    drifting = [d * (1 + i / 50) for i in range(200) for d in (0.3, 0.2)]
    ratio = compare_steps(nothing, nothing, FakeClock(drifting)).ratio
    assert ratio.low <= 1.5 <= ratio.high
    assert ratio.high - ratio.low < 0.2


def test_a_protocol_without_samples_is_refused():
    with pytest.raises(InputError, match="take at least 3"):
        Protocol(min_samples=2)


def test_batches_double_up_to_the_largest():
    assert list(batch_sizes(1)) == [1]
    assert list(batch_sizes(8)) == [1, 2, 4, 8]
    assert list(batch_sizes(11)) == [1, 2, 4, 8, 11]
    assert list(batch_sizes(0)) == []


@given(limit=st.integers(0, 5000), start=st.integers(1, 6000), most=st.integers(1, 4096))
def test_the_search_finds_the_largest_batch_that_runs(limit, start, most):
    tried = []
    found = largest_fitting(lambda b: tried.append(b) or b <= limit, start=start, most=most)
    assert found == min(limit, most)
    assert len(tried) <= 30
    assert len(set(tried)) == len(tried)


def test_the_cpus_clock_counts_seconds():
    clock = clock_for("cpu")
    assert isinstance(clock, CpuClock)
    before = clock.now()
    taken = clock.time(lambda: sum(range(10_000)))
    assert 0 < taken <= clock.now() - before
    assert clock.busy() > 0


class FakeCuda:
    """The part of torch.cuda that the clock uses; an event's time is the number of steps launched."""

    def __init__(self):
        self.calls, self.milliseconds = [], 0.0

    def device(self, name):
        import contextlib

        return contextlib.nullcontext(self.calls.append(f"device {name}"))

    def synchronize(self, name):
        self.calls.append("synchronize")

    def Event(self, *, enable_timing):  # noqa: N802  # torch's name
        assert enable_timing
        return FakeEvent(self)


class FakeEvent:
    def __init__(self, cuda):
        self.cuda, self.at = cuda, None

    def record(self):
        self.cuda.calls.append("record")
        self.at = self.cuda.milliseconds

    def synchronize(self):
        self.cuda.calls.append("wait")

    def elapsed_time(self, end):
        assert self.cuda.calls[-1] == "wait", "read before the device was done"
        return end.at - self.at


def test_on_cuda_a_step_lies_between_two_events_on_an_idle_device():
    cuda = FakeCuda()

    def step():
        cuda.calls.append("step")
        cuda.milliseconds += 12.5

    clock = CudaClock("cuda:1", cuda)
    assert clock.time(step) == pytest.approx(0.0125)
    assert cuda.calls == ["device cuda:1", "synchronize", "record", "step", "record", "wait"]
    assert clock.busy() is None
    assert clock.waited() is None


def test_the_protocol_runs_on_cudas_clock_as_well():
    cuda = FakeCuda()

    def step():
        cuda.milliseconds += 2.0

    clock = CudaClock("cuda", cuda)
    timing = time_step(step, clock, Protocol(min_seconds=0.0, max_seconds=5.0))
    assert set(timing.samples_s) == {0.002}
    assert timing.contended is None
