"""Whether the order holds what the patient is allergic to: the drug, one of its class, or an excipient.

An allergy is written in many ways (`紫杉醇过敏`, `否认青霉素过敏；对卡铂过敏`, `hypersensitivity to docetaxel`). Drugs
are recognised by their whole names, as everywhere; words that no table knows (pollen, penicillin) match nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from oncogate.base.logic import Truth, some
from oncogate.base.texts import Text
from oncogate.clinical.names import drug_keys
from oncogate.engine.case import Case, OrderedDrug, in_classes
from oncogate.engine.derived import Derived, Options, known, unrecognised
from oncogate.engine.select import select
from oncogate.engine.wording import shown_value
from oncogate.model.decision import Evidence
from oncogate.model.record import Drug, Note
from oncogate.packs.tables import KnownDrug

ENTRY = "allergy.entry"
ENDED = frozenset({"inactive", "resolved", "refuted", "entered-in-error"})
"""Statuses of an allergy that the patient no longer has, or never had."""

UNTOLD = Text(
    zh="过敏记录或医嘱药品不够明确，无法核对", en="the allergy or the drug isn't precise enough to tell"
)

_OPEN, _CLOSE = "([{【〔「", ")]}】〕」"
_BRACKET = re.compile(f"[{re.escape(_OPEN)}][^{re.escape(_OPEN + _CLOSE)}]*[{re.escape(_CLOSE)}]?")
_CLAUSE = re.compile(r"[,;。!\n]+|\bbut\b|但")
_NEGATED = re.compile(
    r"(?:患者|既往|目前|暂)*\s*(?:否认|无(?!水)|没有|未发现|未见|未诉|排除|no\b|not\b|none\b|nil\b|denies|nkd?a\b)"
)
_REACTION = re.compile(
    r"过敏|反应|皮疹|瘙痒|休克|不耐受|allerg|hypersensitiv|anaphyla|reaction|rash|intoleran"
)
_JOINED = re.compile(r"[、/&+:]|和|及|与|或|\band\b|\bor\b")
_BEFORE = re.compile(
    r"(?:患者|既往|曾经?|有|因|对|于|使用|应用|输注|静滴|静脉|注射(?![用液])|服用|口服|疑似|可疑|怀疑|严重|重度|中度|轻度|过敏|"
    r"药物|药品|(?:severe|known|suspected|history of|prior|previous)\s+|"
    r"(?:allerg\w+|hypersensitiv\w*|anaphyla\w*|intoleran\w*|reactions?|infusion reactions?)(?:\s+(?:to|with|after|on))?\s+)+"
)
_AFTER = re.compile(
    r"(?:致|引起|导致|所致|后|出现|发生|过敏|不耐受|超敏|输液反应|输注反应|皮疹|皮肤?瘙痒|休克|反应|史(?:$|\s)|"
    r"[\s-]+(?:allerg|hypersensitiv|anaphyla|reaction|infusion|rash|intoleran|induced|causing|\d{4})).*$"
)


@dataclass(frozen=True)
class _Allergy:
    """One allergy on record: the words that may name a substance, and the drugs recognised among them."""

    entry: Note
    words: tuple[str, ...]
    drugs: tuple[KnownDrug, ...]

    @property
    def nameless(self) -> bool:
        """Whether nothing says what it is to: a mere code that isn't a drug's, or not even that."""
        return not self.drugs and not any(text.strip() for text in _texts(self.entry))


Match = Callable[[_Allergy, OrderedDrug], Truth]


NAMELESS = Text(zh="没有写明对什么过敏", en="it doesn't name what the allergy is to")


def allergy_to_drug(case: Case, options: Options) -> Derived:
    """Whether the order holds a drug that the patient is allergic to, by its substance."""
    return _matched(case, "allergy.to_drug", _same_drug)


def allergy_to_class(case: Case, options: Options) -> Derived:
    """Whether the order holds another drug of a class in which the patient is allergic to one.

    `groups` are the groups of drugs that count as classes; the fact's `vocabulary` has words for them.
    """
    said = options["groups"].value
    groups = frozenset(said if isinstance(said, tuple) else ())

    def of_class(allergy: _Allergy, drug: OrderedDrug) -> Truth:
        if drug.known is None or _same_drug(allergy, drug) is True:
            return False if drug.known else None
        named = {g for word in allergy.words if (g := _named(case, "allergy.to_class", word))}
        for one in allergy.drugs:
            named |= one.groups | ({one.id} & groups)
        return in_classes(drug.known, frozenset(named & groups)) if named & groups else False

    return _matched(case, "allergy.to_class", of_class)


def allergy_to_excipient(case: Case, options: Options) -> Derived:
    """Whether the order holds an injection with an excipient that the patient is allergic to.

    The fact's `vocabulary` has the words for the excipients; its values are the groups of drugs with them.
    """

    def with_excipient(allergy: _Allergy, drug: OrderedDrug) -> Truth:
        named = {g for word in allergy.words if (g := _named(case, "allergy.to_excipient", word))}
        if not named:
            return False
        return in_classes(drug.known, frozenset(named)) if drug.known else None

    return _matched(case, "allergy.to_excipient", with_excipient)


def _matched(case: Case, fact: str, match: Match) -> Derived:
    """True where an allergy matches a drug of an order against a tumour; unknown where the record may hide one."""
    against = case.has_drug(["anti_tumour"])
    if against is False:
        return known(False)
    hidden = select(case, ENTRY).hidden
    truths: list[Truth] = [None] if hidden else []
    evidence: list[Evidence] = []
    holding: list[Text] = []
    for allergy in _allergies(case):
        if allergy.nameless:
            truths.append(None)
            row = Evidence(
                fact=fact, entry=allergy.entry.id, source=allergy.entry.source, counted=None, why="invalid"
            )
            evidence.append(row.model_copy(update={"value": _said(allergy.entry), "detail": NAMELESS}))
            continue
        found = [(drug, truth) for drug in case.drugs if (truth := match(allergy, drug)) is not False]
        # a drug that nobody recognised matters only where the order is one against a tumour
        found = [(d, t) for d, t in found if t or d.known is not None or case.doubtful]
        if not found:
            continue
        truth = some(t for _, t in found)
        truths.append(truth)
        entry = allergy.entry
        said = _said(entry)
        evidence.append(
            Evidence(fact=fact, entry=entry.id, source=entry.source, counted=truth, why=None if truth else "invalid", value=said, time=entry.effective, detail=None if truth else UNTOLD)
        )  # fmt: skip
        evidence += [
            Evidence(fact="order.drugs", counted=True, value=d.label.zh, detail=d.known.label)
            if d.known
            else unrecognised("order.drugs", d)
            for d, t in found
            if t is truth
        ]  # fmt: skip
        if truth:
            holding.append(Text(zh=said, en=said))
    evidence += [h.evidence(ENTRY) for h in hidden]
    truth = some(truths)
    if truth is True and against is None:
        truth = None
    return Derived(
        frozenset({True, False} if truth is None else {truth}),
        tuple(evidence),
        (ENTRY,) if truth is None else (),
        tuple(holding),
    )


def _same_drug(allergy: _Allergy, drug: OrderedDrug) -> Truth:
    """Whether the allergy is one to this drug; an unrecognised name matches the same name, else it can't be told."""
    if drug.known is None:
        keys = {key for word in allergy.words for key in drug_keys(word)}
        return True if keys & set(drug_keys(drug.label.zh)) else None
    truths: list[Truth] = []
    for one in allergy.drugs:
        coarser = one.id in drug.known.perhaps or drug.known.id in one.perhaps
        truths.append(True if one.id == drug.known.id else None if coarser else False)
    return some(truths)


