"""`oncogate diff`: what loosened and what tightened between two versions of rules."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from oncogate.base.texts import Language as Language_
from oncogate.base.texts import Text
from oncogate.cli import console
from oncogate.cli.check import Language

KINDS = {
    "loosened": Text(zh="放宽", en="loosened"), "tightened": Text(zh="收紧", en="tightened"),
    "untold": Text(zh="未定", en="untold"), "neutral": Text(zh="不影响判定", en="decides nothing else"),
}  # fmt: skip
ADDED, REMOVED = Text(zh="新增", en="new"), Text(zh="删除", en="removed")
UNTOLD = Text(
    zh="判定条件有改动，但没有找到判定结果不同的请求；如确属等价改写，只升补丁号即可",
    en="what decides is another, and no request was found that is judged otherwise; if it is only a rewording, a patch will do",
)


@console.command
def diff(
    old: Annotated[Path, typer.Argument(help="The rules as they were: a folder, a pack or one file.")],
    new: Annotated[Path, typer.Argument(help="The rules as they are now.")],
    lang: Annotated[Language, typer.Option("--lang", help="The language of the text.")] = Language.ZH,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> int:
    """Say what loosened and what tightened, each with the smallest request that shows it, and which version that takes.

    Exit code 0: nothing loosened, or the new major version says so; 1: something loosened and the version doesn't
    say so; 2: the rules can't be used.
    """
    from oncogate.authoring.diff import diff as compare  # noqa: PLC0415
    from oncogate.packs.load import load_library  # noqa: PLC0415

    found = compare(load_library([old]), load_library([new]))
    console.write(_json(found) if as_json else "\n".join(_lines(found, lang.value)))
    return 1 if found.hidden else 0


def _lines(found: Any, language: Language_) -> list[str]:
    lines = [f"{Text(zh='目录有改动', en='tables').in_(language)}: {said}" for said in found.tables]
    for pack in found.packs:
        lines.append(_headline(pack, language))
        for one in pack.rules:
            lines.append(f"  {KINDS[one.kind].in_(language)}  {one.rule}")
            lines += [f"      {_what(said, language)}" for said in one.what]
            lines += [f"      {one.shown}"] if one.shown else []
            lines += [f"      {UNTOLD.in_(language)}"] if one.kind == "untold" else []
    return lines or [Text(zh="没有差别", en="no difference").in_(language)]


def _what(said: str, language: Language_) -> str:
    return {"+": ADDED, "-": REMOVED}.get(said, Text(zh=said, en=said)).in_(language)


def _headline(pack: Any, language: Language_) -> str:
    before, after = (version or "-" for version in (pack.before, pack.after))
    line = f"{pack.id} {before} → {after}"
    if pack.level is not None:
        line += Text(zh=f"  需升 {pack.level}", en=f"  takes {pack.level}").in_(language)
        line += f": {pack.suggested}" if pack.suggested else ""
    if pack.hidden:
        line += Text(
            zh="  有放宽，版本号未体现", en="  something loosened and the version doesn't say so"
        ).in_(language)
    return line


def _json(found: Any) -> str:
    packs = [
        {
            "id": pack.id, "before": pack.before, "after": pack.after, "level": pack.level, "suggested": pack.suggested,
            "hidden": pack.hidden, "rules": [dataclasses.asdict(one) for one in pack.rules],
        }
        for pack in found.packs
    ]  # fmt: skip
    return json.dumps({"packs": packs, "tables": found.tables}, ensure_ascii=False, indent=2, default=str)
