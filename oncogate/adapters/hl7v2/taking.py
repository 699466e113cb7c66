"""What is taken from one message: entries of the record, each with its patient, and what was amiss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from oncogate.adapters.fhir.access import shortened
from oncogate.adapters.fhir.vocabulary import Asked, Vocabulary
from oncogate.adapters.hl7v2.codes import Coding
from oncogate.adapters.hl7v2.header import Header
from oncogate.adapters.hl7v2.segments import Segment
from oncogate.adapters.hl7v2.times import UnreadTime, read_ts
from oncogate.base.errors import Diagnostic

Entry = dict[str, Any]
LocalCodes = Mapping[tuple[str, str], Coding]
"""The code that a local system and code stand for."""


@dataclass(frozen=True)
class Item:
    """One thing that a message says: an entry of `section`, the `patient`, or an `unread` mark.

    `said` is when the message was made; `key` names what the item is a version of; `confirms`: it declares
    final a value that an earlier version holds. `message` numbers the messages of an inbox by their arrival,
    and `arrived` is when.
    """

    patient: str
    section: str
    entry: Entry
    said: str | None = None
    key: str | None = None
    confirms: bool = False
    message: int = 0
    arrived: datetime | None = None


@dataclass
class Taking:
    """A message while it is read, for the patient whose segments are being read."""

    header: Header
    zone: tzinfo | None
    vocabulary: Vocabulary
    local: LocalCodes
    patient: str = ""
    items: list[Item] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def say(self, place: str, code: str, message: str, help: str = "") -> None:
        """Note a problem at a place of the message."""
        self.diagnostics.append(Diagnostic(place, 0, 0, code, message, help))

    # -- times and codes ---------------------------------------------------------------------------

    def time(self, said: str) -> str:
        """A time in canonical form; raises `UnreadTime`."""
        return read_ts(said, self.zone)

    def readable(self, said: str) -> str | None:
        """A time where it can be read, else `None`."""
        try:
            return self.time(said)
        except UnreadTime:
            return None

    def said(self) -> str:
        """When the message was made (MSH-7); raises `UnreadTime`."""
        try:
            return self.time(self.header.time)
        except UnreadTime as error:
            raise UnreadTime(f"{error} (MSH-7)") from None

    def with_known(self, codes: list[Coding]) -> list[Coding]:
        """The codes, and what the site says that they stand for."""
        known = [self.local.get((c.get("system", ""), c.get("code", ""))) for c in codes]
        return [*codes, *(c for c in known if c is not None and c not in codes)]

    def asked(self, codes: Sequence[Coding]) -> list[Asked]:
        """What the facts ask of the codes."""
        known = self.vocabulary.asked
        found = (known.get((c.get("system", ""), c.get("code", ""))) for c in codes)
        return [asked for asked in found if asked is not None]

    def only_done(self, codes: Sequence[Coding]) -> bool:
        """Whether all that counts of such a result is that there is one."""
        asked = self.asked(codes)
        return bool(asked) and all(a.only_done for a in asked)

    # -- what is taken -----------------------------------------------------------------------------

    def add(
        self, section: str, segment: Segment, entry: Entry, *, suffix: str = "", confirms: bool = False
    ) -> None:
        """Take an entry that a segment says."""
        place = f"{self.header.name}/{segment.place()}{suffix}"
        made = {"id": shortened(place), "source": shortened(place), "patient": self.patient, **entry}
        self._item(section, made, entry.get("key"), confirms)

    def about(self, entry: Entry) -> None:
        """Take what is said of the patient."""
        self._item("patient", {"id": self.patient, **entry}, None, False)

    def unread(
        self, section: str, segment: Segment, position: int, problem: str, codes: Sequence[Coding] = (),
        key: str | None = None,
    ) -> None:  # fmt: skip
        """Mark that something of a section couldn't be read; `codes` limit what it may hide."""
        place = segment.place(position or None)
        self.say(place, "message-unread", f"{section}: {problem}", "mend it at its source and send it again")
        mark = {
            "section": section, "problem": shortened(problem, 200),
            "source": shortened(f"{self.header.name}/{place}"), "codes": list(codes),
        }  # fmt: skip
        self._item("unread", mark, key, False)

    def _item(self, section: str, entry: Entry, key: str | None, confirms: bool) -> None:
        said = self.readable(self.header.time)
        self.items.append(Item(self.patient, section, entry, said, key, confirms))
