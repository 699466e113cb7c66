"""Reading the result text of a molecular marker: what it says of each marker, by a closed vocabulary.

`L858R突变`, `19外显子缺失`, `未检出突变`, `阳性(3+)`, `TPS 60%`, `EGFR 19del; ALK阴性` are read whole: every word
must be known, for one that isn't may negate the rest. What isn't understood is `unclear`, never a guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from oncogate.base.logic import Truth
from oncogate.clinical.marker_words import GENE_END, GENE_START, MSI_STATE, WORDS, Level, Word

__all__ = ["MAX_LENGTH", "Level", "Reading", "is_mutation", "read_result"]

MAX_LENGTH = 2000
"""Characters; a longer text is a whole report, and isn't read."""


@dataclass(frozen=True)
class Reading:
    """What a result text says of one marker.

    `found` are the alterations reported (`L858R`, `ex19del`, `fusion`, `mutation`, …), with `""` for a plain
    *positive*; `denied` those reported absent, `negative` says so of the marker as a whole. `levels` are numbers by
    scale (`TPS`, `CPS`, `IHC`, `percent`), `ish` is in-situ hybridisation. `shared` holds the markers of which at
    least one is meant (`RAS突变`). `failed`: pending, failed or insufficient, which is no result. `unclear`: not
    understood, or contradictory.
    """

    found: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    negative: bool = False
    levels: Mapping[str, Level] = field(default_factory=dict)
    ish: Truth = None
    shared: frozenset[str] = frozenset()
    failed: bool = False
    unclear: bool = False

    @property
    def silent(self) -> bool:
        """Whether nothing at all is said of the marker."""
        return self == Reading()


UNCLEAR = Reading(unclear=True)
FAILED = Reading(failed=True)


def read_result(
    text: str | None, markers: Collection[str], names: Mapping[str, frozenset[str]]
) -> Mapping[str, Reading]:
    """What `text` says of each of the entry's `markers`. Never raises.

    `names` are the markers' names, each with the markers that it means. A text that names no gene speaks of the
    entry's only marker; of a panel it speaks of none, which is `unclear`.
    """
    asked = frozenset(markers)
    if text is None or not text.strip() or len(text) > MAX_LENGTH:
        return dict.fromkeys(asked, UNCLEAR)
    genes = _genes(tuple(sorted((name, tuple(sorted(ids))) for name, ids in names.items())))
    alone = asked if len(asked) == 1 or asked in names.values() else frozenset()
    told: dict[str, Reading] = {}
    for segment in re.split(r"[;。\n\r|]+", unicodedata.normalize("NFKC", text)):
        for ids, reading in _segment(segment, genes, alone):
            for id in ids or asked:
                told[id] = _merged(told.get(id, Reading()), reading)
    return {id: _settled(told.get(id, UNCLEAR)) for id in asked}


# --- Words ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Genes:
    pattern: re.Pattern[str]
    ids: Mapping[str, frozenset[str]]


@lru_cache(maxsize=8)
def _genes(names: tuple[tuple[str, tuple[str, ...]], ...]) -> _Genes:
    """One pattern for all names of genes, the longest first; a name that says a result itself is none."""
    ids: dict[str, frozenset[str]] = {}
    for name, meant in names:
        plain = unicodedata.normalize("NFKC", name).casefold()
        if plain in ids:
            ids[plain] |= frozenset(meant)
        elif not any(w.kind in _TELLS for w in _words(plain, None)):
            ids[plain] = frozenset(meant)
    parts = []
    for name in sorted(ids, key=len, reverse=True):
        start = GENE_START if name[:1].isascii() else ""
        parts.append(start + re.escape(name) + (GENE_END if name[-1:].isascii() else ""))
    return _Genes(re.compile("|".join(parts) or r"(?!)", re.IGNORECASE), ids)


_TELLS = frozenset({"var", "change", "pos", "neg", "det", "state_msi", "ish", "ihc", "scale", "level", "low"})


def _words(text: str, genes: _Genes | None) -> Iterator[Word]:
    """The words of a text, one after the other; what isn't in the vocabulary is `unknown`."""
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        gene = genes.pattern.match(text, place) if genes and not MSI_STATE.match(text, place) else None
        if gene is not None and gene.end() > place:
            assert genes is not None
            yield Word("gene", gene[0], genes.ids[gene[0].casefold()])
            place = gene.end()
            continue
        found = next((made for pattern in WORDS if (made := pattern.read(text, place)) is not None), None)
        if found is None:
            yield Word("unknown", text[place])
            place += 1
        else:
            word, place = found
            yield word


