"""A decision for the terminal: rich gives the colours and knows how wide Chinese is."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text as Styled

from oncogate.base.texts import Language
from oncogate.explain.prose import Prose
from oncogate.explain.rows import Row
from oncogate.explain.view import Forward, Section, view_of
from oncogate.explain.words import word
from oncogate.model.decision import Decision

_BANNER = {"block": "bold white on red", "warn": "bold black on yellow", "allow": "bold white on green"}
_TONE = {"critical": "bold white on red", "block": "bold red", "warn": "bold yellow", "inform": "bold cyan"}
_MARK = {"yes": ("✓", "green"), "no": ("✗", "red"), "none": ("–", "dim"), "unsure": ("?", "yellow")}


def render_text(decision: Decision, language: Language = "zh", *, everything: bool = False) -> RenderableType:
    """The decision as something that a rich console prints;"""
    view = view_of(decision, language, everything=everything)
    banner = Styled.assemble((f" {view.banner} ", _BANNER[view.outcome]), (f"  {view.means}", "bold"))
    if view.alarm:
        banner.append("   ").append(f" {view.alarm} ", _TONE["critical"])
    if view.counts:
        banner.append(f"   {view.counts}", "dim")
    parts: list[RenderableType] = [Prose(banner)]
    parts.append(_pairs((label, Styled(value)) for label, value in view.about))
    if view.critical:
        parts += ["", Styled(f" {word('critical.head', language)} ", _TONE["critical"])]
        parts += [_section(s, language) for s in view.critical]
    for section in view.findings:
        parts += ["", _section(section, language)]
    if not view.findings and not view.critical:
        parts += ["", Styled(word("nothing", language))]
    if view.forward is not None:
        parts += ["", Styled(word("next", language), "bold underline"), _indented(_forward(view.forward))]
    for key, lines in (
        ("obligations", view.obligations),
        ("notices", view.notices),
        ("loosened", view.loosened),
    ):
        if lines:
            parts += ["", Styled(word(key, language), "bold"), _indented(_list(lines))]
    for key, rows in (("shadow", view.shadow), ("others", view.others)):
        if rows:
            parts += ["", Styled(word(key, language), "bold"), _indented(_rules(rows))]
    return Group(*parts, "", _prose(f"{word('rules', language)}  {view.packs}", "dim"))


def _section(section: Section, language: Language) -> RenderableType:
    head = Styled.assemble((section.tag, _TONE[section.tone]), "  ", (section.heading, "bold"))
    pairs: list[tuple[str, RenderableType]] = [
        (word("result", language), _prose(v, "bold red")) for v in section.values
    ]
    if section.remedy:
        pairs.append((word("do", language), _prose(section.remedy, "bold")))
    if section.override:
        pairs.append((word("override", language), _prose(section.override)))
    if section.evidence:
        pairs.append((word("evidence", language), Group(*(_evidence(row) for row in section.evidence))))
    if section.limits:
        pairs.append((word("limits", language), Group(*(_prose(line, "dim") for line in section.limits))))
    pairs.append((word("rule", language), Styled(section.rule, "dim")))
    reason = [_prose(section.reason)] if section.reason else []
    return Group(Prose(head, 2), _indented(Group(*reason, _pairs(pairs))))


def _evidence(row: Row) -> Prose:
    mark, style = _MARK[row.mark]
    line = Styled(f"{mark} ", style)
    line.append(row.label, "default")
    if row.value:
        line.append(f"  {row.value}", "bold" if row.mark == "yes" else "default")
    if row.when:
        line.append(f"  {row.when}", "default")
    if row.why:
        line.append(f"  {row.why}", "dim" if row.mark == "none" else style)
    if row.source:
        line.append(f"  [{row.source}]", "dim")
    return Prose(line, 2)


def _prose(text: str, style: str = "") -> Prose:
    return Prose(Styled(text, style))


def _forward(forward: Forward) -> RenderableType:
    parts: list[RenderableType] = [_prose(forward.intro)]
    if forward.first:
        parts.append(_list((step.text for step in forward.first), numbered=True))
    if forward.either:
        parts.append(_prose(forward.either))
    for name, steps in forward.sets:
        parts += [Styled(name, "bold"), _indented(_list((step.text for step in steps), numbered=True))]
    if forward.left_intro:
        parts.append(_prose(forward.left_intro))
    if forward.left:
        parts.append(_list(forward.left))
    return Group(*parts)


def _list(lines: Iterable[str], *, numbered: bool = False) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    for number, line in enumerate(lines, 1):
        table.add_row(f"{number}." if numbered else "-", _prose(line))
    return table


def _rules(rows: Iterable[tuple[str, str, str]]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")  # gives way to the id, which one copies
    table.add_column(style="dim", no_wrap=True)
    for verdict, title, rule in rows:
        table.add_row(verdict, title, rule)
    return table


def _pairs(pairs: Iterable[tuple[str, RenderableType]]) -> RenderableType:
    rows = list(pairs)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True, width=max((cell_len(label) for label, _ in rows), default=0))
    table.add_column(overflow="fold")
    for label, value in rows:
        table.add_row(label, value)
    return table


def _indented(renderable: RenderableType) -> Padding:
    return Padding(renderable, (0, 0, 0, 2))
