import pandas as pd
import pytest

from archimeter.data import results as module
from archimeter.data.errors import InputError
from archimeter.data.exporting import export_records
from archimeter.data.importing import import_results, read_results, stored
from archimeter.data.lake import write_part
from archimeter.data.records import Observation, Profile
from archimeter.data.resolving import KnownNames
from archimeter.data.results import known_names, load_own_profiles, load_results, results_alone
from archimeter.data.store import Store
from archimeter.data.tables import load_observations, load_profiles, load_rows

KNOWN = KnownNames(backbones=frozenset({"resnet50"}))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(KnownNames, "shipped", classmethod(lambda cls: KNOWN))


def result(error=0.1, **values):
    return Observation(
        **({"study": "mine", "dataset": "pets", "backbone": "resnet50", "error": error} | values)
    )


def test_without_results_of_ones_own_there_are_the_shipped_ones():
    pd.testing.assert_frame_equal(load_results(), load_observations())


def test_imported_results_stand_beside_the_shipped_ones():
    with Store() as store:
        store.put_observations([result()])
    shipped = load_observations()
    frame = load_results()
    assert len(frame) == len(shipped) + 1
    assert frame.iloc[-1]["study"] == "mine"
    assert list(frame.dtypes) == list(shipped.dtypes)


def test_only_ones_own_results_when_asked():
    with Store() as store:
        store.put_observations([result()])
    assert load_results(only=True)["study"].tolist() == ["mine"]


def test_only_without_any_says_how_to_get_some():
    with pytest.raises(InputError, match=r"archimeter import.*--results"):
        load_results(only=True)


def test_a_file_is_read_without_being_imported(tmp_path):
    path = tmp_path / "runs-of-may.csv"
    path.write_text("model,dataset,accuracy\nresnet50,pets,93\n")
    frame = load_results(path, only=True)
    assert frame[["study", "error"]].to_numpy().tolist() == [["runs-of-may", 0.07]]
    assert not (tmp_path / "home").exists()


def test_a_store_and_a_folder_of_parts_are_results_too(tmp_path):
    with Store(tmp_path / "other.db") as store:
        store.put_observations([result()])
    write_part(tmp_path / "lake", [result(0.3)], Observation)
    assert load_results(tmp_path / "other.db", only=True)["error"].tolist() == [0.1]
    assert load_results(tmp_path / "lake", only=True)["error"].tolist() == [0.3]
    assert load_results(only=True, store=tmp_path / "other.db")["error"].tolist() == [0.1]


def test_a_result_in_the_store_and_in_the_file_counts_once_as_the_file_has_it(tmp_path):
    with Store() as store:
        store.put_observations([result(0.1), result(0.9, dataset="other")])
    write_part(tmp_path / "lake", [result(0.3)], Observation)
    frame = load_results(tmp_path / "lake", only=True)
    assert frame[["dataset", "error"]].to_numpy().tolist() == [["other", 0.9], ["pets", 0.3]]


def test_a_very_large_folder_comes_as_means_over_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LAKE_ROWS", 3)
    write_part(tmp_path, [result(e / 10, replicate=e) for e in range(4)], Observation)
    (row,) = load_results(tmp_path, only=True).to_dict("records")
    assert row["n_replicates"] == 4
    assert row["error"] == pytest.approx(0.15)


def test_a_store_that_was_named_must_be_there(tmp_path):
    with pytest.raises(InputError, match="There is no store"):
        load_results(store=tmp_path / "nowhere.db")


def counted(params=1000, **values):
    same = {"backbone": "nets:build", "source": "file", "source_ref": "nets.py:build", "mode": "static"}
    same |= {"device": "meta", "input_shapes": ((3, 224, 224),), "params": params}
    return Profile(**(same | values))


def test_what_the_user_counted_comes_with_the_latest_last(tmp_path):
    assert load_own_profiles().empty
    with Store() as store:
        store.put_profiles(
            [
                counted(2, date="2026-02-01", torch_version="2.14"),
                counted(1, date="2026-01-01", torch_version="2.13"),
                counted(3, mode="inference", device="cpu"),
                counted(None, backbone="nets:broken", status="failed", reason="no net today"),
            ]
        )
    found = load_own_profiles()
    assert found["params"].tolist() == [1, 2]
    assert list(found.dtypes) == list(load_profiles().dtypes)
    with Store(tmp_path / "theirs.db") as store:
        store.put_profiles([counted(7, backbone="theirs:net")])
    assert set(load_own_profiles(tmp_path / "theirs.db")["backbone"]) == {"nets:build", "theirs:net"}
    assert set(load_own_profiles(store=tmp_path / "theirs.db")["backbone"]) == {"theirs:net"}


def test_a_network_that_was_profiled_is_known_in_a_file_and_counts_once_beside_its_import(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text("study,dataset,backbone,error\nmine,pets,nets.py:build,0.3\n", encoding="utf-8")
    assert load_results(file, only=True)[["backbone", "match"]].to_numpy().tolist() == [
        ["nets.py:build", "none"]
    ]
    with Store() as store:
        store.put_profiles([counted()])
    assert load_results(file, only=True)[["backbone", "match"]].to_numpy().tolist() == [
        ["nets:build", "architecture"]
    ]
    imported = read_results(file, keep_unknown=True, known=KNOWN)
    assert imported.observations[0].published_name == "nets.py:build"
    with Store() as store:
        stored(imported, store)
    assert load_results(file, only=True)["error"].tolist() == [0.3]


def test_the_names_of_profiled_networks_are_known_to_an_import(tmp_path):
    assert known_names() is KNOWN
    with Store() as store:
        store.put_profiles([counted()])
    with Store(tmp_path / "theirs.db") as store:
        store.put_profiles([counted(backbone="theirs:net", source_ref="theirs.py:net")])
    assert known_names().backbones == {"resnet50", "nets:build", "nets.py:build"}
    assert known_names(tmp_path / "theirs.db").backbones == {"resnet50", "theirs:net", "theirs.py:net"}


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_an_exported_study_counts_once_beside_the_shipped_and_alone_it_is_all(tmp_path, monkeypatch, ending):
    monkeypatch.undo()
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path / "home"))
    path = tmp_path / f"exported.{ending}"
    study = [Observation.from_row(row) for row in load_rows("logme-tllib-finetune")]
    assert {one.backbone for one in study if one.match == "none"} == {"googlenet"}  # timm has none
    export_records(study, path, Observation)
    shipped = load_observations()
    pd.testing.assert_frame_equal(load_results(path), shipped)
    alone = load_results(path, only=True)
    theirs = shipped[shipped["study"] == "logme-tllib-finetune"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, theirs)
    pd.testing.assert_frame_equal(results_alone(path), theirs)
    with Store() as store:
        assert import_results(path, store).written == (len(study), 0, 0)
    assert len(load_results()) == len(shipped)
    assert len(load_results(only=True)) == len(study)


@pytest.mark.parametrize(
    ("text", "wants_import"),
    [
        ("model,accuracy\nresnet50,0.9\n", True),
        ("model,accuracy,dataset\n,0.9,cells\n", True),
        ("model,accuracy,dataset\nresnet50,,cells\n", False),
    ],
)
def test_a_remedy_that_only_the_import_has_is_called_that(tmp_path, text, wants_import):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(InputError) as found:
        load_results(path)
    assert ("are options of `archimeter import mine.csv`" in str(found.value)) == wants_import
    assert ("--set" in str(found.value)) == wants_import
