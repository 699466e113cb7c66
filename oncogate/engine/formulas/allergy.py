"""Whether the order holds what the patient is allergic to: the drug, one of its class, or an excipient.

An allergy is written in many ways (`紫杉醇过敏`, `否认青霉素过敏；对卡铂过敏`, `hypersensitivity to docetaxel`). Drugs
are recognised by their whole names, as everywhere; words that no table knows (pollen, penicillin) match nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from oncogate.base.logic import Truth, some
from oncogate.base.texts import Text
from oncogate.clinical.allergy_text import names_no_drug, words_of
from oncogate.clinical.names import drug_keys
from oncogate.engine.case import Case, OrderedDrug, in_classes
from oncogate.engine.derived import Derived, Options, drug_evidence, known, unrecognised
from oncogate.engine.select import select
from oncogate.engine.wording import shown_value
from oncogate.model.decision import Evidence
from oncogate.model.record import Drug, Note
from oncogate.packs.codes import SNOMED
from oncogate.packs.tables import KnownDrug

ENTRY = "allergy.entry"
ENDED = frozenset({"inactive", "resolved", "refuted", "entered-in-error"})
"""Statuses of an allergy that the patient no longer has, or never had."""

UNTOLD = Text(
    zh="过敏记录或医嘱药品不够明确，无法核对", en="the allergy or the drug isn't precise enough to tell"
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

    @property
    def unsaid(self) -> bool:
        """Whether it is an allergy, maybe to a drug, and every text leaves open to which."""
        texts = [text for text in _texts(self.entry) if text.strip()]
        return not self.drugs and self.entry.kind not in OTHER_KINDS and all(map(names_no_drug, texts))


Match = Callable[[_Allergy, OrderedDrug], Truth]


NAMELESS = Text(zh="没有写明对什么过敏", en="it doesn't name what the allergy is to")
UNSAID = Text(zh="没有写明对哪种药物过敏", en="it doesn't say which drug the allergy is to")
OTHER_KINDS = frozenset({"food", "environment", "biologic", "食物", "环境"})
"""Kinds of allergies that aren't to a drug."""
NO_ALLERGY = frozenset({"716186003", "409137002", "429625007", "428607008"})
"""SNOMED CT (general knowledge): no known allergy; none to a drug, a food, the environment."""


def allergy_to_drug(case: Case, options: Options) -> Derived:
    """Whether the order holds a drug that the patient is allergic to, by its substance.

    Unknown with an allergy of which the drug isn't said, or an order against a tumour that lists no drug: told here
    alone, and not by class and excipient again.
    """
    return _matched(case, "allergy.to_drug", _same_drug, unsaid=True)


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


def _matched(case: Case, fact: str, match: Match, *, unsaid: bool = False) -> Derived:
    """True where an allergy matches a drug of an order against a tumour; unknown where the record may hide one."""
    against = case.has_drug(["anti_tumour"])
    if against is False:
        return known(False)
    hidden = select(case, ENTRY).hidden
    truths: list[Truth] = [None] if hidden else []
    evidence: list[Evidence] = []
    holding: list[Text] = []
    for allergy in _allergies(case):
        if allergy.nameless or allergy.unsaid:
            if allergy.nameless or unsaid:
                truths.append(None)
                evidence.append(_row(allergy.entry, None, NAMELESS if allergy.nameless else UNSAID))
            continue
        found = [(drug, truth) for drug in case.drugs if (truth := match(allergy, drug)) is not False]
        # a drug that nobody recognised matters only where the order is one against a tumour
        found = [(d, t) for d, t in found if t or d.known is not None or case.doubtful]
        if not found and unsaid and allergy.drugs and case.doubtful and not case.drugs:
            truths.append(None)
            evidence += [_row(allergy.entry, True), *drug_evidence(case, "order.drugs", ())]
        if not found:
            continue
        truth = some(t for _, t in found)
        truths.append(truth)
        evidence.append(_row(allergy.entry, truth, None if truth else UNTOLD, fact))
        evidence += [
            Evidence(fact="order.drugs", counted=True, value=d.label.zh, detail=d.known.label)
            if d.known
            else unrecognised("order.drugs", d)
            for d, t in found
            if t is truth
        ]  # fmt: skip
        if truth:
            said = _said(allergy.entry)
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


def _row(entry: Note, counted: Truth, detail: Text | None = None, fact: str = ENTRY) -> Evidence:
    return Evidence(
        fact=fact, entry=entry.id, source=entry.source, counted=counted, why=None if counted else "invalid",
        value=_said(entry), time=entry.effective, detail=detail,
    )  # fmt: skip


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
        none = any(c.system == SNOMED and c.code in NO_ALLERGY for c in entry.codes)
        if not case.stands(entry) or (entry.status or "") in ENDED or none:
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
