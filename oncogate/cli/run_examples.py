"""`oncogate test`: the rules' own examples."""

from __future__ import annotations

from oncogate.authoring import coverage, examples
from oncogate.cli import console
from oncogate.cli.lint import Folder
from oncogate.packs.load import load_library


@console.command
def run_examples(folder: Folder = None) -> int:
    """Judge every example of the rules and compare with what it expects.

    Exit code 0: all as expected; 1: some not, each printed with its place; 2: the rules can't be used.
    """
    library = load_library([folder] if folder is not None else ())
    results = list(examples.run_examples(library))
    failed = [result.diagnostic for result in results if result.problem]
    passed = f"{len(results) - len(failed)} passed, {len(failed)} failed"
    seen = coverage.summary(coverage.coverages(library))
    console.write("\n".join([*(str(d) for d in failed), seen, passed]))
    return 1 if failed else 0
