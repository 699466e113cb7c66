"""Judging conditions: every leaf to true, false or unknown, with its evidence; and the facts derived from conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from oncogate.base.logic import Truth, at_least, every, negate, some
from oncogate.base.once import once
from oncogate.base.texts import Text
from oncogate.engine.case import Case, in_classes
from oncogate.engine.derived import Derived, Options, Rows, drug_evidence, look_at
from oncogate.engine.formulas import FORMULAS
from oncogate.engine.formulas.given import by_route, dose_compares, reckoned_by
from oncogate.engine.select import Selection, select
from oncogate.engine.standing import Standing, Window
from oncogate.engine.values import all_agree, compare, is_listed
from oncogate.engine.wording import stated, with_value
from oncogate.model.condition import (
    All,
    AnyOf,
    Compared,
    Condition,
    Drugs,
    Exists,
    Holds,
    Latest,
    Leaf,
    Not,
    Supplied,
    Value,
)
from oncogate.model.decision import Evidence
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.record import Drug, Measurement
from oncogate.packs.leaves import classes_of_leaf, options_of


@dataclass(eq=False)
class LeafOutcome:
    """What one leaf said. `asked` tells a leaf of `require` from one of `when`; `basis` is what it counted from.

    `said` is what holds, in words, or how to say it. Like a `Standing` it is not frozen, for speed alone.
    `settled`: it stands among alternatives of which enough hold, so that nobody need mend it.
    """

    leaf: Leaf
    truth: Truth
    rows: Rows = ()
    missing: tuple[str, ...] = ()
    asked: bool = False
    deciding: tuple[Standing, ...] = ()
    limit: Decimal | None = None
    basis_rows: Rows = ()
    said: Callable[[], tuple[Text, ...]] | tuple[Text, ...] = ()
    settled: bool = False

    @property
    def open(self) -> bool:
        """Whether it isn't known, and matters."""
        return self.truth is None and not self.settled

    @property
    def failed(self) -> bool:
        """Whether it doesn't hold, and matters."""
        return self.truth is False and not self.settled

    @once
    def holding(self) -> tuple[Text, ...]:
        """What holds, in words; of a fact derived from conditions, the conditions that made it so."""
        return self.said() if callable(self.said) else self.said

    @once
    def evidence(self) -> tuple[Evidence, ...]:
        """What the leaf looked at."""
        return look_at(self.rows)

    @once
    def basis(self) -> tuple[Evidence, ...]:
        """What it counted from: the entry that it is dated by, what its limit rests on."""
        return look_at(self.basis_rows)


