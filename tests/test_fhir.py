"""FHIR resources → entries, section by section."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from oncogate.adapters.fhir import Vocabulary, load_vocabulary, looks_like_fhir, read_bundle
from oncogate.adapters.fhir.consents import regimen_in
from oncogate.adapters.fhir.stages import together
from oncogate.adapters.fhir.treatments import procedure_kind
from oncogate.base.errors import RequestError
from oncogate.model.record import PatientRecord
from oncogate.model.request import Request

AT = "2026-03-02T09:30:00+08:00"
SCT = "http://snomed.info/sct"
LOINC = "http://loinc.org"
RISK = "http://terminology.hl7.org/CodeSystem/risk-probability"
V2 = "http://terminology.hl7.org/CodeSystem/v2-0074"
LAB = [
    {
        "coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}
        ]
    }
]
VOCABULARY = Vocabulary(
    {"48676-1": ("HER2",)},
    {name: (name,) for name in ("EGFR", "ALK", "HER2", "KIT", "BRAF")} | {"表皮生长因子受体": ("EGFR",), "BCR::ABL1": ("BCR-ABL1",)},
    {(LOINC, "1834-1"): "AFP"},
    frozenset({"AFP", "CT_chest"}),
    assessment_questionnaires=frozenset({"http://h.example/fn-risk"}),
)  # fmt: skip


def coded(system: str, code: str, text: str | None = None) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


HL7 = "http://terminology.hl7.org/CodeSystem"


def local(own: str, system: str, code: str) -> dict[str, Any]:
    """A concept with a code of the host's own before the standard one."""
    return {"coding": [{"system": "urn:h", "code": own}, {"system": system, "code": code}]}


def bundle(*resources: Any, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": r} for r in resources],
        **more,
    }


def read(*resources: Any, **more: Any) -> PatientRecord:
    request = Request.load(read_bundle(bundle(*resources), AT, vocabulary=VOCABULARY, **more).data)
    return request.record


def observation(system: str, code: str, value: Any = None, id: str = "o1", **more: Any) -> dict[str, Any]:
    made = {
        "resourceType": "Observation", "id": id, "status": "final", "code": coded(system, code),
        "effectiveDateTime": "2026-02-01", **more,
    }  # fmt: skip
    if isinstance(value, str):
        made["valueString"] = value
    elif value is not None:
        made["valueCodeableConcept"] = value
    return made


# -- the whole -------------------------------------------------------------------------------------


def test_what_a_bundle_holds_nothing_of_is_not_supplied() -> None:
    record = read({"resourceType": "Condition", "id": "c1", "code": coded(SCT, "254837009")})
    assert record.diagnoses is not None
    assert [name for name in PatientRecord.SECTIONS if record.section(name) is not None] == ["diagnoses"]


def test_a_single_resource_is_a_bundle_of_one() -> None:
    document = observation(LOINC, "751-8", "0.8 10*9/L")
    assert looks_like_fhir(document)
    record = Request.load(read_bundle(document, AT, vocabulary=VOCABULARY).data).record
    assert len(record.labs or ()) == 1


def test_an_incomplete_bundle() -> None:
    document = bundle(observation(LOINC, "751-8", "0.8 10*9/L"), link=[{"relation": "next", "url": "x"}])
    found = read_bundle(document, AT, vocabulary=VOCABULARY)
    assert [(u["section"], u["problem"]) for u in found.data["record"]["unread"]] == [
        ("labs", "page missing")
    ]


def test_the_draft_requests_are_the_order() -> None:
    def request(id: str, status: str) -> dict[str, Any]:
        return {
            "resourceType": "MedicationRequest", "id": id, "status": status, "authoredOn": "2026-03-01",
            "medicationCodeableConcept": {"text": id}, "subject": {"reference": "Patient/p1"},
        }  # fmt: skip

    found = read_bundle(bundle(request("a", "draft"), request("b", "draft"), request("c", "active")), AT)
    loaded = Request.load(found.data)
    assert loaded.order is not None
    assert [d.name for d in loaded.order.drugs] == ["a", "b"]
    assert [t.id for t in loaded.record.treatments or ()] == ["c"]
    assert [t.id for t in loaded.record.orders or ()] == ["c"]
    assert Request.load(read_bundle(bundle(request("c", "active")), AT).data).order is None


