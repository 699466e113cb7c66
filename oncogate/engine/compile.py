"""From the conditions of a rule to a Python function that tells its verdict.

A function gets the slots of the case and the case, and gives one of the numbers of `VERDICTS`. What several rules ask
for (a fact, a window, a whole leaf) has one slot for all of them, and is worked out by whoever asks first. Names and texts
of a pack don't reach the code: it is built as a syntax tree, of slots and constants by number.

The meaning of a leaf isn't written twice: only the plain cases of `exists` and `latest` are told here, from `Found`; all
others are put to the walker (`conditions.py`), which is also what explains a verdict.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from itertools import count
from threading import Lock
from typing import Any

from oncogate.base.logic import Truth, at_least
from oncogate.base.times import clock_span
from oncogate.engine.case import Case
from oncogate.engine.coded import Asked
from oncogate.engine.conditions import Walk, compared, deriver
from oncogate.engine.derived import Derived
from oncogate.engine.found import finder, since
from oncogate.engine.found_checks import DOUBT, HIDDEN, LAST, VALUE, exact_float
from oncogate.engine.values import all_agree, is_listed
from oncogate.model.condition import (
    All,
    AnyOf,
    AtLeastN,
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
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.rule import Rule, Verdict
from oncogate.packs.leaves import Place, classes_of_leaf, options_of

VERDICTS: tuple[Verdict, ...] = ("not_applicable", "met", "unmet", "unknown")
NOT_APPLICABLE, MET, UNMET, UNKNOWN = range(4)

Slots = list[Any]
Maker = Callable[[Slots, Case], Any]
Judge = Callable[[Slots, Case], int]
Parameters = Mapping[str, Parameter]
Lines = Callable[[Place], int]
"""The line of a condition in its file."""

UNSET = object()
"""What a slot holds until someone asks for it."""

_OPERATORS: dict[str, type[ast.cmpop]] = {
    "below": ast.Lt, "at_most": ast.LtE, "above": ast.Gt, "at_least": ast.GtE, "in_": ast.In,
}  # fmt: skip


_COMPILING = Lock()
"""Python counts the depth of syntax trees for all threads together: two that compile at once may fail (SystemError)."""


class Compiler:
    """Compiles rules over one set of facts; keeps the slots that they share."""

    def __init__(self, facts: Mapping[str, Fact]) -> None:
        self.facts = facts
        self.asked = Asked()
        self.makers: dict[int, Maker] = {}
        """What fills each slot, but for those that the order's drugs fill."""
        self.drugs: dict[int, tuple[Drugs, Parameters]] = {}
        """The slots that are filled before judging, by the order's drugs."""
        self._slots: dict[Any, int] = {}
        self._numbers = count()

    def rule(self, rule: Rule, file: str, line: Lines) -> Judge:
        """The function of a rule; its tracebacks point to `file`."""
        return self.function(rule, line).made(file)

    def function(self, rule: Rule, line: Lines) -> Function:
        """The statements of a rule's function."""
        code = Function(self, rule.parameters, line, raising=rule.effect == "critical_value")
        applies = code.every([(("when", n), c) for n, c in enumerate(rule.when)])
        code.add(_if(_is(_name(applies), False), [_return(NOT_APPLICABLE)]))
        if rule.require is None:
            code.add(_return(ast.IfExp(_is(_name(applies), True), _constant(UNMET), _constant(UNKNOWN))))
        else:
            required = code.every([(("require", n), c) for n, c in enumerate(rule.require)])
            code.add(_if(_is(_name(required), True), [_return(MET)]))
            unmet = ast.BoolOp(ast.And(), [_is(_name(applies), True), _is(_name(required), False)])
            code.add(_return(ast.IfExp(unmet, _constant(UNMET), _constant(UNKNOWN))))
        return code

    @property
    def size(self) -> int:
        """More than the number of any slot so far."""
        return next(self._numbers)

    def slot(self, key: Any, make: Callable[[], Maker]) -> int:
        """The slot of what `key` says, with what fills it."""
        return self._numbered(key, lambda number: self.makers.__setitem__(number, make()))

    def drug_slot(self, leaf: Drugs, parameters: Parameters) -> int:
        """The slot of a leaf that asks for classes of drugs alone."""
        key = (leaf.any_of, leaf.all_of, leaf.none_of, classes_of_leaf(leaf, parameters))
        return self._numbered(key, lambda number: self.drugs.__setitem__(number, (leaf, parameters)))

    def _numbered(self, key: Any, fill: Callable[[int], None]) -> int:
        found = self._slots.get(key)
        if found is None:
            number = next(self._numbers)
            fill(number)  # before another thread can learn the number
            found = self._slots.setdefault(key, number)
        return found

    def told(self, slot: int) -> Any:
        """What a slot is for: the key that it was made for."""
        return next(key for key, number in self._slots.items() if number == slot)

    def fact(self, name: str, parameters: Parameters) -> Maker:
        """The function of a fact that is derived by conditions."""
        code = Function(self, parameters, lambda _: 1, raising=False)
        when = self.facts[name].when or ()
        code.add(_return(_name(code.every([(("when", n), c) for n, c in enumerate(when)]))))
        return code.made(f"<{name}>")


