"""What is built is what is in the repository: every module and every data file, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.xdist_group("wheel")  # built once


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from the sdist, as an installer would."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def tracked():
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout: there is no list of what belongs to the package")
    return set(done.stdout.split("\n")) - {""}


def test_every_module_and_data_file_is_in_the_wheel(wheel, tracked):
    outside = ("tests/", "benchmarks/", "docs/", ".")
    shipped = {
        name for name in tracked if not name.startswith(outside) and ("/" in name or name.endswith(".py"))
    }
    shipped = {name for name in shipped if not name.endswith(".gitkeep")}
    inside = {name.removeprefix("archimeter/") for name in zipfile.ZipFile(wheel).namelist()}
    assert shipped <= inside, f"not in the wheel: {sorted(shipped - inside)}"


def test_nothing_else_is_in_the_wheel(wheel, tracked):
    inside = {name.removeprefix("archimeter/") for name in zipfile.ZipFile(wheel).namelist()}
    inside = {name for name in inside if ".dist-info/" not in name}
    assert inside <= tracked, f"stray files in the wheel: {sorted(inside - tracked)}"


def test_the_wheel_answers_in_a_bare_environment(wheel, tmp_path):
    """Installed without dependencies, away from the sources, the records import."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    site = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    code = "import archimeter; print(archimeter.Profile(backbone='x').backbone, archimeter.__file__)"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.startswith(f"x {tmp_path}")
