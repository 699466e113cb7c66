"""`oncogate test`: the rules' own examples, and whether they notice what could be wrong in the rules."""

from __future__ import annotations

from typing import Annotated

import typer

from oncogate.cli import console
from oncogate.cli.lint import Folder
from oncogate.packs.rule_files import rule_folders


@console.command
def run_examples(
    folder: Folder = None,
    mutate: Annotated[
        bool,
        typer.Option("--mutate", help="Change one thing at a time in each rule: does an example notice?"),
    ] = False,
) -> int:
    """Judge every example of the rules and compare with what it expects.

    Exit code 0: all as expected; 1: some not, or a change that none noticed, each printed with its place; 2: the
    rules can't be used.
    """
    from oncogate.authoring import coverage, examples  # noqa: PLC0415
    from oncogate.packs.load import load_library  # noqa: PLC0415

    named = [folder] if folder is not None else []
    library = load_library(named)
    results = list(examples.run_examples(library))
    found = [result.diagnostic for result in results if result.problem]
    said = [
        coverage.summary(coverage.coverages(library)),
        f"{len(results) - len(found)} passed, {len(found)} failed",
    ]
    if mutate and not found:  # an example that fails already can't notice anything
        from oncogate.authoring.mutation import mutation  # noqa: PLC0415

        tried = mutation(library, rule_folders(named)[0])
        found, said = [*tried.diagnostics], [*said, tried.summary]
    console.write("\n".join([*(str(d) for d in found), *said]))
    return 1 if found else 0
