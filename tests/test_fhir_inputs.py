"""What the rules ask of a FHIR record: measurements, results in words, people, orders, doses, allergies."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cases import RULE, pack, written
from loaded import shipped_library
from typer.testing import CliRunner

from oncogate.adapters.cdshooks.request import read_hook
from oncogate.adapters.fhir import Vocabulary, read_bundle
from oncogate.adapters.fhir.vocabulary import MEASURED, asked_by, shipped_facts
from oncogate.cli.app import app
from oncogate.clinical.units import to_canonical
from oncogate.model.facts import Fact
from oncogate.model.record import Measurement, Note, Patient, PatientRecord
from oncogate.model.request import Order, Request, read_json

AT = "2026-03-02T09:30:00+08:00"
DAY = "2026-03-01T08:00:00+08:00"
SCT = "http://snomed.info/sct"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
ATC = "http://www.whocc.no/atc"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
MEANING = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"


def coded(code: str, system: str = LOINC, **more: Any) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}], **more}


def shown(code: str, display: str, system: str = SCT) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def observation(code: Any, id: str = "o1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": "Patient/p1"},
        "code": coded(code) if isinstance(code, str) else code, "effectiveDateTime": DAY, **more,
    }  # fmt: skip


def quantity(value: Any, unit: str | None = None, code: str | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"value": value}
    if unit is not None:
        made["unit"] = unit
    if code is not None:
        made |= {"system": UCUM, "code": code}
    return {"valueQuantity": made}


def category(code: str) -> dict[str, Any]:
    return {"category": [coded(code, CATEGORY)]}


def request(*resources: Any) -> Request:
    document = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]}
    return Request.load(read_bundle(document, AT).data)


def read(*resources: Any) -> PatientRecord:
    return request(*resources).record


def hook(prefetch: dict[str, Any], vocabulary: Vocabulary | None = None, **context: Any) -> Request:
    sent = {"resourceType": "Bundle", "entry": [{"resource": medication()}]}
    document = {
        "hook": "order-sign", "context": {"patientId": "p1", "draftOrders": sent, **context}, "prefetch": prefetch,
    }  # fmt: skip
    return Request.load(read_hook(document, AT, vocabulary=vocabulary).data)


def one(entries: Any) -> Any:
    (entry,) = entries
    return entry


def lab(code: str, **more: Any) -> Measurement:
    entry: Measurement = one(read(observation(code, **more)).labs)
    return entry


# -- which observations belong where -----------------------------------------------------------------

ASKED = sorted(
    {
        (section, code.system, code.code)
        for fact in shipped_facts().values()
        for section in fact.sections
        for code in fact.codes
        if section in MEASURED
    }
)


def test_the_facts_ask_for_many_codes() -> None:
    codes = {code for _, _, code in ASKED}
    assert {"777-3", "14631-6", "2160-0", "10230-1", "5195-3", "89247-1", "8636-3", "8310-5"} <= codes


def test_the_adapter_knows_the_codes_that_the_engine_asks_for() -> None:
    loaded_facts = shipped_library().facts
    engine = {name: {(c.system, c.code) for c in fact.codes} for name, fact in loaded_facts.items()}
    assert {name: {(c.system, c.code) for c in f.codes} for name, f in shipped_facts().items()} == engine


@pytest.mark.parametrize("said", [{}, category("laboratory"), category("vital-signs"), category("survey")])
def test_what_a_fact_asks_for_is_read_whatever_its_category(said: dict[str, Any]) -> None:
    for section, system, code in ASKED:
        record = read(observation(coded(code, system), valueString="1", **said))
        found = [c.code for e in record.section(section) or () if isinstance(e, Measurement) for c in e.codes]
        assert found == [code], (section, system, code)


@pytest.mark.parametrize(
    ("code", "said", "section"),
    [
        ("10230-1", "imaging", "labs"), ("10230-1", "vital-signs", "labs"), ("8636-3", "procedure", "labs"), ("89247-1", "survey", "vitals"),
        ("89247-1", "exam", "vitals"), ("29463-7", "laboratory", "vitals"), ("99999-9", "laboratory", "labs"),
        ("99999-9", "vital-signs", "vitals"), ("99999-9", "survey", None),
    ],
)  # fmt: skip
def test_a_code_goes_before_a_category(code: str, said: str, section: str | None) -> None:
    record = read(observation(code, **category(said), **quantity(55, "%")))
    assert [name for name in MEASURED if record.section(name) is not None] == ([section] if section else [])


def test_a_code_of_another_system_is_not_asked_for() -> None:
    record = read(observation(coded("2106-3", "urn:oid:2.16.840.1.113883.6.238"), valueString="White"))
    assert (record.labs, record.vitals) == (None, None)


def test_the_parts_of_a_blood_pressure_without_a_category() -> None:
    parts = [
        {"code": coded(code), **quantity(value, "mmHg", "mm[Hg]")} for code, value in (("8480-6", 151), ("8462-4", 95))
    ]  # fmt: skip
    parts.append({"code": coded("8478-0"), **quantity(114, "mmHg")})
    record = read(observation("85354-9", component=parts))
    assert record.labs is None
    found = [(e.id, e.codes[0].code, e.value and str(e.value.value)) for e in record.vitals or ()]
    assert found == [("o1#1", "8480-6", "151"), ("o1#2", "8462-4", "95"), ("o1#3", "8478-0", "114")]


def test_the_parts_of_a_mixed_panel_go_where_each_is_looked_for() -> None:
    parts = [
        {"code": coded("29463-7"), **quantity(60, "kg")}, {"code": coded("10230-1"), **quantity(61, "%")},
    ]  # fmt: skip
    record = read(observation({"text": "评估"}, component=parts, **category("vital-signs")))
    assert [e.codes[0].code for e in record.vitals or ()] == ["29463-7"]
    assert [e.codes[0].code for e in record.labs or ()] == ["10230-1"]


def test_an_ejection_fraction_that_cannot_be_read_hides_results_not_vital_signs() -> None:
    broken = observation("10230-1", effectiveDateTime="2026-03-01T08:00:00", **category("imaging"))
    marks = read(broken).unread
    assert [(m.section, [c.code for c in m.codes]) for m in marks] == [("labs", ["10230-1"])]


def test_facts_of_a_site_bring_their_codes() -> None:
    fact = Fact.model_validate(
        {"label": {"zh": "镁", "en": "magnesium"}, "sections": ["labs"], "codes": [{"system": "urn:lis", "code": "MG"}]}
    )  # fmt: skip
    document = observation(coded("MG", "urn:lis"), **quantity(1, "mmol/L"))
    vocabulary = Vocabulary(asked=asked_by({"lab.magnesium": fact}))
    assert "labs" in read_bundle(document, AT, vocabulary=vocabulary).data["record"]
    assert "labs" not in read_bundle(document, AT).data["record"]


# -- results in words --------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["2+", "++", "+2", "(2+)", "2 +", "２＋", "+", "±", "1+(0.3g/L)"])
def test_a_grade_is_no_number(said: str) -> None:
    found = lab("20454-5", valueString=said)
    assert (found.value, found.text) == (None, said)


def test_a_grade_written_as_a_quantity() -> None:
    found = lab("20454-5", **quantity(2, "+"))
    assert (found.value, found.text) == (None, "2+")


@pytest.mark.parametrize(
    ("said", "value", "unit"), [("+12", "12", ""), ("5E+3 /uL", "5000", "/uL"), ("2.5 g/L", "2.5", "g/L")]
)
def test_a_number_stays_one(said: str, value: str, unit: str) -> None:
    found = lab("2887-8", valueString=said)
    assert found.value is not None
    assert (f"{found.value.value:f}", found.value.unit) == (value, unit)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"valueCodeableConcept": coded("10828004", SCT)}, "Positive"), ({"valueCodeableConcept": coded("260385009", SCT)}, "Negative"),
        ({"valueCodeableConcept": coded("260415000", SCT)}, "Not detected"), ({"valueCodeableConcept": coded("260373001", SCT)}, "Detected"),
        ({"valueCodeableConcept": shown("260408008", "Weakly positive (qualifier value)")}, "Weakly positive"),
        ({"valueCodeableConcept": coded("131194007", SCT, text="阴性（未见异常）")}, "Non-reactive"),
        ({"valueCodeableConcept": coded("10828004", SCT, text="阳性")}, "阳性"),
        ({"valueCodeableConcept": shown("167277001", "Urine protein test = +++ (finding)")}, "3+"),
        ({"valueCodeableConcept": coded("167274008", SCT)}, "Trace"),
        ({"valueCodeableConcept": {"text": "阴性"}}, "阴性"), ({"valueCodeableConcept": {"coding": [{"display": "阴性(-)"}]}}, "阴性(-)"),
        ({"valueCodeableConcept": coded("10828004", "http://h.example")}, "10828004"),
        ({"valueString": "弱阳性(+)"}, "弱阳性(+)"), ({"valueBoolean": True}, "Positive"), ({"valueBoolean": False}, "Negative"),
        ({"interpretation": [coded("POS", MEANING)]}, "Positive"), ({"interpretation": [coded("NEG", MEANING)]}, "Negative"),
        ({"interpretation": coded("ND", MEANING)}, "Not detected"), ({"interpretation": [{"text": "阴性"}]}, "阴性"),
        ({"interpretation": [coded("H", MEANING)]}, None), ({"interpretation": [coded("POS", "http://h.example")]}, None),
        ({"valueString": "阴性", "interpretation": [coded("POS", MEANING)]}, "阴性"),
        ({"dataAbsentReason": {"text": "error"}, "interpretation": [coded("NEG", MEANING)]}, None),
        ({"valueCodeableConcept": coded("unknown", "http://terminology.hl7.org/CodeSystem/data-absent-reason")}, None),
    ],
)  # fmt: skip
def test_results_in_words(given: dict[str, Any], said: str | None) -> None:
    found = lab("5195-3", **given)
    assert (found.value, found.text, found.conflict) == (None, said, None)


@pytest.mark.parametrize(
    "concept",
    [
        coded("260385009", SCT, text="阳性"), coded("10828004", SCT, text="HBsAg 阴性(-)"),
        coded("260415000", SCT, text="Detected"),
        {"coding": [{"system": SCT, "code": "10828004"}, {"system": SCT, "code": "260385009"}]},
    ],
)  # fmt: skip
def test_a_code_and_a_text_that_contradict_each_other_are_no_result(concept: dict[str, Any]) -> None:
    found = lab("5195-3", valueCodeableConcept=concept)
    vocabulary = shipped_facts()["lab.hbsag"].vocabulary
    assert vocabulary is not None
    assert vocabulary.value_of(found.text) is None
    assert found.conflict is not None


def test_an_interpretation_beside_a_number_gives_the_word() -> None:
    found = lab("5195-3", interpretation=[coded("NEG", MEANING)], **quantity(Decimal("0.02"), "COI"))
    assert found.value is not None
    assert (found.value.value, found.text) == (Decimal("0.02"), "Negative")


@pytest.mark.parametrize("grade", range(6))
def test_a_performance_status_by_its_answer(grade: int) -> None:
    answers = ("LA9622-7", "LA9623-5", "LA9624-3", "LA9625-0", "LA9626-8", "LA9627-6")
    (found,) = read(observation("89247-1", valueCodeableConcept=coded(answers[grade]))).vitals or ()
    assert found.value is not None
    assert (found.value.value, to_canonical("score", found.value.value, found.value.unit)) == (grade, grade)


@pytest.mark.parametrize(
    ("said", "status"),
    [("待出", "registered"), ("标本不足", "cancelled"), ("<0.01 ng/mL", "final"), ("阴性", "final")],
)
def test_what_only_has_to_be_done_is_not_done_while_pending(said: str, status: str) -> None:
    assert lab("10839-9", valueString=said).status == status
    assert lab("5195-3", valueString=said).status == "final"  # its word is read, and doesn't pass


# -- units -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "printed", "unit", "conflict"),
    [
        ("1", "10*9/L", "10*9/L", False), ("10*9/L", "1", "10*9/L", False), ("1", "%", "%", False), ("1", None, "1", False),
        ("1", "分", "分", False), ("/uL", "10*9/L", "/uL", True), ("g/L", "g/dL", "g/L", True),
    ],
)  # fmt: skip
def test_a_unit_of_one_says_nothing(code: str, printed: str | None, unit: str, conflict: bool) -> None:
    found = lab("777-3", **quantity(200, printed, code))
    assert found.value is not None
    assert (found.value.unit, found.conflict is not None) == (unit, conflict)


@pytest.mark.parametrize(
    ("code", "printed", "conflict"),
    [
        *((code, "10*9/L", True) for code in ("10*6/L", "10*12/L", "/L", "{cells}/L", "10*9/mL", "fL")), ("10*3/mL", "10*3/uL", True),
        *(("10*9/L", printed, True) for printed in ("10*6/L", "x10^6/L", "×10⁶/L", "10E6/L", "10^12/L", "10^9/mL")),
        *(("10*9/L", printed, False) for printed in ("个/L", "cells/L", "x 10^9/L", "10⁹ / L", "10E9/L", "10*6/mL", "10*9{cells}/L", "M/uL")),
        *((code, "10*9/L", False) for code in ("10*6/mL", "10*9{cells}/L", "10*3.mm-3", "10?/L")),
        ("10*9/L", "10^9", False), ("10*9/L", "10*9", False), ("10*9/L", "x10⁹", False), ("10*9", "10*9/L", False), ("10*3/uL", "10^3", False),
        ("10*9/L", "10^6", True), ("10*9/L", "10^12", True), ("U/mL", "IU/mL", False), ("[IU]/mL", "U/mL", False), ("[IU]/L", "U/mL", True),
        ("ug/mL", "ng/mL", True), ("mL/s", "mL/min", True), ("kg/m3", "g/L", False), ("nmol/mL", "umol/L", False), ("mL/min/{1.73_m2}", "mL/min", False),
    ],
)  # fmt: skip
def test_a_unit_outside_the_table_is_compared_where_it_can_be(
    code: str, printed: str, conflict: bool
) -> None:
    assert (lab("777-3", **quantity(3, printed, code)).conflict is not None) is conflict


# -- the patient -------------------------------------------------------------------------------------

PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1961-05-06", "gender": "female"}


def encounter(id: str = "e1", status: str = "in-progress", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": status,
        "subject": {"reference": "Patient/p1"},
        **more,
    }


def place(name: str, kind: str | None = None, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"location": {"display": name}, **more}
    if kind is not None:
        made["physicalType"] = coded(kind, "http://terminology.hl7.org/CodeSystem/location-physical-type")
    return made


def patient(*resources: Any) -> Patient:
    found = read(PATIENT, *resources).patient
    assert found is not None
    return found


def test_birth_and_sex() -> None:
    found = patient()
    assert (found.birth_date, found.sex, found.ward) == (date(1961, 5, 6), "female", None)
    partly = read({**PATIENT, "birthDate": "1961-05", "gender": "Female"}).patient
    assert partly is not None
    assert (partly.birth_date, partly.sex) == (None, "female")


@pytest.mark.parametrize(
    ("encounters", "ward"),
    [
        ([encounter(location=[place("肿瘤内科一病区")])], "肿瘤内科一病区"),
        ([encounter(location=[place("12床", "bd"), place("肿瘤内科", "wa")])], "肿瘤内科"),
        ([encounter(location=[place("12床", "bd")], serviceType={"text": "肿瘤内科"})], "肿瘤内科"),
        ([encounter(location=[place("急诊", status="completed"), place("血液科", status="active")])], "血液科"),
        ([encounter(location=[place("血液科"), place("肿瘤科")])], None),
        ([encounter(location=[place("血液科")]), encounter("e2", location=[place("肿瘤科")])], None),
        ([encounter(location=[place("血液科")]), encounter("e2", "finished", location=[place("肿瘤科")])], "血液科"),
        ([encounter(location=[place("血液科")], subject={"reference": "Patient/p2"})], None),
        ([encounter(serviceProvider={"display": "某医院"})], None),
        (
            [encounter(location=[{"location": {"reference": "Location/l1"}}]), {"resourceType": "Location", "id": "l1", "name": "日间化疗中心"}],
            "日间化疗中心",
        ),
    ],
)  # fmt: skip
def test_the_ward(encounters: list[Any], ward: str | None) -> None:
    assert patient(*encounters).ward == ward


def test_the_patient_of_a_hook() -> None:
    two = {
        "resourceType": "Bundle",
        "entry": [
            {"resource": encounter(n, location=[place(w)])} for n, w in (("e1", "血液科"), ("e2", "肿瘤科"))
        ],
    }
    found = hook({"patient": PATIENT, "encounter": two}, encounterId="e2").record.patient
    assert found == Patient(id="p1", ward="肿瘤科", birth_date=date(1961, 5, 6), sex="female")
    assert hook({"patient": PATIENT, "encounter": two}).record.patient == found.model_copy(
        update={"ward": None}
    )
    assert hook({}).record.patient == Patient(id="p1")


@pytest.mark.parametrize(
    ("code", "more", "site"),
    [
        ("8310-5", {"bodySite": coded("91470000", SCT)}, "axillary"), ("8310-5", {"bodySite": coded("422543003", SCT)}, "axillary"),
        ("8310-5", {"bodySite": coded("74262004", SCT)}, "oral"), ("8310-5", {"bodySite": coded("42859004", SCT)}, "tympanic"),
        ("8310-5", {"bodySite": coded("34402009", SCT)}, "rectal"), ("8310-5", {"bodySite": {"text": "腋下"}}, "axillary"),
        ("8310-5", {"method": {"text": "口温"}}, "oral"), ("8310-5", {"method": {"text": "Tympanic thermometer"}}, "tympanic"),
        (coded("8310-5", text="体温（腋温）"), {}, "axillary"),
        ("8328-7", {}, "axillary"), ("8331-1", {}, "oral"), ("8310-5", {}, None), ("8310-5", {"bodySite": {"text": "额温"}}, None),
        ("8310-5", {"bodySite": {"text": "Forearm"}}, None), ("8310-5", {"bodySite": {"text": "腋下"}, "method": {"text": "口温"}}, None),
        ("8310-5", {"bodySite": coded("91470000", "http://h.example")}, None),
    ],
)  # fmt: skip
def test_where_a_temperature_was_taken(code: Any, more: dict[str, Any], site: str | None) -> None:
    entry = one(read(observation(code, **quantity(Decimal("38.2"), "°C", "Cel"), **more)).vitals)
    assert (entry.site, entry.value.unit) == (site, "Cel")


def test_the_site_of_anything_else_is_let_go() -> None:
    entry = one(read(observation("8480-6", bodySite={"text": "腋下"}, **quantity(120, "mmHg"))).vitals)
    assert entry.site is None


# -- orders and doses --------------------------------------------------------------------------------


def medication(*dosages: Any, id: str = "m1", status: str = "draft", **more: Any) -> dict[str, Any]:
    made = {
        "resourceType": "MedicationRequest", "id": id, "status": status, "intent": "order", "authoredOn": DAY,
        "subject": {"reference": "Patient/p1"}, "medicationCodeableConcept": {"text": "长春新碱"}, **more,
    }  # fmt: skip
    return made | ({"dosageInstruction": list(dosages)} if dosages else {})


def order(*drafts: Any) -> Order:
    found = request(*drafts).order
    assert found is not None
    return found


def amount(value: Any, unit: str, kind: str | None = None, **more: Any) -> dict[str, Any]:
    made = {"doseQuantity": {"value": value, "unit": unit, **more}}
    return (
        made
        if kind is None
        else {**made, "type": coded(kind, "http://terminology.hl7.org/CodeSystem/dose-rate-type")}
    )


@pytest.mark.parametrize(
    ("dosages", "dose"),
    [
        ([{"doseAndRate": [amount(2, "mg")]}], (2, "mg")), ([{"doseQuantity": {"value": 2, "unit": "mg"}}], (2, "mg")),
        ([{"doseAndRate": [amount(Decimal("1.4"), "mg/m2", "ordered"), amount(2, "mg", "calculated")]}], (2, "mg")),
        ([{"doseAndRate": [amount(Decimal("1.4"), "mg/m2"), amount(2, "mg")]}], (2, "mg")),
        ([{"doseAndRate": [amount(75, "mg/m2")]}], (75, "mg/m2")),
        ([{"doseAndRate": [amount(2, "mg")]}, {"doseAndRate": [amount(2, "mg")]}], (2, "mg")),
        ([{"doseAndRate": [amount(2, "mg")]}, {"doseAndRate": [amount(3, "mg")]}], (None, None)),
        ([{"doseAndRate": [{"doseRange": {"low": {"value": 1, "unit": "mg"}, "high": {"value": 2, "unit": "mg"}}}]}], (None, None)),
        ([{"doseAndRate": [{"rateQuantity": {"value": 5, "unit": "mg/h"}}]}], (None, None)),
        ([{"doseAndRate": [{"rateQuantity": {"value": 60, "unit": "mg/m2"}}]}], (60, "mg/m2")),
        ([{"doseAndRate": [amount(2, "毫克", code="mg", system=UCUM)]}], (2, "毫克")),
        ([{"doseAndRate": [amount(2, "milligram", code="mg", system=UCUM)]}], (2, "mg")),
        ([{"doseAndRate": [amount(2, "g", code="mg", system=UCUM)]}], (2, None)),
        ([{"text": "2mg iv d1"}], (None, None)),
    ],
)  # fmt: skip
def test_doses(dosages: list[Any], dose: tuple[Any, Any]) -> None:
    (drug,) = order(medication(*dosages)).drugs
    assert (drug.dose, drug.unit) == dose


@pytest.mark.parametrize(
    ("routes", "route"),
    [
        ([{"text": "静脉滴注"}], "静脉滴注"), ([coded("47625008", SCT)], "intravenous"), ([shown("47625008", "Intravenous use")], "intravenous"),
        ([coded("72607000", SCT)], "intrathecal"), ([coded("47625008", SCT, text="静脉泵入，避光")], "intravenous"),
        ([coded("47625008", SCT, text="鞘内注射")], "鞘内注射"), ([shown("18679011000001101", "Intravesical route")], "Intravesical route"),
        ([{"text": "静脉滴注"}, {"text": "鞘内注射"}], None), ([{"text": "静脉滴注"}, {}], "静脉滴注"), ([{}], None),
    ],
)  # fmt: skip
def test_routes(routes: list[Any], route: str | None) -> None:
    (drug,) = order(medication(*({"route": r} for r in routes))).drugs
    assert drug.route == route


def test_doses_of_what_was_given_and_of_other_orders() -> None:
    given = {
        "resourceType": "MedicationAdministration", "id": "a1", "status": "completed", "effectiveDateTime": DAY,
        "medicationCodeableConcept": {"text": "多柔比星"},
        "dosage": {"dose": {"value": 90, "unit": "mg", "system": UCUM, "code": "mg"}, "route": coded("47625008", SCT)},
    }  # fmt: skip
    timed = {
        "doseAndRate": [amount(6, "mg")],
        "route": {"text": "皮下注射"},
        "timing": {"event": ["2026-03-04"]},
    }
    record = read(given, medication(timed, id="g1", status="active"))
    drugs = {e.id: e.drugs[0] for e in record.treatments or ()}
    assert (drugs["a1"].dose, drugs["a1"].unit, drugs["a1"].route) == (90, "mg", "intravenous")
    assert (drugs["g1"].dose, drugs["g1"].unit, drugs["g1"].route) == (6, "mg", "皮下注射")
    other = one(record.orders)
    assert (other.drugs[0].dose, other.planned) == (6, date(2026, 3, 4))


def service(code: Any, status: str = "active", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest", "id": "s1", "status": status, "intent": "order", "authoredOn": DAY,
        "subject": {"reference": "Patient/p1"}, "code": code, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("active", "active"), ("completed", "completed"), ("on-hold", "on-hold"), ("revoked", "cancelled"),
        ("entered-in-error", "entered-in-error"), ("unknown", "unknown"),
    ],
)  # fmt: skip
def test_an_examination_that_was_ordered(given: str, status: str) -> None:
    found = one(
        read(service(coded("5195-3", text="乙肝表面抗原"), given, occurrenceDateTime="2026-03-03")).orders
    )
    assert ([(c.system, c.code) for c in found.codes], found.status) == ([(LOINC, "5195-3")], status)
    assert (found.drugs, found.planned) == ((), date(2026, 3, 3))


def test_what_is_no_order_on_record() -> None:
    assert read(service(coded("5195-3"), "draft")).orders is None
    assert read(service(coded("5195-3"), doNotPerform=True)).orders is None
    assert one(read(service({"text": "心脏超声"})).orders).codes[0].display == "心脏超声"
    assert one(read(service({"concept": coded("5195-3")})).orders).codes[0].code == "5195-3"


@pytest.mark.parametrize("intent", ["proposal", "option", "Option"])
def test_what_nobody_ordered_is_neither_an_order_nor_a_treatment(intent: str) -> None:
    record = read(medication(status="active", intent=intent), service(coded("5195-3"), intent=intent))
    assert (record.orders, record.treatments) == (None, None)
    kept = read(
        medication(status="active", intent="order"), service(coded("5195-3"), intent="original-order")
    )
    assert (len(kept.orders or ()), len(kept.treatments or ())) == (2, 1)


@pytest.mark.parametrize(
    ("more", "treatments"),
    [({}, 0), ({"reportedBoolean": False}, 0), ({"reportedBoolean": True}, 1), ({"reported": True}, 1), ({"reportedReference": {"reference": "Patient/p1"}}, 1)],
)  # fmt: skip
def test_a_plan_is_an_order_and_a_treatment_only_where_it_is_reported(more: Any, treatments: int) -> None:
    record = read(medication(status="active", intent="Plan", **more))
    assert (len(record.orders or ()), len(record.treatments or ())) == (1, treatments)


def test_an_order_on_hold_is_no_treatment() -> None:
    record = read(medication(status="on-hold"))
    assert (record.treatments, one(record.orders).status) == (None, "on-hold")


def test_a_treatment_told_by_its_order_begins_when_the_order_says() -> None:
    later = {"timing": {"event": ["2026-04-01T08:00:00+08:00", "2026-04-22"]}}
    begun = one(read(medication(later, status="active", authoredOn="2026-03-01")).treatments)
    assert (str(begun.effective), str(begun.recorded)) == ("2026-04-01 08:00:00+08:00", "2026-03-01")
    assert (
        str(one(read(medication(status="active", authoredOn="2026-03-01")).treatments).effective)
        == "2026-03-01"
    )


def over(**repeat: Any) -> dict[str, Any]:
    return {"timing": {"repeat": repeat}}


@pytest.mark.parametrize(
    ("dosages", "status"),
    [
        ([over(boundsPeriod={"start": "2025-06-01", "end": "2025-06-08"})], "completed"),
        ([over(boundsPeriod={"start": "2026-02-01", "end": "2026-03-01T16:30:00Z"})], "active"),
        ([over(boundsPeriod={"start": "2026-02-01", "end": "2026-03-01T15:30:00Z"})], "completed"),
        ([over(boundsPeriod={"start": "2026-02-01", "end": "2026-03-02"})], "active"),
        ([over(boundsPeriod={"start": "2025-06-01"})], "active"), ([over(frequency=1)], "active"),
        ([{"timing": {"event": ["2025-06-01", "2025-06-22"]}}], "completed"),
        ([{"timing": {"event": ["2025-06-01", "2026-03-04"]}}], "active"),
        ([{"timing": {"event": ["2025-06-01", "soon"]}}], "active"),
        ([{"timing": {"event": ["2025-06-01"], "repeat": {"frequency": 1}}}], "active"),
        ([{"timing": {"event": ["2025-06-01"], "code": {"text": "QD"}}}], "active"),
        ([{"timing": {"event": ["2025-06-01"]}}, {"text": "then weekly"}], "active"), ([], "active"),
    ],
)  # fmt: skip
def test_an_order_that_has_ended_by_the_moment_is_completed(dosages: list[Any], status: str) -> None:
    record = read(medication(*dosages, status="active", authoredOn="2025-01-01"))
    assert (one(record.orders).status, one(record.treatments).status) == (status, status)


@pytest.mark.parametrize(
    ("resource", "planned"),
    [
        (medication({"timing": {"event": ["2026-03-05", "2026-03-04T09:00:00+08:00"]}}, status="active"), "2026-03-04T09:00:00+08:00"),
        (medication({"timing": {"event": ["2026-03-09"]}}, {"timing": {"event": ["2026-03-02"]}}, status="active"), "2026-03-02"),
        (medication({"timing": {"repeat": {"boundsPeriod": {"start": "2026-03-03"}}}}, status="active"), "2026-03-03"),
        (service(coded("5195-3"), occurrencePeriod={"start": "2026-03-03T08:00:00+08:00"}), "2026-03-03T08:00:00+08:00"),
        (service(coded("5195-3"), occurrenceTiming={"event": ["2026-03-06"]}), "2026-03-06"),
        (service(coded("5195-3"), occurrenceDateTime="2026-03"), None), (medication(status="active"), None),
    ],
)  # fmt: skip
def test_when_an_order_is_planned(resource: dict[str, Any], planned: str | None) -> None:
    entry = one(read(resource).orders)
    expected = planned and (
        datetime.fromisoformat(planned) if "T" in planned else date.fromisoformat(planned)
    )
    assert entry.planned == expected


def test_when_the_order_is_planned_and_its_interval() -> None:
    before = medication({"timing": {"event": ["2026-03-02"]}}, id="pre", category=[{"text": "化疗前用药"}])
    main = medication({"timing": {"event": ["2026-03-03"]}})
    steroid = medication(
        {"timing": {"event": ["2026-03-02"]}}, id="dex", medicationCodeableConcept={"text": "地塞米松"}
    )
    known = {**main, "medicationCodeableConcept": coded("L01CA02", ATC)}
    assert [order(steroid, one).planned for one in (main, known)] == [date(2026, 3, 2), date(2026, 3, 3)]
    assert order(before, main).planned == date(2026, 3, 3)
    length = {
        "url": "http://h.example/cycle-length",
        "valueDuration": {"value": 3, "code": "wk", "system": UCUM},
    }
    group = {
        "resourceType": "RequestGroup", "id": "g", "status": "draft", "subject": {"reference": "Patient/p1"}, "code": {"text": "TC"},
        "action": [{"timingDateTime": "2026-03-04"}], "extension": [length],
    }  # fmt: skip
    found = order(main, group)
    assert (found.planned, found.interval_days, found.cycle) == (date(2026, 3, 4), 21, None)
    assert (order(medication()).planned, order(medication()).interval_days) == (None, None)


# -- allergies and notes -----------------------------------------------------------------------------


def allergy(**more: Any) -> Note:
    made = {"resourceType": "AllergyIntolerance", "id": "al1", "patient": {"reference": "Patient/p1"}, **more}
    entry: Note = one(read(made).allergies)
    return entry


CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
VERIFIED = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, None), ({"clinicalStatus": coded("active", CLINICAL)}, "active"), ({"clinicalStatus": "inactive"}, "inactive"),
        ({"clinicalStatus": shown("resolved", "Resolved", CLINICAL)}, "resolved"),
        ({"clinicalStatus": coded("inactive", CLINICAL, text="Inactive")}, "inactive"),
        ({"clinicalStatus": coded("active", CLINICAL), "verificationStatus": shown("refuted", "Refuted", VERIFIED)}, "refuted"),
        ({"verificationStatus": coded("entered-in-error", VERIFIED)}, "entered-in-error"),
        ({"verificationStatus": {"coding": [{"system": "urn:h", "code": "C"}, {"system": VERIFIED, "code": "refuted"}]}}, "refuted"),
        ({"clinicalStatus": {"coding": [{"system": "urn:h", "code": "A1"}, {"system": CLINICAL, "code": "resolved"}]}}, "resolved"),
        ({"clinicalStatus": coded("active", CLINICAL), "verificationStatus": coded("confirmed", VERIFIED)}, "active"),
    ],
)  # fmt: skip
def test_the_status_of_an_allergy(more: dict[str, Any], status: str | None) -> None:
    assert allergy(code={"text": "紫杉醇"}, **more).status == status


def test_what_an_allergy_is_to() -> None:
    found = allergy(
        code=coded("L01CD01", ATC, text="紫杉醇"),
        criticality="high",
        reaction=[{"substance": {"text": "聚氧乙烯蓖麻油"}}],
    )
    assert (found.kind, found.text, found.level) == ("allergy", "紫杉醇", "high")
    assert [(c.code, c.display) for c in found.codes] == [("L01CD01", None), (None, "聚氧乙烯蓖麻油")]
    assert allergy(reaction=[{"substance": coded("L01CD02", ATC)}]).codes[0].code == "L01CD02"
    assert allergy(note=[{"text": "对卡铂过敏"}]).text == "对卡铂过敏"


@pytest.mark.parametrize(
    "code", [coded("1", "urn:h"), coded("1", "urn:h", text="见备注"), coded("1", "urn:h", text="Other")]
)
def test_an_allergy_that_names_nothing_is_named_by_its_note(code: dict[str, Any]) -> None:
    assert allergy(code=code, note=[{"text": "多西他赛过敏性休克"}]).text == "多西他赛过敏性休克"
    assert allergy(code={**code, "text": "多西他赛"}, note=[{"text": "皮疹"}]).text == "多西他赛"


def test_a_code_alone_is_no_text_of_an_allergy() -> None:
    found = allergy(code=coded("294462009", SCT))
    assert (found.text, [c.code for c in found.codes]) == (None, ["294462009"])
    pointing = {"resourceType": "AllergyIntolerance", "id": "al1", "code": coded("1", "urn:h", text="见备注")}
    assert [u.section for u in read(pointing).unread] == ["allergies"]


def test_an_allergy_to_nobody_knows_what_is_unread() -> None:
    nameless = {"resourceType": "AllergyIntolerance", "id": "al1"}
    assert [u.section for u in read(nameless).unread] == ["allergies"]
    assert read({**nameless, "clinicalStatus": coded("inactive", CLINICAL)}).unread == ()


def test_what_is_asked_after_by_kind() -> None:
    checked = {
        "resourceType": "Communication", "id": "v1", "status": "completed", "sent": DAY, "sender": {"reference": "Practitioner/ph2"},
        "topic": shown("order_verification", "医嘱双人核对", "http://h.example/events"),
    }  # fmt: skip
    kinds = Vocabulary(kinds=frozenset({"order_verification"}))
    found = one(hook({"events": [checked]}, kinds).record.events)
    assert (found.kind, found.by, found.status) == ("order_verification", "Practitioner/ph2", "completed")
    assert read(checked).events is None


def test_a_vaccine_is_no_treatment() -> None:
    given = {
        "resourceType": "Immunization",
        "id": "i1",
        "status": "completed",
        "vaccineCode": {"text": "麻疹疫苗"},
    }
    given["occurrenceDateTime"] = DAY
    assert [name for name in PatientRecord.SECTIONS if read(given).section(name) is not None] == []


# -- CDS Hooks ---------------------------------------------------------------------------------------


def test_results_among_the_exams_of_a_hook() -> None:
    echo = observation("10230-1", id="echo", **quantity(48, "%"))
    grade = observation("89247-1", id="ecog", valueInteger=2)
    record = hook({"labs": None, "vitals": None, "exams": [echo], "assessments": [grade]}).record
    assert [(e.id, e.value and e.value.value) for e in record.labs or ()] == [("echo", 48)]
    assert [(e.id, e.value and e.value.value) for e in record.vitals or ()] == [("ecog", 2)]
    assert record.unread == ()
    twice = hook({"labs": [echo], "exams": [echo]}).record
    assert len(twice.labs or ()) == 1


def test_an_ejection_fraction_does_not_stand_for_the_laboratory() -> None:
    record = hook({"exams": [observation("10230-1", **quantity(48, "%"))]}).record
    assert (record.labs, record.vitals) == (None, None)


def test_what_a_hook_does_not_supply_stays_so() -> None:
    record = hook({"allergies": None}).record
    assert record.allergies == ()
    assert [name for name in PatientRecord.SECTIONS if record.section(name) is not None] == ["allergies"]


# -- files that nobody here wrote --------------------------------------------------------------------


def loaded(path: Path) -> PatientRecord:
    return Request.load(read_bundle(read_json(path), AT).data).record


def first(record: PatientRecord, fact: str, source: str) -> tuple[Decimal | None, str, str | None]:
    """The measurement of that source that a fact asks for: its value in the fact's unit, the unit read, and the text."""
    asked = shipped_facts()[fact]
    entry = one(
        e for e in record.section(asked.sections[0]) or ()
        if isinstance(e, Measurement) and e.source == f"Observation/{source}"
        and any((c.system, c.code) == (k.system, k.code) for c in e.codes for k in asked.codes)
    )  # fmt: skip
    assert entry.conflict is None
    if entry.value is None or asked.measured is None:
        return None, "", entry.text
    return to_canonical(asked.measured.measure, entry.value.value, entry.value.unit), entry.value.unit, None


