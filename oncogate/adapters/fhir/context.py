"""What every reader needs: the zone, the vocabulary, references, and the parts that all entries share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from oncogate.adapters.fhir.access import Json, codings, items, obj, objects, shortened, text, texts
from oncogate.adapters.fhir.bundles import Found, Index
from oncogate.adapters.fhir.vocabulary import Vocabulary
from oncogate.base.errors import Diagnostic
from oncogate.base.times import NaiveTime, read_time, write_time

Entry = dict[str, Any]
Reader = Callable[[Found, "Context"], "list[Entry] | None"]
"""Reads a resource for a section: its entries, or `None` if the resource doesn't belong there."""


@dataclass(frozen=True)
class Reading:
    """What was read: a native request as plain data, ready for `Request.load`, and what was amiss.

    `data` has no `at` where neither the caller nor the order tells the moment.
    """

    data: dict[str, Any]
    diagnostics: tuple[Diagnostic, ...] = ()


class Unreadable(Exception):
    """A resource that was asked for and can't be read; `codes` and `kind` limit what it may hide."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


REPORT_STATUSES = frozenset(
    ["final", "amended", "corrected", "preliminary", "registered", "cancelled", "entered-in-error", "unknown"]
)
_REPORT_ALIASES = {
    "partial": "preliminary",
    "appended": "amended",
    "modified": "amended",
    "canceled": "cancelled",
}
_ACTION_STATUSES = frozenset(
    [
        "completed",
        "in-progress",
        "active",
        "planned",
        "draft",
        "on-hold",
        "stopped",
        "cancelled",
        "not-done",
        "entered-in-error",
        "unknown",
    ]
)
_ACTION_ALIASES = {
    "preparation": "planned", "proposed": "planned", "intended": "planned", "not-taken": "not-done",
    "aborted": "stopped", "ended": "completed", "suspended": "on-hold", "revoked": "cancelled",
    "canceled": "cancelled",
}  # fmt: skip
NEVER_COUNTED = frozenset({"entered-in-error", "cancelled", "registered"})
"""Statuses by which an entry counts for nothing, whenever it was: its time need not be readable."""


@dataclass
class Context:
    """The input as a whole, while it is read.

    `in_bundle` is true for a whole record, where a resource belongs to a section by what it is, and false
    for a prefetch, where it was asked for as a part of its section. `patient` is the id of the request's,
    `moment` the time as of which it is judged, if it is known.
    """

    index: Index
    zone: tzinfo | None
    vocabulary: Vocabulary
    in_bundle: bool
    patient: str | None = None
    moment: str | None = None
    conditions: list[Found] = field(default_factory=list)
    reports: dict[str, list[Found]] = field(default_factory=dict)
    pointed_at: dict[str, list[str]] = field(default_factory=dict)
    versions: set[str] = field(default_factory=set)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def say(self, pointer: str, code: str, message: str, help: str = "") -> None:
        """Note a problem at a JSON pointer."""
        self.diagnostics.append(Diagnostic(pointer, 0, 0, code, message, help))

    def prepare(self, found: Iterable[Found]) -> None:
        """Note what resources say about one another: reports of results, evidence of conditions, versions.

        What a resource says about another person's is let go.
        """
        seen: dict[str, Json] = {}
        for one in found:
            if one.source in seen and seen[one.source] != one.resource:
                self.versions.add(one.source)
            seen.setdefault(one.source, one.resource)
            if one.type == "DiagnosticReport":
                for link in objects(one.resource.get("result")):
                    member = self.index.resolve(link, one)
                    if member is not None and self.whose(member) == self.whose(one):
                        self.reports.setdefault(member.source, []).append(one)
            if one.parent is not None:
                self.reports.setdefault(one.source, []).append(one.parent)
            if one.type == "Condition":
                for part in (*objects(one.resource.get("evidence")), *objects(one.resource.get("stage"))):
                    for link in (*objects(part.get("detail")), *objects(part.get("assessment"))):
                        self._point(one, link)
            if one.type == "Observation":
                focus = self.index.target(obj(one.resource.get("focus")), "Condition", one)
                for link in objects(one.resource.get("hasMember")) if focus else ():
                    member = self.index.resolve(link, one)
                    if member is not None and focus is not None and self.whose(member) == self.whose(one):
                        self.pointed_at.setdefault(f"member:{member.source}", []).append(focus)

    def _point(self, condition: Found, link: Json) -> None:
        target = self.index.resolve(link, condition)
        if target is not None and self.whose(target) == self.whose(condition):
            known = self.pointed_at.setdefault(target.source, [])
            if condition.id not in known:
                known.append(condition.id)

    def whose(self, found: Found) -> str | None:
        """Whom a resource is about: the one that it names, else the patient."""
        return self.index.about(found) or self.patient

    # -- codes -------------------------------------------------------------------------------------

    def says_code(self, resource: Json) -> bool:
        """Whether a result says what it is of; raises `Unreadable` if it was asked for and doesn't.

        In a bundle of everything one that doesn't belongs to no section.
        """
        code = resource.get("code")
        if codings(code) or texts(code):
            return True
        if self.in_bundle:
            return False
        raise Unreadable("says no code")

    # -- times -------------------------------------------------------------------------------------

    def when(self, value: Any) -> str:
        """A time in canonical form; raises `Unreadable`."""
        if not isinstance(value, str):
            raise Unreadable("the time isn't a text")
        try:
            return write_time(read_time(value, self.zone))
        except NaiveTime:
            raise Unreadable(f"the time `{shortened(value, 40)}` has no zone") from None
        except ValueError as error:
            raise Unreadable(shortened(str(error), 100)) from None

    def readable(self, value: Any) -> str | None:
        """A time where it can be read, else `None`."""
        try:
            return self.when(value)
        except Unreadable:
            return None

    # -- what all entries share --------------------------------------------------------------------

    def entry(
        self,
        found: Found,
        effective: Any = None,
        recorded: Any = None,
        *,
        status: str = "",
        needed: bool = True,
        lenient: bool = False,
    ) -> Entry:
        """Id, source, patient, key and times; `meta.lastUpdated` stands in for `recorded`.

        A time that can't be read makes the resource `Unreadable`, unless `lenient`: it is then left out.
        """
        made: Entry = {"id": found.id, "source": found.source}
        patient = self.index.about(found)
        if patient is not None:
            made["patient"] = patient
        key = f"{found.source}" if found.source in self.versions else _identifier(found.resource)
        if key is not None:
            made["key"] = key
        if recorded is None:
            recorded = obj(found.resource.get("meta")).get("lastUpdated")
        times = {"effective": effective, "recorded": recorded}
        if lenient or status in NEVER_COUNTED:
            times = {name: self.readable(time) for name, time in times.items()}
        elif effective is None and needed:
            raise Unreadable("says no time")
        made |= {name: self.when(time) for name, time in times.items() if time is not None}
        return made

    def observed(self, found: Found, status: str) -> Entry:
        """An entry of a result or report; a result without a time has that of the report that lists it."""
        resource = found.resource
        effective, recorded = effective_of(resource), resource.get("issued")
        if effective is None:
            reports = [r.resource for r in self.reports.get(found.source, ())]
            timed = sorted(reports, key=lambda r: (str(effective_of(r)), str(r.get("issued"))))
            report = next((r for r in timed if effective_of(r) is not None), {})
            effective = effective_of(report)
            recorded = recorded if recorded is not None else report.get("issued")
        made = self.entry(found, effective, recorded, status=status)
        focus = self.index.target(obj(resource.get("focus")), "Condition", found)
        if focus is not None:
            made["focus"] = focus
        return made


def is_before(one: str, other: str) -> bool:
    """Whether one time is over before the other begins: a day, month or year only when it has ended."""
    if min(len(one), len(other)) > 10:
        return datetime.fromisoformat(one) < datetime.fromisoformat(other)
    known = min(len(one), len(other))
    return one[:known] < other[:known]


def effective_of(resource: Json) -> Any:
    """When a result or event was clinically true, as written; `None` if nothing is."""
    choices = (
        resource.get("effectiveDateTime"),
        resource.get("effectiveInstant"),
        obj(resource.get("effectivePeriod")).get("start"),
        next(iter(items(obj(resource.get("effectiveTiming")).get("event"))), None),
    )
    return next((choice for choice in choices if choice is not None), None)


def performed_of(resource: Json) -> Any:
    """When a procedure was done, as written."""
    for name in ("performed", "occurrence"):
        point = resource.get(f"{name}DateTime")
        time = point if point is not None else obj(resource.get(f"{name}Period")).get("start")
        if time is not None:
            return time
    return None


def report_status(resource: Json) -> str:
    """The status of a result or report; raises `Unreadable` where it has none."""
    status = _status(resource)
    status = _REPORT_ALIASES.get(status, status)
    return status if status in REPORT_STATUSES else "unknown"


def action_status(resource: Json) -> str:
    """The status of something done or ordered; raises `Unreadable` where it has none."""
    status = _status(resource)
    status = _ACTION_ALIASES.get(status, status)
    return status if status in _ACTION_STATUSES else "unknown"


def _status(resource: Json) -> str:
    status = text(resource.get("status"))
    if status is None:
        raise Unreadable("says no status")
    return status.casefold()


def _identifier(resource: Json) -> str | None:
    first = obj(resource.get("identifier"))
    value = text(first.get("value"))
    return None if value is None else shortened(f"{text(first.get('system')) or ''}|{value}", 400)