class Walk:
    """Walks conditions with the parameters of the rule or fact that they stand in, and keeps what each leaf said.

    `raising`: of results of one moment on both sides of a limit, the one beyond it counts (a critical value).
    """

    def __init__(self, case: Case, parameters: Mapping[str, Parameter], *, raising: bool = False) -> None:
        self.case = case
        self.parameters = parameters
        self.raising = raising
        self.leaves: list[LeafOutcome] = []
        self.asked = False

    def taken(self) -> tuple[LeafOutcome, ...]:
        """What the leaves said; they are the walk's no more.

        How a leaf's evidence is written may ask the walk: if that held the leaf, too, only the collector could free them.
        """
        taken, self.leaves = tuple(self.leaves), []
        return taken

    def every(self, conditions: Iterable[Condition]) -> Truth:
        """Whether all of the conditions hold."""
        return every([self.truth(c) for c in conditions])

    def until_false(self, conditions: Iterable[Condition]) -> Truth:
        """Whether all of the conditions hold; those after a false one aren't looked at."""
        truths: list[Truth] = []
        for condition in conditions:
            truths.append(self.truth(condition))
            if truths[-1] is False:
                return False
        return every(truths)

    def truth(self, condition: Condition) -> Truth:
        """The truth of a condition. Every leaf is judged, so that all that is wrong is said at once."""
        if isinstance(condition, Leaf):
            outcome = self._leaf(condition)
            self.leaves.append(outcome)
            return outcome.truth
        if isinstance(condition, All):
            return self.every(condition.all)
        if isinstance(condition, Not):
            return negate(self.truth(condition.not_))
        before = len(self.leaves)
        if isinstance(condition, AnyOf):
            enough = some([self.truth(c) for c in condition.any])
        else:
            enough = at_least(int(self._number(condition.at_least_n)), [self.truth(c) for c in condition.of])
        for leaf in self.leaves[before:] if enough else ():
            leaf.settled = leaf.settled or leaf.truth is not True
        return enough

    def _leaf(self, leaf: Leaf) -> LeafOutcome:
        if isinstance(leaf, Exists):
            return self._exists(leaf)
        if isinstance(leaf, Latest):
            return self._latest(leaf)
        if isinstance(leaf, Value):
            found = derive(self.case, leaf.value, self._options(leaf))
            truth = all_agree([self._compared(leaf, v) for v in found.possible])
            missing = found.missing or ((leaf.value,) if truth is None else ())
            return LeafOutcome(
                leaf, truth, lambda: (*found.evidence, *self._behind_the_limit(leaf)), missing, self.asked,
                limit=self._derived_limit(leaf), said=found.holding,
            )  # fmt: skip
        if isinstance(leaf, Holds):
            found = derive(self.case, leaf.holds, self._options(leaf))
            missing = found.missing or ((leaf.holds,) if found.truth is None else ())
            return LeafOutcome(
                leaf, found.truth, lambda: found.evidence, missing, self.asked, said=found.holding
            )
        if isinstance(leaf, Drugs):
            return self._drugs(leaf)
        assert isinstance(leaf, Supplied)
        return LeafOutcome(leaf, self.case.record.section(leaf.supplied) is not None, (), (), self.asked)

    def _exists(self, leaf: Exists) -> LeafOutcome:
        older = self._window(leaf.older_than)
        since: Window | None = None
        basis: Rows = ()
        if leaf.since is not None:
            earlier = select(self.case, leaf.since, older_than=older)
            basis, newest = earlier.evidence, earlier.newest
            if earlier.hidden or not newest or any(s.counted is None or s.when is None for s in newest):
                return LeafOutcome(leaf, None, basis, (leaf.exists,), self.asked)
            moment = max(s.when for s in newest if s.when)
            since, older = Window(moment, self.case.facts[leaf.since].label), None
        due = Window.ahead(self.parameters[leaf.due_within], self.case.at) if leaf.due_within else None
        selection = select(
            self.case, leaf.exists, window=self._window(leaf.within), older_than=older, since=since, due=due,
            options=self._options(leaf),
        )  # fmt: skip
        found = selection.exists
        missing = () if found else (leaf.exists,)
        label = (self.case.facts[leaf.exists].label,) if found else ()
        return LeafOutcome(leaf, found, selection.evidence, missing, self.asked, basis_rows=basis, said=label)

    def _latest(self, leaf: Latest) -> LeafOutcome:
        limits = self._limits(leaf)
        selection = select(
            self.case, leaf.latest, window=self._window(leaf.within), options=self._options(leaf)
        )
        if limits == frozenset({None}):
            return LeafOutcome(leaf, True, selection.evidence, (), self.asked)
        newest = selection.newest
        truths = [self._standing_truth(leaf, s, limits) for s in newest]
        conflicting = not selection.hidden and True in truths and False in truths
        truth: Truth = None
        if conflicting:
            # results of one moment on both sides of a limit: unknown to a gate, a critical value all the same
            truth = True if self.raising else None
        elif not selection.hidden:
            truth = all_agree(truths)
        if truth is True and leaf.repeats is not None and self._said_before(leaf, selection, newest, limits):
            truth = False
        basis: Rows = lambda: self._behind_the_limit(leaf)  # noqa: E731
        missing: tuple[str, ...] = () if truth is not None else (leaf.latest,)
        if truth is None and len(limits) != 1 and leaf.comparison[1] in self.case.facts:
            # which limit holds isn't known: say what it depends on
            derived = derive(self.case, leaf.comparison[1], self._options(leaf))
            basis, missing = derived.evidence, (*missing, *derived.missing)
        beyond = tuple(s for s, found in zip(newest, truths, strict=True) if found is True)
        known = [limit for limit in limits if isinstance(limit, Decimal)]
        deciding = beyond or newest
        label = self.case.facts[leaf.latest].label
        holding = lambda: (with_value(label, deciding[0].entry),) if truth and deciding else ()  # noqa: E731
        return LeafOutcome(
            leaf, truth, lambda: (*_marked(selection, newest, conflicting), *look_at(basis)), missing, self.asked,
            deciding, min(known) if known else None, said=holding,
        )  # fmt: skip

    def _said_before(
        self, leaf: Latest, selection: Selection, newest: Sequence[Standing], limits: frozenset[Any]
    ) -> bool:
        """Whether an earlier result has raised this critical value already. In doubt it hasn't."""
        policy, quiet = self.parameters[leaf.repeats or ""].value, self.parameters[leaf.quiet or ""]
        moment = max((s.when for s in newest if s.when), default=None)
        if policy == "every_time" or moment is None:
            return False
        since = Window.of(quiet, moment).since
        before = [
            s for s in select(self.case, leaf.latest).standings
            if s.counted is True and s.when is not None and since <= s.when < moment
            and self._standing_truth(leaf, s, limits) is True
        ]  # fmt: skip
        if policy == "first_only":
            return bool(before)
        values = [s.value for s in before if s.value is not None]
        worst = [s.value for s in newest if s.value is not None]
        if not values or not worst:
            return False
        low = leaf.comparison[0] in ("below", "at_most")
        return min(values) <= min(worst) if low else max(values) >= max(worst)

    def _standing_truth(self, leaf: Compared, standing: Standing, limits: frozenset[Any]) -> Truth:
        if standing.counted is not True or standing.problem is not None:
            return None
        entry = standing.entry
        if isinstance(entry, Measurement) and standing.value is not None:
            comparator = entry.value.comparator if entry.value else None
            operator = leaf.comparison[0]
            return all_agree(
                [compare(standing.value, operator, x, comparator) if x is not None else True for x in limits]
            )
        fact = self.case.facts[leaf.latest] if isinstance(leaf, Latest) else None
        vocabulary = fact.vocabulary if fact else None
        if vocabulary is None:
            return self._compared(leaf, stated(entry, "level"))
        return self._compared(leaf, vocabulary.value_of(stated(entry, vocabulary.field)))

    def _limits(self, leaf: Compared) -> frozenset[Any]:
        operator, ref = leaf.comparison
        if operator == "in_":
            return frozenset({ref})
        if ref in self.parameters:
            return frozenset({self._number(ref)})
        return derive(self.case, ref, self._options(leaf)).possible

    def _derived_limit(self, leaf: Compared) -> Decimal | None:
        """The least limit that is possible, where it was worked out."""
        worked_out = leaf.in_ is None and leaf.comparison[1] not in self.parameters
        limits = self._limits(leaf) if worked_out else ()
        return min((one for one in limits if isinstance(one, Decimal) and one.is_finite()), default=None)

    def _behind_the_limit(self, leaf: Compared) -> tuple[Evidence, ...]:
        """The entries of the record that a derived limit rests on."""
        ref = leaf.comparison[1]
        if ref not in self.case.facts or leaf.in_ is not None:
            return ()
        return tuple(
            row for row in derive(self.case, ref, self._options(leaf)).evidence if row.entry is not None
        )

    def _compared(self, leaf: Compared, value: Any) -> Truth:
        operator, ref = leaf.comparison
        if operator == "in_":
            return is_listed(value, self.parameters[ref])
        return compared(value, operator, self._limits(leaf))

    def _drugs(self, leaf: Drugs) -> LeafOutcome:
        wanted = frozenset(classes_of_leaf(leaf, self.parameters))
        unrecognised: Truth = None if leaf.all_of is not None and self.case.marked else False
        each: list[Truth] = []
        narrowed = leaf.narrowed
        for drug in self.case.drugs:
            member = in_classes(drug.known, wanted) if drug.known else unrecognised
            if narrowed and drug.known and member is not False:
                member = every((member, *self._given_so(leaf, drug.drug)))
            each.append(member)
        truth: Truth
        if leaf.all_of is not None:
            truth = every([*each, None if self.case.doubtful else True])
        else:
            truth = some([*each, None if self.case.doubtful else False])
            truth = negate(truth) if leaf.none_of is not None else truth

        def rows() -> tuple[Evidence, ...]:
            drugs = drug_evidence(self.case, leaf.fact, wanted)
            return (*drugs, *(self._reckoned_by(leaf) if narrowed else ()))

        return LeafOutcome(leaf, truth, rows, (leaf.fact,) if truth is None else (), self.asked)

    def _reckoned_by(self, leaf: Drugs) -> Iterator[Evidence]:
        for ref in (leaf.dose_above, leaf.dose_at_least):
            for drug in self.case.drugs if ref is not None else ():
                yield from reckoned_by(self.case, drug.drug, self.parameters[ref or ""].unit or "")

    def _given_so(self, leaf: Drugs, drug: Drug) -> Iterator[Truth]:
        for ref, wanted in ((leaf.route, True), (leaf.route_other_than, False)):
            if ref is not None:
                yield by_route(drug, self.parameters[ref], wanted)
        for operator, ref in (("above", leaf.dose_above), ("at_least", leaf.dose_at_least)):
            if ref is not None:
                yield dose_compares(self.case, drug, operator, self.parameters[ref])

    def _window(self, ref: str | None) -> Window | None:
        return None if ref is None else Window.of(self.parameters[ref], self.case.at)

    def _options(self, leaf: Leaf) -> Options:
        return options_of(leaf, self.parameters)

    def _number(self, ref: str) -> Decimal:
        return self.parameters[ref].number


