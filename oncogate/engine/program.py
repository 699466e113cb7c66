"""Compiled rules, and which of them an order can concern.

Most rules ask for drugs of some class, and most orders have none of it. What an order's drugs settle is settled once for
every set of drugs (a plan), so that the work grows with the rules that apply, not with the rules that exist.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from oncogate.base.logic import Truth
from oncogate.engine.case import LOCAL_KINDS, Case
from oncogate.engine.combine import Said
from oncogate.engine.compile import MET, UNSET, VERDICTS, Compiler, Judge
from oncogate.engine.conditions import Walk
from oncogate.model.condition import Drugs
from oncogate.model.rule import Rule
from oncogate.packs.pack import InForce, Library
from oncogate.packs.tables import KnownDrug

Spoken = Sequence[Said]
"""What the rules say that aren't met."""

MOST_PLANS, MOST_NAMED = 512, 8192
"""Sets of drugs whose plan is kept, and ways to name them; beyond, all are made anew."""


@dataclass(frozen=True)
class Plan:
    """What the order's drugs settle: the rules that may apply, and the slots as they stand before judging.

    `drugs` are kept so that none of them is another drug in the same place in memory.
    """

    start: Sequence[Any]
    drug_slots: Sequence[tuple[int, Truth]]
    rules: Sequence[tuple[Judge, Sequence[Said], Said]]
    """Each with what it says by verdict, and if it fails."""
    drugs: tuple[KnownDrug | None, ...]


class Program:
    """The compiled rules of one status. `judges` compiles a rule."""

    def __init__(self, rules: Sequence[Rule], compiler: Compiler, judge: Callable[[Rule], Judge]) -> None:
        self.rules = rules
        self.compiler = compiler
        self._judge = judge
        self._judges: dict[str, Judge] = {}
        self._plans: dict[Any, Plan] = {}
        self._named: dict[Any, Plan] = {}
        self._guards = [_guards(rule, compiler) for rule in rules]

    def spoken(self, case: Case) -> Spoken:
        """The rules that aren't met, of those that apply or may apply."""
        try:
            plan = self._plan(case)
        except Exception:  # of an order that can't even be looked at, no rule is passed over
            return [Said.of(rule, None) for rule in self.rules]
        slots = case.slots
        if slots:  # the rules of another status were judged before
            slots += [UNSET] * (len(plan.start) - len(slots))
            for slot, truth in plan.drug_slots:
                slots[slot] = truth
        else:
            slots += plan.start
        found: list[Said] = []
        for judge, says, failing in plan.rules:
            try:
                verdict = judge(slots, case)
                if verdict > MET:
                    found.append(says[verdict])
            # into the order screen it would be a crash, skipped it would be a silent pass
            except Exception:  # noqa: PERF203 - costs nothing where nothing is raised
                found.append(failing)
        return found

    def _plan(self, case: Case) -> Plan:
        order = case.order_row or {}
        named = order.get("drugs") or ()
        drugs = tuple([(d.get("code"), d.get("system"), d.get("name"), d.get("role")) for d in named])
        key = (drugs, case.marked, order.get("kind") in LOCAL_KINDS)
        plan = self._named.get(key)
        if plan is None:
            plan = _kept(self._named, MOST_NAMED, key, self._plan_of_known(case))
        return plan

    def _plan_of_known(self, case: Case) -> Plan:
        """The plan by what the drugs were recognised as: they go by many names, brands and batches."""
        key = (tuple([id(drug.known) for drug in case.drugs]), case.doubtful, case.marked)
        return self._plans.get(key) or _kept(self._plans, MOST_PLANS, key, self._made(case))

    def _made(self, case: Case) -> Plan:
        truths: dict[int, Truth] = {}
        for slot, (leaf, parameters) in list(self.compiler.drugs.items()):
            truths[slot] = Walk(case, parameters).truth(leaf)
        rules = [
            (self._compiled(rule), [Said.of(rule, verdict) for verdict in VERDICTS], Said.of(rule, None))
            for rule, guards in zip(self.rules, self._guards, strict=True)
            if all(truths[slot] is not False for slot in guards)
        ]
        for slot, (leaf, parameters) in list(self.compiler.drugs.items()):
            if slot not in truths:  # asked for by what was compiled just now
                truths[slot] = Walk(case, parameters).truth(leaf)
        start = [UNSET] * self.compiler.size
        for slot, truth in truths.items():
            start[slot] = truth
        return Plan(start, tuple(truths.items()), rules, tuple([drug.known for drug in case.drugs]))

    def _compiled(self, rule: Rule) -> Judge:
        found = self._judges.get(rule.id)
        return found or self._judges.setdefault(rule.id, self._judge(rule))


def _kept(plans: dict[Any, Plan], most: int, key: Any, plan: Plan) -> Plan:
    if len(plans) >= most:
        plans.clear()
    plans[key] = plan
    return plan


class Programs:
    """The compiled rules of a library, as they are in force and by status."""

    def __init__(self, library: Library) -> None:
        self._documents = {loaded.rule.id: loaded.document for loaded in library.rules}
        self._compilers: dict[int, Compiler] = {}
        self._programs: dict[tuple[int, str], Program] = {}

    def of(self, force: InForce, status: str) -> Program:
        """The rules of a status; `force` is one of those that the library keeps."""
        program = self._programs.get((id(force), status))
        if program is None:
            compiler = self._compilers.setdefault(id(force), Compiler(force.facts))
            made = Program(force.with_status(status), compiler, self._compiled_by(compiler))
            program = self._programs.setdefault((id(force), status), made)
        return program

    def _compiled_by(self, compiler: Compiler) -> Callable[[Rule], Judge]:
        def compiled(rule: Rule) -> Judge:
            document = self._documents[rule.id]
            return compiler.rule(rule, str(document.path), lambda place: document.place(place)[0])

        return compiled


def _guards(rule: Rule, compiler: Compiler) -> tuple[int, ...]:
    """The slots of which none may be false, or the rule doesn't apply: what it asks of the drugs at the top of `when`."""
    plain = (c for c in rule.when if isinstance(c, Drugs) and not c.narrowed)
    return tuple(compiler.drug_slot(leaf, rule.parameters) for leaf in plain)
