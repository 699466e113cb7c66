"""`oncogate adopt`: a rule on trial is made to count, with who reviewed it and by which source."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from oncogate.cli import console
from oncogate.cli.check import Folders


@console.command
def adopt(
    rules: Annotated[list[str], typer.Argument(help="The rules' ids.", metavar="RULE…")],
    site: Annotated[
        Path, typer.Option("--site", help="The layer's file; made if it isn't there.", metavar="FILE")
    ],
    reviewed_by: Annotated[
        str, typer.Option("--reviewed-by", help="Who reviewed the rules.", metavar="NAME")
    ],
    source: Annotated[str, typer.Option("--source", help="By which source.", metavar="TEXT")],
    on: Annotated[
        str | None, typer.Option("--date", help="The day of the review. Default: today.", metavar="DATE")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put this review in the place of an earlier one.")
    ] = False,
    folder: Folders = None,
) -> int:
    """Adopt rules that are on trial: from now on they count here.

    Exit code 0: written; 2: the rules or the file can't be used, and nothing was written.
    """
    from oncogate.authoring.adopt import Review  # noqa: PLC0415
    from oncogate.authoring.adopt import adopt as write  # noqa: PLC0415

    try:
        day = date.fromisoformat(on) if on else date.today()  # the command line may look at the clock
    except ValueError:
        raise typer.BadParameter("write a day as 2026-03-02", param_hint="--date") from None
    if day > date.today():
        raise typer.BadParameter("a review can't lie in the future", param_hint="--date")
    for name, text in (("--reviewed-by", reviewed_by), ("--source", source)):
        if not text.strip():
            raise typer.BadParameter("is empty", param_hint=name)
    write(rules, site, Review(reviewed_by.strip(), source.strip(), day), folder or (), replace_review=replace)
    console.write("\n".join(f"{id}: {site}" for id in rules))
    return 0
