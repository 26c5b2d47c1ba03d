import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archimeter.data.errors import InputError, UnknownNameError
from archimeter.data.records import Observation, Profile
from archimeter.data.store import Store, Written, default_path, observation_key, profile_key


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "runs.db") as opened:
        yield opened


def result(**values):
    return Observation(
        **({"study": "mine", "dataset": "pets", "backbone": "resnet50", "error": 0.1} | values)
    )


def test_what_was_put_comes_back(store):
    profile = Profile(
        backbone="resnet50",
        input_shapes=((3, 224, 224),),
        macs_by_kind={"convolution": 3, "linear": 1},
        latencies_s=(0.01, 0.02),
        mode="inference",
    )
    assert store.put_profiles([profile]) == Written(1, 0, 0)
    assert store.put_observations([result(replicate=0)]) == Written(1, 0, 0)
    assert store.profiles() == [profile]
    assert store.observations() == [result(replicate=0)]
    assert store.profile(profile_key(profile)) == profile
    assert store.has(observation_key(result(replicate=0)))


def test_it_is_there_after_opening_again(tmp_path):
    with Store(tmp_path / "runs.db") as store:
        store.put_observations([result()])
    with Store(tmp_path / "runs.db", create=False) as store:
        assert store.observations() == [result()]


def test_putting_the_same_again_changes_nothing(store):
    assert store.put_observations([result()]) == Written(1, 0, 0)
    assert store.put_observations([result()]) == Written(0, 0, 1)
    assert store.put_observations([result(error=0.2)]) == Written(0, 1, 0)
    assert [o.error for o in store.observations()] == [0.2]


def test_a_failed_run_is_a_row_and_a_later_success_replaces_it(store):
    key = profile_key(Profile(backbone="x"))
    store.put_profiles([Profile(backbone="x", status="failed", reason="out of memory")])
    assert store.status(key) == "failed"
    assert store.has(key)
    assert not store.has(key, status="ok")
    store.put_profiles([Profile(backbone="x", macs=5)])
    assert store.profile(key) == Profile(backbone="x", macs=5)


def test_a_failure_never_replaces_a_success(store):
    store.put_profiles([Profile(backbone="x", macs=5)])
    store.put_profiles([Profile(backbone="x", status="failed", reason="killed")])
    store.put_observations([result()])
    store.put_observations([result(error=None, status="failed")])
    assert store.profiles() == [Profile(backbone="x", macs=5)]
    assert store.observations() == [result()]


def test_a_second_measurement_of_the_same_condition_keeps_what_it_did_not_measure(store):
    store.put_profiles([Profile(backbone="x", latencies_s=(1.0,), noisy=True, macs=5)])
    store.put_profiles([Profile(backbone="x", peak_memory_bytes=7, peak_memory_method="measured")])
    assert store.profiles()[0].latencies_s == (1.0,)
    assert store.profiles()[0].peak_memory_bytes == 7
    assert store.profiles()[0].macs == 5


def test_figures_that_belong_together_are_replaced_together(store):
    predicted = Profile(
        backbone="x", peak_memory_bytes=9, peak_memory_method="predicted", peak_memory_error=0.1
    )
    store.put_profiles([predicted, Profile(backbone="x", latencies_s=(1.0,), noisy=True)])
    store.put_profiles([Profile(backbone="x", peak_memory_bytes=7, peak_memory_method="measured")])
    store.put_profiles([Profile(backbone="x", latencies_s=(2.0,))])
    (profile,) = store.profiles()
    assert profile.peak_memory_error is None
    assert profile.noisy is None
    assert profile.latencies_s == (2.0,)


def test_a_call_writes_all_or_nothing(store):
    def some():
        yield result(dataset="a")
        yield result(dataset="b")
        raise RuntimeError("the sweep died")

    with pytest.raises(RuntimeError, match="died"):
        store.put_observations(some())
    infinite = Profile(backbone="x", energy_j=float("inf"))
    with pytest.raises(InputError, match="not finite"):
        store.put_profiles([Profile(backbone="y"), infinite])
    assert store.counts() == {"profiles": {}, "observations": {}}


def test_one_study_can_be_read_alone(store):
    store.put_observations([result(), result(study="other")])
    assert store.observations(study="other") == [result(study="other")]
    with pytest.raises(UnknownNameError, match="other"):
        store.observations(study="othr")


def test_threads_may_share_an_open_store(store):
    def work(number):
        for i in range(20):
            store.put_observations([result(dataset=f"d{number}", replicate=i)])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counts()["observations"] == {"ok": 80}


def test_check_names_rows_that_are_not_what_their_key_says(store):
    store.put_profiles([Profile(backbone="a"), Profile(backbone="b"), Profile(backbone="c")])
    edit = store._connection.execute
    edit("UPDATE profiles SET row = ? WHERE key = ?", ("{", profile_key(Profile(backbone="a"))))
    edit(
        "UPDATE profiles SET row = ? WHERE key = ?", ('{"backbone":"z"}', profile_key(Profile(backbone="b")))
    )
    problems = {problem.key: problem.message for problem in store.check()}
    assert "cannot be read" in problems[profile_key(Profile(backbone="a"))]
    assert profile_key(Profile(backbone="z")) in problems[profile_key(Profile(backbone="b"))]
    assert len(problems) == 2
    with pytest.raises(InputError, match="store check"):
        store.profiles()


def test_compacting_keeps_every_row_and_frees_space(store):
    store.put_profiles(Profile(backbone=f"b{i}", reason="x" * 500) for i in range(500))
    store._connection.execute("DELETE FROM profiles WHERE row LIKE '%b1%'")
    kept = store.profiles()
    before, after = store.compact()
    assert after < before
    assert store.profiles() == kept


def test_the_default_place_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path / "home"))
    assert default_path() == tmp_path / "home" / "runs.db"
    with Store() as store:
        assert store.path == tmp_path / "home" / "runs.db"
    monkeypatch.delenv("ARCHIMETER_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert default_path().name == "runs.db"
    assert "archimeter" in default_path().parts


def test_a_folder_means_the_store_in_it(tmp_path):
    with Store(tmp_path) as store:
        assert store.path == tmp_path / "runs.db"


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.sampled_from([None, 0, 1]),
            st.floats(0, 1),
            st.sampled_from(["ok", "failed", "incomplete"]),
        ),
        max_size=20,
    )
)
def test_the_store_is_a_dictionary_in_which_success_outlives_failure(tmp_path_factory, puts):
    expected = {}
    with Store(tmp_path_factory.mktemp("store") / "runs.db") as store:
        for dataset, replicate, error, status in puts:
            observation = result(dataset=dataset, replicate=replicate, error=error, status=status)
            store.put_observations([observation])
            key = observation_key(observation)
            if not (key in expected and expected[key].status == "ok" and status != "ok"):
                expected[key] = observation
        assert {observation_key(o): o for o in store.observations()} == expected
        assert store.check() == []
