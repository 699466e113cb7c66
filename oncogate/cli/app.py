"""The commands, gathered."""

from __future__ import annotations

from typing import Annotated

import typer

from oncogate._version import __version__
from oncogate.cli.adopt import adopt
from oncogate.cli.check import check
from oncogate.cli.decide import decide
from oncogate.cli.diff import diff
from oncogate.cli.explain import explain
from oncogate.cli.lint import lint
from oncogate.cli.new import new
from oncogate.cli.rules import rules
from oncogate.cli.run_examples import run_examples
from oncogate.cli.schema import schema
from oncogate.cli.serve import serve

app = typer.Typer(
    name="oncogate",
    help="Judges oncology orders against pre-treatment rules: block or warn, with reasons.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"oncogate {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Judges oncology orders against pre-treatment rules: block or warn, with reasons."""


app.command("check")(check)
app.command("decide")(decide)
app.command("lint")(lint)
app.command("test")(run_examples)
app.command("explain")(explain)
app.command("rules")(rules)
app.command("adopt")(adopt)
app.command("diff")(diff)
app.command("new")(new)
app.command("serve")(serve)
app.command("schema")(schema)
