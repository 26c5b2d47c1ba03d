import types

import pytest

from archimeter.data.errors import InputError, MissingPartError
from archimeter.profilers import devices
from archimeter.profilers.conditions import Condition
from archimeter.profilers.devices import (
    DeviceWatch,
    device_name,
    free_memory_bytes,
    nvml_handle,
    require_device,
)
from archimeter.profilers.energy import EnergyMeter


class FakeNvml:
    """The part of pynvml that is asked, for one GPU."""

    class NVMLError(Exception):
        pass

    def __init__(self, *, millijoules=(), reasons=0, pids=(), supported=True):
        self.millijoules, self.reasons, self.pids, self.supported = (
            list(millijoules),
            reasons,
            pids,
            supported,
        )

    def nvmlInit(self):  # noqa: N802
        pass

    def nvmlDeviceGetHandleByUUID(self, uuid):  # noqa: N802
        if uuid != "GPU-abc":
            raise self.NVMLError(uuid)
        return "handle"

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):  # noqa: N802
        if not self.supported:
            raise self.NVMLError("not supported")
        return self.millijoules.pop(0)

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle):  # noqa: N802
        return self.reasons

    def nvmlDeviceGetComputeRunningProcesses(self, handle):  # noqa: N802
        return [types.SimpleNamespace(pid=pid) for pid in self.pids]


def fake_cuda(count=1, name="NVIDIA H100 80GB HBM3", uuid="abc"):
    return types.SimpleNamespace(
        is_available=lambda: count > 0,
        device_count=lambda: count,
        get_device_name=lambda index: name,
        mem_get_info=lambda index: (70 * 2**30, 80 * 2**30),
        get_device_properties=lambda index: types.SimpleNamespace(uuid=uuid),
    )


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        ("AMD EPYC 7763 64-Core Processor", "AMD EPYC 7763"),
        ("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "Intel Xeon Platinum 8375C"),
        ("AMD Ryzen 7 5800U with Radeon Graphics", "AMD Ryzen 7 5800U"),
        ("AMD EPYC", "AMD EPYC"),
    ],
)
def test_a_cpu_is_named_as_a_person_would(tmp_path, cpuinfo, name):
    path = tmp_path / "cpuinfo"
    path.write_text(f"processor\t: 0\nmodel name\t: {cpuinfo}\nstepping : 1\n")
    assert devices._cpu_model(path) == name


def test_a_cpus_threads_are_part_of_its_name():
    assert device_name("cpu", threads=1).endswith(", 1 thread")
    assert device_name("cpu", threads=8).endswith(", 8 threads")


def test_a_gpu_is_named_with_its_maker():
    assert device_name("cuda", cuda=fake_cuda()) == "NVIDIA H100 80GB HBM3"
    assert device_name("cuda", cuda=fake_cuda(name="GeForce RTX 4090")) == "NVIDIA GeForce RTX 4090"


def test_a_missing_gpu_is_said_with_what_to_do():
    require_device("cpu")
    require_device("cuda:1", fake_cuda(count=2))
    with pytest.raises(MissingPartError, match=r"no device 'cuda:2': torch sees 2 .* --device cpu"):
        require_device("cuda:2", fake_cuda(count=2))
    with pytest.raises(MissingPartError, match="torch sees 0"):
        require_device("cuda", fake_cuda(count=0))


def test_free_memory_heeds_the_containers_limit(tmp_path):
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("400\n")
    assert devices._cgroup_headroom(tmp_path) == 600
    (tmp_path / "memory.max").write_text("max\n")
    assert devices._cgroup_headroom(tmp_path) > 2**50
    assert 0 < free_memory_bytes("cpu") < 2**50
    assert free_memory_bytes("cuda", fake_cuda()) == 70 * 2**30


def test_nvml_finds_the_gpu_by_its_uuid():
    nvml = FakeNvml()
    assert nvml_handle("cuda", nvml, fake_cuda()) == (nvml, "handle")
    assert nvml_handle("cuda", nvml, fake_cuda(uuid="other")) is None
    assert nvml_handle("cpu", nvml) is None


def test_throttling_and_company_are_noticed():
    nvml = FakeNvml(reasons=0x4 | 0x40, pids=[1, 2])
    watch = DeviceWatch("cuda", (nvml, "handle"))
    watch.start()
    assert watch.notes() == (
        "2 other process(es) on the GPU",
        "clocks lowered by its power limit",
        "clocks lowered by heat (hardware)",
    )


def test_an_idle_gpu_of_ones_own_gives_no_note():
    watch = DeviceWatch("cuda", (FakeNvml(reasons=0x1), "handle"))  # clocks low because idle
    watch.start()
    assert watch.notes() == ()


def test_a_containers_quota_is_noticed(tmp_path):
    stat = tmp_path / "cpu.stat"
    stat.write_text("nr_periods 10\nnr_throttled 3\n")
    watch = DeviceWatch("cpu", cpu_stat=stat)
    watch.start()
    assert watch.notes() == ()
    stat.write_text("nr_periods 90\nnr_throttled 8\n")
    assert watch.notes() == ("the container's CPU quota stopped the process in 5 period(s)",)


def test_energy_is_millijoules_shared_by_the_steps():
    meter = EnergyMeter("cuda", (FakeNvml(millijoules=[1_000_000, 1_600_000]), "handle"))
    meter.start()
    assert meter.joules_per_step(100, 3.0) == pytest.approx(6.0)


def test_energy_is_absent_where_nobody_counts():
    cpu = EnergyMeter("cpu")
    cpu.start()
    assert cpu.joules_per_step(100, 3.0) is None
    old = EnergyMeter("cuda", (FakeNvml(supported=False), "handle"))
    old.start()
    assert old.joules_per_step(100, 3.0) is None
    short = EnergyMeter("cuda", (FakeNvml(millijoules=[0, 9]), "handle"))
    short.start()
    assert short.joules_per_step(1, 0.2) is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"device": "gpu"}, "Device 'gpu' is not known; give cpu, cuda or cuda:N"),
        ({"device": "cuda:x"}, "Device 'cuda:x'"),
        ({"batch_size": 0}, "batch size is 0"),
        ({"dtype": "int8"}, "dtype is 'int8'; allowed: float32, tf32, amp-float16, amp-bfloat16"),
        ({"dtype": "tf32"}, "TF32 is a format of CUDA devices"),
        ({"optimiser": "lion"}, "allowed: sgd, adamw"),
        ({"mode": "static"}, "allowed: inference, training"),
        ({"memory_format": "nhwc"}, "allowed: contiguous, channels_last"),
    ],
)
def test_a_condition_says_what_it_does_not_know(wrong, message):
    with pytest.raises(InputError, match=message):
        Condition(**wrong)


def test_switches_are_as_before_afterwards():
    import torch
    from timm.layers import use_fused_attn

    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32, use_fused_attn()
    with Condition(device="cuda", dtype="tf32", attention_fused=False).active():
        assert torch.backends.cuda.matmul.allow_tf32
        assert torch.backends.cudnn.allow_tf32
        assert not use_fused_attn()
        assert not torch.backends.cuda.flash_sdp_enabled()
    with Condition(device="cuda").active():
        assert not torch.backends.cudnn.allow_tf32
    after = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32, use_fused_attn()
    assert after == before
    assert torch.backends.cuda.flash_sdp_enabled()
