"""Jobs on a real Ray cluster of several nodes on this machine."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pytest

from archimeter.data.errors import InputError, MissingPartError
from archimeter.data.store import Store
from archimeter.profilers import ray_sweep
from archimeter.profilers.execution import Job, run_local
from archimeter.profilers.machines import LocalMachine, RayMachine
from archimeter.profilers.ray_sweep import Slot, plan_slots, run_ray
from archimeter.profilers.survey import resolve_each, survey

pytestmark = pytest.mark.xdist_group("ray")


def _node(name, alive=True, **resources):
    return {"NodeID": name, "Alive": alive, "Resources": resources}


def _jobs(texts, **options):
    return [Job(key=str(i), function=eval, spec=text, **options) for i, text in enumerate(texts)]


def test_slots_follow_the_resources_in_turn():
    nodes = [_node("a", CPU=2.0, GPU=2.0), _node("b", CPU=4.0, GPU=1.0), _node("dead", alive=False, CPU=8.0)]
    cores = plan_slots(nodes, gpu=False, whole_node=False)
    assert [slot.node for slot in cores] == ["a", "b", "a", "b", "b", "b"]
    assert plan_slots(nodes, gpu=False, whole_node=True) == [Slot("a", 2, 0), Slot("b", 4, 0)]
    assert plan_slots(nodes, gpu=True, whole_node=False) == [
        Slot("a", 1, 1),
        Slot("b", 1, 1),
        Slot("a", 1, 1),
    ]


def test_ray_that_is_not_installed_is_said_with_the_remedy(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(MissingPartError, match=r"pip install 'archimeter\[ray\]'"):
        list(run_ray(_jobs(["1"])))


@pytest.fixture(scope="module")
def cluster():
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    patch = pytest.MonkeyPatch()
    patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.connect()
    yield cluster
    __import__("ray").shutdown()
    cluster.shutdown()
    patch.undo()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Ray's own sockets
def test_rows_are_those_of_the_local_run(cluster):
    texts = [f"{i} ** 3" for i in range(8)]
    texts[3] = "__import__('os').abort()"
    texts[5] = "__import__('time').sleep(600)"
    jobs = _jobs(texts, timeout_s=6, shareable=True)

    def rows(run):
        return {job.key: (o.status, o.value, o.error, o.exitcode, o.attempts) for job, o in run}

    assert rows(run_ray(jobs)) == rows(run_local(jobs))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_survey_on_a_cluster_fills_the_store_with_the_same_rows(cluster, tmp_path):
    (tmp_path / "net.py").write_text("def build():\n    raise KeyError('head')\n")
    targets, _ = resolve_each(["test_resnet", "test_vit", f"{tmp_path / 'net.py'}:build"])

    def rows(name, machine):
        with Store(tmp_path / name) as store:
            survey(targets, store=store, input_size=64, machine=machine)
            return {row.backbone: replace(row, date=None) for row in store.profiles()}

    with RayMachine() as machine:
        there = rows("there.db", machine)
        assert machine.device_names("cpu")
    assert there == rows("here.db", LocalMachine())
    assert there["net:build"].reason.startswith(f"{tmp_path / 'net.py'}:build raised KeyError")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_job_of_a_killed_node_is_done_on_another(cluster):
    lost = cluster.add_node(num_cpus=1, resources={"lost": 1})
    cluster.wait_for_nodes()
    server = (
        "(__import__('time').sleep(0.25), __import__('os').getppid(), {i})"  # each actor forks from its own
    )
    run = run_ray(_jobs([server.replace("{i}", str(i)) for i in range(60)], shareable=True))
    outcomes = {}
    for job, outcome in run:
        outcomes[job.key] = outcome
        if len({o.value[1] for o in outcomes.values()}) == 2:
            break
    cluster.remove_node(lost, allow_graceful=False)
    outcomes |= {job.key: outcome for job, outcome in run}
    assert sorted(outcomes, key=int) == [str(i) for i in range(60)]
    assert all(o.ok and o.value[2] == int(key) for key, o in outcomes.items())
    assert max(o.attempts for o in outcomes.values()) == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_cluster_without_a_gpu_is_refused_at_once(cluster):
    started = time.monotonic()
    with pytest.raises(InputError, match=r"The Ray cluster has no GPU: 1 CPUs and 0 GPUs\. Use --device cpu"):
        list(run_ray(_jobs(["1"]), gpu=True))
    assert time.monotonic() - started < 30


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_full_cluster_is_not_waited_for_for_ever(cluster, monkeypatch):
    import ray

    monkeypatch.setattr(ray_sweep, "START_LIMIT_S", 3.0)

    @ray.remote(num_cpus=1)
    class Neighbour:
        def pid(self):
            return os.getpid()

    neighbour = Neighbour.remote()
    ray.get(neighbour.pid.remote())
    with pytest.raises(
        InputError, match=r"gave us no room within 3 s: it has 1 CPUs and 0 GPUs, free are 0 CPUs"
    ):
        list(run_ray(_jobs(["1"])))
    ray.kill(neighbour)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_gpu_jobs_each_get_a_gpu_of_their_own(cluster):
    node = cluster.add_node(num_cpus=2, num_gpus=2)
    cluster.wait_for_nodes()
    text = "(__import__('time').sleep(1), __import__('os').environ['CUDA_VISIBLE_DEVICES'])"
    outcomes = [outcome for _, outcome in run_ray(_jobs([text] * 4), gpu=True)]
    assert sorted({outcome.value[1] for outcome in outcomes}) == ["0", "1"]
    cluster.remove_node(node)