DRAFT = {
    "resourceType": "MedicationRequest", "id": "a", "status": "draft", "authoredOn": "2026-03-01",
    "medicationCodeableConcept": {"text": "昂丹司琼"}, "subject": {"reference": "Patient/p1"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("beside", "more"),
    [
        ([{"id": "b", "status": "draft"}], {}), ([None], {}), ([], {"link": [{"relation": "next", "url": "x"}]}), ([], {"total": 2}),
        ([{"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}], {}),
    ],
)  # fmt: skip
def test_what_cannot_be_seen_beside_a_draft_may_be_a_drug(beside: list[Any], more: dict[str, Any]) -> None:
    found = read_bundle(bundle(DRAFT, *beside, **more), AT)
    order = Request.load(found.data).order
    assert order is not None
    assert [d.name for d in order.drugs] == ["昂丹司琼", None]
    assert "order-drug-unknown" in {d.code for d in found.diagnostics}
    record = {**DRAFT, "status": "active"}
    assert Request.load(read_bundle(bundle(record, *beside, **more), AT).data).order is None


def test_a_request_without_a_status_may_be_a_draft() -> None:
    unsaid = {key: value for key, value in DRAFT.items() if key != "status"}
    order = Request.load(read_bundle(bundle(unsaid), AT).data).order
    assert order is not None
    assert [d.name for d in order.drugs] == ["昂丹司琼"]


def test_a_group_in_a_bundle_orders_what_it_holds() -> None:
    group = {
        "resourceType": "RequestGroup", "id": "g", "status": "draft", "contained": [DRAFT],
        "action": [{"resource": {"reference": "#a"}}, {"resource": {"reference": "MedicationRequest/b"}}],
    }  # fmt: skip
    order = Request.load(read_bundle(bundle(group), AT).data).order
    assert order is not None
    assert [d.name for d in order.drugs] == ["昂丹司琼", None]


@pytest.mark.parametrize(("status", "names"), [("unknown", ["昂丹司琼", "b"]), ("active", ["昂丹司琼"])])
def test_what_a_draft_group_of_a_bundle_refers_to_is_ordered_unless_it_stands(
    status: str, names: list[str]
) -> None:
    other = {**DRAFT, "id": "b", "status": status, "medicationCodeableConcept": {"text": "b"}}
    links = [{"resource": {"reference": f"MedicationRequest/{id}"}} for id in ("a", "b")]
    group = {"resourceType": "RequestGroup", "id": "g", "status": "draft", "action": links}
    order = Request.load(read_bundle(bundle(group, DRAFT, other), AT).data).order
    assert order is not None
    assert [d.name for d in order.drugs] == names


@pytest.mark.parametrize(("status", "ordered"), [("active", True), ("completed", False)])
def test_a_draft_inside_a_group_on_record_is_ordered_unless_the_group_is_over(
    status: str, ordered: bool
) -> None:
    group = {"resourceType": "RequestGroup", "id": "g", "status": status, "contained": [DRAFT]}
    order = Request.load(read_bundle(bundle(group), AT).data).order
    assert (order is not None) == ordered


def test_several_patients_need_a_draft_that_says_which() -> None:
    people = [{"resourceType": "Patient", "id": id} for id in ("p1", "p2")]
    draft = {
        "resourceType": "MedicationRequest",
        "id": "m",
        "status": "draft",
        "subject": {"reference": "Patient/p2"},
    }
    with pytest.raises(RequestError, match="fhir-several-patients"):
        read(*people)
    record = read(*people, draft)
    assert record.patient is not None
    assert record.patient.id == "p2"


def test_what_is_not_fhir_is_refused() -> None:
    document: Any
    for document in ([], 3, {}, {"resourceType": 4}, {"resourceType": "OperationOutcome"}):
        with pytest.raises(RequestError):
            read_bundle(document, AT)


def test_an_entry_that_is_nothing_may_be_anything() -> None:
    document = bundle(observation(LOINC, "751-8", "0.8 10*9/L"), None, {"id": "x"})
    request = Request.load(read_bundle(document, AT, vocabulary=VOCABULARY).data)
    assert [u.section for u in request.record.unread] == ["labs", "labs"]


def test_two_versions_of_one_id_share_a_key() -> None:
    versions = [observation(LOINC, "751-8", value) for value in ("0.8 10*9/L", "1.8 10*9/L", "0.8 10*9/L")]
    entries = read(*versions).labs or ()
    assert [(e.id, e.key, e.source) for e in entries] == [
        ("o1", "Observation/o1#751-8", "Observation/o1"), ("o1#2", "Observation/o1#751-8", "Observation/o1"),
    ]  # fmt: skip


# -- diagnoses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, "active"), ({"clinicalStatus": {"coding": [{"code": "remission"}]}}, "remission"),
        ({"clinicalStatus": "recurrence", "verificationStatus": "confirmed"}, "recurrence"),
        ({"verificationStatus": {"coding": [{"code": "refuted"}]}, "clinicalStatus": "active"}, "refuted"),
        ({"verificationStatus": "entered-in-error"}, "entered-in-error"), ({"clinicalStatus": "odd"}, "unknown"),
        ({"verificationStatus": local("R", f"{HL7}/condition-ver-status", "refuted"), "clinicalStatus": "active"}, "refuted"),
        ({"verificationStatus": local("refuted", f"{HL7}/condition-ver-status", "confirmed")}, "active"),
        ({"verificationStatus": {**coded("urn:h", "R"), "text": "Refuted"}}, "refuted"),
        ({"clinicalStatus": local("1", f"{HL7}/condition-clinical", "remission")}, "remission"),
        ({"clinicalStatus": local("1", "http://hl7.org/fhir/condition-clinical", "resolved")}, "resolved"),
        ({"abatementDateTime": "2010-01-01"}, "inactive"), ({"abatementString": "术后"}, "inactive"), ({"abatementBoolean": False}, "active"),
        ({"abatementDateTime": "2010-01-01", "clinicalStatus": "active"}, "active"), ({"abatementDateTime": "2026-03-02T09:00:00+08:00"}, "inactive"),
        *(({"abatementString": said}, "active") for said in ("ongoing", "未愈", "无", "未治愈", "not resolved", "部分缓解", "术后复发", "not yet")),
        *(({"abatementString": said}, "inactive") for said in ("已治愈", "痊愈", "完全缓解", "resolved", "2019年")),
        *(({"abatementDateTime": time}, "active") for time in ("2026-06-01", "2027", "2026-04", "2026-03-02T10:00:00+08:00", "someday")),
        *(({"abatementDateTime": time}, "inactive") for time in ("2010", "2025-04", "2025-04-01T10:00:00")), ({"abatementPeriod": {}}, "active"),
        ({"abatementPeriod": {"start": "2026-04-01"}}, "active"), ({"abatementPeriod": {"start": "2020-04-01"}}, "inactive"), ({"abatementPeriod": {"end": "2020"}}, "inactive"),
        ({"abatementAge": {"value": 40, "unit": "a"}}, "inactive"), ({"abatementAge": {}}, "active"), ({"abatementBoolean": True}, "inactive"),
        ({"verificationStatus": {"text": "已排除"}}, "refuted"), ({"verificationStatus": {"text": "录入错误"}}, "entered-in-error"),
    ],
)  # fmt: skip
def test_status_of_a_condition(given: dict[str, Any], status: str) -> None:
    record = read({"resourceType": "Condition", "id": "c1", "code": {"text": "肺癌"}, **given})
    (entry,) = record.diagnoses or ()
    assert (entry.status, entry.codes[0].display, entry.effective) == (status, "肺癌", None)


def test_times_and_basis_of_a_condition() -> None:
    evidence = [{"code": [{"text": "临床诊断"}], "detail": [{"display": "AFP 升高，典型影像"}]}]
    record = read(
        {"resourceType": "Condition", "id": "c1", "code": {"text": "肝癌"}, "onsetDateTime": "2025", "evidence": evidence,
         "recordedDate": "2026-01-05"},
        {"resourceType": "Condition", "id": "c2", "code": {"text": "肝癌"}, "recordedDate": "2026-01-05T10:00:00"},
        {"resourceType": "Condition", "id": "c3"},
    )  # fmt: skip
    (entry,) = record.diagnoses or ()
    assert (entry.basis, entry.basis_reason) == ("clinical_criteria", "AFP 升高，典型影像")
    assert (str(entry.recorded), entry.effective) == ("2026-01-05", None)
    assert [u.source for u in record.unread] == ["Condition/c2", "Condition/c3"]


# -- stages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "code", "kind"),
    [
        (SCT, "399537006", "clinical"), (LOINC, "21908-9", "clinical"), (SCT, "399588009", "pathologic"),
        (LOINC, "21902-2", "pathologic"), (SCT, "399390009", None), (SCT, "385367008", "clinical"),
        ("urn:oid:2.16.840.1.113883.6.96", "399537006", "clinical"),
    ],
)  # fmt: skip
def test_the_code_tells_the_kind(system: str, code: str, kind: str | None) -> None:
    (stage,) = read(observation(system, code, coded("http://x", "3C"))).stages or ()
    assert (stage.stage, stage.kind) == ("3C", kind)


def test_a_code_of_another_system_is_no_stage() -> None:
    assert read(observation("http://h.example/codes", "21908-9", "IIB")).stages is None


def test_system_by_code_and_by_method() -> None:
    record = read(
        observation(SCT, "385363007", "IIIC1", "a"),
        observation(SCT, "385388004", "III A", "b"),
        observation(LOINC, "67213-9", "Binet Stage A", "c", method=coded(SCT, "1149099005")),
        observation(LOINC, "21908-9", "IIB", "d", method=coded(SCT, "897275008", "AJCC 8")),
        observation(LOINC, "21908-9", "Ⅱa", "e", method={"text": "CNLC"}),
    )
    found = [(s.id, s.system, s.kind, s.edition) for s in record.stages or ()]
    assert found == [
        ("a", "figo", "clinical", None), ("b", "lugano", "clinical", None), ("c", "binet", "clinical", None),
        ("d", "tnm", "clinical", "AJCC 8"), ("e", "cnlc", "clinical", "CNLC"),
    ]  # fmt: skip


def test_value_is_text_else_a_stage_code_else_the_display() -> None:
    shown = {"coding": [{"system": SCT, "code": "1222769001", "display": "AJCC stage IIB (qualifier value)"}]}
    values = [{**shown, "text": "Ⅱb期"}, shown, {"coding": [*shown["coding"], {"code": "2B"}]}, "cT2N1M0"]
    record = read(*(observation(SCT, "399537006", v, f"s{n}") for n, v in enumerate(values)))
    assert [s.stage for s in record.stages or ()] == [
        "Ⅱb期",
        "AJCC stage IIB (qualifier value)",
        "2B",
        "cT2N1M0",
    ]


def test_no_value_is_an_invalid_stage_not_none() -> None:
    (stage,) = read(observation(SCT, "399537006", dataAbsentReason=coded("x", "unknown"))).stages or ()
    assert (stage.stage, stage.status) == ("", "final")


def tnm(
    t: str, n: str, m: str, day: str = "2026-02-01", prefix: str = "", **more: Any
) -> list[dict[str, Any]]:
    values = (("399504009", t), ("399534004", n), ("399387003", m))
    return [
        observation(SCT, code, value, f"{prefix}{value}", effectiveDateTime=day, **more)
        for code, value in values
    ]


def test_categories_of_a_day_are_joined() -> None:
    ajcc = "American Joint Committee on Cancer c{} (qualifier value)"
    display = {"coding": [{"system": SCT, "code": "1229973008", "display": ajcc.format("N1mi")}]}
    parts = tnm("cT2", "cN1", "0")
    parts[1] = {**parts[1], "valueCodeableConcept": display, "issued": "2026-02-03"}
    del parts[1]["valueString"]
    (stage,) = read(*parts).stages or ()
    assert (stage.stage, stage.kind, stage.status) == ("cT2N1miM0", "clinical", "final")
    assert (str(stage.effective), str(stage.recorded)) == ("2026-02-01", "2026-02-03")


def test_categories_of_several_days() -> None:
    two_days = [*tnm("cT2", "cN1", "cM0"), *tnm("cT3", "cN1", "cM0", "2026-02-09", "b")]
    assert [s.stage for s in read(*two_days).stages or ()] == ["cT2N1M0", "cT3N1M0"]
    t, n, m = tnm("cT2", "cN1", "cM0")
    spread = [t, {**n, "effectiveDateTime": "2026-02-05"}, {**m, "effectiveDateTime": "2026-02-07"}]
    (stage,) = read(*spread).stages or ()
    assert (stage.stage, str(stage.effective)) == ("cT2N1M0", "2026-02-07")


def test_an_incomplete_or_unfinished_set_of_categories() -> None:
    (stage,) = read(*tnm("cT2", "cN1", "cM0")[:2]).stages or ()
    assert stage.stage == "cT2N1"
    t, n, m = tnm("cT2", "cN1", "cM0")
    (stage,) = read(t, n, {**m, "status": "preliminary"}).stages or ()
    assert (stage.stage, stage.status) == ("cT2N1M0", "preliminary")
    error = {**m, "status": "entered-in-error"}
    assert sorted((s.stage, s.status) for s in read(t, n, error).stages or ()) == [
        ("cM0", "entered-in-error"), ("cT2N1", "final"),
    ]  # fmt: skip


def test_categories_of_two_tumours_are_not_mixed() -> None:
    focus = [{"reference": "Condition/c2"}]
    record = read(*tnm("cT2", "cN1", "cM0")[:2], *tnm("cT3", "cN0", "cM1", prefix="b", focus=focus))
    assert {(s.stage, s.focus) for s in record.stages or ()} == {("cT2N1", None), ("cT3N0M1", "c2")}


def test_a_group_with_components_and_its_members() -> None:
    codes = ("399504009", "399534004", "399387003")
    parts = [
        {"code": coded(SCT, c), "valueString": v} for c, v in zip(codes, ("cT2", "cN1", "cM0"), strict=True)
    ]
    (stage,) = read(observation(SCT, "399537006", "IIB", component=parts)).stages or ()
    assert stage.stage == "cT2N1M0 IIB"
    t, n, m = tnm("cT2", "cN1", "cM0")
    members = [{"reference": f"Observation/{o['id']}"} for o in (t, n, m)]
    group = observation(
        SCT, "399537006", "IIB", "g", focus=[{"reference": "Condition/c1"}], hasMember=members
    )
    assert {(s.stage, s.focus) for s in read(t, n, m, group).stages or ()} == {
        ("cT2N1M0", "c1"),
        ("IIB", "c1"),
    }


def test_prefixes_are_written_where_they_change() -> None:
    assert together(["cT3", "cN0", "cM0"]) == "cT3N0M0"
    assert together(["pT3", "pN1", "cM0"]) == "pT3N1cM0"
    assert together(["T3", "N0"]) == "T3N0"


def test_stage_of_a_condition() -> None:
    stages = [
        {"summary": coded("x", "IIIC1"), "type": coded(SCT, "399588009")},
        {"summary": {"text": "IIB"}, "assessment": [{"reference": "Observation/s1"}]},
    ]
    condition = {
        "resourceType": "Condition",
        "id": "c1",
        "code": {"text": "肺癌"},
        "stage": stages,
        "recordedDate": "2026-01-05",
    }
    record = read(condition, observation(SCT, "399537006", "IIB", "s1"))
    assert {(s.id, s.stage, s.kind, s.focus) for s in record.stages or ()} == {
        ("c1#stage1", "IIIC1", "pathologic", "c1"), ("s1", "IIB", "clinical", "c1"),
    }  # fmt: skip
    undated = {k: v for k, v in condition.items() if k != "recordedDate"}
    assert [(u.section, u.source) for u in read(undated).unread] == [("stages", "Condition/c1")]


# -- pathology -------------------------------------------------------------------------------------


def report(id: str = "r1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport", "id": id, "status": "final", "code": coded(LOINC, "22637-3"),
        "effectiveDateTime": "2026-01-05", "issued": "2026-01-08T10:00:00+08:00", **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({}, "histology"), ({"category": [coded(V2, "CP")]}, "cytology"),
        ({"code": coded(LOINC, "60568-3", "胸水细胞学")}, "cytology"),
        ({"code": {"text": "x"}, "category": [coded("http://hl7.org/fhir/v2/0074", "SP")]}, "histology"),
        ({"code": {"text": "血常规"}, "category": [coded(V2, "HM")]}, None),
        ({"code": coded(LOINC, "51969-4"), "category": [coded(V2, "PAT")]}, None),
    ],
)  # fmt: skip
def test_pathology_reports(more: dict[str, Any], kind: str | None) -> None:
    entries = read(report(conclusion="浸润性癌", **more)).pathology or ()
    assert [e.kind for e in entries] == ([kind] if kind else [])
    assert all((str(e.effective), e.conclusion) == ("2026-01-05", "浸润性癌") for e in entries)


