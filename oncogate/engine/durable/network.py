"""A network of symbols, each concluded from symbols before it, written as rulesets of durable-rules.

A symbol is `t`, `f` or `u`: true, false, unknown. For each value that it may take there is one rule, whose guard says
when it takes it; exactly one of the guards holds. Symbols that ask only for what is known by then share a ruleset.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

Guard = dict[str, Any]
"""A condition in durable-rules' JSON: `{symbol: value}`, `{"$neq": …}`, `{"$and": […]}`, `{"$or": […]}`."""

TRUE, FALSE = "true", "false"
"""Two symbols that are always given."""
CONSTANTS = {TRUE: "t", FALSE: "f"}
SEEN = "seen"
"""The symbol by which a fact shows that it was looked at; as in `worker.py`, which imports nothing from here."""
GROUPS = ("$and", "$or")
_TAKEN = ("m", "id", "sid", "$s", "$neq", *GROUPS, SEEN, TRUE, FALSE)

MOST_NODES = 8
"""How many symbols one guard asks for. durable-rules reads at most 31 terms a guard, and an unknown asks twice."""
MOST_TERMS = 60
"""How many terms and groups of terms one ruleset has. durable-rules follows up to 64 that match; beyond, it refuses the fact."""


def fnv1a(name: str) -> int:
    """The 32-bit hash by which durable-rules tells attributes apart."""
    found = 0x811C9DC5
    for byte in name.encode():
        found = (found ^ byte) * 16777619 & 0xFFFFFFFF
    return found


def fresh_names(hashed: Callable[[str], int] = fnv1a) -> Iterator[str]:
    """Names of which no two, and none of durable-rules' own, share a hash: else one would answer for the other."""
    taken = {hashed(name) for name in _TAKEN}
    number = 0
    while True:
        name = f"s{number}"
        number += 1
        if hashed(name) not in taken:
            taken.add(hashed(name))
            yield name


def is_(symbol: str, value: str) -> Guard:
    """The symbol has the value."""
    return {symbol: value}


def isnt(symbol: str, value: str) -> Guard:
    """The symbol has another value."""
    return {"$neq": {symbol: value}}


def all_of(guards: Iterable[Guard]) -> Guard:
    """Each of the guards holds."""
    return _joined("$and", guards)


def any_of(guards: Iterable[Guard]) -> Guard:
    """One of the guards holds."""
    return _joined("$or", guards)


def opposite(guard: Guard) -> Guard:
    """The guard doesn't hold; durable-rules has no negation of its own."""
    ((key, inner),) = guard.items()
    if key == "$neq":
        return dict(inner)
    if key == "$and":
        return any_of(opposite(one) for one in inner)
    if key == "$or":
        return all_of(opposite(one) for one in inner)
    return {"$neq": guard}


def _joined(operator: str, guards: Iterable[Guard]) -> Guard:
    listed = list(guards)
    return listed[0] if len(listed) == 1 else {operator: listed}


class Network:
    """Symbols as they are defined, each once: what is asked the same way is the same symbol."""

    def __init__(self) -> None:
        self._names = fresh_names()
        self._levels = dict.fromkeys(CONSTANTS, 0)
        self._by_cases: dict[str, str] = {}
        self._defined: list[tuple[str, Mapping[str, Guard]]] = []

    def given(self) -> str:
        """A new symbol whose value comes from outside."""
        symbol = next(self._names)
        self._levels[symbol] = 0
        return symbol

    def define(self, cases: Mapping[str, Guard]) -> str:
        """The symbol that takes the value whose guard holds."""
        key = json.dumps(cases, sort_keys=True)
        if key not in self._by_cases:
            symbol = self._by_cases[key] = next(self._names)
            self._levels[symbol] = 1 + max(self._levels[s] for s in _asked(cases))
            self._defined.append((symbol, cases))
        return self._by_cases[key]

    def whether(self, guard: Guard) -> str:
        """A symbol that is true if the guard holds, else false; never unknown."""
        return self.define({"t": guard, "f": opposite(guard)})

    def negation(self, node: str) -> str:
        """Not; the negation of unknown is unknown."""
        return self.define({"t": is_(node, "f"), "f": is_(node, "t"), "u": is_(node, "u")})

    def every(self, nodes: Sequence[str]) -> str:
        """And; true for no nodes at all."""
        return self._fold(nodes, TRUE, FALSE, "f")

    def some(self, nodes: Sequence[str]) -> str:
        """Or; false for no nodes at all."""
        return self._fold(nodes, FALSE, TRUE, "t")

    def _fold(self, nodes: Sequence[str], neutral: str, settling: str, settles: str) -> str:
        if settling in nodes:
            return settling
        asked = [node for node in dict.fromkeys(nodes) if node != neutral]
        if len(asked) <= 1:
            return asked[0] if asked else neutral
        if len(asked) > MOST_NODES:
            groups = [asked[i : i + MOST_NODES] for i in range(0, len(asked), MOST_NODES)]
            return self._fold(
                [self._fold(g, neutral, settling, settles) for g in groups], neutral, settling, settles
            )
        settled = any_of(is_(node, settles) for node in asked)
        plain = all_of(is_(node, "t" if settles == "f" else "f") for node in asked)
        unknown = all_of([opposite(settled), opposite(plain)])
        return self.define({settles: settled, "t" if settles == "f" else "f": plain, "u": unknown})

    def at_least(self, count: int, nodes: Sequence[str]) -> str:
        """At least so many of the nodes, counted one node after the other."""
        held = [TRUE, *[FALSE] * count]
        for node in nodes:
            held[1:] = [self.some([more, self.every([fewer, node])]) for fewer, more in pairwise(held)]
        return held[count]

    def rulesets(self) -> list[dict[str, Any]]:
        """What is defined, as `worker.py` takes it: rulesets in the order in which they build on one another."""
        found: list[dict[str, Any]] = []
        level, terms = 0, 0
        for symbol, cases in sorted(self._defined, key=lambda one: self._levels[one[0]]):
            size = sum(map(_size, cases.values()))
            if self._levels[symbol] != level or terms + size > MOST_TERMS:
                level, terms = self._levels[symbol], 0
                found.append(
                    {"name": next(self._names), "asks": [], "rules": {SEEN: _rule(SEEN, "t", {SEEN: "t"})}}
                )
            terms += size
            found[-1]["asks"] = list(dict.fromkeys([*found[-1]["asks"], *_asked(cases)]))
            found[-1]["rules"] |= {next(self._names): _rule(symbol, v, guard) for v, guard in cases.items()}
        return found


def _rule(symbol: str, value: str, guard: Guard) -> dict[str, Any]:
    return {"all": [{"m": guard}], "run": f"{symbol}={value}"}


def _asked(cases: Mapping[str, Guard]) -> Iterator[str]:
    """The symbols that the guards of a definition ask for, as often as they do."""
    for guard in cases.values():
        yield from _symbols(guard)


def _symbols(guard: Guard) -> Iterator[str]:
    ((key, inner),) = guard.items()
    if key in GROUPS:
        for one in inner:
            yield from _symbols(one)
    else:
        yield from inner if key == "$neq" else (key,)


def _size(guard: Guard) -> int:
    ((key, inner),) = guard.items()
    return 1 + sum(map(_size, inner)) if key in GROUPS else 1