@pytest.mark.parametrize(
    ("file", "fact", "value", "unit"),
    [
        ("platelets", "lab.platelets", "200", "10*3/uL"), ("hemoglobin", "lab.haemoglobin", "170", "g/dL"),
        ("leukocytes", "lab.wbc", "10", "10*3/uL"),
    ],
)  # fmt: skip
def test_a_published_blood_count(shared: Path, file: str, fact: str, value: str, unit: str) -> None:
    record = loaded(shared / "data" / "us-core-cbc" / f"observation-cbc-{file}.json")
    assert first(record, fact, f"cbc-{file}") == (Decimal(value), unit, None)


def test_a_published_order_of_a_blood_count(shared: Path) -> None:
    found = one(loaded(shared / "data" / "us-core-cbc" / "servicerequest-cbc.json").orders)
    assert ([(c.system, c.code) for c in found.codes], found.status) == ([(LOINC, "58410-2")], "active")


@pytest.mark.parametrize(
    ("person", "fact", "source", "value", "unit"),
    [
        ("Florentino", "lab.platelets", "687fa7c3-8dba-4faf-bed7-d08c7854af3e", "294.921599710698", "10*3/uL"),
        ("Florentino", "lab.haemoglobin", "ddf1b07c-c3f0-4a07-8a71-a02c6fe3e897", "135.28851789850803", "g/dL"),
        ("Florentino", "vital.weight", "6f9bea33-1a0a-4947-af82-749f52638fa3", "82.43226392295057", "kg"),
        ("Florentino", "vital.systolic_bp", "8f2de048-eca5-48ed-8862-4ace6917becf", "113.52609872019698", "mm[Hg]"),
        ("Loyd", "lab.albumin", "7230fcb5-cf0c-4213-8020-8a767434b756", "42.83254066883355", "g/dL"),
        ("Loyd", "lab.bilirubin", "52161976-a76d-4efd-96f0-b663825382b9", "13.61413798417135971", "mg/dL"),
        ("Loyd", "lab.lvef", "e1fb4f1c-b59e-40ed-b749-1c546ba62484", "39.076879196938805", "%"),
        ("Loyd", "lab.urine_ph", "38dda252-83bd-404c-94b5-b58db90d9771", "5.237884213463907", "pH"),
        ("Stevie", "vital.temperature_oral", "d2aba7c0-f387-4ac5-aab5-9be64e53bfae", "38.645802205694324", "Cel"),
    ],
)  # fmt: skip
def test_a_synthetic_record(shared: Path, person: str, fact: str, source: str, value: str, unit: str) -> None:
    (path,) = (shared / "data" / "synthea-r4-smart").glob(f"{person}_*.json")
    assert first(loaded(path), fact, source) == (Decimal(value), unit, None)


