"""The command line: parse, one library call, render. Imports neither torch nor plotly nor pandas."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..data.errors import ArchimeterError
from .claims import claims
from .compare import compare
from .correlate import correlate
from .evaluate import evaluate
from .importing import export_results, import_results
from .pareto import pareto
from .profile import profile
from .recommend import recommend
from .render import fail
from .report import report
from .scaling import scaling
from .store import store
from .tables import tables

__all__ = ["app", "main"]

JSON_CONTRACT = 1
"""Version of what `--json` prints: it grows when a key is renamed or removed, not when one is added."""

app = typer.Typer(
    name="archimeter",
    help="Measure vision backbones, and say which will fine-tune best on data nobody has measured yet.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help comes in half the time
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"archimeter {version('archimeter')} (json contract {JSON_CONTRACT})")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; bad input exits with 1 and one message, Ctrl-C with 130, never a traceback."""
    try:
        app()
    except ArchimeterError as error:
        fail(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        fail("Interrupted. What was finished is kept; the same command continues.")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away (`| head`): nothing to say, and nobody to say it to
        sys.exit(0)


app.command()(profile)
app.command()(compare)
app.command()(report)
app.command()(correlate)
app.command()(claims)
app.command()(pareto)
app.command()(scaling)
app.command()(recommend)
app.command()(evaluate)
app.command("import")(import_results)
app.command("export")(export_results)
app.add_typer(store, name="store")
app.command()(tables)