def compared(value: Any, operator: str, limits: Iterable[Any]) -> Truth:
    """A value against the limits that are possible; unknown for what isn't a number, or against none."""
    if not isinstance(value, Decimal):
        return None
    return all_agree([None if limit is None else compare(value, operator, limit) for limit in limits])


def derive(case: Case, name: str, options: Options) -> Derived:
    """The derived fact `name`, by its formula, conditions, cases or points; worked out once in a case."""
    found: Derived | None = case.memo.get(key_of(name, options))
    return found if found is not None else deriver(case.facts, name, options)(case)


def deriver(facts: Mapping[str, Fact], name: str, options: Options) -> Callable[[Case], Derived]:
    """`derive` for one name and set of options, to be asked of many cases of the same facts."""
    fact, key = facts[name], key_of(name, options)
    with_own, formula = {**fact.parameters, **options}, fact.derive

    def derived(case: Case) -> Derived:
        found: Derived | None = case.memo.get(key)
        if found is None:
            found = FORMULAS[formula](case, with_own) if formula else _conditional(case, name, fact, with_own)
            case.memo[key] = found
        return found

    return derived


def key_of(name: str, options: Options) -> tuple[Any, ...]:
    """What a derived fact is kept under in a case."""
    return (name, tuple(sorted((n, str(p.value), p.unit) for n, p in options.items())) if options else ())


