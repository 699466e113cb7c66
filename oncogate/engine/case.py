"""One request made ready for judging: which tumour, which drugs, and whether the order treats a tumour.

Nothing here decides anything. It answers once what many rules ask: what the order's drugs are, which
of the record's tumours the order is about, and whether there are others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, NamedTuple

from oncogate.base.logic import Truth, negate
from oncogate.base.once import once
from oncogate.base.texts import Text
from oncogate.base.times import Time, go_back, instant, read_time
from oncogate.model.at_once import Plain
from oncogate.model.facts import Fact
from oncogate.model.record import Diagnosis, Drug, Entry, PatientRecord, Unread
from oncogate.model.request import Order, Request
from oncogate.model.values import Code
from oncogate.packs.codes import icd10, keys_of, looks_malignant, names_tumour
from oncogate.packs.pack import Library
from oncogate.packs.tables import KnownDrug, Tables, Tumour

UNTOLD = ""
"""The time of what has none, or none that is told at a glance."""
NO_DIAGNOSIS = frozenset({"refuted", "entered-in-error"})
"""Statuses of what isn't, or never was, a diagnosis."""
ACTIVE = frozenset({"active", "recurrence", "relapse", "unknown"})
TREATMENT_KINDS = frozenset(
    {
        "chemotherapy",
        "targeted",
        "immunotherapy",
        "endocrine",
        "systemic",
        "anti_tumour",
        "surgery",
        "resection",
        "radiotherapy",
    }
)
"""Values of `order.kind` that mark an order as anti-tumour."""
LOCAL_KINDS = frozenset({"surgery", "resection", "radiotherapy"})


class OrderedDrug:
    """A drug of the order, as it was written, and what it was recognised as, if it was."""

    def __init__(self, row: Plain, known: KnownDrug | None) -> None:
        self.row = row
        self.known = known

    @once
    def drug(self) -> Drug:
        """The drug as the host names it."""
        return Drug.model_validate(self.row)

    @once
    def label(self) -> Text:
        """The host's own name where it gave one, so that the physician finds it on the screen."""
        name = self.row.get("name") or (None if self.known else self.row.get("code"))
        if name:
            return Text(zh=name, en=name)
        return self.known.label if self.known else Text(zh="未写明的药品", en="a drug without a name")


class OrderTumour(NamedTuple):
    """The tumour that the order is about.

    `ids` are the diagnoses that stand for it, `None` where it can't be told which tumour is meant.
    `several` says whether the record has others. `kind` is a tumour of the table, `None` if not known.
    """

    ids: frozenset[str] | None
    codes: frozenset[tuple[str | None, str | None]]
    kind: Tumour | None
    several: Truth