# --- Statements ----------------------------------------------------------------------------------------------

_Said = tuple[frozenset[str], Reading]
"""Of which markers something is said (none: of all that the entry has), and what."""


def _segment(text: str, genes: _Genes, alone: frozenset[str]) -> Iterator[_Said]:
    """What a segment (up to a semicolon or full stop) says, of which markers."""
    words = _joined([w for w in _words(text, genes) if w.kind != "fill"])
    if not words:
        return
    named = frozenset(id for w in words for id in w.ids)
    kinds = {w.kind for w in words}
    if "failed" in kinds:
        yield named or alone, FAILED
        return
    if kinds & {"unknown", "unsure"}:
        yield named, UNCLEAR
        return
    about: list[frozenset[str]] = []
    denying = False
    for run in _runs(words):
        about = [w.ids for w in run if w.kind == "gene"] or about
        statement, bare, denies = _statement([w for w in run if w.kind != "gene"])
        if statement is None:
            continue
        if bare and denying and not any(w.kind == "exon" for w in run):
            statement = UNCLEAR  # `未检出EGFR突变，ALK融合`: the negation may go on
        denying = denying or denies
        if not about and any(w.kind == "state_msi" for w in run):
            yield _MSI, statement
        elif not about:
            yield alone, _of(alone, statement) if alone else UNCLEAR
        else:
            yield from ((ids, _of(ids, statement)) for ids in about)


_MSI = frozenset({"MSI"})
"""The marker that `MSI-H`, `pMMR` and their like are about, whatever else the panel holds."""


def _of(ids: frozenset[str], statement: Reading) -> Reading:
    """A statement on one name; of a positive one that means several markers, at least one is meant."""
    positive = bool(statement.found - {"low", "ultralow"}) or statement.ish is True
    return replace(statement, shared=ids) if len(ids) > 1 and positive else statement


def _joined(words: list[Word]) -> list[Word]:
    """`19外显子` and `缺失` as one alteration, `ex19del`; an exon without a change says only where."""
    made: list[Word] = []
    for word in words:
        last = made[-1] if made else None
        if word.kind == "change" and last is not None and last.kind == "exon" and len(last.text.split()) == 1:
            made[-1] = Word("var", f"ex{last.text}{word.text}")
        elif word.kind == "change":
            made.append(Word("var", word.text))
        else:
            made.append(word)
    return made


def _runs(words: list[Word]) -> Iterator[list[Word]]:
    """Runs between commas, and from one gene to the next where something was said of the first.

    A run with a state alone (`，均阴性`) belongs to what stands before it, where that has no state.
    """
    runs: list[list[Word]] = [[]]
    for word in words:
        run = runs[-1]
        said = any(w.kind != "gene" for w in run)
        negated = any(w.kind == "neg_before" for w in run)
        if word.kind == "comma":
            runs.append([])
        elif word.kind == "gene" and said and not negated:
            runs.append([word])
        else:
            run.append(word)
    merged: list[list[Word]] = []
    for run in (r for r in runs if r):
        state_only = all(w.kind in ("pos", "neg", "neg_before", "det", "both") for w in run)
        if merged and state_only and not _stated(merged[-1]):
            merged[-1] = [*merged[-1], *run]
        elif merged and all(w.kind == "gene" for w in merged[-1]) and any(w.kind == "gene" for w in run):
            merged[-1] = [*merged[-1], *run]  # `EGFR，ALK均阴性`
        else:
            merged.append(run)
    yield from merged


def _stated(run: list[Word]) -> bool:
    return any(
        w.kind in ("pos", "neg", "neg_before", "det", "plus", "ihc", "level", "state_msi") for w in run
    )


