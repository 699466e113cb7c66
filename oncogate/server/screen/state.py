"""What travels with the page: which request is looked at, whether it was signed, what was done about it, the language.

The server keeps none of it. With an example it stands in the address; what was pasted is only ever posted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from oncogate.base.texts import Language

MOST_DONE = 40
_ACTION = re.compile(r"[a-z][a-z0-9-]{0,60}")
_LONGEST = {"patient": 80, "at": 60}


@dataclass(frozen=True)
class State:
    """What a page knows. `patient` names an example; `text` is what was pasted, `held` that the page holds such a text.

    `acted` tells a page that answers the press of a button from one that was only opened.
    """

    patient: str = ""
    text: str = ""
    at: str = ""
    signed: bool = False
    done: tuple[str, ...] = ()
    language: Language = "zh"
    pasting: bool = False
    held: bool = False
    acted: bool = False

    @classmethod
    def of(cls, fields: Iterable[tuple[str, str]]) -> State:
        """The state of a form's fields; of a field that comes twice the last counts, as a button's does."""
        pairs = list(fields)
        one = dict(pairs)
        act, _, what = one.get("act", "").partition(":")
        done = [value for name, value in pairs if name == "done" and _ACTION.fullmatch(value)]
        if act == "do" and _ACTION.fullmatch(what):
            done.append(what)
        elif act == "undo":
            done = [action for action in done if action != what]
        patient = one.get("patient", "")[: _LONGEST["patient"]]
        text = "" if patient else one.get("text", "")
        return cls(
            patient=patient, text=text if text.strip() else "", at=one.get("at", "").strip()[: _LONGEST["at"]],
            signed=bool(one.get("signed") or act), done=tuple(dict.fromkeys(done))[:MOST_DONE],
            language="en" if one.get("lang") == "en" else "zh",
            pasting=bool(one.get("pasting") or "text" in one) and not (patient or text.strip()), held=bool(one.get("held")) and not patient, acted=bool(act),
        )  # fmt: skip

    @property
    def linkable(self) -> bool:
        """Whether the state may stand in an address: nothing of a patient's does."""
        return not (self.text or self.held)

    def fields(self) -> list[tuple[str, str]]:
        """The state as a form's fields, without the pasted text."""
        found: list[tuple[str, str]] = [("lang", self.language)]
        if self.patient:
            found.append(("patient", self.patient))
        if self.text or self.held:
            found.append(("held", "1"))
        if self.signed:
            found.append(("signed", "1"))
        return [*found, *(("done", action) for action in self.done)]

    def query(self, **changes: str) -> str:
        """The state as the query of an address, with some fields changed."""
        at = [("at", self.at)] if self.at else []
        kept = [(n, v) for n, v in (*self.fields(), *at) if n not in changes and n != "held"]
        return urlencode([*kept, *changes.items()])
