"""What should be looked at in a layer's file: a regimen that no table knows may be the hospital's own, or misspelt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from oncogate.base.errors import Diagnostic, did_you_mean
from oncogate.packs.document import read_document
from oncogate.packs.tables import Tables


def lint_layer(path: Path, tables: Tables) -> Iterator[Diagnostic]:
    """The notes on one file, which has been loaded already."""
    document = read_document(path)
    known = {name for rows in tables.regimens.values() for row in rows for name in (row.id, row.title)}
    for tumour, regimens in (document.data.get("first_line") or {}).items():
        for index, regimen in enumerate(regimens):
            spelled = len(tables.regimen_keys(regimen)) > 1  # by its drugs, each of them known
            if not spelled and not tables.regimens_named(regimen):
                said = f"the table of regimens doesn't know `{regimen}`"
                help = did_you_mean(regimen, known) or "fine, if the hospital's orders name it so"
                yield document.diagnostic(("first_line", tumour, index), "lint-site-regimen", said, help)