def test_words_and_people_of_a_synthetic_record(shared: Path) -> None:
    (path,) = (shared / "data" / "synthea-r4-smart").glob("Stevie_*.json")
    record = loaded(path)
    graded = first(record, "lab.urine_protein", "c3c8d694-1df1-4454-86ac-2427f888eaa4")
    assert graded == (None, "", "3+")
    creatinine = one(
        e for e in record.labs or () if e.source == "Observation/420e799f-b8a4-41c2-a4be-998d02a8a385"
    )
    assert creatinine.value is not None
    found = to_canonical("creatinine", creatinine.value.value, creatinine.value.unit)
    assert (found, creatinine.value.unit) == (Decimal("240.24305015565354756"), "mg/dL")
    fever = one(
        e for e in record.vitals or () if e.source == "Observation/d2aba7c0-f387-4ac5-aab5-9be64e53bfae"
    )
    assert fever.site == "oral"
    assert record.patient is not None
    assert (record.patient.birth_date, record.patient.sex, record.patient.ward) == (
        date(1920, 4, 23),
        "male",
        None,
    )


def test_published_doses(shared: Path) -> None:
    folder = shared / "data" / "mcode-ig-preSTU3-2022-12"
    drugs = {
        name: one(loaded(folder / f"MedicationRequest-cancer-related-medication-request-{name}.json").treatments).drugs[0]
        for name in ("cisplatin", "gefitinib", "paclitaxel-jenny-m", "doxorubicin-jenny-m")
    }  # fmt: skip
    assert {n: (d.dose, d.unit, d.route) for n, d in drugs.items()} == {
        "cisplatin": (75, "mg/m2", "intravenous"), "gefitinib": (250, "mg", "oral"),
        "paclitaxel-jenny-m": (Decimal("272.01"), "mg", "intravenous"), "doxorubicin-jenny-m": (60, "mg/m2", "intravenous"),
    }  # fmt: skip


