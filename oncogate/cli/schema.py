"""`oncogate schema`: the JSON Schemas of what goes in and out and of what is written by hand."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from oncogate.cli import console


class Form(str, Enum):
    """What there is a schema of; `packs.schema.NAMES` as choices."""

    REQUEST = "request"
    DECISION = "decision"
    RULE = "rule"
    FACTS = "facts"
    SITE = "site"


@console.command
def schema(form: Annotated[Form, typer.Argument(help="What to describe.", show_default=False)]) -> int:
    """Print a JSON Schema."""
    from oncogate.packs.schema import schema_text  # noqa: PLC0415

    console.write(schema_text(form.value))
    return 0