DIAGNOSED = """Malignant mesothelioma, IHC pending|Glioblastoma, IDH-wildtype, WHO grade 4. MGMT methylation pending.|Thymoma B2; margins cannot be assessed
Seminoma, pT1. Lymphovascular invasion cannot be assessed.|Neuroblastoma, MYCN pending|GIST, KIT testing pending|DCIS, ER pending|NSCLC, IHC pending
Hodgkin disease; EBER pending|DLBCL, FISH待回|低分化Ca，免疫组化待回报|霍奇金病，免疫组化待回|MDS-EB2，染色体核型待回|骨髓原始细胞占65%，流式待报|AML-M5，融合基因待回
蕈样肉芽肿，TCR重排检测中|HCC, 未做免疫组化|腺CA，ALK未做|浸润性癌，免疫组化结果待回报|Invasive carcinoma, HER2 indeterminate, ISH to follow|组织不足以分型，考虑腺癌
未见恶性肿瘤细胞|良性病变|(左乳)纤维腺瘤|低分化Ca，待免疫组化|腺Ca，标本不足以行基因检测|腺Ca，标本量不足，无法行基因检测|DLBCL, HER2 results pending|DLBCL (分子病理报告待发)
Insufficient tissue for molecular testing, GIST|见附件|MDS-EB2，免疫组化：待回"""
NOTHING_TO_DIAGNOSE = """标本不足，无法诊断，建议重取|标本内肿瘤细胞不足，无法诊断|Insufficient tumor for diagnosis|临床诊断肺癌，标本量不足，无法诊断|Specimen insufficient for diagnosis
Cancelled: duplicate|Non-diagnostic material|无法判定良恶性，标本不足|Malignancy not excluded, repeat biopsy; specimen inadequate|QNS|坏死组织，无法诊断|标本不正常，退检
Insufficient tissue; no tumor identified|肿瘤细胞数量不足|not performed"""
STILL_TO_COME = """报告待发|Pending|肺癌术后标本，结果待出|待诊断|结果未出|Diagnosis deferred|疑似恶性肿瘤，病理结果待出|临床：淋巴瘤？切片待报|癌？标本待检|诊断待定|尚未出报告
Specimen from lung cancer patient: pending|Final report to follow|待免疫组化|免疫组化待回|左乳肿物穿刺，待报|标本处理中|Awaiting histology report"""
CONCLUSIONS = [
    (said, status)
    for texts, status in (
        (DIAGNOSED, "final"),
        (NOTHING_TO_DIAGNOSE, "cancelled"),
        (STILL_TO_COME, "registered"),
    )
    for said in texts.replace("\n", "|").split("|")
]


