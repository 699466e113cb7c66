"""`oncogate rules`: what is active, on trial, adopted or switched off, and why."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oncogate.cli import console
from oncogate.cli.check import Language, Layers
from oncogate.cli.lint import Folder
from oncogate.model.rule import EFFECT_LABELS

if TYPE_CHECKING:
    from oncogate.authoring.status import RuleStatus


@console.command
def rules(
    folder: Folder = None,
    site: Layers = None,
    on: Annotated[
        str | None,
        typer.Option("--on", help="The day for which to list them. Default: today.", metavar="DATE"),
    ] = None,
    lang: Annotated[Language, typer.Option("--lang", help="The language of the text.")] = Language.ZH,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> int:
    """List the rules: active, on trial, adopted, switched off, and why; with how far their sources are verified.

    Exit code 0; 2: the rules can't be used.
    """
    from oncogate.authoring.status import statuses  # noqa: PLC0415
    from oncogate.packs.load import load_library  # noqa: PLC0415

    try:
        day = date.fromisoformat(on) if on else date.today()  # the command line may look at the clock
    except ValueError:
        raise typer.BadParameter("write a day as 2026-03-02", param_hint="--on") from None
    found = statuses(load_library([folder] if folder is not None else (), site or ()), day)
    console.write(_json(found) if as_json else _text(found, lang.value))
    return 0


def _text(found: tuple[RuleStatus, ...], language: Any) -> str:
    from oncogate.authoring.status import STATES, VERIFIED  # noqa: PLC0415

    lines = []
    for state, said in STATES.items():
        mine = [one for one in found if one.state == state]
        if mine:
            lines.append(f"{said.in_(language)} ({len(mine)})")
        for one in mine:
            title, why = one.title.in_(language), one.why.in_(language)
            lines.append(f"  {one.id}  [{EFFECT_LABELS[one.effect].in_(language)}] {title}")
            lines.append(f"      {why} · {VERIFIED[one.verification].in_(language)}")
    return "\n".join(lines)


def _json(found: tuple[RuleStatus, ...]) -> str:
    rows = [
        {
            "id": one.id, "state": one.state, "effect": one.effect, "verification": one.verification,
            "layer": one.layer, "title": one.title.model_dump(), "why": one.why.model_dump(),
        }
        for one in found
    ]  # fmt: skip
    return json.dumps(rows, ensure_ascii=False, indent=2)
