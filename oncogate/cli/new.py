"""`oncogate new`: a rule file to fill in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oncogate.cli import console


@console.command
def new(
    id: Annotated[
        str,
        typer.Argument(
            help="The rule's id, named for the hazard: `my-hospital/anc-missing`.", show_default=False
        ),
    ],
    rules: Annotated[
        Path, typer.Option("--rules", help="The rules folder to write it into.", metavar="DIR")
    ] = Path("rules"),
) -> int:
    """Write a rule file with everything to fill in; it loads, and its examples hold, from the start.

    Exit code 0: written; 2: nothing was written.
    """
    from oncogate.authoring.new import new_rule  # noqa: PLC0415

    files = new_rule(id, rules)
    said = [f"wrote {file}" for file in files]
    console.write(
        "\n".join([*said, f"fill in what says TODO, then: oncogate lint {rules} && oncogate test {rules}"])
    )
    return 0
