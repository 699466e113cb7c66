"""`oncogate lint`: matters of good keeping in the rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oncogate.cli import console

Folder = Annotated[
    Path | None,
    typer.Argument(
        help="A rules folder, a pack or one rule file. Default: the shipped rules.",
        metavar="[DIR]",
        show_default=False,
    ),
]
Prove = Annotated[
    bool,
    typer.Option(
        "--prove",
        help="Prove, too, that each rule can speak, every condition matters, and no two rules contradict (some 20 s).",
    ),
]


@console.command
def lint(
    folder: Folder = None,
    site: Annotated[
        list[Path] | None,
        typer.Option("--site", help="A layer's file to look at, too; may be repeated.", metavar="FILE"),
    ] = None,
    prove: Prove = False,
) -> int:
    """Look for matters of good keeping in the rules.

    Exit code 0: none; 1: some, each printed with its place; 2: the rules can't be used.
    """
    from oncogate.authoring.lint import lint as lint_library  # noqa: PLC0415
    from oncogate.packs.load import load_library  # noqa: PLC0415

    folders = [folder] if folder is not None else ()
    library = load_library(folders, site or ())
    # the examples of the rules are shown without what a layer sets, such as its first-line regimens
    found = lint_library(load_library(folders) if site else library, site or ())
    walked = ""
    if prove:
        from oncogate.authoring.prove import prove as prove_library  # noqa: PLC0415 - slow to load, seldom asked for

        proof = prove_library(library)
        found = (*found, *proof.found)
        walked = f"; {proof.summary}"
    files = len(library.rules)
    summary = f"{files} {'rule' if files == 1 else 'rules'}, {len(found) or 'no'} {'problem' if len(found) == 1 else 'problems'}"
    console.write("\n".join([*(str(d) for d in found), summary + walked]))
    return 1 if found else 0