@pytest.mark.parametrize(("conclusion", "status"), [*CONCLUSIONS, (None, "final")])
def test_a_pathology_report_that_says_it_is_none(conclusion: str | None, status: str) -> None:
    (entry,) = read(report(conclusion=conclusion)).pathology or ()
    assert (entry.status, entry.conclusion) == (status, conclusion)
    (entry,) = read(report(conclusion=conclusion, status="preliminary")).pathology or ()
    assert entry.status == "preliminary"


@pytest.mark.parametrize(
    "code", [coded(LOINC, "18743-5"), {"text": "Autopsy report"}, {"text": "尸检病理报告"}]
)
def test_an_autopsy_is_no_pathology_report(code: dict[str, Any]) -> None:
    assert read(report(code=code, category=[coded(V2, "SP")])).pathology is None


def test_status_of_a_report() -> None:
    for given, status in (
        ("partial", "preliminary"),
        ("appended", "amended"),
        ("final", "final"),
        ("odd", "unknown"),
    ):
        (entry,) = read(report(status=given)).pathology or ()
        assert entry.status == status


def test_the_tumour_of_a_report() -> None:
    code = coded("http://hl7.org/fhir/sid/icd-10", "C34.1")
    condition = {"resourceType": "Condition", "id": "c1", "code": code}
    pointing = {**condition, "evidence": [{"detail": [{"reference": "DiagnosticReport/r1"}]}]}
    other = [coded("http://hl7.org/fhir/sid/icd-10", "C50.9")]
    assert [e.focus for e in read(report(), condition).pathology or ()] == [None]
    assert [e.focus for e in read(report(), pointing).pathology or ()] == ["c1"]
    assert [e.focus for e in read(report(conclusionCode=[code]), condition).pathology or ()] == ["c1"]
    assert [e.focus for e in read(report(conclusionCode=other), condition).pathology or ()] == [None]


# -- markers ---------------------------------------------------------------------------------------


def variant(**more: Any) -> dict[str, Any]:
    gene = {
        "code": coded(LOINC, "48018-6"),
        "valueCodeableConcept": {"coding": [{"code": "HGNC:3236", "display": "EGFR"}]},
    }
    return observation(LOINC, "69548-6", component=[gene]) | more


@pytest.mark.parametrize(
    ("resource", "markers"),
    [
        (observation(LOINC, "48676-1", "Positive"), ("HER2",)),
        (variant(valueCodeableConcept=coded(LOINC, "LA9633-4", "Present")), ("EGFR",)),
        ({**observation("x", "1", "阴性", category=LAB), "code": {"text": "EGFR基因突变检测"}}, ("EGFR",)),
        ({**observation("x", "1", "12", category=LAB), "code": {"text": "VEGFR"}}, None),
        ({**observation("x", "1", "90", category=LAB), "code": {"text": "eGFR (CKD-EPI)"}}, None),
        ({**observation("x", "1", "90", category=LAB), "code": {"text": "ALK phos"}}, None),
        ({**observation("x", "1", "x", category=LAB), "code": {"text": "test kit"}}, None),
        (report(code={"text": "ALK (IHC) D5F3"}, conclusion="EGFR 也提及"), ("ALK",)),
    ],
)  # fmt: skip
def test_which_markers(resource: dict[str, Any], markers: tuple[str, ...] | None) -> None:
    record = read(resource)
    assert [e.markers for e in record.markers or ()] == ([] if markers is None else [markers])


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("Positive", "final"), ("未检测到突变", "final"), ("意义不确定的变异", "final"), ("阴性(-)", "final"), ("待出", "registered"),
        ("pending", "registered"), ("标本不足", "cancelled"), ("检测失败", "cancelled"), ("QNS", "cancelled"), ("No call", "cancelled"),
        ("Indeterminate", "cancelled"), ("未做", "cancelled"), ("not performed", "cancelled"), ("Insufficient tissue", "cancelled"),
    ],
)  # fmt: skip
def test_what_is_a_result(value: str, status: str) -> None:
    (entry,) = read(observation(LOINC, "48676-1", value)).markers or ()
    assert (entry.status, entry.result) == (status, value)


def test_a_result_without_a_value_is_none() -> None:
    (entry,) = read(observation(LOINC, "48676-1")).markers or ()
    assert entry.status == "registered"
    (entry,) = read(variant()).markers or ()
    assert (entry.markers, entry.status) == (("EGFR",), "registered")
    (entry,) = read(observation(LOINC, "48676-1", dataAbsentReason={"text": "not performed"})).markers or ()
    assert entry.status == "cancelled"


def test_a_region_studied_without_a_finding_was_tested() -> None:
    studied = variant(code=coded(LOINC, "53041-0"))
    (entry,) = read(studied).markers or ()
    assert (entry.markers, entry.status) == (("EGFR",), "final")


def test_a_fusion_names_both_partners_and_the_fusion() -> None:
    genes = [{"code": coded(LOINC, "48018-6"), "valueCodeableConcept": {"text": g}} for g in ("BCR", "ABL1")]
    (entry,) = read(variant(component=genes, valueString="Present")).markers or ()
    assert entry.markers == ("ABL1", "BCR", "BCR-ABL1")


def test_a_report_by_its_results() -> None:
    panel = report(code=coded(LOINC, "51969-4"), result=[{"reference": "Observation/o1"}])
    found = {e.id: (e.markers, e.status) for e in read(panel, variant(valueString="Absent")).markers or ()}
    assert found == {"r1": (("EGFR",), "final"), "o1": (("EGFR",), "final")}
    found = {e.id: (e.markers, e.status) for e in read(panel, variant(valueString="QNS")).markers or ()}
    assert found == {"r1": ((), "registered"), "o1": (("EGFR",), "cancelled")}
    empty = report(code={"text": "EGFR基因检测"})
    assert [e.status for e in read(empty).markers or ()] == ["registered"]


# -- assessments -----------------------------------------------------------------------------------


def risk(*predictions: Any, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "RiskAssessment", "id": "a1", "status": "final", "occurrenceDateTime": "2026-03-01",
        "prediction": list(predictions), **more,
    }  # fmt: skip


FN = coded(SCT, "409089005")


@pytest.mark.parametrize(
    ("outcome", "level", "kind", "said"),
    [
        (FN, coded(RISK, "high"), "febrile_neutropenia", "high"), (FN, coded(RISK, "moderate"), "febrile_neutropenia", "intermediate"),
        (coded(SCT, "165517008"), coded(RISK, "low"), "neutropenia", "low"), (FN, coded(RISK, "HIGH"), "febrile_neutropenia", "high"), (FN, coded(RISK, "severe"), "febrile_neutropenia", "severe"),
        (FN, {"text": "高危"}, "febrile_neutropenia", "high"), (FN, {"text": "较高"}, "febrile_neutropenia", "较高"),
        (FN, local("H3", RISK, "high"), "febrile_neutropenia", "high"), (FN, {**coded("urn:h", "3"), "text": "高危"}, "febrile_neutropenia", "high"),
        (FN, {**coded(RISK, "low"), "text": "非高危"}, "febrile_neutropenia", "low"), (FN, {**coded(RISK, "low"), "text": "low to moderate"}, "febrile_neutropenia", "low"),
        (FN, {**coded(RISK, "low"), "text": "高危"}, "febrile_neutropenia", "low / 高危"), (FN, {**coded(RISK, "low"), "text": "高危（>20%）"}, "febrile_neutropenia", "low / 高危（>20%）"),
        *((FN, {**coded(RISK, "low"), "text": text}, "febrile_neutropenia", "low")
          for text in ("无高危因素", "No high-risk factors", "未见高危因素", "不属于高危", "排除高危", "Not high risk", "低-中危", "低危")),
        *((FN, {**coded(RISK, "high"), "text": text}, "febrile_neutropenia", "high") for text in ("低风险方案，但年龄≥65岁", "low-risk regimen but age >65", "High risk", "中危（合并高危因素按高危处理）")),
        (FN, {**coded(RISK, "moderate"), "text": "方案属高风险"}, "febrile_neutropenia", "intermediate"), (FN, {"text": "high risk"}, "febrile_neutropenia", "high"),
        *((FN, {**coded(RISK, "low"), "text": text}, "febrile_neutropenia", f"low / {text}") for text in ("高风险", "high", "high risk", "高危组", "FN风险：高危")),
        (FN, {"coding": [{"system": RISK, "code": "low"}, {"system": RISK, "code": "high"}]}, "febrile_neutropenia", "low / high"),
        (coded(SCT, "29857009"), coded(RISK, "high"), "other", "high"), (coded("http://x", "409089005"), None, "other", None),
    ],
)  # fmt: skip
def test_risk_assessments(outcome: Any, level: Any, kind: str, said: str | None) -> None:
    (entry,) = read(risk({"outcome": outcome, "qualitativeRisk": level})).assessments or ()
    assert (entry.kind, entry.level, entry.status) == (kind, said, "final")