def _named(case: Case, fact: str, word: str) -> str | None:
    """The class or excipient that a word means."""
    vocabulary = case.facts[fact].vocabulary
    found = vocabulary.value_of(word) if vocabulary else None
    return found if vocabulary and found in vocabulary.values else None


def _allergies(case: Case) -> Iterator[_Allergy]:
    """The allergies that stand at the moment, dated or not."""
    for entry in case.record.allergies or ():
        if not case.stands(entry) or (entry.status or "") in ENDED:
            continue
        words = tuple(dict.fromkeys(w for text in _texts(entry) for w in words_of(text)))
        named = [case.tables.identify(Drug(name=word)) for word in words]
        coded = [case.tables.identify(Drug(code=c.code, system=c.system)) for c in entry.codes]
        yield _Allergy(entry, words, tuple(dict.fromkeys(k for k in (*named, *coded) if k is not None)))


def _texts(entry: Note) -> Iterator[str]:
    if entry.text:
        yield entry.text
    yield from (code.display for code in entry.codes if code.display)


def _said(entry: Note) -> str:
    shown = shown_value(entry) or next(
        (c.display or c.code for c in entry.codes if c.display or c.code), None
    )
    return shown or entry.kind


def words_of(text: str) -> tuple[str, ...]:
    """The words of an allergy's text that may name a substance; none of a clause that denies one.

    >>> words_of("否认青霉素过敏，对紫杉醇过敏")[-1]
    '紫杉醇'
    """
    words: list[str] = []
    folded = unicodedata.normalize("NFKC", text).casefold()
    for clause in _CLAUSE.split(folded):
        answer = clause.rpartition(":")[2].strip()  # 过敏史：无
        if _NEGATED.match(clause.strip()) or _NEGATED.match(answer):
            continue
        # a bracket may be a part of the name (白蛋白结合型); one that tells of the reaction isn't
        plain = _BRACKET.sub(lambda found: " " if _REACTION.search(found[0]) else found[0], clause)
        inside = [one.strip(_OPEN + _CLOSE + " ") for one in _BRACKET.findall(plain)]
        for part in (plain, *_JOINED.split(plain), *inside):
            if _NEGATED.match(part.strip()):
                continue
            words += _bare(part)
    return tuple(dict.fromkeys(word for word in words if word))


def _bare(part: str) -> Iterator[str]:
    """A part of a clause as it is, and without what is said about the reaction."""
    whole = part.strip()
    yield whole
    for start in (whole, _BEFORE.sub("", whole, count=1) if _BEFORE.match(whole) else whole):
        bare = _AFTER.sub("", start).strip()
        yield bare
        yield start.strip()
        if not bare.isascii():
            yield from bare.split()
