"""Staging systems, their groups, and reading a group as it is written: `ⅡB`, `III A`, `2B`, `局限期`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from oncogate.base import patterns

FLAGS = re.IGNORECASE | re.ASCII
_BASE = r"I(?:[ABC][123]?)?|II(?:[ABC][12]?)?|III(?:[ABCD][12]?)?|IV(?:[ABC][12]?)?"
GROUPS = {
    "tnm": patterns.compile(rf"0(?:a|is)?|IS|{_BASE}", FLAGS),
    "figo": patterns.compile(rf"{_BASE}|IIIA1\(ii?\)|IIIC[12]ii?|IIIC[12]?(?:[rp]|\([rp]\))", FLAGS),
    "lugano": patterns.compile(r"(?:IV|I{1,3})(?!.*A.*B|.*B.*A|.*([ABEXS]).*\1)[ABEXS]*", FLAGS),
    "cnlc": patterns.compile(r"I{1,3}[ab]|IV", FLAGS),
    "bclc": patterns.compile(r"[0ABCD]", FLAGS),
    "valg": patterns.compile(r"[LE]D", FLAGS),
    "binet": patterns.compile(r"[ABC]", FLAGS),
    "rai": patterns.compile(r"0|I{1,3}|IV", FLAGS),
    "iss": patterns.compile(r"I{1,3}", FLAGS),
    "durie-salmon": patterns.compile(r"I{1,3}[AB]?", FLAGS),
}
SYSTEMS = frozenset(GROUPS)
ALIASES = {"ann-arbor": "lugano", "r-iss": "iss", "ajcc": "tnm", "uicc": "tnm"}
SYSTEM_NAMES = {
    "tnm": ("TNM", "0, I–IV (IIB, IIIC1)"),
    "figo": ("FIGO", "I–IV (IB3, IIIC1r)"),
    "lugano": ("Ann Arbor/Lugano", "I–IV + A B E X S"),
    "cnlc": ("CNLC", "Ia Ib IIa IIb IIIa IIIb IV"),
    "bclc": ("BCLC", "0 A B C D"),
    "valg": ("VALG", "LD (局限期), ED (广泛期)"),
    "binet": ("Binet", "A B C"),
    "rai": ("Rai", "0–IV"),
    "iss": ("ISS/R-ISS", "I–III"),
    "durie-salmon": ("Durie-Salmon", "IA–IIIB"),
}
VALG_WORDS = {
    **dict.fromkeys(("ld", "limited", "limited disease", "ls-sclc", "局限", "局限性"), "LD"),
    **dict.fromkeys(("ed", "extensive", "extensive disease", "es-sclc", "广泛", "广泛性"), "ED"),
}

_GROUP = patterns.compile(r"(?P<prefix>[yr]{0,2}[cp]|[yra]|yr|ry) ?(?P<group>.+)", FLAGS | re.DOTALL)
ROMAN = {"1": "I", "2": "II", "3": "III", "4": "IV"}


@dataclass(frozen=True)
class Group:
    """A stage group as read, with its prefix letters."""

    value: str
    prefix: str
    systems: tuple[str, ...]  # those in which the value is valid


def is_group_of(group: str, system: str) -> bool:
    """Whether `system` has the group."""
    return GROUPS[system].fullmatch(group) is not None


def read_group(text: str, *, told: str, staged: bool) -> Group | None:
    """The group in `text`, or `None`. `told` is its system if known; `staged`: a label announced a stage.

    A bare digit other than 0 needs a label or a system, so that a stray `2` is not stage II; short forms
    that mean other things (`R0` margins, `AI`, `PI`) are not a prefix and a group.
    """
    text = unwrap(text.lstrip("-/:~ "))
    word = VALG_WORDS.get(" ".join(text.lower().strip(" -").split()))
    if word is not None:
        return Group(word, "", ("valg",))
    known = staged or bool(told)
    plain = _group_value(text, told)
    if plain is not None and (known or text not in ROMAN):
        return plain
    match = _GROUP.fullmatch(text)
    after = _group_value(match["group"], told) if match else None
    if match is None or after is None or not {"tnm", "figo"} & set(after.systems):
        return None
    prefix, raw = match["prefix"], match["group"]
    if raw.isdigit() and not (known and prefix[-1] in "cp"):
        return None
    if len(raw) == 1 and not known and not prefix.islower():
        return None
    return Group(after.value, prefix.lower(), after.systems)


def _group_value(raw: str, told: str) -> Group | None:
    value = re.sub(r" (?=[ABCDEXS(]|[123]$)", "", raw, flags=FLAGS).strip()
    if told == "lugano":
        value = re.sub(r"(?: ?bulky| ?大肿块)$", "X", value, flags=FLAGS)
    value = ROMAN.get(value[:1], value[:1]) + value[1:]
    systems = tuple(system for system in sorted(GROUPS) if is_group_of(value, system))
    return Group(value, "", systems) if systems else None


def shaped(group: str, system: str) -> str:
    """`group` in the letter case of its system: `IIB`, CNLC `IIb`, `0is`, `IIIC1r`, `IIIA1(i)`."""
    if system == "cnlc":
        return group[: len(group.rstrip("abAB"))].upper() + group[len(group.rstrip("abAB")) :].lower()
    if group.startswith("0"):
        return group.lower()
    head = re.match(r"[IV]*[A-EXSL]*[123]?", group, FLAGS)
    cut = head.end() if head else len(group)
    tail = group[cut:].lower()
    return group[:cut].upper() + (tail.strip("()") if tail.strip("()") in ("r", "p") else tail)


def unwrap(text: str) -> str:
    """`text` without a pair of brackets around the whole of it."""
    text = text.strip()
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for char in text[1:-1]:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth < 0:
            return text
    return text[1:-1].strip() if depth == 0 else text