def test_what_an_assessment_was_made_for() -> None:
    condition = {"reference": "Condition/c1"}
    made = risk({"outcome": FN}, condition=condition, reasonCode=[{"text": "第3周期"}, {"text": "方案：TC"}])
    (entry,) = read(made).assessments or ()
    assert (entry.cycle, entry.regimen, entry.focus) == (3, "TC", "c1")
    extended = risk(
        {"outcome": FN}, {"outcome": FN},
        extension=[{"url": "http://x/cycle", "valueInteger": 2}, {"url": "http://x/regimen", "valueString": "AC"}],
        reasonCode=[{"text": "before AC-T chemotherapy"}],
    )  # fmt: skip
    assert [(e.id, e.cycle, e.regimen) for e in read(extended).assessments or ()] == [
        ("a1#1", 2, "AC"),
        ("a1#2", 2, "AC"),
    ]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("completed", "final"),
        ("amended", "amended"),
        ("in-progress", "preliminary"),
        ("stopped", "cancelled"),
    ],
)
def test_questionnaires_of_the_sites_list(status: str, said: str) -> None:
    answers = {
        "resourceType": "QuestionnaireResponse", "id": "q1", "status": status, "authored": "2026-03-01",
        "questionnaire": "http://h.example/fn-risk|2",
    }  # fmt: skip
    (entry,) = read(answers).assessments or ()
    assert (entry.kind, entry.status) == ("febrile_neutropenia", said)
    assert read({**answers, "questionnaire": "http://h.example/pain"}).assessments is None


# -- consents --------------------------------------------------------------------------------------

CHEMO = coded(SCT, "367336001")
DOCUMENT = coded(LOINC, "59284-0")


def consent(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Consent",
        "id": "c1",
        "status": "active",
        "dateTime": "2026-03-01T16:00:00+08:00",
        **more,
    }


@pytest.mark.parametrize(
    ("more", "kind", "status"),
    [
        ({"category": [CHEMO]}, "chemotherapy", "active"), ({"provision": {"code": [CHEMO]}}, "chemotherapy", "active"),
        ({"provision": {"provision": [{"code": [CHEMO]}]}}, "chemotherapy", "active"),
        ({"category": [{**DOCUMENT, "text": "化疗知情同意书"}]}, "chemotherapy", "active"),
        ({"category": [DOCUMENT], "sourceAttachment": {"title": "Chemotherapy consent"}}, "chemotherapy", "active"),
        ({"category": [{**DOCUMENT, "text": "靶向治疗知情同意书"}]}, "targeted", "active"),
        ({"category": [{**DOCUMENT, "text": "免疫治疗"}]}, "immunotherapy", "active"),
        ({"category": [{**DOCUMENT, "text": "手术同意书"}]}, "surgery", "active"),
        ({"category": [{**DOCUMENT, "text": "化疗输液港植入同意书"}]}, "surgery", "active"),
        ({"category": [{"text": "化疗"}]}, "other", "active"), ({"category": [DOCUMENT]}, "other", "active"),
        ({"category": [CHEMO], "status": "inactive"}, "chemotherapy", "inactive"),
        ({"category": [CHEMO], "provision": {"type": "deny"}}, "chemotherapy", "rejected"),
        ({"category": [CHEMO], "provision": {"type": "permit", "provision": [{"type": "deny", "code": [CHEMO]}]}}, "chemotherapy", "rejected"),
        ({"provision": {"type": "deny", "provision": [{"type": "permit", "code": [CHEMO]}]}}, "chemotherapy", "active"),
        ({"category": [{**CHEMO, "text": "拒绝化疗"}]}, "chemotherapy", "rejected"),
        ({"category": [CHEMO], "status": "odd"}, "chemotherapy", "unknown"),
    ],
)  # fmt: skip
def test_consents(more: dict[str, Any], kind: str, status: str) -> None:
    expected = "other" if "输液港" in str(more) else kind
    (entry,) = read(consent(**more)).consents or ()
    assert (entry.kind, entry.status) == (expected, status)
    assert str(entry.effective) == "2026-03-01 16:00:00+08:00"


@pytest.mark.parametrize(
    ("text", "regimen"),
    [
        ("化疗", None), ("化疗知情同意书", None), ("Chemotherapy (procedure)", None), ("Informed consent to chemotherapy", None),
        ("TC方案化疗", "TC"), ("R-CHOP", "R-CHOP"), ("乳腺癌化疗", None), ("Chemotherapy for breast cancer", None), ("乳腺癌TC方案化疗", "TC"), ("紫杉醇联合卡铂方案化疗知情同意书", "紫杉醇联合卡铂"), ("新辅助化疗(AC-T)", "AC-T"),
        ("consent for FOLFOX6 chemotherapy", "FOLFOX6"), ("第1周期R-CHOP方案", "R-CHOP"), ("docetaxel and carboplatin", "docetaxel and carboplatin"),
    ],
)  # fmt: skip
def test_the_regimen_that_a_consent_names(text: str, regimen: str | None) -> None:
    assert regimen_in(text) == regimen
    (entry,) = read(consent(provision={"code": [{**CHEMO, "text": text}]})).consents or ()
    assert entry.regimen == regimen


