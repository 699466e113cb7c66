"""What a gene that the patient was born with says of an enzyme: deficient, reduced or normal."""

from __future__ import annotations

import re
from itertools import product

from oncogate.base.texts import Text
from oncogate.engine.case import Case
from oncogate.engine.derived import Derived, Options
from oncogate.engine.select import select
from oncogate.engine.standing import Standing
from oncogate.model.decision import Evidence
from oncogate.model.facts import word_key

LEVELS = ("normal", "reduced", "deficient")
"""From the mildest to the worst; the worst of several results counts."""

GERMLINE = "marker.germline"

_PAIR = re.compile(r"\*\w+/\*\w+", re.ASCII)
_DENIED = re.compile(r"未|无|非|阴性|排除|not|no\b|neg|without")
_UNREAD = Text(zh="结果写法未能判读", en="the result can't be read")


def gene_status(case: Case, options: Options) -> Derived:
    """The enzyme's status by the gene's results: a level, `None` where no result is there.

    `names` are the gene's names, the usual one first; `normal`, `reduced` and `deficient` list the spellings of the results.
    """
    selection = select(case, GERMLINE)
    names = {word_key(name) for name in _words(options, "names")}
    mine = [s for s in selection.standings if names & {word_key(m) for m in getattr(s.entry, "markers", ())}]
    each: list[frozenset[str | None]] = []
    evidence: list[Evidence] = []
    for standing in mine:
        row = standing.evidence(GERMLINE)
        if standing.counted is not False:
            level = _level(standing, names, options) if standing.counted else None
            each.append(
                frozenset({level}) if level else frozenset(LEVELS if standing.counted else (*LEVELS, None))
            )
            if standing.counted and level is None:
                row = row.model_copy(update={"counted": None, "why": "invalid", "detail": _UNREAD})
        evidence.append(row)
    evidence += [h.evidence(GERMLINE) for h in selection.hidden]
    if selection.hidden:
        each.append(frozenset({*LEVELS, None}))
    if not evidence:
        evidence.append(Evidence(fact=GERMLINE, counted=False, why="absent"))
    possible = frozenset(_worst(found) for found in product(*each))
    shown = [r.value for r in evidence if r.counted and r.value] if len(possible) == 1 else []
    return Derived(
        possible,
        tuple(evidence),
        (f"marker.{_words(options, 'names')[0]}",) if len(possible) > 1 or possible == {None} else (),
        tuple(Text(zh=value, en=value) for value in dict.fromkeys(shown)),
    )


def _worst(levels: tuple[str | None, ...]) -> str | None:
    return max((level for level in levels if level), key=LEVELS.index, default=None)


def _level(standing: Standing, names: set[str], options: Options) -> str | None:
    """The level that a result states; `None` where it isn't one of the spellings."""
    said = word_key(getattr(standing.entry, "result", None) or "")
    for name in sorted(names, key=len, reverse=True):
        said = said.replace(name, "")
    said = said.lstrip(":;,.-_()[]基因型结果为")
    spelled = {_ordered(word_key(w)): level for level in LEVELS for w in _words(options, level)}
    if (found := spelled.get(_ordered(said))) is not None:
        return found
    pairs = {_ordered(pair) for pair in _PAIR.findall(said)}
    if not pairs or _DENIED.search(said) or not pairs <= set(spelled):
        return None
    return _worst(tuple(spelled[pair] for pair in pairs))


def _ordered(said: str) -> str:
    """A genotype with its alleles in one order: `*28/*6` is `*6/*28`."""
    return "/".join(sorted(said.split("/"))) if _PAIR.fullmatch(said) else said


def _words(options: Options, name: str) -> tuple[str, ...]:
    value = options[name].value
    return value if isinstance(value, tuple) else (str(value),)