class Case:
    """A request with what rules ask of it, worked out once."""

    def __init__(self, request: Request, facts: Mapping[str, Fact], tables: Tables) -> None:
        self.request = request
        written, self.order_row, self.rows = request.plain
        """The order and the record as plain data."""
        patient = self.rows["patient"]
        self.patient_id: str | None = None if patient is None else patient["id"]
        self.has_unread = bool(self.rows["unread"])
        """Whether something of the record could not be read."""
        self.now, self.zone = written[:19], written[19:]
        """The moment as a local time; and how a local time ends in what the host writes."""
        if self.zone != "Z" and (len(self.zone) != len("+08:00") or self.zone[0] not in "+-"):
            self.now, self.zone = self.at.replace(tzinfo=None).isoformat(), _NO_ENDING
        self.facts = facts
        self.tables = tables
        self.memo: dict[Any, Any] = {}
        """What has been worked out once of this case: derived facts, selections."""
        self.told: dict[str, Any] = {}
        """By section, what it says of the facts that are coded; see `coded.py`."""
        self.slots: list[Any] = []
        """What compiled rules have worked out of it."""

    @classmethod
    def of(cls, request: Request, library: Library) -> Case:
        """The case of a request, with the facts as the library's layers leave them on its day."""
        return cls(request, library.in_force(request.at.date()).facts, library.tables)

    def with_request(self, request: Request) -> Case:
        """The case of another request, by the same facts and tables."""
        return Case(request, self.facts, self.tables)

    @once
    def at(self) -> datetime:
        """The moment."""
        return self.request.at

    @once
    def order(self) -> Order | None:
        """The order."""
        return self.request.order

    @once
    def record(self) -> PatientRecord:
        """The record."""
        return self.request.record

    # -- times ---------------------------------------------------------------------------------------

    def local(self, written: str) -> str | None:
        """A time as the host wrote it as a local time: in the zone of the moment, without saying so; `None` if it can't be read.

        So all times of a case compare as texts. A day is its first instant.
        """
        if written[19:] == self.zone:
            return written[:19]
        if len(written) == len("2026-03-02"):
            return f"{written}T00:00:00"
        try:
            time = read_time(written)
        except ValueError:
            return None
        return self.text_of(time) if isinstance(time, datetime) else None

    def text_of(self, moment: datetime) -> str:
        """A moment as a local time."""
        try:
            return moment.astimezone(self.at.tzinfo).replace(tzinfo=None).isoformat()
        except OverflowError:  # within a day of the calendar's ends
            return moment.replace(tzinfo=None).isoformat()

    def days_ago(self, count: int, unit: str) -> str:
        """The moment less a window of whole days (`go_back`), as a local time."""
        return _days_ago(self.now[:10], count, unit) + self.now[10:]

    def ago(self, span: timedelta) -> str:
        """The moment less a span, as a local time."""
        try:
            return (self._wall_clock - span).isoformat()
        except OverflowError:  # before the calendar
            return ""

    @once
    def _wall_clock(self) -> datetime:
        return datetime.fromisoformat(self.now)

    def counts_from(self, row: Plain) -> str | None:
        """When an entry was true, as a local time; `UNTOLD` where that isn't told at a glance.

        `None` if it isn't this patient's, or wasn't true or on record by the moment.
        """
        owner, when, recorded = row.get("patient"), row.get("effective"), row.get("recorded")
        if owner is not None and self.is_another_patient(owner):
            return None
        if when is None:
            return UNTOLD
        when = self.local(when)
        if recorded is not None:
            recorded = self.local(recorded)
            if recorded is None:
                return UNTOLD
            if recorded > self.now:
                return None
        if when is None:
            return UNTOLD
        return when if when <= self.now else None

    def first_instant(self, time: Time) -> datetime:
        """The first instant of a time, for comparing."""
        return instant(time, self.at)

    def recorded(self, entry: Entry) -> datetime | None:
        """When the entry entered the record; taken to be its effective time if the host doesn't say."""
        time = entry.recorded if entry.recorded is not None else entry.effective
        return None if time is None else self.first_instant(time)

    def of_another_patient(self, entry: Entry) -> bool:
        """Whether the entry names a patient who isn't the request's."""
        return entry.patient is not None and self.is_another_patient(entry.patient)

    def is_another_patient(self, id: str) -> bool:
        """Whether an id is that of a patient who isn't the request's."""
        return self.patient_id is not None and id != self.patient_id

    def stands(self, entry: Entry) -> bool:
        """Whether the entry is this patient's and was recorded by the moment."""
        recorded = self.recorded(entry)
        return not self.of_another_patient(entry) and (recorded is None or recorded <= self.at)

    def unread(self, section: str) -> tuple[Unread, ...]:
        """What could not be read of a section."""
        return tuple(mark for mark in self.record.unread if mark.section == section)

    # -- the order ---------------------------------------------------------------------------------

    @property
    def interval_stated(self) -> int | None:
        """The days from one cycle to the next as the order says; none or fewer aren't an interval."""
        days = self.order.interval_days if self.order is not None else None
        return days if days is not None and days > 0 else None

    @once
    def drugs(self) -> tuple[OrderedDrug, ...]:
        """The order's drugs, recognised where possible."""
        drugs = (self.order_row or _NO_ORDER).get("drugs") or ()
        return tuple([OrderedDrug(row, self.tables.identify_written(row)) for row in drugs])

    @once
    def marked(self) -> bool:
        """Whether the order says of itself that it is anti-tumour: by kind, regimen or reason."""
        row = self.order_row
        if row is not None and (row.get("regimen") or row.get("kind") in TREATMENT_KINDS):
            return True
        order = self.order
        if order is None:
            return False
        reasons = list(order.reasons)
        if order.focus is not None:
            reasons += [code for d in self.diagnoses if d.id == order.focus for code in d.codes]
        return any(self.tables.is_tumour_code(c) for c in reasons)

    @once
    def doubtful(self) -> bool:
        """Whether the order is marked as anti-tumour and what it holds isn't all recognised, or isn't there."""
        local = (self.order_row or _NO_ORDER).get("kind") in LOCAL_KINDS
        return self.marked and not local and (not self.drugs or any(d.known is None for d in self.drugs))

    @once
    def drug_classes(self) -> frozenset[str] | None:
        """Every class, group and id that a drug of the order has or may have; `None` where it may have any."""
        if self.doubtful:
            return None
        return frozenset(name for d in self.drugs if d.known is not None for name in classes_of(d.known))

    def has_drug(self, classes: Iterable[str]) -> Truth:
        """Whether a drug of the order is in one of the classes (`myelosuppressive` is asked of the drug)."""
        wanted = frozenset(classes)
        found: Truth = None if self.doubtful else False
        for drug in self.drugs:
            member = in_classes(drug.known, wanted) if drug.known else False
            if member:
                return True
            if member is None:
                found = None
        return found

    def only_drugs_of(self, cls: str) -> Truth:
        """Whether every anti-tumour drug of the order is of one class."""
        others = [
            d.known for d in self.drugs if d.known is not None and d.known.anti_tumour and d.known.cls != cls
        ]
        if others:
            return None if all(k.cls == "antitumour" for k in others) else False
        return None if self.doubtful else True

    # -- the tumour --------------------------------------------------------------------------------

    @once
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """The diagnoses that stand at the moment."""
        entries = self.record.diagnoses or ()
        return tuple(d for d in entries if self.stands(d) and d.status not in NO_DIAGNOSIS)

    @once
    def has_tumour(self) -> Truth:
        """Whether the patient has a tumour, by a diagnosis or by an order of recognised anti-tumour drugs."""
        if any(self.tables.is_tumour_code(code) for d in self.diagnoses for code in d.codes):
            return True
        if any(drug.known is not None and drug.known.anti_tumour for drug in self.drugs):
            return True
        if any(_may_be_tumour(d) for d in self.diagnoses):
            return None
        return None if self.record.diagnoses is None or self._diagnoses_hidden else False

    @once
    def tumour(self) -> OrderTumour:
        """Which tumour the order is about: its focus or reason, else the only active primary malignancy."""
        return self._tumour_at_a_glance() or self._tumour_of_several

    def _tumour_at_a_glance(self) -> OrderTumour | None:
        """The tumour where there is one diagnosis, which stands, and the order says no more than that it is about that one."""
        rows, order = self.rows["diagnoses"], self.order_row or _NO_ORDER
        if rows is None or len(rows) != 1 or self.has_unread or order.get("reasons"):
            return None
        (row,) = rows
        id, status, focus = row["id"], row.get("status", "active"), order.get("focus")
        if (focus is not None and focus != id) or status in NO_DIAGNOSIS or not self.counts_from(row):
            return None
        read = self.tables.codes_read([(c.get("system"), c.get("code")) for c in row["codes"]])
        primary = read.primary if focus is None else read.in_situ
        if primary is None or (focus is None and (read.many or status not in ACTIVE)):
            return OrderTumour(None, frozenset(), None, read.many)
        kind = self.tables.tumours.get(read.in_situ or "")
        return OrderTumour(frozenset({id}), read.keys, kind, read.many)

    @once
    def _tumour_of_several(self) -> OrderTumour:
        groups = self._primaries
        mine: tuple[Diagnosis, ...] | None = None
        order = self.order
        stated_codes: tuple[Code, ...] = ()
        stated_id: str | None = None
        if order is not None:
            mine = next((g for g in groups for d in g if d.id == order.focus), None)
            if mine is None:
                stated_codes = tuple(
                    c for c in order.reasons if self.tables.tumour_of([c], in_situ=True) is not None
                )
                mine = self._group_with(groups, stated_codes)
                focus_known = any(d.id == order.focus for d in self.diagnoses)
                stated_id = order.focus if order.focus and not focus_known and not mine else None
        if mine is None and (stated_codes or stated_id):
            ids = frozenset(
                {stated_id} if stated_id else {"|".join((c.system or "", c.code or "")) for c in stated_codes}
            )
            return self._tumour(ids, stated_codes, bool(groups) or (None if self._diagnoses_open else False))
        several = True if len(groups) > 1 or self._many_said else None if self._diagnoses_open else False
        if mine is None:
            active = [g for g in groups if any(d.status in ACTIVE for d in g)]
            if len(active) == 1 and not self._diagnoses_open and not self._many_said:
                mine = active[0]
        if mine is None:
            return OrderTumour(None, frozenset(), None, several)
        return self._tumour(frozenset(d.id for d in mine), tuple(c for d in mine for c in d.codes), several)

    @property
    def _diagnoses_hidden(self) -> bool:
        return any(
            not m.codes or any(self.tables.is_tumour_code(c) for c in m.codes)
            for m in self.unread("diagnoses")
        )

    @property
    def _diagnoses_open(self) -> bool:
        return self.record.diagnoses is None or self._diagnoses_hidden

    @once
    def _many_said(self) -> bool:
        return any(_starts(code, self.tables.multiple_primary) for d in self.diagnoses for code in d.codes)

    @once
    def _primaries(self) -> tuple[tuple[Diagnosis, ...], ...]:
        # Chemotherapy admissions record the tumour again and again: the same code is the same tumour.
        groups: dict[frozenset[tuple[str | None, str | None]], list[Diagnosis]] = {}
        treated = self.order.focus if self.order else None
        for diagnosis in self.diagnoses:
            if self.tables.tumour_of(diagnosis.codes, in_situ=diagnosis.id == treated) is not None:
                groups.setdefault(keys_of(diagnosis.codes), []).append(diagnosis)
        return _merged([tuple(group) for group in groups.values()])

    def _group_with(
        self, groups: tuple[tuple[Diagnosis, ...], ...], codes: tuple[Code, ...]
    ) -> tuple[Diagnosis, ...] | None:
        exact = [g for g in groups if keys_of(codes) & keys_of(c for d in g for c in d.codes)]
        if len(exact) == 1:
            return exact[0]
        kind = self.tables.tumour_of(codes) if codes else None
        alike = [g for g in groups if kind and self.tables.tumour_of([c for d in g for c in d.codes]) == kind]
        return alike[0] if not exact and len(alike) == 1 else None

    def _tumour(self, ids: frozenset[str], codes: tuple[Code, ...], several: Truth) -> OrderTumour:
        kind = self.tables.tumour_of(codes, in_situ=True)
        return OrderTumour(ids, keys_of(codes), self.tables.tumours.get(kind or ""), several)

    def is_malignant_without_kind(self) -> bool:
        """Whether the order's tumour is a malignancy that the table doesn't know (staged by TNM, then)."""
        return self.tumour.kind is None and self.tumour.ids is not None and bool(self.tumour.codes)

    def about_this_tumour(self, focus: str) -> Truth:
        """Whether an entry's focus is the order's tumour."""
        tumour = self.tumour
        if tumour.ids is None:
            return None
        if focus in tumour.ids:
            return True
        system, _, code = focus.rpartition("|")
        if system:
            return self._means_this_tumour(Code(system=system, code=code))
        stated = [d for d in self.diagnoses if d.id == focus]
        if stated and all(self.tables.tumour_of(d.codes) is None and self._is_secondary(d) for d in stated):
            return negate(tumour.several)
        return False

    def _means_this_tumour(self, code: Code) -> Truth:
        """Whether a code that stands for a tumour means the order's; undecided where it may mean another one as well."""
        tumour = self.tumour
        if keys_of([code]) & tumour.codes:
            return True
        if _starts(code, self.tables.secondary):
            return negate(tumour.several)
        mine = self._may_mean(code, tumour.codes, tumour.kind.id if tumour.kind else "")
        others = [g for g in self._primaries if not any(d.id in (tumour.ids or ()) for d in g)]
        codes = [tuple(c for d in group for c in d.codes) for group in others]
        more = [self._may_mean(code, keys_of(own), self.tables.tumour_of(own) or "") for own in codes]
        return None if mine and (tumour.several is None or any(one is not False for one in more)) else mine

    def _may_mean(self, code: Code, keys: frozenset[tuple[str | None, str | None]], kind: str) -> Truth:
        """Whether a code may mean the tumour with these codes: by the site, or by the kind where only one of them is ICD-10."""
        plain, own = icd10(code), [other for system, other in keys if system == "icd10" and other]
        if plain and own:
            return any(_may_be_one_site(plain, other) for other in own)
        known = self.tables.tumour_of([code])
        return known == kind if keys and (known or kind) else None

    def _is_secondary(self, diagnosis: Diagnosis) -> bool:
        return any(_starts(code, self.tables.secondary) for code in diagnosis.codes)