REFUSED = """不接受化疗知情同意书|暂不化疗知情告知书|不愿化疗签字书|谢绝化疗知情书|化疗同意书（不同意）|不做化疗告知书|暂缓化疗|化疗知情同意书 终止
Patient does not consent to chemotherapy|chemotherapy consent NOT given|chemotherapy consent refused|no consent for chemotherapy
chemotherapy not consented to|consent to chemotherapy denied|Chemotherapy: we don’t consent|chemotherapy: patient won’t consent|she doesn’t consent to chemotherapy|拒絕化療|停止化疗
化疗知情同意书已作废|反对化疗|婉拒化疗|取消化疗|NO chemotherapy|拒绝静脉化疗|拒绝化疗，已签|化疗知情同意书（否）|不同意化療|不要化疗|refuses chemotherapy|stop chemotherapy
同意书：化疗（本人拒 绝）|化疗，患者放弃治疗|不接受手术、化疗|拒绝手术及化疗|拒绝使用紫杉醇及卡铂联合方案化疗|chemotherapy consent - withdrawn|化疗知情同意书_拒绝.pdf|化疗知情同意书，不再同意
不同意上述治疗（化疗）|refuses surgery and chemotherapy|refuses the proposed chemotherapy
chemotherapy: I do not agree to the above|does not accept the recommended chemotherapy|chemotherapy declined|does not want chemotherapy"""
UNSIGNED = """未签署化疗知情同意书|化疗知情同意书(未签)|患者未签字的化疗知情同意书|化疗知情同意书（待签）|空白化疗知情同意书
chemotherapy consent - unsigned template|chemotherapy consent not signed|化疗知情同意书（待患者签署）|化疗：待家属签字|化疗，等签字|未获得患者同意化疗|化疗知情同意书，医师已签，患者未签
chemotherapy consent pending signature|chemotherapy: awaiting signature|化疗知情同意书模板V2.0|同意化疗，待患者签字|Template: consent to chemotherapy|chemotherapy consent not yet obtained"""
UNCLEAR = """不宜化疗告知书|未行化疗|patient unable to consent to chemotherapy|不宜化疗告知书，已签|拒绝化疗风险告知书|曾拒绝化疗，现同意化疗|化疗，患者考虑中"""
AGREED = """不可切除肺癌化疗知情同意书|原发不明癌化疗知情同意书|未分化癌化疗知情同意书|非小细胞肺癌化疗知情同意书|化疗及不良反应知情同意书
不能手术的胃癌化疗知情同意书|未绝经乳腺癌化疗知情同意书|consent to chemotherapy without delay|chemotherapy consent (non-small cell lung cancer)
consent for non-curative chemotherapy|化疗知情同意书（本人未签署，授权委托人代签）|化疗知情同意书（2023版模板）已签|化疗知情同意书模板V2.0，患者已签|化疗同意书由医务处统一模板生成，患者已签
Consent template v3 - chemotherapy - signed|化疗知情同意书，医师未签，患者已签|首次化疗（既往未接受化疗）知情同意书|患者从未化疗，同意化疗|未成年化疗同意书|未手术化疗知情同意书
不孕不育化疗知情同意书|不化疗的风险已告知，同意化疗|替代方案：不化疗、中医治疗；患者选择化疗|替代方案：不化疗…患者选择化疗|二线化疗知情同意书（一线治疗中止后）|我已了解可随时终止治疗，同意化疗
化疗知情同意书 不接受输血|同意化疗，不接受心肺复苏|不再接受放疗，同意化疗|暂缓手术行新辅助化疗知情同意书|暂不手术，先行化疗|I do not want resuscitation; consent to chemotherapy
I do not want surgery; consent to chemotherapy|Agreement to chemotherapy - patient is unable to sign, proxy signed|Consent for chemotherapy - right to refuse explained
Informed consent, chemotherapy, decline in blood counts explained|终止妊娠后化疗知情同意书|化疗，不同意见已说明|不放弃治疗，同意化疗|refuses surgery but accepts chemotherapy|does not want resuscitation but consents to chemotherapy|no prior treatment; consent to chemotherapy|化疗知情同意书，若不同意可随时提出"""
CONSENT_TEXTS = [
    (said, status)
    for texts, status in (
        (REFUSED, "rejected"),
        (UNSIGNED, "draft"),
        (UNCLEAR, "unknown"),
        (AGREED, "active"),
    )
    for said in texts.replace("\n", "|").split("|")
]


@pytest.mark.parametrize(("text", "status"), CONSENT_TEXTS)
def test_what_a_consent_says_in_words(text: str, status: str) -> None:
    (entry,) = read(consent(category=[{**DOCUMENT, "text": text}])).consents or ()
    assert (entry.kind, entry.status) == ("chemotherapy", status)
    if status == "rejected":  # a refusal that named a regimen would leave consents to others
        (entry,) = read(consent(provision={"code": [{**CHEMO, "text": text}]})).consents or ()
        assert (entry.status, entry.regimen) == ("rejected", None)


def test_a_refusal_of_one_regimen_names_it() -> None:
    (entry,) = read(consent(provision={"code": [{**CHEMO, "text": "拒绝TC方案化疗"}]})).consents or ()
    assert (entry.status, entry.regimen) == ("rejected", "TC")


def period(start: str | None, end: str | None = None) -> dict[str, Any]:
    return {"period": {name: time for name, time in (("start", start), ("end", end)) if time}}


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"provision": {"type": "permit", **period("2025-01-01", "2025-06-30")}}, "superseded"), ({"provision": {"type": "permit", **period(None, "2025-06")}}, "superseded"),
        ({"provision": {"type": "permit", **period("2026-03-03")}}, "proposed"), ({"provision": {"type": "permit", **period("2026-03-02T09:31:00+08:00")}}, "proposed"),
        ({"provision": {"type": "permit", **period("2026-03-02T01:30:00Z", "2026-03-02")}}, "active"), ({"provision": {"type": "permit", **period("2026", "2026-03")}}, "active"),
        ({"provision": {"provision": [{"code": [CHEMO], **period(None, "2025")}, {"code": [CHEMO], **period(None, "2027")}]}}, "active"),
        ({"provision": {**period(None, "2025"), "provision": [{"code": [CHEMO]}]}}, "superseded"), (period(None, "2025-12-31"), "superseded"),
        ({"provision": {"type": "deny", **period(None, "2025")}}, "rejected"), ({"provision": {"provision": [{"code": [DOCUMENT], **period(None, "2025")}]}}, "active"),
    ],
)  # fmt: skip
def test_a_consent_counts_while_it_is_valid(more: dict[str, Any], status: str) -> None:
    (entry,) = read(consent(category=[CHEMO], **more)).consents or ()
    assert entry.status == status


@pytest.mark.parametrize(
    ("start", "end", "planned", "status"),
    [
        ("2026-03-03", None, "2026-03-03", "active"), ("2026-03-03T08:00:00+08:00", None, "2026-03-03", "active"), ("2026-03-04", None, "2026-03-03", "proposed"),
        (None, "2026-03-02", "2026-03-03", "superseded"), ("2026-03-02T09:00:00+08:00", None, "2026-03-01", "active"), ("2026-03-03", None, None, "proposed"),
    ],
)  # fmt: skip
def test_a_consent_is_needed_when_the_treatment_is_planned(
    start: str | None, end: str | None, planned: str | None, status: str
) -> None:
    draft = {
        "resourceType": "MedicationRequest", "id": "m1", "status": "draft", "intent": "order", "medicationCodeableConcept": {"text": "多西他赛"},
        "authoredOn": AT, **({"dosageInstruction": [{"timing": {"event": [planned]}}]} if planned else {}),
    }  # fmt: skip
    (entry,) = read(draft, consent(category=[CHEMO], provision=period(start, end))).consents or ()
    assert entry.status == status


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("2026-03-02T08:00:00", "active"),
        ("2026-03-01T23:00:00", "superseded"),
        ("2027-01-01 10:00", "active"),
    ],
)
def test_the_day_of_a_period_without_a_zone_tells_enough(end: str, status: str) -> None:
    record = read(consent(category=[CHEMO], provision=period(None, end)))
    assert ([entry.status for entry in record.consents or ()], record.unread) == ([status], ())


def test_a_consent_whose_end_cannot_be_read_is_unread() -> None:
    record = read(consent(category=[CHEMO], provision=period(None, "at the end")))
    assert ([m.section for m in record.unread], record.consents) == (["consents"], ())


def test_a_decision_to_deny_is_a_refusal() -> None:
    for decision, status in (("deny", "rejected"), ("permit", "active")):
        (entry,) = read(consent(category=[CHEMO], decision=decision)).consents or ()
        assert entry.status == status


def test_signed_documents() -> None:
    made = {
        "resourceType": "DocumentReference", "id": "d1", "status": "current", "date": "2026-03-01T16:00:00+08:00",
        "type": {**DOCUMENT, "text": "化疗知情同意书"},
    }  # fmt: skip
    for more, status in (
        ({}, "active"), ({"status": "superseded"}, "superseded"), ({"docStatus": "preliminary"}, "draft"),
        ({"docStatus": "entered-in-error"}, "entered-in-error"), ({"description": "拒绝化疗声明"}, "rejected"),
    ):  # fmt: skip
        (entry,) = read({**made, **more}).consents or ()
        assert (entry.kind, entry.status, entry.regimen) == ("chemotherapy", status, None)
    assert read({**made, "type": {"text": "化疗知情同意书"}}).consents is None


def test_an_unread_consent_says_its_kind() -> None:
    (mark,) = read(consent(category=[CHEMO], dateTime="2026-03-01T16:00:00")).unread
    assert (mark.section, mark.kind, mark.source) == ("consents", "chemotherapy", "Consent/c1")


@pytest.mark.parametrize(
    "part", [{}, {"provision": {"modifierExtension": []}}, {"provision": {"modifierExtension": None}}]
)
def test_a_consent_without_a_modifier_counts(part: dict[str, Any]) -> None:
    assert read(consent(category=[CHEMO], **part)).unread == ()


MODIFIER = {"modifierExtension": [{"url": "urn:x/withdrawn", "valueBoolean": True}]}