def _statement(words: list[Word]) -> tuple[Reading | None, bool, bool]:
    """What a run says; whether it names an alteration without a state; whether a negation stands before something."""
    together = any(w.kind == "both" for w in words)
    words = [w for w in words if w.kind not in ("scale", "both")]
    if not words:
        return None, False, False
    levels = {w.text: w.level for w in words if w.level is not None}
    if len(levels) < sum(w.level is not None for w in words):
        return UNCLEAR, False, False  # two numbers on one scale
    ish, exons = any(w.kind == "ish" for w in words), [w for w in words if w.kind == "exon"]
    core = [
        w for w in words if w.kind in ("var", "pos", "neg", "neg_before", "det", "plus", "low", "state_msi")
    ]
    made, bare, denies = _states(core, together)
    if made is None:
        return UNCLEAR, bare, denies
    one_exon = len(exons) == 1 and len(exons[0].text.split()) == 1
    if one_exon and (made.negative or made.denied == {"mutation"}):
        made = Reading(denied=frozenset({f"ex{exons[0].text}"}))  # of this exon alone
    elif exons and made.denied == {"mutation"}:
        made = Reading(negative=True)
    if ish and (made.found or made.negative or made.denied):
        truth = bool(made.found)
        keep = made.found & {"amplification", "fusion"}
        made = Reading(found=keep, ish=truth)
    elif ish and not levels:
        return None, False, False  # the method alone
    return replace(made, levels=levels), bare, denies


def _states(words: list[Word], together: bool) -> tuple[Reading | None, bool, bool]:
    """Alterations with the states that they stand beside; `None` where it can't be told which belongs to which.

    `together`: a state is said of all (`均阴性`). Without that, `19del、T790M阴性` may deny the last alone.
    """
    before = next((i for i, w in enumerate(words) if w.kind == "neg_before"), None)
    if before is not None:
        after = [w for w in words[before + 1 :] if w.kind != "det"]
        ahead = [w for w in words[:before] if w.kind != "det"]
        if any(w.kind != "var" for w in after) or (ahead and after):
            return None, False, True
        if any(w.kind not in ("var",) for w in ahead):
            return None, False, True
        denied = _particular({w.text for w in (after or ahead)})
        return Reading(denied=denied, negative=not denied), False, bool(after)
    found: set[str] = set()
    denied_: set[str] = set()
    negative = False
    waiting: list[str] = []
    last = ""
    bare = False
    for word in words:
        if word.kind == "var":
            waiting.append(word.text)
        elif word.kind == "neg" and len(_particular(set(waiting))) > 1 and not together:
            return None, False, False
        elif word.kind == "neg":
            denied_ |= _particular(set(waiting))
            negative = negative or not waiting
            waiting, last = [], "neg"
        elif word.kind == "det" and not waiting and word is not words[-1]:
            last = "det"  # `检出L858R`
        elif word.kind in ("pos", "det", "plus"):
            found |= set(waiting) or {"+" if word.kind == "plus" else ""}
            waiting, last = [], "pos"
        elif word.kind == "low":
            found.add(word.text)
            last = "pos"
        elif word.kind == "state_msi":
            if word.text == "+":
                found.add("")
            else:
                negative = True
            last = "pos" if word.text == "+" else "neg"
    if waiting:
        if last == "neg":
            return None, False, False
        bare = last == ""
        found |= set(waiting)
    return Reading(frozenset(found), frozenset(denied_), negative), bare, False


def _particular(named: set[str]) -> frozenset[str]:
    """`L858R突变` names L858R; `突变` alone any mutation."""
    return frozenset(named - {"mutation"} or named)


# --- Together ------------------------------------------------------------------------------------------------


def _merged(one: Reading, other: Reading) -> Reading:
    clash = any(one.levels[s] != other.levels[s] for s in one.levels.keys() & other.levels.keys())
    ish = one.ish if other.ish is None else other.ish
    clash = clash or (one.ish is not None and other.ish is not None and one.ish != other.ish)
    return Reading(
        one.found | other.found,
        one.denied | other.denied,
        one.negative or other.negative,
        {**one.levels, **other.levels},
        ish,
        one.shared | other.shared,
        one.failed or other.failed,
        one.unclear or other.unclear or clash,
    )


def _settled(reading: Reading) -> Reading:
    """The reading without what says nothing; contradictions and silence are unclear."""
    if reading == FAILED:
        return FAILED
    found = reading.found
    if found - _PLAIN:
        found -= _PLAIN  # `L858R突变`: the particular word tells
    contradictory = (
        (reading.negative and (bool(found - {"low", "ultralow"}) or reading.ish is True))
        or bool(found & reading.denied)
        or ("mutation" in reading.denied and any(is_mutation(f) for f in found))
    )
    if reading.silent or reading.unclear or reading.failed or contradictory:
        return UNCLEAR
    return replace(reading, found=found)


_PLAIN = frozenset({"", "+", "mutation"})


def is_mutation(alteration: str) -> bool:
    """Whether an alteration is a mutation: a changed protein, a deletion, an insertion, a skipped exon."""
    return alteration not in ("", "+", "fusion", "amplification", "low", "ultralow")
