import subprocess
import sys

import pyarrow as pa
import pytest

from archimeter.data import build
from archimeter.data.errors import InputError, UnknownNameError
from archimeter.data.tables import TABLES, manifest, read_table


def test_every_table_rebuilds_to_the_same_bytes(raw, tmp_path):
    import json

    writer = json.loads((TABLES / "manifest.json").read_text(encoding="utf-8"))["pyarrow"]
    shipped = {entry.table: entry for entry in manifest()}
    for entry in build.build(raw, tmp_path):
        if writer == pa.__version__:
            assert (tmp_path / entry.file).read_bytes() == (TABLES / entry.file).read_bytes(), entry.table
            assert entry == shipped[entry.table]
        else:  # the version of pyarrow is part of the file
            assert read_table(tmp_path / entry.file).equals(read_table(TABLES / entry.file)), entry.table


def test_every_source_module_is_built():
    from importlib.resources import files

    modules = {
        path.name[:-3] for path in files("archimeter.data.sources").iterdir() if path.name.endswith(".py")
    }
    assert modules - {"__init__", *build.HELPERS} == set(build.SOURCES)


def test_every_table_made_from_raw_files_is_shipped():
    built = {entry.built_by for entry in manifest()}
    assert {f"archimeter.data.sources.{name}" for name in build.SOURCES} <= built


def test_a_missing_folder_or_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"raw folder .* does not exist"):
        build.build(tmp_path / "none")
    with pytest.raises(
        InputError, match=r"Source 'fastai' needs .*model_names_timm\.csv, which is not there"
    ):
        build.build(tmp_path, tmp_path / "out", ["fastai"])


def test_an_unknown_source_is_refused(tmp_path):
    with pytest.raises(UnknownNameError, match=r"Unknown source 'fastia'. Did you mean fastai"):
        build.build(tmp_path, tmp_path, ["fastia"])


@pytest.mark.parametrize(("arguments", "status"), [([], 2), (["a", "b", "c"], 2), (["/nowhere"], 1)])
def test_the_command_refuses_without_a_traceback(arguments, status):
    command = [sys.executable, "-m", "archimeter.data.build", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith(("usage:", "error:"))
