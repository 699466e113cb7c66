"""The child process in which durable-rules runs; started by its path, so that it brings nothing of oncogate along.

It reads lines of JSON and answers each with one. The first is the program: where modules are found, and rulesets in
the order in which they build on one another, each with the symbols that it asks for. Every other gives the symbols of
one request; the answer is every symbol that the rules concluded. No name and no value of the record comes here.

durable-rules is kept to what it was found to do reliably: one session, one thread, one fact at a time, retracted after
use, no dispatcher, no joins. A symbol that isn't concluded exactly once is an error, not a guess.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from typing import Any

SESSION = "0"
SEEN = "seen"
"""What the catch-all rule of every ruleset says; without one, a fact that matches nothing raises."""


def notebook() -> Any:
    """A host without its dispatcher threads, whose actions only note what fired, and for which fact."""
    from durable.engine import Host  # noqa: PLC0415  # the program says where it is

    class Notebook(Host):  # type: ignore[misc]
        def __init__(self) -> None:
            self.fired: set[tuple[str, str]] = set()
            super().__init__()

        def _run(self) -> None:
            pass

        def get_action(self, action_name: str) -> Callable[[Any], None]:
            def note(context: Any) -> None:
                self.fired.add((context.m["id"], action_name))  # a rule may fire twice; a set folds it

            return note

    return Notebook()


class Rules:
    """The rulesets of a program."""

    def __init__(self, rulesets: list[dict[str, Any]]) -> None:
        self._host = notebook()
        self._host.register_rulesets({one["name"]: one["rules"] for one in rulesets})
        self._asks = [(one["name"], one["asks"]) for one in rulesets]
        self._facts = 0

    def conclude(self, given: dict[str, str]) -> dict[str, str]:
        """What follows from the given symbols, ruleset by ruleset."""
        known, concluded = dict(given), {}
        for name, asks in self._asks:
            said = self._ask(name, {symbol: known[symbol] for symbol in asks})
            known |= said
            concluded.update(said)
        return concluded

    def _ask(self, ruleset: str, symbols: dict[str, str]) -> dict[str, str]:
        self._facts += 1
        fact = {"id": str(self._facts), "sid": SESSION, SEEN: "t", **symbols}
        self._host.fired.clear()
        state = self._host.assert_fact(ruleset, fact)
        self._host.retract_fact(ruleset, fact)
        said: dict[str, str] = {}
        for about, action in self._host.fired:
            symbol, _, value = action.partition("=")
            if about != fact["id"] or symbol in said:
                raise ValueError(f"{ruleset} said {action} of fact {about}; it was asked {fact}, said {said}")
            said[symbol] = value
        if said.pop(SEEN, None) is None or "exception" in state:
            raise ValueError(f"{ruleset} didn't see the fact {fact}: {state}")
        return said


def main() -> None:
    """Answer every line of standard input until there is none."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt at the keyboard is the host's to handle
    rules: Rules | None = None
    for line in sys.stdin:
        answer: dict[str, Any]
        try:
            asked = json.loads(line)
            if rules is None:
                sys.path[:] = asked["path"]
                rules = Rules(asked["rulesets"])
                answer = {"ready": True}
            else:
                answer = {"number": asked["number"], "concluded": rules.conclude(asked["given"])}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
