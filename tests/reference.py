"""The meaning of a rule once more, plain and slow, written from the text (docs/explanation/meaning.md) alone.

It imports the models and nothing of the engine, so that both can only agree by meaning the same.
Not covered: stage notation and formulas; what a fact derived by a formula says is handed in (`World.given`).
Truth is `True`, `False` or `None` for unknown.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

from oncogate.model import condition as leaves
from oncogate.model import record as records
from oncogate.model import rule as rules
from oncogate.model.facts import Fact
from oncogate.model.request import Request
from oncogate.model.values import Code, Quantity

Truth = bool | None
FACTOR = {"10*9/L": Decimal(1), "10*3/uL": Decimal(1), "K/uL": Decimal(1), "/uL": Decimal("0.001")}
ANTI_TUMOUR = ("cytotoxic", "targeted", "immunotherapy", "endocrine")
CORRECTS = ("corrected", "amended")
TAKES_BACK = (*CORRECTS, "entered-in-error", "cancelled")
STRICTNESS = {"allow": 0, "warn": 1, "block": 2}


@dataclass(frozen=True)
class World:
    """What rules are judged with: the facts, what drugs are (class, suppresses the marrow), given derived facts."""

    facts: Mapping[str, Fact]
    drugs: Mapping[str, tuple[str, bool]]
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What all rules together say."""

    verdicts: Mapping[str, str]
    asks: Mapping[str, str | None]
    outcome: str
    determining: tuple[str, ...]


def decide(all_rules: Iterable[rules.Rule], request: Request, world: World) -> Answer:
    """Judge every stable rule; the outcome is the strictest thing asked."""
    verdicts, asks = {}, {}
    for rule in sorted((r for r in all_rules if r.status == "stable"), key=lambda r: r.id):
        verdicts[rule.id] = verdict_of(rule, request, world)
        asks[rule.id] = asked(rule, verdicts[rule.id])
    outcome = max((a for a in asks.values() if a in STRICTNESS), key=STRICTNESS.__getitem__, default="allow")
    who = tuple(rule for rule, a in asks.items() if a == outcome)
    return Answer(verdicts, asks, outcome, who)


def asked(rule: rules.Rule, verdict: str) -> str | None:
    """A hazard asks for its effect, an unknown never for nothing; a critical value stops no order by itself."""
    if verdict == "unknown":
        return rule.on_unknown or {"critical_value": "warn"}.get(rule.effect, rule.effect)
    if verdict == "unmet":
        return "inform" if rule.effect == "critical_value" else rule.effect
    return None


def verdict_of(rule: rules.Rule, request: Request, world: World) -> str:
    """Does it apply, and if so, is there what it asks for?"""
    judge = Judge(rule, request, world)
    applies = both(judge.truth(c) for c in rule.when)
    if applies is False:
        return "not_applicable"
    fulfilled = both(judge.truth(c) for c in rule.require) if rule.require is not None else False
    return {True: "met", False: "unmet", None: "unknown"}[either([inverse(applies), fulfilled])]


def amount(quantity: Quantity) -> Decimal:
    return quantity.value * FACTOR[quantity.unit]


def alike(truths: set[Truth]) -> Truth:
    """The one truth that all have."""
    return next(iter(truths)) if len(truths) == 1 else None


def inverse(truth: Truth) -> Truth:
    return None if truth is None else not truth


def both(truths: Iterable[Truth]) -> Truth:
    truths = list(truths)
    return False if False in truths else None if None in truths else True


def either(truths: Iterable[Truth]) -> Truth:
    truths = list(truths)
    return True if True in truths else None if None in truths else False


@dataclass(frozen=True)
class Seen:
    """An entry that means the fact: whether it counts, and the instant for which it is true."""

    entry: Any
    counts: Truth
    time: datetime | None


