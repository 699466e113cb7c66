"""`oncogate explain`: what a rule says and why, and what it is compiled to."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oncogate.base.errors import Diagnostic, PackError, did_you_mean
from oncogate.cli import console
from oncogate.cli.check import Language, Layers
from oncogate.cli.lint import Folder
from oncogate.model.rule import EFFECT_LABELS

if TYPE_CHECKING:
    from oncogate.packs.pack import InForce, LoadedRule


@console.command
def explain(
    rule: Annotated[str, typer.Argument(help="The rule's id.", metavar="RULE")],
    folder: Folder = None,
    site: Layers = None,
    lang: Annotated[Language, typer.Option("--lang", help="The language of the text.")] = Language.ZH,
    source: Annotated[
        bool, typer.Option("--source", help="Print the function that the rule is compiled to.")
    ] = False,
) -> int:
    """Say what a rule asks for, with its parameters and sources as they are in force today.

    Exit code 0; 2: there is no such rule, or the rules can't be used.
    """
    from oncogate.packs.load import load_library  # noqa: PLC0415

    library = load_library([folder] if folder is not None else (), site or ())
    loaded = next((one for one in library.rules if one.rule.id == rule), None)
    if loaded is None:
        hint = did_you_mean(rule, [one.rule.id for one in library.rules])
        raise PackError([Diagnostic("", 0, 0, "rule-unknown", f"there is no rule `{rule}`", hint)])
    force = library.in_force(date.today())  # the command line may look at the clock
    console.write(_source(loaded, force) if source else _text(loaded, force, lang.value))
    return 0


def _source(loaded: LoadedRule, force: InForce) -> str:
    from oncogate.engine.compile import Compiler  # noqa: PLC0415
    from oncogate.engine.listing import listing  # noqa: PLC0415

    rule = next(one for one in force.rules if one.id == loaded.rule.id)
    document = loaded.document
    text = document.path.read_text("utf-8-sig").splitlines()
    return listing(
        rule, Compiler(force.facts), str(document.path), lambda place: document.place(place)[0], text
    )


def _text(loaded: LoadedRule, force: InForce, language: Any) -> str:
    from oncogate.authoring.flow import flow  # noqa: PLC0415
    from oncogate.engine.values import written  # noqa: PLC0415

    rule = next(one for one in force.rules if one.id == loaded.rule.id)
    words, said = _WORDS[language], loaded.document.data
    lines = [
        f"{rule.id}  [{EFFECT_LABELS[rule.effect].in_(language)}] {rule.title.in_(language)}",
        f"  {rule.rationale.in_(language)}", "", words["when"],
        *(f"  - {flow(condition)}" for condition in said["when"]),
    ]  # fmt: skip
    if rule.require is not None:
        lines += [words["require"], *(f"  - {flow(condition)}" for condition in said["require"])]
    if rule.parameters:
        lines.append(words["parameters"])
    for name, parameter in rule.parameters.items():
        layer = force.set_by.get(rule.id, {}).get(name, rule.id.split("/")[0])
        lines.append(f"  {name}: {written(parameter).in_(language)} ({layer})")
    lines.append(words["sources"])
    lines += [
        f"  {key}: {one.cite} [{one.verification}]" + (f" {one.says}" if one.says else "")
        for key, one in rule.sources.items()
    ]
    return "\n".join([*lines, f"{words['file']}{loaded.path}"])


_WORDS = {
    "zh": {"when": "适用条件：", "require": "要求：", "parameters": "参数（设定者）：", "sources": "依据：", "file": "文件："},
    "en": {"when": "when:", "require": "require:", "parameters": "parameters (set by):", "sources": "sources:", "file": "file: "},
}  # fmt: skip
