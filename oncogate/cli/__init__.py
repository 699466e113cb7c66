"""The command line: `oncogate check · decide · rules · adopt · lint · test · diff · new · schema`."""

from __future__ import annotations

import sys

from oncogate.base.errors import missing_extra

EXTRA = frozenset({"typer", "click", "rich", "jinja2", "ruamel"})
"""What `oncogate[cli]` brings; the library itself needs none of it."""


def main() -> None:
    """Run the command line. Exits 2 and says what to install where the extra `cli` is not installed."""
    try:
        from oncogate.cli.app import app  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if not needs_extra(error):
            raise
        print(extra_message(error), file=sys.stderr)
        raise SystemExit(2) from None
    app()


def needs_extra(error: ModuleNotFoundError) -> bool:
    """Whether a module of the extra is what is missing."""
    return (error.name or "").partition(".")[0] in EXTRA


def extra_message(error: ModuleNotFoundError) -> str:
    """What to install."""
    return missing_extra("the command line", error, "cli")