@dataclass
class Judge:
    """One rule on one request."""

    rule: rules.Rule
    request: Request
    world: World

    # -- conditions --------------------------------------------------------------------------------

    def truth(self, condition: Any) -> Truth:
        if isinstance(condition, leaves.All):
            return both(self.truth(c) for c in condition.all)
        if isinstance(condition, leaves.AnyOf):
            return either(self.truth(c) for c in condition.any)
        if isinstance(condition, leaves.Not):
            return inverse(self.truth(condition.not_))
        if isinstance(condition, leaves.AtLeastN):
            wanted = int(self.rule.parameters[condition.at_least_n].value)  # type: ignore[arg-type]
            truths = [self.truth(c) for c in condition.of]
            # at least n of them hold, if some n of them hold together
            return either(both(chosen) for chosen in combinations(truths, wanted))
        if isinstance(condition, leaves.Supplied):
            return self.request.record.section(condition.supplied) is not None
        if isinstance(condition, leaves.Exists):
            return self.exists(condition)
        if isinstance(condition, leaves.Latest):
            return self.latest(condition)
        if isinstance(condition, leaves.Drugs):
            return self.drugs(condition)
        if isinstance(condition, leaves.Holds):
            if condition.holds in self.world.given:
                return self.world.given[condition.holds]
            return alike(self.derived(condition.holds))
        if isinstance(condition, leaves.Value):
            return alike({self.value_compares(v, condition) for v in self.derived(condition.value)})
        raise TypeError(condition)

    # -- derived facts ------------------------------------------------------------------------------

    def derived(self, name: str) -> set[Any]:
        """The values that a fact derived from conditions may have, whatever the unknown conditions turn out to be."""
        fact = self.world.facts[name]
        inside = Judge(
            self.rule.model_copy(update={"parameters": fact.parameters, "effect": "block"}),
            self.request,
            self.world,
        )

        def may_hold(conditions: Any) -> set[bool]:
            truth = both(inside.truth(c) for c in conditions or ())
            return {True, False} if truth is None else {truth}

        if fact.when is not None:
            return may_hold(fact.when)
        if fact.cases:
            return self.first_case([(branch.then, may_hold(branch.when)) for branch in fact.cases])
        totals = {Decimal(0)}
        for item in fact.points:
            points = Decimal(str(fact.parameters[item.points].value))
            totals = {total + (points if given else 0) for total in totals for given in may_hold(item.when)}
        return totals

    def first_case(self, cases: list[tuple[str, set[bool]]]) -> set[Any]:
        if not cases:
            return {None}
        (then, holds), *others = cases
        found = {then} if True in holds else set()
        return found | self.first_case(others) if False in holds else found

    def value_compares(self, value: Any, leaf: leaves.Value) -> Truth:
        operator, ref = leaf.comparison
        wanted = self.rule.parameters[ref].value
        if operator == "in_":
            return value in wanted  # type: ignore[operator]
        return {
            "below": value < wanted,
            "at_most": value <= wanted,
            "above": value > wanted,
            "at_least": value >= wanted,
        }[operator]

    # -- entries -------------------------------------------------------------------------------------

    def exists(self, leaf: leaves.Exists) -> Truth:
        fact = self.world.facts[leaf.exists]
        if leaf.since and self.newest(self.world.facts[leaf.since]) is None:
            return None
        found = [both([s.counts, self.in_bounds(s, leaf)]) for s in self.entries(fact)]
        return either([*found, None if self.hidden(fact) else False])

    def in_bounds(self, seen: Seen, leaf: leaves.Exists) -> Truth:
        time = seen.time
        if time is None:
            return None
        start = self.newest(self.world.facts[leaf.since]) if leaf.since else None
        if start is not None and not isinstance(seen.entry.effective, datetime):
            start = self.midnight(start)  # a whole day isn't before what happened in it
        return both(
            [
                not leaf.within or time >= self.edge(leaf.within),
                not leaf.older_than or time < self.edge(leaf.older_than),
                start is None or time >= start,
            ]
        )

    def newest(self, fact: Fact) -> datetime | None:
        """When the newest counted entry was true; `None` where that can't be told."""
        seen = self.entries(fact)
        counted = [s.time for s in seen if s.counts and s.time is not None]
        if (
            self.hidden(fact)
            or not counted
            or any(s.time is None or s.time >= max(counted) for s in seen if s.counts is None)
        ):
            return None
        return max(counted)

    def latest(self, leaf: leaves.Latest) -> Truth:
        fact = self.world.facts[leaf.latest]
        if self.hidden(fact):
            return None
        seen = [s for s in self.entries(fact) if s.counts is not False]
        if any(s.time is None for s in seen):
            return None
        if leaf.within:
            seen = [s for s in seen if s.time >= self.edge(leaf.within)]  # type: ignore[operator]
        counted = [s for s in seen if s.counts]
        if not counted:
            return None
        newest = max(s.time for s in counted)  # type: ignore[type-var]
        if any(s.counts is None and s.time > newest for s in seen):  # type: ignore[operator]
            return None
        latest = [s for s in seen if s.time == newest]
        said = [self.compare(s.entry, fact, leaf) if s.counts else None for s in latest]
        if True in said and False in said:
            raised: Truth = True if self.rule.effect == "critical_value" else None
        else:
            raised = None if None in said else said[0]
        return False if raised and leaf.repeats and self.said_before(leaf, fact, latest) else raised

    def said_before(self, leaf: leaves.Latest, fact: Fact, latest: list[Seen]) -> bool:
        """Whether a result of the quiet time before the newest one was beyond the limit already (and as badly)."""
        policy, moment = self.rule.parameters[leaf.repeats or ""].value, latest[0].time
        assert moment is not None
        start = self.edge(leaf.quiet or "", moment)
        earlier = [
            s.entry for s in self.entries(fact)
            if s.counts and s.time is not None and start <= s.time < moment and self.compare(s.entry, fact, leaf) is True
        ]  # fmt: skip
        if policy == "every_time" or not earlier:
            return False
        if policy == "first_only":
            return True
        amounts = [amount(e.value) for e in earlier]
        now = [amount(s.entry.value) for s in latest if s.counts and read(s.entry, fact) is not None]
        return (
            min(amounts) <= min(now)
            if leaf.comparison[0] in ("below", "at_most")
            else max(amounts) >= max(now)
        )

    def compare(self, entry: Any, fact: Fact, leaf: leaves.Compared) -> Truth:
        operator, ref = leaf.comparison
        parameter = self.rule.parameters[ref]
        if operator == "in_":
            return getattr(entry, fact.vocabulary.field) in parameter.value  # type: ignore[union-attr,operator]
        value = read(entry, fact)
        if value is None:
            return None
        limit = Decimal(parameter.value) * FACTOR[parameter.unit or ""]  # type: ignore[arg-type]
        if operator in ("below", "at_least"):
            below = is_below(value, limit)
            return below if operator == "below" else inverse(below)
        at_most = is_at_most(value, limit)
        return at_most if operator == "at_most" else inverse(at_most)

    def drugs(self, leaf: leaves.Drugs) -> Truth:
        drugs = self.request.order.drugs if self.request.order else ()
        classes = (
            [leaf.in_.removeprefix("drugs/")]
            if leaf.in_.startswith("drugs/")
            else self.rule.parameters[leaf.in_].value
        )
        members = [either(self.is_of(drug, c) for c in classes) for drug in drugs]  # type: ignore[union-attr]
        if not drugs and self.marked():
            members = [None]
        if leaf.all_of:
            return both(members)
        return either(members) if leaf.any_of else inverse(either(members))

    def is_of(self, drug: records.Drug, wanted: str) -> Truth:
        """A drug that isn't recognised could be anything in an order marked as anti-tumour, else it isn't asked about."""
        if drug.name not in self.world.drugs:
            return None if self.marked() else False
        return belongs(self.world.drugs[drug.name], wanted)

    def marked(self) -> bool:
        """Whether the order says that it is anti-tumour: by its kind, its regimen or the tumour that it treats."""
        order = self.request.order
        if order is None:
            return False
        treated = self.diagnoses().get(order.focus or "")
        return bool(order.kind or order.regimen or (treated and is_primary(treated)))

    # -- times -------------------------------------------------------------------------------------

    def instant(self, time: datetime | date | None) -> datetime | None:
        """A day is its first instant, in the zone of the moment."""
        if time is None or isinstance(time, datetime):
            return time
        return datetime(time.year, time.month, time.day, tzinfo=self.request.at.tzinfo)

    def edge(self, ref: str, at: datetime | None = None) -> datetime:
        window = self.rule.parameters[ref]
        count, at = int(window.value), at or self.request.at  # type: ignore[arg-type]
        plain = {
            "min": timedelta(minutes=1),
            "h": timedelta(hours=1),
            "d": timedelta(days=1),
            "wk": timedelta(days=7),
        }
        if window.unit in plain:
            return at - count * plain[window.unit]
        months = at.year * 12 + at.month - 1 - count * {"mo": 1, "a": 12}[window.unit or ""]
        year, month = months // 12, months % 12 + 1
        return at.replace(year=year, month=month, day=min(at.day, calendar.monthrange(year, month)[1]))

    def midnight(self, time: datetime) -> datetime:
        """The beginning of that day, in the zone of the moment."""
        return time.astimezone(self.request.at.tzinfo).replace(hour=0, minute=0, second=0, microsecond=0)

    def said(self, entry: records.Entry) -> datetime | None:
        """When the entry entered the record; where that isn't said, when it was true."""
        return self.instant(entry.recorded or entry.effective)

    # -- entries -----------------------------------------------------------------------------------

    def entries(self, fact: Fact) -> list[Seen]:
        """The entries that mean the fact, known by the moment, and whether they count; those that don't are left out."""
        standing = []
        for name in (*fact.sections, *fact.also):
            section = [e for e in self.request.record.section(name) or () if self.known(e)]
            left = [e for e in section if not any(self.replaces(other, e) for other in section)]
            standing += [(e, means) for e in left if (means := self.means(e, fact)) is not False]
        ends = [(entry, means) for entry, means in standing if entry.status in fact.ends]
        seen = [
            Seen(
                e,
                both([means, self.counts(e, fact), inverse(self.undone(e, fact, ends))]),
                self.instant(e.effective),
            )
            for e, means in standing
        ]
        return [s for s in seen if s.counts is not False]

    def known(self, entry: records.Entry) -> bool:
        """Of this patient, and recorded by the moment."""
        patient, said = self.request.record.patient, self.said(entry)
        if patient and entry.patient is not None and entry.patient != patient.id:
            return False
        return said is None or said <= self.request.at

    def means(self, entry: Any, fact: Fact) -> Truth:
        if fact.codes:
            return any(
                (c.system, c.code) == (code.system, code.code) for c in entry.codes for code in fact.codes
            )
        if fact.kinds and entry.kind in fact.kinds:
            return True
        if entry_kind(entry) in fact.doubtful_kinds:
            return None
        if entry_kind(entry) in fact.narrow_kinds:
            return self.only_drugs_of(entry.kind)
        if isinstance(entry, records.Pathology) and entry.kind is None:
            return True
        if fact.drugs:
            if entry_kind(entry) not in ("", "drugs"):
                return False
            known = [self.world.drugs.get(drug.name) for drug in getattr(entry, "drugs", ())]
            return either(None if k is None else any(belongs(k, d) for d in fact.drugs) for k in known)
        return not fact.kinds

    def only_drugs_of(self, wanted: str) -> Truth:
        """Whether the order has no anti-tumour drug of another class."""
        drugs = self.request.order.drugs if self.request.order else ()
        known = [self.world.drugs[d.name] for d in drugs if d.name in self.world.drugs]
        if any(belongs(k, "anti_tumour") and not belongs(k, wanted) for k in known):
            return False
        return None if self.marked() and (not drugs or len(known) < len(drugs)) else True

    def counts(self, entry: Any, fact: Fact) -> Truth:
        time = self.instant(entry.effective)
        if entry.status not in fact.counted or (time is not None and time > self.request.at):
            return False
        if fact.measured and entry.value is None and entry.text is None and entry.conflict is None:
            return False
        dated = True if time is not None else None
        return both(
            [dated, self.of_this_tumour(entry, fact), self.agrees(entry, fact), in_vocabulary(entry, fact)]
        )

    def agrees(self, entry: Any, fact: Fact) -> Truth:
        """What the entry names of `matches`, the order has to say too; an order that doesn't leaves it open."""
        truths: list[Truth] = []
        for name in fact.matches:
            named = getattr(entry, name, None)
            if named is not None and self.request.order is not None:
                ordered = getattr(self.request.order, name)
                truths.append(None if ordered is None else named == ordered)
        return both(truths)

    def replaces(self, new: Any, old: Any) -> bool:
        """A correction that is recorded later replaces what it corrects: the same key, else the same codes at the same moment."""
        said_new, said_old = self.said(new), self.said(old)
        if new is old or said_new is None or said_old is None:
            return False
        by_key = new.key is not None and old.key is not None
        corrections = TAKES_BACK if by_key else CORRECTS
        if new.status not in corrections or said_new <= said_old:
            return False
        time, before = self.instant(new.effective), self.instant(old.effective)
        if new.status in CORRECTS and time is not None and time > self.request.at:
            return False
        if by_key:
            return bool(new.key == old.key)
        return bool(time is not None and time == before and codes_of(new) and codes_of(new) == codes_of(old))

    def undone(self, signature: Any, fact: Fact, ends: Sequence[tuple[Any, Truth]]) -> Truth:
        """A refusal or withdrawal, dated by its recording, undoes what was signed by then, if it is about the same."""
        signed = self.instant(signature.effective)
        truths: list[Truth] = []
        for end, means in ends:
            said = self.said(end)
            by_then = None if said is None or signed is None else signed <= said
            same = (
                self.of_this_tumour(end, fact) if not (end.focus and end.focus == signature.focus) else True
            )
            if "regimen" in fact.matches and end.regimen is not None and signature.regimen is not None:
                agrees: Truth = end.regimen == signature.regimen
            else:
                agrees = self.agrees(end, fact)
            truths.append(both([means, by_then, same, agrees]))
        return either(truths)

    # -- tumours -----------------------------------------------------------------------------------

    def diagnoses(self) -> dict[str, records.Diagnosis]:
        found = self.request.record.diagnoses or ()
        return {d.id: d for d in found if self.known(d) and d.status not in ("refuted", "entered-in-error")}

    def same_tumour(self, one: str, other: str) -> bool:
        known = self.diagnoses()
        codes = [
            {(c.system, c.code) for c in known[name].codes} if name in known else {name}
            for name in (one, other)
        ]
        return one == other or codes[0] == codes[1]

    def primaries(self, *, active: bool) -> list[str]:
        """One diagnosis of each primary malignancy."""
        past = ("inactive", "remission", "resolved")
        names = [
            n for n, d in self.diagnoses().items() if is_primary(d) and not (active and d.status in past)
        ]
        return [
            n for i, n in enumerate(names) if not any(self.same_tumour(n, earlier) for earlier in names[:i])
        ]

    def more_diagnoses(self) -> bool:
        """Whether there may be diagnoses that weren't seen."""
        record = self.request.record
        return record.diagnoses is None or any(
            mark.section == "diagnoses"
            and (not mark.codes or any("icd-10" in (code.system or "") for code in mark.codes))
            for mark in record.unread
        )

    def tumour(self) -> str | None:
        """The order's, else the only active one."""
        if self.request.order and self.request.order.focus:
            return self.request.order.focus
        active = self.primaries(active=True)
        return active[0] if len(active) == 1 and not self.more_diagnoses() else None

    def several(self) -> Truth:
        """Whether the record has several tumours; one that the order names is one even if it has no diagnosis."""
        tumours = {*self.primaries(active=False)}
        focus = self.request.order.focus if self.request.order else None
        if focus and not any(self.same_tumour(focus, t) for t in tumours):
            tumours.add(focus)
        return True if len(tumours) > 1 else None if self.more_diagnoses() else False

    def of_this_tumour(self, entry: records.Entry, fact: Fact) -> Truth:
        if fact.focus == "ignored":
            return True
        if entry.focus is not None:
            tumour = self.tumour()
            return None if tumour is None else self.same_tumour(entry.focus, tumour)
        if fact.focus == "optional" or self.several() is False:
            return True
        return False if fact.focus == "required" and self.several() else None

    # -- what can't be seen ------------------------------------------------------------------------

    def hidden(self, fact: Fact) -> bool:
        """A section that wasn't supplied, or something unread that may be an entry of the fact."""
        record = self.request.record
        if any(record.section(name) is None for name in fact.sections):
            return True
        return any(
            (mark.section in fact.sections and self.may_be(mark, fact))
            or (mark.section in fact.also and mark.kind is not None and self.may_be(mark, fact))
            for mark in record.unread
        )

    def may_be(self, mark: records.Unread, fact: Fact) -> bool:
        if fact.codes and mark.codes:
            return any(
                (c.system, c.code) == (code.system, code.code) for c in mark.codes for code in fact.codes
            )
        if mark.kind in fact.narrow_kinds:
            return self.only_drugs_of(mark.kind) is not False
        if fact.kinds and mark.kind is not None:
            return mark.kind in (*fact.kinds, *fact.doubtful_kinds) or bool(
                fact.drugs and mark.kind == "drugs"
            )
        return True


