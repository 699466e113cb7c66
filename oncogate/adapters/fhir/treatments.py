"""Procedures, administrations and requests → procedures, treatments and other orders."""

from __future__ import annotations

import re
from datetime import date, datetime, timezone, tzinfo

from oncogate.adapters.fhir.access import (
    SCT,
    Json,
    code_in,
    codes_of,
    codings,
    has_code,
    items,
    label,
    obj,
    objects,
    shortened,
    text,
    texts,
    words,
)
from oncogate.adapters.fhir.assessments import cycle_of
from oncogate.adapters.fhir.bundles import Found
from oncogate.adapters.fhir.context import (
    Context,
    Entry,
    Unreadable,
    action_status,
    effective_of,
    performed_of,
)
from oncogate.adapters.fhir.drugs import drugs_of
from oncogate.adapters.fhir.reasons import reason_focus
from oncogate.base.times import Time, read_time

_FLAGS = re.IGNORECASE | re.ASCII  # a Chinese character ends a word, as in `TNM分期`

SURGERY = {(SCT, "387713003")}
RADIOTHERAPY = {(SCT, "108290001")}
CHEMOTHERAPY = {(SCT, "367336001")}
GROUPS = ("RequestGroup", "RequestOrchestration")
MEDICATION_ORDERS = ("MedicationRequest", "MedicationOrder")
_NO_ORDER = frozenset({"proposal", "option"})
"""Intents by which nobody is asked to do anything; a `plan` is how many systems write the orders of a protocol."""

_RADIATION_CODES = frozenset({"1217123003", "1156506007", "152198000", "33195004", "228748004"})
"""SNOMED CT: course, photon beam and brachytherapy as in published mCODE examples; 33195004 external beam and
228748004 brachytherapy as in several public mappings (general knowledge)."""
_BIOPSY_CODES = frozenset({"86273004", "723990008", "122548005"})
"""SNOMED CT: biopsy (general knowledge), of the breast under ultrasound (published mCODE example), of the breast
(several public value sets)."""
_RADIATION = re.compile(
    r"radio-?therap|radiation therap|\birradiat|\bradiation\b|tele-?therap|brachy-?therap|radio-?surgery|"
    r"stereotactic body|放疗|放射治疗|放射性粒子|近距离治疗|远距离治疗|伽马刀|γ刀|射波刀|质子治疗|重离子",
    _FLAGS,
)
_PLANNING = re.compile(
    r"planning|simulation|consultation|follow-?up|定位|计划设计|计划制定|会诊|咨询", _FLAGS
)
_CUT_OUT_BIOPSY = re.compile(
    r"excision(?:al)?\s+biops\w+|biops\w+\W+(?:by\s+)?excision\w*|切除(?:性|式)?活检|切取(?:性)?活检|切检",
    _FLAGS,
)
_BIOPSY = re.compile(r"biops|活检|活组织检查|穿刺|aspirat", _FLAGS)
_RESECTION = re.compile(r"excision|resection|\w{3}ectomy\b|ectomies\b|切除|根治|廓清|剥离术|清扫", _FLAGS)
_OTHER = re.compile(
    r"探查|\bexplor|诊断性|\bdiagnostic|输液港|植入|置管|picc|catheter|\bports?\b|port-?a-?cath|drain|引流|transfus|输血|imaging|造影|\bscan|mammogra|"
    r"\bct\b|\bmri\b|ultraso|x-?ray|radiograph|endoscop|colonoscop|gastroscop|内镜检查|胃镜|肠镜",
    _FLAGS,
)  # fmt: skip
_BENIGN = re.compile(
    r"append(?:ic)?ectomy|tonsillectomy|cholecystectomy|hernia|c(?:a)?esarean|cataract|arthroplasty|h(?:a)?emorrhoid|"
    r"circumcision|阑尾切除|扁桃体切除|胆囊切除|疝修补|疝囊|剖宫产|白内障|关节置换|痔切除|包皮",
    _FLAGS,
)
_SURGERY = re.compile(
    r"\bsurger(?:y|ies)\b|surgical procedure|手术治疗|手术$|癌手术|瘤手术|\bsurgical\b", _FLAGS
)
CHEMO_WORDS = re.compile(r"chemo-?therap|化疗|化学治疗", _FLAGS)