# -- a site's own facts, and the level of an operation ---------------------------------------------------


def test_a_code_that_only_a_fact_of_the_given_rules_asks_for_is_read(tmp_path: Path) -> None:
    own = "{exists: lab.magnesium, within: window}"
    rules = pack(tmp_path, RULE.replace("{exists: lab.anc, within: window}", own).split("examples:")[0])
    fact = "{label: {zh: 血镁, en: magnesium}, sections: [labs], codes: [{system: 'http://hospital.example', code: MG}]}"
    (rules / "mine" / "facts.yaml").write_text(f"facts:\n  lab.magnesium: {fact}\n", "utf-8")
    drug = {"text": "多西他赛"}
    order = {"resourceType": "MedicationRequest", "id": "m", "status": "draft", "intent": "order", "medicationCodeableConcept": drug, "subject": {"reference": "Patient/p1"}}  # fmt: skip

    def outcome(code: str) -> str:
        measured = observation(coded(code, "http://hospital.example"), valueString="0.8")
        entries = [{"resource": one} for one in ({"resourceType": "Patient", "id": "p1"}, order, measured)]
        file = written(tmp_path, {"resourceType": "Bundle", "type": "collection", "entry": entries})
        args = ["check", file, "--rules", str(rules), "--at", AT, "--format", "json"]
        return str(json.loads(CliRunner().invoke(app, args).stdout)["outcome"])

    assert (outcome("MG"), outcome("XX")) == ("allow", "warn")


@pytest.mark.parametrize(
    ("detail", "level"),
    [
        ({"category": [{"text": "四级手术"}]}, "四级手术"), ({"orderDetail": [{"text": "手术级别：四级"}]}, "四级"),
        ({"orderDetail": [{"coding": [{"display": "Ⅳ级手术"}]}]}, "Ⅳ级手术"),
        ({"orderDetail": [{"text": "一级护理"}]}, None), ({"orderDetail": [{"text": "三级手术"}, {"text": "四级手术"}]}, None), ({}, None),
    ],
)  # fmt: skip
def test_the_level_of_an_operation_is_read_where_the_order_says_it(
    detail: dict[str, Any], level: str | None
) -> None:
    surgery = {"coding": [{"system": "http://snomed.info/sct", "code": "387713003"}]}
    made = {
        "resourceType": "ServiceRequest", "id": "s", "status": "draft", "intent": "order", "subject": {"reference": "Patient/p1"},
        **detail, "category": [surgery, *detail.get("category", [])],
    }  # fmt: skip
    data = read_bundle(made, None).data
    assert (data["order"]["kind"], data["order"].get("level")) == ("surgery", level)