class Function:
    """One function being built: statements in order, each with its line."""

    def __init__(self, compiler: Compiler, parameters: Parameters, line: Lines, *, raising: bool) -> None:
        self.compiler = compiler
        self.facts = compiler.facts
        self.parameters = parameters
        self.raising = raising
        self.line_of = line
        self.line = 1
        self.names = 0
        self.known: dict[str, Any] = {"UNSET": UNSET}
        self.blocks: list[list[ast.stmt]] = [[]]

    # -- trees ---------------------------------------------------------------------------------------

    def every(self, conditions: Iterable[tuple[Place, Condition]]) -> str:
        """Emits a conjunction; gives the name that then holds its truth."""
        return self._fold(conditions, settled=False)

    def _fold(self, conditions: Iterable[tuple[Place, Condition]], *, settled: bool) -> str:
        """A conjunction (`settled` by false) or disjunction (by true): no more is asked once it is settled.

        What is quickly told is asked first.
        """
        first, *others = sorted(conditions, key=lambda pair: _cost(pair[1]))
        result = self.truth(*first)
        for place, condition in others:
            self.blocks.append([])
            truth = self.truth(place, condition)
            # still open, so far it is `not settled` or unknown: only the other truths change it
            self.add(_if(_is_not(_name(truth), not settled), [_assign(result, _name(truth))]))
            body = self.blocks.pop()
            self.add(_if(_is_not(_name(result), settled), body))
        return result

    def truth(self, place: Place, condition: Condition) -> str:
        """Emits a condition; gives the name that then holds its truth."""
        if isinstance(condition, All):
            return self.every(_inner(place, "all", condition.all))
        if isinstance(condition, AnyOf):
            return self._fold(_inner(place, "any", condition.any), settled=True)
        if isinstance(condition, Not):
            inner = self.truth((*place, "not"), condition.not_)
            result = self._new()
            negated = ast.UnaryOp(ast.Not(), _name(inner))
            self.add(_assign(result, ast.IfExp(_is(_name(inner), None), _constant(None), negated)))
            return result
        if isinstance(condition, AtLeastN):
            truths = [self.truth(*one) for one in _inner(place, "of", condition.of)]
            least = int(self.parameters[condition.at_least_n].number)
            result = self._new()
            listed = ast.List([_name(t) for t in truths], ast.Load())
            self.add(_assign(result, _call(self._known(at_least), _constant(least), listed)))
            return result
        self.line = self.line_of(place)
        return self._leaf(condition)

    # -- leaves --------------------------------------------------------------------------------------

    def _leaf(self, leaf: Leaf) -> str:
        name = self._new()
        if isinstance(leaf, Drugs) and not leaf.narrowed:
            self.add(_assign(name, _slot(self.compiler.drug_slot(leaf, self.parameters))))
            return name
        slot = self.compiler.slot(self._key(leaf), lambda: self._maker(leaf))
        maker = self.compiler.makers[slot]
        self.add(_assign(name, _slot(slot)))
        self.blocks.append([])
        if isinstance(leaf, Exists) and not (leaf.since or leaf.older_than or leaf.due_within):
            self._exists(leaf, name)
        elif isinstance(leaf, Latest) and self._plainly_told(leaf):
            self._latest(leaf, name, maker)
        else:
            self.add(_assign(name, _call(self._known(maker), _name("v"), _name("case"))))
        self.add(ast.Assign([_slot(slot, ast.Store())], _name(name)))
        body = self.blocks.pop()
        self.add(_if(_is(_name(name), UNSET), body))
        return name

    def _exists(self, leaf: Exists, name: str) -> None:
        found = self._found(leaf.exists, leaf)
        if leaf.within is None:
            # as `since` says of the whole past, without a call
            unsure = ast.BoolOp(ast.Or(), [_part(found, HIDDEN), _is_not(_part(found, DOUBT), None)])
            open_ = ast.IfExp(unsure, _constant(None), _constant(False))
            self.add(_assign(name, ast.IfExp(_is_not(_part(found, LAST), None), _constant(True), open_)))
        else:
            moment = self._since(leaf.within)
            self.add(_assign(name, _call(self._known(since), _name(found), _name(moment))))

    def _plainly_told(self, leaf: Latest) -> bool:
        coded = self.facts[leaf.latest].measured is None
        return leaf.repeats is None and (coded if leaf.in_ is not None else leaf.comparison[0] in _OPERATORS)

    def _latest(self, leaf: Latest, name: str, maker: Maker) -> None:
        """A number against a limit, or a word in a list. What isn't the one plain value of one newest entry is put to the walker."""
        found = self._found(leaf.latest, leaf)
        value, limit = self._new(), self._new()
        self.add(_assign(value, _part(found, VALUE)))
        self._limit(leaf, limit)
        compare: ast.expr = ast.Compare(_name(value), [_OPERATORS[leaf.comparison[0]]()], [_name(limit)])
        told = compare
        if leaf.within is not None:
            moment = self._since(leaf.within)
            recent = ast.Compare(_part(found, LAST), [ast.GtE()], [_name(moment)])
            told = ast.IfExp(recent, compare, _constant(None))
        thorough = _call(self._known(maker), _name("v"), _name("case"))
        plain = ast.BoolOp(ast.And(), [_is_not(_name(value), None), _is_not(_name(limit), None)])
        self.add(_if(plain, [_assign(name, told)], [_assign(name, thorough)]))

    def _limit(self, leaf: Latest, name: str) -> None:
        """Emits what the number is compared with; `None` where that isn't one number for certain."""
        ref = leaf.comparison[1]
        if leaf.in_ is not None:
            listed = self.parameters[ref].value
            self.add(_assign(name, self._known(listed if isinstance(listed, tuple) else (listed,))))
            return
        if ref in self.parameters:
            self.add(_assign(name, self._known(exact_float(self.parameters[ref].number))))
            return
        limit = _only_number(deriver(self.facts, ref, options_of(leaf, self.parameters)))
        self.add(_assign(name, _call(self._known(limit), _name("case"))))

    def _found(self, fact: str, leaf: Leaf) -> str:
        # of facts of the record only a stage takes options; others are meant for what the leaf compares with
        options = options_of(leaf, self.parameters) if self.facts[fact].stage is not None else {}
        make = lambda: finder(fact, self.facts[fact], options, self.compiler.asked)  # noqa: E731
        return self._shared(("found", fact, _said(options)), make)

    def _since(self, ref: str) -> str:
        parameter = self.parameters[ref]
        length, unit = int(parameter.number), parameter.unit or "d"
        return self._shared(("since", length, unit), lambda: _going_back(length, unit))

    def _shared(self, key: Any, make: Callable[[], Maker]) -> str:
        """Emits the look into a slot that is filled where it wasn't yet."""
        slot = self.compiler.slot(key, make)
        name = self._new()
        self.add(_assign(name, _slot(slot)))
        made = _call(self._known(self.compiler.makers[slot]), _name("v"), _name("case"))
        fill = ast.Assign([ast.Name(name, ast.Store()), _slot(slot, ast.Store())], made)
        self.add(_if(_is(_name(name), UNSET), [fill]))
        return name

    def _key(self, leaf: Leaf) -> Any:
        """What tells a leaf from others: what it is, with the values of the parameters that it refers to."""
        said = _said({ref: self.parameters[ref] for ref in leaf.refs if ref in self.parameters})
        return type(leaf), leaf.model_dump_json(exclude_none=True), said, self.raising

    def _maker(self, leaf: Leaf) -> Maker:
        parameters, raising = self.parameters, self.raising
        if isinstance(leaf, Supplied):
            section = leaf.supplied
            return lambda v, case: case.record.section(section) is not None
        if isinstance(leaf, Holds):
            return self._holds(leaf)
        if isinstance(leaf, Value) and (leaf.in_ is not None or leaf.comparison[1] in parameters):
            return self._value(leaf)
        assert isinstance(leaf, (Exists, Latest, Value, Drugs))
        return lambda v, case: Walk(case, parameters, raising=raising).truth(leaf)

    def _holds(self, leaf: Holds) -> Maker:
        options, fact = options_of(leaf, self.parameters), self.facts[leaf.holds]
        if fact.when is not None:
            return self.compiler.fact(leaf.holds, {**fact.parameters, **options})
        derived = deriver(self.facts, leaf.holds, options)
        return lambda v, case: derived(case).truth

    def _value(self, leaf: Value) -> Maker:
        """A derived value against a parameter."""
        derived = deriver(self.facts, leaf.value, options_of(leaf, self.parameters))
        operator, parameter = leaf.comparison[0], self.parameters[leaf.comparison[1]]
        if operator == "in_":
            return lambda v, case: all_agree([is_listed(x, parameter) for x in derived(case).possible])
        limits = (parameter.number,)
        return lambda v, case: all_agree([compared(x, operator, limits) for x in derived(case).possible])

    # -- code ----------------------------------------------------------------------------------------

    def add(self, statement: ast.stmt) -> None:
        """Append a statement, with the line of the condition that it stands for."""
        statement.lineno = statement.end_lineno = self.line
        statement.col_offset = statement.end_col_offset = 0
        self.blocks[-1].append(statement)

    @property
    def statements(self) -> list[ast.stmt]:
        """The statements; what they are made of has their lines."""
        return [ast.fix_missing_locations(statement) for statement in self.blocks[0]]

    def made(self, file: str) -> Callable[[Slots, Case], Any]:
        """The function."""
        names = dict(self.known)
        with _COMPILING:
            module = ast.parse("def judge(v, case): ...")
            definition = module.body[0]
            assert isinstance(definition, ast.FunctionDef)
            definition.body = self.statements
            code = compile(module, file, "exec")
        exec(code, names)
        return names["judge"]  # type: ignore[no-any-return]

    def _new(self) -> str:
        self.names += 1
        return f"t{self.names}"

    def _known(self, value: Any) -> ast.expr:
        """A value that the code refers to by a name of its own."""
        name = next((n for n, v in self.known.items() if v is value), None)
        if name is None:
            name = f"k{len(self.known)}"
            self.known[name] = value
        return _name(name)