def _conditional(case: Case, name: str, fact: Fact, parameters: Options) -> Derived:
    walk = Walk(case, parameters)
    possible: frozenset[Any]
    if fact.when is not None:
        truth = walk.every(fact.when)
        possible = frozenset({True, False} if truth is None else {truth})
    elif fact.cases:
        truths = (walk.every(branch.when or ()) for branch in fact.cases)
        possible = first_case(fact, parameters, truths)
    else:
        possible = frozenset({Decimal(0)})
        for item in fact.points:
            points = parameters[item.points].value
            assert isinstance(points, Decimal)
            possible = with_points(possible, walk.every(item.when), points)
    known = len(possible) == 1
    return Derived(
        possible,
        lambda: tuple(dict.fromkeys(row for leaf in walk.leaves for row in (*leaf.basis, *leaf.evidence))),
        () if known else tuple(dict.fromkeys(m for leaf in walk.leaves if leaf.open for m in leaf.missing)),
        _holding(fact, walk, possible),
    )


def first_case(fact: Fact, parameters: Mapping[str, Parameter], truths: Iterable[Truth]) -> frozenset[Any]:
    """The value of the first case that holds; of every case up to it that may. `None` where no case holds.

    `truths` are those of the cases, in their order; none is taken after the first true one.
    """
    possible: set[Any] = set()
    for branch, truth in zip(fact.cases, truths, strict=False):
        if truth is not False:
            possible.add(parameters[branch.then].value if fact.gives == "quantity" else branch.then)
        if truth is True:
            return frozenset(possible)
    return frozenset({*possible, None})


def with_points(totals: frozenset[Decimal], truth: Truth, points: Decimal) -> frozenset[Decimal]:
    """The sums that are possible once these points are given, aren't, or may be."""
    added = frozenset(total + points for total in totals)
    return added if truth else totals | added if truth is None else totals


def _holding(fact: Fact, walk: Walk, possible: frozenset[Any]) -> tuple[Text, ...]:
    """What made the fact so, in words: of a plain condition its own label, else what holds in it."""
    inner = tuple(dict.fromkeys(t for leaf in telling(walk.leaves) for t in leaf.holding))
    if fact.when is None:
        return inner
    if possible != frozenset({True}):
        return ()
    derived = any(
        walk.case.facts[n].derived for leaf in walk.leaves for n in leaf.leaf.facts if n in walk.case.facts
    )
    if derived and inner:
        return inner
    values = [s for leaf in walk.leaves if leaf.truth for s in leaf.deciding[:1]]
    return (with_value(fact.label, values[0].entry) if values else fact.label,)


def telling(leaves: Iterable[LeafOutcome]) -> list[LeafOutcome]:
    """The leaves that hold and say why.

    That an entry is there at all only guards what is then asked of it, unless nothing else is asked.
    """
    true = [leaf for leaf in leaves if leaf.truth]
    return [leaf for leaf in true if leaf.holding and not isinstance(leaf.leaf, Exists)] or true


def _marked(selection: Selection, newest: tuple[Standing, ...], conflicting: bool) -> tuple[Evidence, ...]:
    """The evidence of a `latest`: of the counted entries only the newest, and their conflict."""
    # an older result that counts has nothing to say; one that doesn't is a near miss
    told = [s for s in selection.told if s in newest or s.counted is not True]
    if conflicting:
        told = [replace(s, why="conflicting") if s in newest else s for s in told]
    return selection.rows(told)
