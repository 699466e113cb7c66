"""The Markdown of a card's detail. What comes from a record is text there, never markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from oncogate.base.texts import Language, Text
from oncogate.explain.rows import Row
from oncogate.explain.view import Forward, Section
from oncogate.explain.words import one_line, word
from oncogate.model.parameter import Source

_MARKUP = re.compile(r"([\\`*_\[\]<>|~&])")
_LINE_START = re.compile(r"^([#+-](?=\s|#)|\d+[.)](?=\s))")
_BREAK = re.compile(r"[\s，。、；：,;:/）)]")
_MARKS = {"yes": "✓", "no": "✗", "none": "○", "unsure": "?"}

_T = {
    "sources": Text(zh="依据", en="Sources"),
    "rest": Text(zh="其余提醒", en="Also"),
    "general_knowledge": Text(zh="一般知识，待核实", en="general knowledge, to be verified"),
}


def escaped(text: str) -> str:
    """`text` so that Markdown shows it as it is, on one line."""
    plain = _MARKUP.sub(r"\\\1", one_line(text)).strip()
    return _LINE_START.sub(lambda found: f"{found[1][:-1]}\\{found[1][-1]}", plain)


def shortened(text: str, most: int) -> str:
    """`text` on one line, of at most `most` characters however they are counted; cut after a word, with `…`.

    Counted are UTF-16 units, as a browser or Java does: never fewer than there are characters.
    """
    plain = one_line(text)
    if _length(plain) <= most:
        return plain
    kept = plain[: most - 1]
    while _length(kept) > most - 1:
        kept = kept[:-1]
    breaks = [found.start() for found in _BREAK.finditer(plain[: len(kept) + 1])]
    if breaks and breaks[-1] > len(kept) // 2:
        kept = kept[: breaks[-1]]
    return kept.rstrip(" ，。、；：,;:/\u200d\ufe0f") + "…"


def _length(text: str) -> int:
    return len(text) + sum(ord(c) > 0xFFFF for c in text)


class Detail:
    """A detail in the making: blocks of Markdown, in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.colon = "：" if language == "zh" else ": "
        self.blocks: list[str] = []

    @property
    def text(self) -> str:
        """The Markdown so far; empty if there is nothing to say."""
        return "\n\n".join(self.blocks)

    def finding(self, section: Section, sources: Sequence[Source]) -> None:
        """Why, what was found and didn't count, what to do, who may go on in spite of it, and by which sources."""
        self._add(escaped(section.reason))
        self._add("\n".join(f"- **{escaped(value)}**" for value in section.values))
        if section.remedy:
            self._add(f"{self._head('do')}{escaped(section.remedy)}")
        rows = [self._row(row) for row in section.evidence]
        self._block(word("evidence", self.language), rows)
        self._block(word("limits", self.language), [escaped(one) for one in section.limits])
        if section.override:
            self._add(f"{self._head('override')}{escaped(section.override)}")
        self._block(_T["sources"].in_(self.language), [self._source(one) for one in sources])

    def forward(self, forward: Forward | None) -> None:
        """The smallest sets of actions after which the order would pass."""
        if forward is None:
            return
        lines = [escaped(step.text) for step in forward.first]
        if forward.either:
            lines.append(escaped(forward.either))
        between = "；" if self.language == "zh" else "; "
        for name, steps in forward.sets:
            lines.append(f"{escaped(name)}{self.colon}{escaped(between.join(step.text for step in steps))}")
        self._add(f"**{word('next', self.language)}**")
        self._add(escaped(forward.intro))
        self._add("\n".join(f"- {one}" for one in lines))
        self._add(escaped(forward.left_intro))
        self._add("\n".join(f"- {escaped(one)}" for one in forward.left))

    def others(self, findings: Iterable[tuple[str, str, str, str, str]]) -> None:
        """Findings that get no card of their own: tag, title, reason, remedy and rule of each."""
        space = "" if self.language == "zh" else " "
        lines = [
            f"**{escaped(tag)}** {escaped(title)}{self.colon}{space.join(escaped(x) for x in (reason, remedy) if x)} ({escaped(rule)})"
            for tag, title, reason, remedy, rule in findings
        ]
        self._block(_T["rest"].in_(self.language), lines)

    def list(self, key: str, items: Sequence[str]) -> None:
        """A list under a heading of `words.WORDS`."""
        self._block(word(key, self.language), [escaped(one) for one in items])

    def _head(self, key: str) -> str:
        return f"**{word(key, self.language)}**{self.colon}"

    def _block(self, heading: str, items: Sequence[str]) -> None:
        if items:
            self._add("\n".join([f"**{heading}**", "", *(f"- {one}" for one in items)]))

    def _add(self, block: str) -> None:
        if block.strip():
            self.blocks.append(block)

    def _row(self, row: Row) -> str:
        parts = [row.label, row.value, row.when, row.why, row.source]
        return f"{_MARKS[row.mark]} " + " · ".join(escaped(part) for part in parts if part)

    def _source(self, source: Source) -> str:
        said = f": {source.says}" if source.says else ""
        weak = (
            f" ({_T['general_knowledge'].in_(self.language)})"
            if source.verification == "general_knowledge"
            else ""
        )
        return escaped(f"{source.cite}{said}{weak}")
