"""The T, N and M categories: their grammar (AJCC/UICC, all tumours), prefixes and normalised notation."""

from __future__ import annotations

import re
from dataclasses import dataclass

from oncogate.base import patterns
from oncogate.clinical.stage_labels import Kind
from oncogate.clinical.stage_systems import FLAGS

PREFIX = r"(?:[yram]{0,2}[cp]|[yram]{1,2})?"
T_VALUES = r"X|0|is|a|1(?:mi|[abcd][123]?)?|2(?:[abcd][12]?)?|3[a-e]?|4[a-e]?"
N_VALUES = r"X|0[ab]?|1(?:mi|[abc])?|2[abc]?|3[abc]?"
M_VALUES = r"0|1(?:[a-e][12]?)?"
TNM = patterns.compile(
    rf"(?:^|(?<=[ (]))(?P<pt>{PREFIX})T ?(?P<t>{T_VALUES})(?P<st>\((?:m|s|mi|\d{{1,2}}|[a-z]{{2,6}})\))*"
    rf" ?(?P<pn>{PREFIX})N ?(?P<n>{N_VALUES})(?P<sn>\((?:i[+-]|mol[+-]|sn|f)\))*"
    rf" ?(?P<pm>{PREFIX})M ?(?P<m>{M_VALUES})(?P<sm>\((?:i\+|[01])\))?(?![a-hj-uw-z0-9+?]|[-/~至到或] ?[m0-9])",
    FLAGS,
)


@dataclass(frozen=True)
class Part:
    """One category as written: its letter, the prefix before it, its value without the letter."""

    letter: str
    prefix: str
    value: str
    written: str  # with its bracketed notes, e.g. `N0(i+)`


def _value(letter: str, raw: str) -> str:
    return "X" if raw.upper() == "X" else raw.lower()


def _notes(raw: str) -> str:
    """Bracketed notes of a category: the AJCC ones in their letter case, names such as DCIS as written."""
    text = raw.strip()
    return text if re.fullmatch(r"\([A-Za-z]{3,}\)", text) else text.lower()


def parts_of(match: re.Match[str]) -> list[Part]:
    """The three categories, with `c` given to the suffix or to the next prefix.

    `T1cN1cM0` can be read as T1c or T1 cN1. A `c` is the next category's prefix only where the writer
    plainly repeats prefixes (`cT1cN0cM0`) or mixes them (`pT3N1cM0`); else it is the suffix (`cT1cN1M0`).
    """
    values = {letter: _value(letter, match[letter]) for letter in "tnm"}
    prefixes = {letter: match["p" + letter].lower() for letter in "tnm"}
    before_n = values["t"].endswith("c") and match.end("t") == match.start("pn") == match.end("pn")
    before_m = values["n"].endswith("c") and match.end("n") == match.start("pm") == match.end("pm")
    first = prefixes["t"][-1:]
    repeats = first == "c" and before_n and (before_m or prefixes["m"] == "c")
    mixes = before_m and "p" in (prefixes["t"] + prefixes["n"])
    if repeats:
        values["t"], prefixes["n"] = values["t"][:-1], "c"
    if before_m and (repeats or mixes or prefixes["n"].endswith("c")):
        values["n"], prefixes["m"] = values["n"][:-1], "c"
    bounds = {"t": match.end("t"), "n": match.end("n"), "m": match.end("m")}
    ends = {"t": match.start("pn"), "n": match.start("pm"), "m": match.end()}
    return [
        Part(
            letter.upper(),
            prefixes[letter],
            values[letter],
            letter.upper() + values[letter] + _notes(match.string[bounds[letter] : ends[letter]]),
        )
        for letter in "tnm"
    ]


def rendered(parts: list[Part]) -> str:
    """The normalised notation; with blanks where it would else read otherwise (`T1 cN1M0`)."""
    plain, spaced = ("".join(gap + p.prefix + p.written for p in parts).strip() for gap in ("", " "))
    again = TNM.fullmatch(plain)
    same = again is not None and [(p.prefix, p.value) for p in parts_of(again)] == [
        (p.prefix, p.value) for p in parts
    ]
    return plain if same else spaced


def kind_of(parts: list[Part]) -> Kind | None:
    """p on T or N makes it pathologic; a prefix covers the categories after it that have none."""
    t, n, _ = parts
    letters = t.prefix + n.prefix
    if "p" in letters:
        return "pathologic"
    return "clinical" if "c" in letters else None