@pytest.mark.parametrize(
    ("section", "resource"),
    [
        ("consents", consent(category=[CHEMO], **MODIFIER)), ("consents", consent(category=[CHEMO], provision={"provision": [MODIFIER]})),
        ("labs", observation(LOINC, "751-8", "3 10*9/L", component=[{"code": CHEMO, **MODIFIER}])), ("pathology", report(**MODIFIER)),
        ("diagnoses", {"resourceType": "Condition", "id": "x", "code": {"text": "肺癌"}, **MODIFIER}),
    ],
)  # fmt: skip
def test_what_an_unknown_extension_modifies_is_unread(section: str, resource: dict[str, Any]) -> None:
    record = read(resource)
    assert [(m.section, m.problem) for m in record.unread] == [
        (section, "has a modifierExtension that isn't known: `urn:x/withdrawn`")
    ]
    assert record.section(section) == ()


def test_a_withdrawal_or_an_error_with_a_modifier_stays() -> None:
    record = read(consent(category=[CHEMO], status="inactive", **MODIFIER))
    assert ([e.status for e in record.consents or ()], [m.section for m in record.unread]) == (
        ["inactive"],
        ["consents"],
    )
    wrong = read(observation(LOINC, "751-8", "3 10*9/L", status="entered-in-error", **MODIFIER))
    assert ([e.status for e in wrong.labs or ()], wrong.unread) == (["entered-in-error"], ())


def test_unread_marks_say_what_they_may_hide() -> None:
    naive = "2026-03-01T16:00:00"
    record = read(
        observation(SCT, "399588009", "IIB", effectiveDateTime=naive),
        risk({"outcome": FN}, occurrenceDateTime=naive),
        observation("http://lis", "x", "1", "o2", effectiveDateTime=naive, category=LAB)
        | {"code": {"text": "中性粒细胞"}},
    )
    assert [(u.section, u.kind, u.codes) for u in record.unread] == [
        ("stages", "pathologic", ()), ("assessments", "febrile_neutropenia", ()), ("labs", None, ()),
    ]  # fmt: skip


# -- laboratory ------------------------------------------------------------------------------------

UCUM = "http://unitsofmeasure.org"


@pytest.mark.parametrize(
    ("given", "unit", "conflict"),
    [
        ({"unit": "x10*9/L", "code": "10*9/L", "system": UCUM}, "10*9/L", False), ({"unit": "10^9/L"}, "10^9/L", False),
        ({"code": "10*3/uL", "unit": "10*9/L"}, "10*3/uL", False), ({"code": "/uL", "unit": "10*9/L"}, "/uL", True),
        ({"code": "10*9/L", "unit": "%"}, "10*9/L", True), ({"code": "%", "unit": "10*9/L"}, "%", True),
        ({"code": "10?/L", "unit": "10*9/L"}, "10*9/L", False), ({"code": "10*9/L", "unit": "x109/L"}, "10*9/L", False),
        ({"code": "K", "system": "http://h.example", "unit": "K/uL"}, "K/uL", False), ({}, "", False),
    ],
)  # fmt: skip
def test_units(given: dict[str, Any], unit: str, conflict: bool) -> None:
    quantity = {"value": Decimal("0.9"), **given}
    (entry,) = read(observation(LOINC, "751-8", valueQuantity=quantity)).labs or ()
    assert entry.value is not None
    assert (entry.value.value, entry.value.unit, entry.conflict is not None) == (
        Decimal("0.9"),
        unit,
        conflict,
    )


@pytest.mark.parametrize(
    ("given", "value", "text"),
    [
        ({"valueString": "<0.5 10*9/L"}, ("<", "0.5", "10*9/L"), None), ({"valueString": "0.8"}, (None, "0.8", ""), None),
        ({"valueString": "≥ 200×10⁹/L"}, (">=", "200", "×10⁹/L"), None), ({"valueString": "*****"}, None, "*****"),
        ({"valueString": "0.5-0.8"}, None, "0.5-0.8"), ({"valueString": "1,200/uL"}, None, "1,200/uL"),
        ({"valueQuantity": {"value": Decimal("0.5"), "comparator": "<", "unit": "10*9/L"}}, ("<", "0.5", "10*9/L"), None),
        ({"valueQuantity": {"value": "0.5", "unit": "10*9/L"}}, None, "0.5 10*9/L"),
        ({"valueQuantity": {"value": Decimal("1e400"), "unit": "10*9/L"}}, None, "1E+400 10*9/L"),
        ({"valueQuantity": {"value": True, "unit": "10*9/L"}}, None, "True 10*9/L"),
        ({"valueQuantity": {"value": 1, "comparator": "~", "unit": "10*9/L"}}, None, "~1 10*9/L"),
        ({"valueQuantity": {"unit": "10*9/L"}}, None, None), ({"dataAbsentReason": {"text": "error"}}, None, None),
        ({"valueCodeableConcept": {"text": "Positive"}}, None, "Positive"), ({"valueInteger": 3}, (None, "3", ""), None), ({}, None, None),
    ],
)  # fmt: skip
def test_values(given: dict[str, Any], value: tuple[str | None, str, str] | None, text: str | None) -> None:
    (entry,) = read(observation(LOINC, "751-8", **given)).labs or ()
    found = entry.value and (entry.value.comparator, str(entry.value.value), entry.value.unit)
    assert (found, entry.text) == (value, text)


ABSENT = {"dataAbsentReason": {"coding": [{"code": "error"}]}}


def test_a_value_beside_a_reason_for_having_none_is_none() -> None:
    (entry,) = read(observation(LOINC, "751-8", "3.0 10*9/L", **ABSENT)).labs or ()
    assert entry.conflict == "a value, and a reason why there is none"
    part = {"code": coded(LOINC, "751-8"), "valueString": "3.0 10*9/L", **ABSENT}
    (entry,) = read(observation(LOINC, "58410-2", component=[part])).labs or ()
    assert entry.conflict is not None
    (stage,) = read(observation(SCT, "399537006", "cT2N1M0", **ABSENT)).stages or ()
    assert stage.stage == ""
    (marker,) = read(variant(valueString="19del", **ABSENT)).markers or ()
    assert marker.status == "registered"
    (exam,) = read(observation(LOINC, "1834-1", "3 ug/L", **ABSENT)).exams or ()
    assert exam.status == "registered"


def test_components_are_entries_of_their_own() -> None:
    parts = [
        {"code": coded(LOINC, c), "valueQuantity": {"value": n, "code": "10*9/L"}}
        for n, c in enumerate(("6690-2", "751-8"))
    ]
    given = [{"system": "urn:lis", "value": "77"}]
    record = read(observation(LOINC, "58410-2", component=parts, category=LAB, identifier=given))
    found = [(e.id, e.codes[0].code, e.key) for e in record.labs or ()]
    assert found == [("o1#1", "6690-2", "urn:lis|77#6690-2"), ("o1#2", "751-8", "urn:lis|77#751-8")]


def test_which_observations_are_labs_and_vitals() -> None:
    vital = [coded("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")]
    record = read(
        observation("http://lis", "NEUT", "1.2 10*9/L", "a", category=LAB),
        observation(LOINC, "751-8", "1.2 10*9/L", "b"),
        observation("http://race", "2106-3", "White", "c"),
        observation(LOINC, "29463-7", "60 kg", "d", category=vital),
        {"resourceType": "Observation", "id": "e"},
    )
    assert [e.id for e in record.labs or ()] == ["a", "b"]
    assert [e.id for e in record.vitals or ()] == ["d"]
    assert record.unread == ()


def test_a_result_inside_its_report() -> None:
    inner = {
        "resourceType": "Observation",
        "id": "r1",
        "status": "final",
        "code": coded(LOINC, "751-8"),
        "valueString": "0.7 10*9/L",
    }
    outer = report(
        "cbc",
        code={"text": "血常规"},
        contained=[inner],
        result=[{"reference": "#r1"}],
        subject={"reference": "Patient/p1"},
    )
    (entry,) = read(outer).labs or ()
    assert (entry.id, entry.patient, str(entry.effective)) == ("cbc.r1", "p1", "2026-01-05")
    assert str(entry.recorded) == "2026-01-08 10:00:00+08:00"


