"""The rules of the house: who imports whom, and what stays out of the shell's way."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("data", "profilers", "finetune", "zoo", "analysis", "reports", "cli")
MAY_IMPORT = {
    "data": set(),
    "zoo": set(),
    "profilers": {"data"},
    "finetune": {"data", "profilers", "zoo"},
    "analysis": {"data"},
    "reports": {"data", "analysis"},
    "cli": set(ROOMS),
}
HEAVY = {
    "torch": {"profilers", "finetune", "zoo"},
    "timm": {"profilers", "finetune", "zoo"},
    "fvcore": {"profilers"},
    "plotly": {"reports"},
    "ray": {"profilers", "finetune"},
}
MODULES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def imports(path):
    """Yield (level, dotted module, names) of every import statement, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield 0, alias.name, ()
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or "", tuple(alias.name for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_imports_only_the_rooms_it_may(path):
    room, *inner = path.relative_to(ROOT).parts
    for level, module, names in imports(path):
        if level == len(inner) + 1:  # up to the root of the package
            targets = {module.split(".")[0]} if module else set(names)
            rooms = targets & set(ROOMS)
            assert rooms <= MAY_IMPORT[room] | {room}, f"{path}: {room} imports {rooms}"
        if level == 0:
            top = module.split(".")[0]
            assert top != "archimeter", f"{path}: import relatively"
            assert top not in ROOMS, f"{path}: a second copy of the room {top}"
            assert room in HEAVY.get(top, {room}), f"{path}: {top} stays out of {room}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_has_room_for_one_noun(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= 400, f"{path.relative_to(ROOT)} has {lines} lines: a room is missing"


def loaded_after(code):
    script = f"import sys\n{code}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("code", ["import archimeter", "import archimeter.cli"])
def test_the_front_door_loads_nothing_heavy(code):
    heavy = {"torch", "timm", "fvcore", "plotly", "pandas", "scipy", "statsmodels", "sklearn", "ray"}
    assert not loaded_after(code) & heavy


def test_every_public_name_is_there():
    import archimeter

    for name in archimeter.__all__:
        assert getattr(archimeter, name) is not None


def test_every_public_function_says_what_it_does():
    import archimeter

    silent = [name for name in archimeter.__all__ if not (getattr(archimeter, name).__doc__ or "").strip()]
    assert not silent
