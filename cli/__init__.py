"""The command line: parse, one library call, render. Imports neither torch nor plotly nor pandas."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..data.errors import ArchimeterError
from .render import fail

if TYPE_CHECKING:
    from collections.abc import Iterable

    app: typer.Typer

__all__ = ["app", "application", "main"]

JSON_CONTRACT = 1
"""Version of what `--json` prints: it grows when a key is renamed or removed, not when one is added."""

COMMANDS = {
    "profile": "profile:profile",
    "compare": "compare:compare",
    "report": "report:report",
    "correlate": "correlate:correlate",
    "claims": "claims:claims",
    "pareto": "pareto:pareto",
    "scaling": "scaling:scaling",
    "recommend": "recommend:recommend",
    "calibrate": "calibrate:calibrate",
    "evaluate": "evaluate:evaluate",
    "import": "importing:import_results",
    "export": "importing:export_results",
    "store": "store:store",
    "tables": "tables:tables",
}
"""Command → module of this package and its function or group, in the order of the help."""


def application(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Build the command line with these commands; reading the signatures of all takes a tenth of a second."""
    made = typer.Typer(
        name="archimeter",
        help="Measure vision backbones, and say which will fine-tune best on data nobody has measured yet.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain help comes in half the time
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    )
    made.callback()(_root)
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        command: Any = getattr(import_module(f".{module}", __name__), attribute)
        if isinstance(command, typer.Typer):
            made.add_typer(command, name=name)
        else:
            made.command(name)(command)
    return made


def __getattr__(name: str) -> typer.Typer:
    if name == "app":
        return application()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"archimeter {version('archimeter')} (json contract {JSON_CONTRACT})")
        raise typer.Exit


def _root(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; bad input exits with 1 and one message, Ctrl-C with 130, never a traceback."""
    asked = sys.argv[1:2]
    try:
        application(asked if asked and asked[0] in COMMANDS else COMMANDS)()
    except ArchimeterError as error:
        fail(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        fail("Interrupted. What was finished is kept; the same command continues.")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away (`| head`): nothing to say, and nobody to say it to
        sys.exit(0)