def _may_be_tumour(diagnosis: Diagnosis) -> bool:
    """Whether a diagnosis of which no code can be read is called a tumour, or coded as ICD-10 would code one."""
    if any(icd10(code) is not None for code in diagnosis.codes):
        return False
    return any(
        names_tumour(code.display or "") or looks_malignant(code.code or "") for code in diagnosis.codes
    )


_NO_ENDING = "\0"
_NO_ORDER: Plain = {}


@lru_cache(maxsize=4096)
def _days_ago(day: str, count: int, unit: str) -> str:
    """A day less a window of whole days."""
    return go_back(datetime.fromisoformat(day).replace(tzinfo=timezone.utc), count, unit).date().isoformat()


def in_classes(drug: KnownDrug, wanted: frozenset[str]) -> Truth:
    """Whether a recognised drug is in one of the classes or groups, or is one of the drugs named."""
    if drug.cls in wanted or ("anti_tumour" in wanted and drug.anti_tumour):
        return True
    if drug.id in wanted or drug.groups & wanted:
        return True
    if "myelosuppressive" in wanted and drug.myelosuppressive is not False:
        return drug.myelosuppressive
    if drug.cls == "antitumour" and wanted & {"cytotoxic", "targeted", "immunotherapy", "endocrine"}:
        return None
    return None if drug.perhaps & wanted else False


