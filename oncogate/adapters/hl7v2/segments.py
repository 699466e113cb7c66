"""A message's text as segments, fields, repetitions and components, split by the delimiters that it declares."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from oncogate.base.once import once

Decode = Callable[[bytes], str]
"""Reads bytes that a message wrote in hexadecimal, in the message's own encoding."""


@dataclass(frozen=True)
class Delimiters:
    """The separators and the escape character of a message, from MSH-1 and MSH-2; an empty one is not declared."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    @staticmethod
    def of(header: str) -> Delimiters | None:
        """Those of a text that begins with MSH; `None` if it declares none that can be told apart."""
        separator = header[3:4]
        declared = header[4:].partition(separator)[0] if separator else ""
        marks = separator + declared[:4]
        if not declared or len(set(marks)) < len(marks) or any(c.isalnum() or c.isspace() for c in marks):
            return None
        return Delimiters(separator, *(declared[n : n + 1] for n in range(4)))

    @property
    def declared(self) -> str:
        """MSH-2 as it is written."""
        return self.component + self.repetition + self.escape + self.subcomponent

    def divide(self, text: str, separator: str) -> list[str]:
        """The parts between the separators; all of it if that separator isn't declared."""
        return text.split(separator) if separator else [text]

    @once
    def _escaped(self) -> re.Pattern[str]:
        mark = re.escape(self.escape)
        known = r"[FSTREPHN]|\.[a-z]{2}[+-]?\d{0,3}|X(?:[0-9A-Fa-f]{2})+"
        return re.compile(f"{mark}({known}){mark}")

    def unescape(self, text: str, decode: Decode) -> str:
        """The text that is meant. Highlighting is left out, `.br` ends a line; what isn't a known sequence stays."""
        if not self.escape or self.escape not in text:
            return text
        meant = {
            "F": self.field, "S": self.component, "T": self.subcomponent, "R": self.repetition, "E": self.escape,
            "P": "#", "H": "", "N": "",
        }  # fmt: skip

        def said(found: re.Match[str]) -> str:
            sequence = found[1]
            if sequence[0] == "X":
                return decode(bytes.fromhex(sequence[1:]))
            if sequence[0] == ".":
                return "\n" if sequence[1:3] in ("br", "sp", "ce") else " " if sequence[1:3] == "sk" else ""
            return meant[sequence]

        return self._escaped.sub(said, text)

    def escaped(self, text: str) -> str:
        """The text as it may stand in a field."""
        marks = dict(
            zip(
                (self.escape, self.field, self.component, self.repetition, self.subcomponent),
                "EFSRT",
                strict=True,
            )
        )
        marks.pop("", None)
        if not self.escape:
            return "".join(" " if c in marks else c for c in text)
        written = "".join(f"{self.escape}{marks[c]}{self.escape}" if c in marks else c for c in text)
        return f"{self.escape}.br{self.escape}".join(re.split(r"[\r\n]+", written))


USUAL = Delimiters()


@dataclass(frozen=True)
class Segment:
    """One segment; `number` counts those of its kind in the message, and fields count as the standard counts them.

    `ended` is false for a last segment after which no end is marked: its last field may be cut off.
    """

    id: str
    number: int
    fields: list[str] = field(repr=False)
    delimiters: Delimiters = field(repr=False)
    decode: Decode = field(repr=False)
    ended: bool = True

    def place(self, position: int | None = None) -> str:
        """Where a field stands, for people: `OBX[3]-5`."""
        where = f"{self.id}[{self.number}]"
        return where if position is None else f"{where}-{position}"

    def raw(self, position: int) -> str:
        """A field as it is written; empty if there is none."""
        return self.fields[position] if position < len(self.fields) else ""

    def text(self, position: int, component: int = 1) -> str:
        """A component of a field's first repetition, unescaped and without blanks around it; empty for the null (`""`)."""
        first = self.delimiters.divide(self.raw(position), self.delimiters.repetition)[0]
        return self.parts(first)[component]

    def whole(self, position: int) -> str:
        """A field whole, whatever separators stand in it unescaped."""
        return self._plain(self.raw(position))

    def repetitions(self, position: int) -> list[str]:
        """The repetitions of a field that say anything, as they are written."""
        found = self.delimiters.divide(self.raw(position), self.delimiters.repetition)
        return [one for one in found if one.strip() not in ("", '""')]

    def first(self, position: int) -> Parts:
        """The components of the first repetition that says anything."""
        return self.parts(next(iter(self.repetitions(position)), ""))

    def parts(self, repetition: str) -> Parts:
        """The components of a repetition."""
        return Parts([self._plain(p) for p in self.delimiters.divide(repetition, self.delimiters.component)])

    def _plain(self, written: str) -> str:
        plain = self.delimiters.unescape(written, self.decode).strip()
        return "" if plain == '""' else plain


class Parts:
    """Components, counted from 1; one that isn't there is empty."""

    def __init__(self, found: list[str]) -> None:
        self.found = found

    def __getitem__(self, component: int) -> str:
        return self.found[component - 1] if component <= len(self.found) else ""

    def __len__(self) -> int:
        return len(self.found)


_ID = re.compile(r"[A-Z][A-Z0-9]{2}")


def split_segments(text: str, delimiters: Delimiters, decode: Decode) -> tuple[list[Segment], list[str]]:
    """The segments of a message, and the places of lines that aren't segments.

    A segment ends with CR, LF or both. A lone LF that no segment follows is part of a field.
    """
    separator = re.escape(delimiters.field)
    said = text.rstrip()
    ended = any(mark in text[len(said) :] for mark in "\r\n")
    lines = re.split(rf"\r\n?|\n(?=[A-Z][A-Z0-9]{{2}}(?:{separator}|\r|\n|$))", said)
    seen: Counter[str] = Counter()
    segments: list[Segment] = []
    strange: list[str] = []
    for line in lines:
        if not line.strip():
            continue
        id, *fields = line.split(delimiters.field)
        if not _ID.fullmatch(id.strip()):
            after = segments[-1].place() if segments else "the beginning"
            strange.append(after)
            continue
        id = id.strip()
        seen[id] += 1
        fields = [id, delimiters.field, *fields] if id == "MSH" else [id, *fields]
        segments.append(Segment(id, seen[id], fields, delimiters, decode, ended or line is not lines[-1]))
    return segments, strange