def _only_number(derived: Callable[[Case], Derived]) -> Callable[[Case], float | None]:
    def number(case: Case) -> float | None:
        possible = derived(case).possible
        only = next(iter(possible)) if len(possible) == 1 else None
        return exact_float(only) if isinstance(only, Decimal) else None

    return number


def _going_back(length: int, unit: str) -> Maker:
    span = clock_span(length, unit)
    if span is None:
        return lambda _, case: case.days_ago(length, unit)
    return lambda _, case: case.ago(span)


def _said(parameters: Parameters) -> tuple[Any, ...]:
    return tuple(sorted((name, str(p.value), p.unit) for name, p in parameters.items()))


def _cost(condition: Condition) -> int:
    """The order in which conditions are best asked; it decides nothing."""
    if isinstance(condition, Drugs):
        return 3 if condition.narrowed else 0
    if isinstance(condition, Supplied):
        return 1
    if isinstance(condition, (Exists, Latest)):
        return 2
    if isinstance(condition, Not):
        return _cost(condition.not_)
    if isinstance(condition, (All, AnyOf)):
        inner = condition.all if isinstance(condition, All) else condition.any
        return max(map(_cost, inner))
    return 4


def _inner(place: Place, key: str, conditions: Iterable[Condition]) -> list[tuple[Place, Condition]]:
    return [((*place, key, n), c) for n, c in enumerate(conditions)]


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _constant(value: Truth | int) -> ast.expr:
    return ast.Constant(value)


def _assign(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], value)


def _slot(index: int, context: ast.expr_context | None = None) -> ast.expr:
    return ast.Subscript(_name("v"), ast.Constant(index), context or ast.Load())


def _part(name: str, index: int) -> ast.expr:
    return ast.Subscript(_name(name), ast.Constant(index), ast.Load())


def _call(function: ast.expr, *arguments: ast.expr) -> ast.expr:
    return ast.Call(function, list(arguments), [])


def _is(value: ast.expr, what: Any) -> ast.expr:
    return ast.Compare(value, [ast.Is()], [_name("UNSET") if what is UNSET else ast.Constant(what)])


def _is_not(value: ast.expr, what: Truth) -> ast.expr:
    return ast.Compare(value, [ast.IsNot()], [ast.Constant(what)])


def _if(test: ast.expr, body: list[ast.stmt], otherwise: list[ast.stmt] | None = None) -> ast.stmt:
    return ast.If(test, body, otherwise or [])


def _return(value: ast.expr | int) -> ast.stmt:
    return ast.Return(_constant(value) if isinstance(value, int) else value)