def procedure_kind(resource: Json) -> str:
    """What a procedure was: radiotherapy, a resection, a biopsy, surgery, or something else.

    What the category calls surgical and the code doesn't explain is an `operation`: it may be a biopsy.
    """
    said = words(resource.get("code"))
    category = resource.get("category")
    coded = has_code(category, RADIOTHERAPY) or has_code(resource.get("code"), RADIOTHERAPY)
    coded = coded or bool(_RADIATION_CODES & set(code_in(resource.get("code"), SCT)))
    if (coded or _RADIATION.search(said)) and not _PLANNING.search(said):
        return "radiotherapy"
    rest, taken = _CUT_OUT_BIOPSY.subn(" ", said)
    if _RESECTION.search(rest):
        return "resection"
    if taken or _BIOPSY.search(rest) or _BIOPSY_CODES & set(code_in(resource.get("code"), SCT)):
        return "biopsy"
    if _OTHER.search(said):
        return "other"
    if has_code(resource.get("code"), SURGERY) or _SURGERY.search(said):
        return "surgery"
    return "operation" if has_code(category, SURGERY) else "other"


def read_procedure(found: Found, context: Context) -> list[Entry] | None:
    """A procedure of any kind."""
    if found.type != "Procedure":
        return None
    resource = found.resource
    if (
        not codings(resource.get("code"))
        and not texts(resource.get("code"))
        and not codings(resource.get("category"))
    ):
        raise Unreadable("says no code")
    status = action_status(resource)
    made = context.entry(found, performed_of(resource), resource.get("recorded"), status=status)
    focus = reason_focus(found, context)
    kind = procedure_kind(resource)
    if focus is not None:
        made["focus"] = focus
    elif kind in ("resection", "surgery", "operation") and _BENIGN.search(words(resource.get("code"))):
        kind = "other"  # an appendix taken out years ago is no first treatment of a tumour
    made |= {"kind": kind, "status": status}
    name = label(resource.get("code"))
    if name:
        made["name"] = name
    return [made]


def read_treatment(found: Found, context: Context) -> list[Entry] | None:
    """A treatment: a procedure, or drugs that were given or are being given. Drafts aren't treatments."""
    resource = found.resource
    if found.type == "Procedure":
        chemotherapy = has_code(resource.get("code"), CHEMOTHERAPY) or CHEMO_WORDS.search(
            words(resource.get("code"))
        )
        if (
            context.in_bundle
            and not chemotherapy
            and procedure_kind(resource) not in ("surgery", "resection", "radiotherapy")
        ):
            return None
        made = read_procedure(found, context)
        if chemotherapy and made and made[0]["kind"] == "other":
            made[0] |= {"kind": "drugs", "drugs": [], "regimen": made[0].get("name", "chemotherapy")}
        return made
    if found.type not in (
        "MedicationAdministration",
        "MedicationStatement",
        *MEDICATION_ORDERS,
        "MedicationUsage",
    ):
        return None
    if found.type in MEDICATION_ORDERS and not _tells_treatment(resource):
        return None
    status = _status_of(resource, context)
    if found.type in MEDICATION_ORDERS:
        if status == "on-hold":  # nobody says that it was begun
            return None
        made_entry = _ordered(found, status, context)
    else:
        time, recorded = effective_of(resource), resource.get("dateAsserted")
        time = time if time is not None else next(
            (t for t in (resource.get("occurenceDateTime"), resource.get("occurrenceDateTime"),
                         obj(resource.get("occurencePeriod")).get("start")) if t is not None), None,
        )  # fmt: skip
        made_entry = context.entry(found, time, recorded, status=status)
    return [
        {
            **made_entry,
            **_about(found, context),
            "kind": "drugs",
            "drugs": drugs_of(found, context),
            "status": status,
        }
    ]


def read_other_order(found: Found, context: Context) -> list[Entry] | None:
    """An order on record that isn't a draft, such as a planned G-CSF or an examination that was ordered."""
    if found.type not in (*MEDICATION_ORDERS, *GROUPS, "ServiceRequest"):
        return None
    resource = found.resource
    if not is_order_on_record(resource):
        return None
    status = _status_of(resource, context)
    made = context.entry(found, authored_of(resource), status=status)
    about = _about(found, context)
    made |= {"focus": about["focus"]} if "focus" in about else {}
    made["drugs"] = drugs_of(found, context) if found.type in MEDICATION_ORDERS else []
    if found.type == "ServiceRequest":
        code = resource.get("code")
        made["codes"] = codes_of(obj(code).get("concept") or code)
    made["status"] = status
    planned = planned_of(resource, context)
    if planned is not None:
        made["planned"] = planned
    return [made]


