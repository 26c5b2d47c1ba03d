"""What the README shows is what the commands print."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
EXAMPLES = re.findall(
    r"```console\n\$ (archimeter [^\n]+)\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
)


def test_the_readme_has_examples():
    assert len(EXAMPLES) >= 3


@pytest.mark.parametrize(("command", "expected"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_an_example_prints_what_the_readme_shows(command, expected, tmp_path):
    environment = os.environ | {"ARCHIMETER_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "archimeter", *shlex.split(command)[1:]],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip() == expected.rstrip()


def test_every_command_is_documented():
    from archimeter.cli import app

    names = {c.name or c.callback.__name__ for c in app.registered_commands if c.callback}
    names |= {group.name for group in app.registered_groups}
    text = README.read_text(encoding="utf-8")
    assert not [name for name in sorted(names) if f"archimeter {name}" not in text]


def test_every_command_has_help_with_an_example():
    from archimeter.cli import app

    for command in app.registered_commands:
        text = command.callback.__doc__ or ""
        assert re.search(r"Examples?: archimeter", text), command.callback.__name__