def belongs(known: tuple[str, bool], wanted: str) -> bool:
    drug_class, suppresses = known
    if wanted == "myelosuppressive":
        return suppresses
    return drug_class in ANTI_TUMOUR if wanted == "anti_tumour" else drug_class == wanted


def in_vocabulary(entry: Any, fact: Fact) -> Truth:
    """A word that isn't in the vocabulary could mean anything; no word means none."""
    if fact.vocabulary is None:
        return True
    word = getattr(entry, fact.vocabulary.field)
    return False if word is None else True if word in fact.vocabulary.values else None


def read(entry: records.Measurement, fact: Fact) -> Quantity | None:
    """The value in 10*9/L; `None` where it can't be read or can't be true."""
    value = entry.value
    if value is None or entry.conflict is not None or value.unit not in FACTOR or fact.measured is None:
        return None
    number = value.value * FACTOR[value.unit]
    low, high = fact.measured.plausible
    return value.model_copy(update={"value": number}) if low <= number <= high else None


def is_below(value: Quantity, limit: Decimal) -> Truth:
    number = value.value
    if value.comparator is None:
        return number < limit
    if value.comparator in (">", ">="):
        return False if number >= limit else None
    return True if number < limit or (number == limit and value.comparator == "<") else None


def is_at_most(value: Quantity, limit: Decimal) -> Truth:
    number = value.value
    if value.comparator is None:
        return number <= limit
    if value.comparator in ("<", "<="):
        return True if number <= limit else None
    return False if number > limit or (number == limit and value.comparator == ">") else None


def entry_kind(entry: Any) -> str:
    return getattr(entry, "kind", None) or ""


def codes_of(entry: Any) -> set[tuple[str | None, str | None]]:
    codes: Sequence[Code] = getattr(entry, "codes", ())
    return {(c.system, c.code) for c in codes}


def is_primary(diagnosis: records.Diagnosis) -> bool:
    """ICD-10 C00–C97 without the metastases (C77–C79) and C97."""
    heads = [c.code[:3] for c in diagnosis.codes if c.code and c.code[0] == "C" and c.code[1:3].isdigit()]
    return any(head not in ("C77", "C78", "C79", "C97") for head in heads)