def is_order_on_record(resource: Json) -> bool:
    """Whether an order is more than a draft or a proposal, and an order to do something."""
    status = (text(resource.get("status")) or "").casefold()
    return (
        status != "draft" and _intent(resource) not in _NO_ORDER and resource.get("doNotPerform") is not True
    )


def _tells_treatment(resource: Json) -> bool:
    """Whether an order on record tells what is taken: a plan only where somebody reported that it is."""
    reported = (resource.get("reportedBoolean"), resource.get("reported"))  # in R4 and in R5
    told = any(one is True for one in reported) or bool(obj(resource.get("reportedReference")))
    return is_order_on_record(resource) and (_intent(resource) != "plan" or told)


def _intent(resource: Json) -> str:
    return (text(resource.get("intent")) or "").casefold()


def _ordered(found: Found, status: str, context: Context) -> Entry:
    """The entry of a treatment that only its order tells: true from when it was to begin, known since it was written."""
    authored, planned = authored_of(found.resource), planned_of(found.resource, context)
    if planned is None:
        return context.entry(found, authored, status=status)
    return context.entry(found, planned, authored, status=status)


def _status_of(resource: Json, context: Context) -> str:
    """The status; an active order of which every instruction has ended before the day of the moment is completed."""
    status = action_status(resource)
    timings = [obj(dosage.get("timing")) for dosage in objects(resource.get("dosageInstruction"))]
    said = context.readable(context.moment)
    moment = read_time(said) if said is not None else None
    if status != "active" or not timings or not isinstance(moment, datetime):
        return status
    ends = [_last_day(timing, moment.tzinfo, context) for timing in timings]
    return "completed" if all(end is not None and end < moment.date() for end in ends) else status


def _last_day(timing: Json, zone: tzinfo | None, context: Context) -> date | None:
    """The last day that a timing states: the end of its bounds, or the last of its events where nothing says that it repeats."""
    repeat = obj(timing.get("repeat"))
    repeats = bool(repeat or items(timing.get("code")))
    stated = [obj(repeat.get("boundsPeriod")).get("end")] if repeats else items(timing.get("event"))
    times = [read_time(time) for one in stated if (time := context.readable(one)) is not None]
    days = [time.astimezone(zone).date() if isinstance(time, datetime) else time for time in times]
    return max(days) if days and len(days) == len(stated) else None


def authored_of(resource: Json) -> object:
    """When an order was written, as written."""
    authored = resource.get("authoredOn")
    return authored if authored is not None else resource.get("dateWritten")


def _about(found: Found, context: Context) -> Entry:
    made: Entry = {}
    focus = reason_focus(found, context)
    if focus is not None:
        made["focus"] = focus
    cycle = cycle_of(found.resource)
    if cycle is not None:
        made["cycle"] = cycle
    name = label(found.resource.get("medicationCodeableConcept"))
    if name:
        made["name"] = shortened(name)
    return made


def planned_of(resource: Json, context: Context) -> str | None:
    """The earliest time for which an order says that it is planned."""
    timings = [obj(dosage.get("timing")) for dosage in objects(resource.get("dosageInstruction"))]
    timings.append(obj(resource.get("occurrenceTiming")))
    choices = [event for timing in timings for event in items(timing.get("event"))]
    choices += [obj(obj(timing.get("repeat")).get("boundsPeriod")).get("start") for timing in timings]
    for one in (resource, *objects(resource.get("action"))):
        choices += [one.get("occurrenceDateTime"), one.get("timingDateTime")]
        choices += [p.get("start") for k in ("occurrencePeriod", "timingPeriod") for p in objects(one.get(k))]
    return earliest([time for choice in choices if (time := context.readable(choice)) is not None])


def earliest(times: list[str]) -> str | None:
    """The earliest of times in canonical form; a day counts from its beginning, in the zone of the others."""
    read = [(read_time(time), time) for time in times]
    zone = next((time.tzinfo for time, _ in read if isinstance(time, datetime)), timezone.utc)

    def first(time: Time) -> datetime:
        return time if isinstance(time, datetime) else datetime(time.year, time.month, time.day, tzinfo=zone)

    return min(((first(time), shown) for time, shown in read), default=(None, None))[1]