def test_an_error_needs_no_time() -> None:
    (entry,) = (
        read(observation(LOINC, "751-8", "1 10*9/L", effectiveDateTime=None, status="entered-in-error")).labs
        or ()
    )
    assert (entry.status, entry.effective) == ("entered-in-error", None)


# -- procedures, treatments, exams, allergies ------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("乳腺癌改良根治术", "resection"), ("Partial mastectomy (procedure)", "resection"), ("右肺上叶切除术", "resection"),
        ("CT引导下肺穿刺活检", "biopsy"), ("Excisional biopsy of lymph node", "biopsy"), ("淋巴结切除活检", "biopsy"),
        ("乳腺癌根治术+前哨淋巴结活检", "resection"), ("根治性放疗", "radiotherapy"), ("Teleradiotherapy procedure", "radiotherapy"),
        ("放疗定位", "other"), ("输液港植入术", "other"), ("Mammography", "other"), ("Chest radiography", "other"), ("Blood transfusion", "other"),
    ],
)  # fmt: skip
def test_kinds_of_procedures(text: str, kind: str) -> None:
    surgery = {"category": coded(SCT, "387713003")} if kind == "other" else {}
    found = procedure_kind({"code": {"text": text}, **surgery})
    assert found == ("operation" if text == "放疗定位" else kind)


def test_procedures_are_sorted_in_a_bundle() -> None:
    def done(id: str, code: Any, **more: Any) -> dict[str, Any]:
        return {
            "resourceType": "Procedure",
            "id": id,
            "status": "completed",
            "code": code,
            "performedDateTime": "2026-01-09",
            **more,
        }

    condition = {
        "resourceType": "Condition",
        "id": "c1",
        "code": coded("http://hl7.org/fhir/sid/icd-10", "C50.9"),
    }
    record = read(
        condition,
        done("a", {"text": "乳房切除术"}, reasonReference=[{"reference": "Condition/c1"}]),
        done("b", coded(SCT, "1217123003"), reasonCode=[condition["code"]]),
        done("c", {"text": "穿刺活检"}),
        done(
            "d",
            {"text": "胃切除术"},
            reasonCode=[coded("http://hl7.org/fhir/sid/icd-10", "C16.9")],
            status="not-done",
        ),
    )
    assert [(t.id, t.kind, t.focus, t.status) for t in record.treatments or ()] == [
        ("a", "resection", "c1", "completed"), ("b", "radiotherapy", "c1", "completed"),
        ("d", "resection", "http://hl7.org/fhir/sid/icd-10|C16.9", "not-done"),
    ]  # fmt: skip
    assert [p.kind for p in record.procedures or ()] == ["resection", "radiotherapy", "biopsy", "resection"]


def test_drugs_given() -> None:
    given = {
        "resourceType": "MedicationAdministration", "id": "m1", "status": "stopped", "effectivePeriod": {"start": "2026-02-01"},
        "medicationCodeableConcept": {"text": "多西他赛"}, "dosage": {"dose": {"value": 120, "unit": "mg"}},
    }  # fmt: skip
    statement = {**given, "resourceType": "MedicationStatement", "id": "m2", "status": "not-taken"}
    record = read(given, statement)
    assert [(t.kind, t.status, t.drugs[0].name) for t in record.treatments or ()] == [
        ("drugs", "stopped", "多西他赛"), ("drugs", "not-done", "多西他赛"),
    ]  # fmt: skip
    assert (record.treatments or ())[0].drugs[0].dose == 120


def test_planned_orders() -> None:
    planned = {
        "resourceType": "MedicationRequest", "id": "g1", "status": "active", "authoredOn": "2026-03-01",
        "medicationCodeableConcept": {"text": "聚乙二醇化重组人粒细胞刺激因子"},
        "dosageInstruction": [{"timing": {"event": ["2026-03-04T10:00:00+08:00"]}}],
    }  # fmt: skip
    (entry,) = read(planned).orders or ()
    assert (entry.status, str(entry.planned)) == ("active", "2026-03-04 10:00:00+08:00")


def test_exams() -> None:
    record = read(
        {
            "resourceType": "ImagingStudy",
            "id": "a",
            "status": "available",
            "started": "2026-01-09",
            "description": "胸部CT平扫",
        },
        report("b", code={"text": "颅脑增强MRI"}, category=[coded(V2, "RAD")]),
        report("c", code={"text": "某种检查"}, category=[coded(V2, "RAD")]),
        observation(LOINC, "1834-1", "3 ng/mL", "d", category=LAB),
        observation(LOINC, "1834-1", None, "e", category=LAB),
    )
    found = {e.id: (e.exams, e.status) for e in record.exams or ()}
    assert found["a"] == (("CT_chest",), "final")
    assert found["c"] == ((), "final")
    assert found["b"][0]
    assert (found["d"], found["e"]) == ((("AFP",), "final"), (("AFP",), "registered"))


def test_allergies() -> None:
    (entry,) = (
        read(
            {
                "resourceType": "AllergyIntolerance",
                "id": "a",
                "code": {"text": "紫杉醇"},
                "recordedDate": "2020",
            }
        ).allergies
        or ()
    )
    assert (entry.kind, entry.text, entry.recorded) == ("allergy", "紫杉醇", None)


# -- vocabulary ------------------------------------------------------------------------------------


def test_vocabulary_from_tables(tmp_path: Path) -> None:
    (tmp_path / "markers.csv").write_text(
        "id,en,zh,loinc,aliases\nPD-L1,programmed death ligand 1,,85147-7;85148-5,CD274;22C3\n", "utf-8"
    )
    (tmp_path / "exams.csv").write_text(
        f"id,zh,en,satisfies,codes,names\nAFP,甲胎蛋白,AFP,,{LOINC}|1834-1,甲胎\n", "utf-8"
    )
    known = load_vocabulary(tmp_path, frozenset({"q"}))
    assert known.markers_by_loinc["85148-5"] == ("PD-L1",)
    assert known.markers_in("PD-L1 22C3 免疫组化") == ("PD-L1",)
    assert known.markers_in("PD-L10") == ()
    assert known.exams_by_code[LOINC, "1834-1"] == "AFP"
    assert "AFP" in known.exams_by_name("甲胎")
    assert known.assessment_questionnaires == {"q"}
    assert load_vocabulary(tmp_path / "none").markers_in("EGFR") == ()


def procedure(name, **more):
    return {
        "resourceType": "Procedure",
        "id": "op",
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "performedDateTime": "2020-01-02",
        "code": {"text": name},
        **more,
    }


def test_an_appendix_taken_out_years_ago_is_no_operation_on_a_tumour():
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"resource": {"resourceType": "Patient", "id": "p"}},
            {"resource": procedure("阑尾切除术")},
        ],
    }
    assert read_bundle(bundle, None).data["record"]["procedures"][0]["kind"] == "other"
    bundle["entry"][1]["resource"] = procedure("胃癌根治术")
    assert read_bundle(bundle, None).data["record"]["procedures"][0]["kind"] == "resection"


def test_chemotherapy_as_a_procedure_is_a_systemic_treatment():
    bundle = {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": "Patient", "id": "p"}}, {"resource": procedure("静脉化疗")}],
    }
    treatment = read_bundle(bundle, None).data["record"]["treatments"][0]
    assert (treatment["kind"], treatment["regimen"]) == ("drugs", "静脉化疗")


def test_a_shared_accession_number_makes_no_two_analytes_one_result():
    shared = [{"system": "urn:lis", "value": "ACC-1"}]
    found = [observation(LOINC, code, identifier=shared, id=code) for code in ("751-8", "777-3")]
    bundle = {"resourceType": "Bundle", "entry": [{"resource": r} for r in found]}
    keys = [lab["key"] for lab in read_bundle(bundle, None).data["record"]["labs"]]
    assert keys == ["urn:lis|ACC-1#751-8", "urn:lis|ACC-1#777-3"]