def classes_of(drug: KnownDrug) -> frozenset[str]:
    """The classes of which it isn't false that the drug is in them (`in_classes`)."""
    open_to = {"cytotoxic", "targeted", "immunotherapy", "endocrine"} if drug.cls == "antitumour" else set()
    asked = {"anti_tumour"} if drug.anti_tumour else set()
    asked |= {"myelosuppressive"} if drug.myelosuppressive is not False else set()
    return frozenset({drug.cls, drug.id, *drug.groups, *drug.perhaps, *asked, *open_to})


def _merged(groups: list[tuple[Diagnosis, ...]]) -> tuple[tuple[Diagnosis, ...], ...]:
    """Groups with those of an unspecified site (`C34`, `C34.9`) joined to the one other of their category."""

    def category(group: tuple[Diagnosis, ...]) -> str | None:
        return next((plain[:3] for d in group for c in d.codes if (plain := icd10(c))), None)

    def unspecified(group: tuple[Diagnosis, ...]) -> bool:
        codes = [plain for d in group for c in d.codes if (plain := icd10(c))]
        return bool(codes) and all(_is_unspecified(plain) for plain in codes)

    made = list(groups)
    for group in groups:
        others = [g for g in made if g is not group and category(g) == category(group)]
        if group in made and unspecified(group) and len(others) == 1:
            made = [g + group if g is others[0] else g for g in made if g is not group]
    return tuple(made)


def _is_unspecified(plain: str) -> bool:
    """Whether an ICD-10 code names no site within its category (`C34`, `C34.9`)."""
    return plain[3:4] in ("", "9")


def _may_be_one_site(one: str, other: str) -> bool:
    """Whether two ICD-10 codes are of one category, and neither names a site that the other doesn't."""
    if one[:3] != other[:3]:
        return False
    return _is_unspecified(one) or _is_unspecified(other) or one.startswith(other) or other.startswith(one)


def _starts(code: Code, prefixes: tuple[str, ...]) -> bool:
    plain = icd10(code)
    return plain is not None and bool(prefixes) and plain.startswith(prefixes)
