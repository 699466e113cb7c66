"""CDS Hooks requests: what is the order, what was supplied, and that nothing crashes."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oncogate.adapters.cdshooks.request import looks_like_hook, read_hook
from oncogate.adapters.fhir import Reading, Vocabulary, read_bundle
from oncogate.base.errors import RequestError
from oncogate.base.times import read_zone
from oncogate.model.request import Order, Request

AT = "2026-03-02T09:30:00+08:00"
ATC = "http://www.whocc.no/atc"
SCT = "http://snomed.info/sct"
LOINC = "http://loinc.org"
VOCABULARY = Vocabulary(
    {"48676-1": ("HER2",)}, {"EGFR": ("EGFR",), "HER2": ("HER2",)}, {(LOINC, "89247-1"): "ECOG"}
)


def medication(id: str = "mr1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest", "id": id, "status": "draft", "intent": "order",
        "subject": {"reference": "Patient/p1"}, "authoredOn": "2026-03-02T09:00:00+08:00",
        "medicationCodeableConcept": {"coding": [{"system": ATC, "code": "L01CD02"}], "text": "多西他赛"}, **more,
    }  # fmt: skip


def anc(id: str = "anc1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": LOINC, "code": "751-8"}]}, "effectiveDateTime": "2026-03-01T08:00:00+08:00",
        "valueQuantity": {"value": Decimal("1.6"), "unit": "10^9/L", "system": "http://unitsofmeasure.org", "code": "10*9/L"},
        **more,
    }  # fmt: skip


def bundle(*resources: Any, **more: Any) -> dict[str, Any]:
    entries = [{"resource": r} for r in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **more}


def hook(*drafts: Any, prefetch: Any = None, **context: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "hook": "order-sign", "hookInstance": "h1",
        "context": {"userId": "Practitioner/d1", "patientId": "p1", "draftOrders": bundle(*drafts), **context},
    }  # fmt: skip
    if prefetch is not None:
        made["prefetch"] = prefetch
    return made


def read(document: Any, at: str | None = AT, **more: Any) -> Request:
    return Request.load(reading(document, at, **more).data)


def reading(document: Any, at: str | None = AT, **more: Any) -> Reading:
    return read_hook(document, at, vocabulary=VOCABULARY, **more)


def order_of(*drafts: Any, **more: Any) -> Order:
    order = read(hook(*drafts, **more)).order
    assert order is not None
    return order


# -- the order -------------------------------------------------------------------------------------


def test_all_drugs_of_all_drafts_are_one_order() -> None:
    group = {
        "resourceType": "RequestGroup", "id": "rg1", "status": "draft", "intent": "order",
        "subject": {"reference": "Patient/p1"}, "code": {"text": "TCbH"}, "authoredOn": "2026-03-02T09:10:00+08:00",
        "extension": [{"url": "http://example.org/cycle-number", "valuePositiveInt": 2}],
        "reasonReference": [{"reference": "Condition/c1"}],
    }  # fmt: skip
    dose = {
        "route": {"text": "静脉"},
        "doseAndRate": [{"doseQuantity": {"value": Decimal("120.5"), "unit": "mg"}}],
    }
    second = medication(
        "mr2",
        medicationCodeableConcept={"text": "卡铂"},
        dosageInstruction=[dose],
        authoredOn="2026-03-02T08:00:00+08:00",
    )
    order = order_of(medication(), second, group)
    assert order.id == "rg1"
    assert (order.regimen, order.cycle, order.focus) == ("TCbH", 2, "c1")
    assert [d.name for d in order.drugs] == ["多西他赛", "卡铂"]
    assert (order.drugs[0].system, order.drugs[0].code) == (ATC, "L01CD02")
    assert (order.drugs[1].dose, order.drugs[1].unit, order.drugs[1].route) == (
        Decimal("120.5"),
        "mg",
        "静脉",
    )
    assert order.ordered is not None
    assert order.ordered.isoformat() == "2026-03-02T09:10:00+08:00"


def test_only_drafts_are_the_order() -> None:
    others = [
        medication(f"mr-{s}", status=s, authoredOn="2026-03-01T09:00:00+08:00")
        for s in ("active", "on-hold", "completed", "cancelled", "stopped", "entered-in-error")
    ]
    request = read(hook(medication(), *others))
    assert request.order is not None
    assert len(request.order.drugs) == 1
    assert {o.id for o in request.record.orders or ()} == {"mr-active", "mr-on-hold", "mr-completed"}
    assert [u.section for u in request.record.unread] == ["orders"]
    supplied = read(hook(medication(), *others, prefetch={"orders": None}))
    assert len(supplied.record.orders or ()) == 3
    assert supplied.record.unread == ()


@pytest.mark.parametrize("status", [None, "unknown", "Draft"])
def test_what_is_neither_on_record_nor_over_is_a_draft_among_drafts(status: str | None) -> None:
    assert len(order_of(medication(status=status)).drugs) == 1


def test_what_shall_not_be_done_is_not_ordered() -> None:
    assert read(hook(medication(doNotPerform=True))).order is None


def test_other_drafts_are_not_drugs() -> None:
    diet = {"resourceType": "NutritionOrder", "id": "n1", "status": "draft"}
    scan = {"resourceType": "ServiceRequest", "id": "s1", "status": "draft", "code": {"text": "CT"}}
    assert read(hook(diet, scan)).order is None
    assert order_of(diet, medication(), scan).id == "mr1"


@pytest.mark.parametrize(("code", "kind"), [("387713003", "surgery"), ("108290001", "radiotherapy")])
def test_surgery_and_radiotherapy(code: str, kind: str) -> None:
    service = {
        "resourceType": "ServiceRequest", "id": "s1", "status": "draft", "subject": {"reference": "Patient/p1"},
        "category": [{"coding": [{"system": SCT, "code": code}]}],
    }  # fmt: skip
    order = order_of(service)
    assert (order.id, order.kind, order.drugs) == ("s1", kind, ())


def service(**more: Any) -> dict[str, Any]:
    return {"resourceType": "ServiceRequest", "id": "s1", "status": "draft", **more}


@pytest.mark.parametrize(
    "more",
    [
        {"code": {"text": "静脉化疗（TC方案）"}}, {"code": {"text": "术后化疗"}}, {"code": {"concept": {"text": "腹腔灌注化疗"}}},
        {"code": {"coding": [{"system": SCT, "code": "266719004", "display": "Oral chemotherapy"}]}},
        {"category": [{"text": "化疗"}], "code": {"text": "TC方案"}}, {"code": {"text": "TC方案（化疗）"}}, {"code": {"text": "化疗：多西他赛 75mg/m2"}},
        *({"code": {"text": one}} for one in (
            "PICC置管化疗", "经植入式输液港化疗", "心电监测下化疗", "日间化疗护理单元静脉化疗", "化疗药物静脉滴注", "经动脉化疗栓塞术", "化疗第3周期",
            "Chemotherapy infusion via port", "follow-up chemotherapy cycle 3", "FOLFOX chemotherapy", "Chemotherapy - TC",
        )),
    ],
)  # fmt: skip
def test_a_chemotherapy_that_is_ordered_as_a_service(more: dict[str, Any]) -> None:
    order = order_of(service(**more))
    assert (order.kind, order.drugs) == ("chemotherapy", ())


@pytest.mark.parametrize(
    "text",
    ["化疗前检查", "化疗护理", "化疗后骨髓抑制监测", "化疗药敏试验", "输液港植入（化疗用）", "Chemotherapy care", "Chemotherapy education",
     "Insertion of port for chemotherapy", "CT", "血常规（化疗期间）", "化疗期间血常规", "化疗常规检验", "化疗药物血药浓度", "化疗止吐", "化疗副反应处理",
     "化疗患者营养支持", "化疗药物外渗处理", "化疗泵", "化疗中心挂号", "化疗知情同意书签署", "化疗药物静脉配置", "暂停化疗", "化疗 护理", "CBC during chemotherapy",
     "Blood draw - chemotherapy clinic", "Antiemetic for chemotherapy nausea", "Chemotherapy-induced nausea", "Hydration with chemotherapy"],
)  # fmt: skip
def test_what_is_ordered_around_a_chemotherapy_is_none(text: str) -> None:
    assert read(hook(service(code={"text": text}))).order is None


def test_a_category_makes_no_chemotherapy_of_what_goes_with_it() -> None:
    assert read(hook(service(category=[{"text": "化疗"}], code={"text": "化疗护理"}))).order is None


def test_a_code_goes_before_the_words_of_a_service() -> None:
    coded = {"coding": [{"system": SCT, "code": "108290001"}], "text": "同步放化疗"}
    assert order_of(service(code=coded)).kind == "radiotherapy"


def test_chemotherapy_by_category() -> None:
    assert order_of(medication(category=[{"text": "化疗"}])).kind == "chemotherapy"
    assert (
        order_of(medication(category={"coding": [{"system": SCT, "code": "367336001"}]})).kind
        == "chemotherapy"
    )
    assert order_of(medication()).kind is None


def test_a_companion_has_a_role() -> None:
    saline = medication(
        "mr2", medicationCodeableConcept={"text": "0.9%氯化钠"}, category=[{"text": "diluent"}]
    )
    assert [d.role for d in order_of(medication(), saline).drugs] == [None, "diluent"]


def test_atc_goes_before_other_codes() -> None:
    codes = [
        {"system": "http://local", "code": "X1"},
        {"system": "urn:oid:2.16.840.1.113883.6.73", "code": "L01XA02"},
    ]
    (drug,) = order_of(medication(medicationCodeableConcept={"coding": codes})).drugs
    assert (drug.system, drug.code) == (ATC, "L01XA02")


def referring(reference: Any, **more: Any) -> dict[str, Any]:
    made = medication(medicationReference=reference, **more)
    del made["medicationCodeableConcept"]
    return made


def test_a_medication_is_found_wherever_it_stands() -> None:
    drug = {"resourceType": "Medication", "id": "m1", "code": {"text": "顺铂"}}
    contained = referring({"reference": "#m1"}, contained=[drug])
    assert order_of(contained).drugs[0].name == "顺铂"
    assert order_of(referring({"reference": "Medication/m1"}), drug).drugs[0].name == "顺铂"
    by_urn = hook(referring({"reference": "urn:uuid:1"}), prefetch={"orders": bundle()})
    by_urn["prefetch"]["orders"]["entry"] = [{"fullUrl": "urn:uuid:1", "resource": drug}]
    assert read(by_urn).order.drugs[0].name == "顺铂"  # type: ignore[union-attr]


def test_a_drug_that_cannot_be_found_is_never_dropped() -> None:
    shown = order_of(referring({"reference": "Medication/m9", "display": "伊立替康"}))
    assert [d.name for d in shown.drugs] == ["伊立替康"]
    for draft in (
        referring({"reference": "Medication/m9"}),
        referring(None),
        medication(medicationCodeableConcept=7),
    ):
        found = reading(hook(medication(), draft))
        order = Request.load(found.data).order
        assert order is not None
        assert [d.name for d in order.drugs] == ["多西他赛", None]
        assert "order-drug-unknown" in {d.code for d in found.diagnostics}


def atc(*codes: str) -> list[dict[str, Any]]:
    return [{"system": ATC, "code": code} for code in codes]


def local(*displays: str) -> list[dict[str, Any]]:
    return [{"system": "http://local", "code": f"D{n}", "display": one} for n, one in enumerate(displays)]


def recognised(order: Order) -> list[str | None]:
    """The drugs of an order as the tables know them."""
    return [known and known.id for known in map(VOCABULARY.identify, order.drugs)]


@pytest.mark.parametrize(
    ("concept", "id"),
    [
        ({"coding": atc("A04AA01", "L01CD02")}, None), ({"coding": atc("L01CD02", "A04AA01")}, None),
        ({"coding": atc("L01CD02", "A04AA01"), "text": "多西他赛"}, None), ({"coding": atc("L01CD02", "L01CD01")}, None),
        ({"coding": atc("L01CD", "L01CD02", "l01cd02")}, "docetaxel"),
        ({"coding": atc("L01XC18", "L01FF02"), "text": "帕博利珠单抗"}, "pembrolizumab"),
        ({"coding": atc("L01CD02"), "text": "昂丹司琼"}, None),
        ({"coding": local("多西他赛注射液"), "text": "见医嘱单"}, "docetaxel"),
        ({"coding": local("DTX", "Docetaxel"), "text": "DTX inj"}, "docetaxel"),
        ({"coding": local("Docetaxel"), "text": "多西他赛注射液"}, "docetaxel"),
        ({"coding": local("昂丹司琼"), "text": "多西他赛注射液"}, None), ({"coding": local("Docetaxel", "昂丹司琼"), "text": "见医嘱单"}, None),
        ({"coding": local("紫杉醇"), "text": "注射用紫杉醇(白蛋白结合型)"}, "nab-paclitaxel"),
        ({"coding": local("XR-17"), "text": "见医嘱单"}, None),
        ({"coding": atc("L01BA01", "L04AX03"), "text": "甲氨蝶呤"}, "methotrexate"), ({"coding": atc("L04AX03", "L01BA01")}, "methotrexate"),
        ({"coding": atc("L01FG01", "S01LA08"), "text": "贝伐珠单抗"}, "bevacizumab"), ({"coding": atc("L01XF01", "D10AD01"), "text": "维A酸"}, "tretinoin"),
        ({"coding": atc("L02AB02", "G03AC06"), "text": "甲羟孕酮"}, "medroxyprogesterone"), ({"coding": atc("L01XC02", "L01FA01")}, "rituximab"),
        ({"coding": atc("L01EG02", "L04AH02"), "text": "依维莫司"}, "everolimus"), ({"coding": atc("L04AD01", "S01XA18"), "text": "环孢素"}, "L04AD01"),
        ({"coding": atc("L01XX99", "A04AA01")}, None), ({"coding": atc("L01CD02", "S01LA08"), "text": "昂丹司琼"}, None),
        ({"coding": atc("L01FD01", "L01FD04")}, None), ({"coding": atc("L01FD01", "L01FD04"), "text": "曲妥珠单抗"}, None),
        ({"coding": local("里葆多注射液", "多柔比星"), "text": "里葆多"}, "peg-liposomal-doxorubicin"),
        ({"coding": local("艾越注射液", "紫杉醇"), "text": "艾越"}, "nab-paclitaxel"), ({"coding": local("力扑素注射液", "紫杉醇"), "text": "力扑素"}, "paclitaxel-liposome"),
        ({"coding": local("Abraxane", "paclitaxel"), "text": "Abraxane 100mg"}, "nab-paclitaxel"),
        ({"coding": local("Onivyde", "irinotecan"), "text": "Onivyde inj"}, "irinotecan-liposome"),
        ({"coding": local("亚叶酸钙"), "text": "左亚叶酸钙"}, "levoleucovorin"), ({"coding": local("filgrastim"), "text": "Neulasta"}, "pegfilgrastim"),
        ({"coding": local("曲妥珠单抗"), "text": "赫赛莱"}, None), ({"coding": local("卡铂"), "text": "顺铂"}, None),
    ],
)  # fmt: skip
def test_all_that_names_a_drug_must_be_of_one(concept: dict[str, Any], id: str | None) -> None:
    assert recognised(order_of(medication(medicationCodeableConcept=concept))) == [id]


def test_a_drug_that_several_codes_contradict_keeps_its_name() -> None:
    (drug,) = order_of(medication(medicationCodeableConcept={"coding": atc("A04AA01", "L01CD02")})).drugs
    assert (drug.code, drug.name) == (None, "A04AA01 / L01CD02")
    concept = {"coding": local("XR-17"), "text": "见医嘱单"}
    assert order_of(medication(medicationCodeableConcept=concept)).drugs[0].name == "见医嘱单"


DOCETAXEL = {"coding": atc("L01CD02"), "text": "多西他赛注射液"}
SALINE = {"coding": atc("B05BB01"), "text": "氯化钠注射液"}
BAG = {"coding": [{"system": "http://local", "code": "YP001"}], "text": "化疗药袋"}


@pytest.mark.parametrize(
    ("code", "ingredients", "ids"),
    [
        (BAG, [DOCETAXEL], ["docetaxel"]), (BAG, [DOCETAXEL, SALINE], ["docetaxel", "sodium-chloride"]),
        (BAG, [DOCETAXEL, {"text": "XR-17"}], ["docetaxel", None]), (BAG, [{"text": "XR-17"}], [None]), (BAG, [SALINE], [None]),
        (SALINE, [DOCETAXEL], ["sodium-chloride", "docetaxel"]), (SALINE, [{"text": "氯化钠"}], ["sodium-chloride"]),
        (SALINE, [{"text": "氯化钠"}, {"text": "XR-17"}], ["sodium-chloride"]), (SALINE, [DOCETAXEL, {"text": "XR-17"}], ["sodium-chloride", "docetaxel", None]),
        ({"text": "昂丹司琼"}, [DOCETAXEL], ["ondansetron", "docetaxel"]),
        (SALINE, [{"coding": [{"system": "http://local", "code": "S1"}]}], ["sodium-chloride"]),
        (DOCETAXEL, [{"text": "多西他赛"}], ["docetaxel"]), (DOCETAXEL, [{"text": "Docetaxel"}, {"text": "polysorbate 80"}], ["docetaxel"]),
        (DOCETAXEL, [{"text": "docetaxel trihydrate salt"}], ["docetaxel"]), (DOCETAXEL, [SALINE], ["docetaxel"]),
        ({"text": "注射用紫杉醇(白蛋白结合型)"}, [{"coding": atc("L01CD01")}], ["nab-paclitaxel"]),
        (DOCETAXEL, [{"text": "多西他赛"}, {"text": "环磷酰胺"}], ["docetaxel", "cyclophosphamide"]),
    ],
)  # fmt: skip
def test_what_a_medication_holds_beside_its_code(
    code: dict[str, Any], ingredients: list[dict[str, Any]], ids: list[str | None]
) -> None:
    held = [{"itemCodeableConcept": one} for one in ingredients]
    mix = {"resourceType": "Medication", "id": "m1", "code": code, "ingredient": held}
    assert recognised(order_of(referring({"reference": "#m1"}, contained=[mix]))) == ids


@pytest.mark.parametrize(
    ("name", "ingredients", "id"),
    [
        ("奈妥匹坦帕洛诺司琼胶囊", ["奈妥匹坦", "帕洛诺司琼"], "netupitant-palonosetron"), ("地塞米松", ["地塞米松磷酸酯", "亚硫酸氢钠"], "dexamethasone"),
        ("替吉奥胶囊", ["替加氟", "吉美嘧啶", "奥替拉西钾"], "tegafur-combinations"), ("德曲妥珠单抗", ["曲妥珠单抗"], "trastuzumab-deruxtecan"),
        ("培非格司亭", ["非格司亭"], "pegfilgrastim"), ("葡萄糖氯化钠注射液", ["葡萄糖", "氯化钠"], "glucose-sodium-chloride"),
    ],
)  # fmt: skip
def test_a_product_that_is_recognised_is_one_drug_with_its_dose(
    name: str, ingredients: list[str], id: str
) -> None:
    held = [{"itemCodeableConcept": {"text": one}} for one in ingredients]
    mix = {"resourceType": "Medication", "id": "m1", "code": {"text": name}, "ingredient": held}
    dose = {"doseAndRate": [{"doseQuantity": {"value": 60, "unit": "mg"}}]}
    order = order_of(referring({"reference": "#m1"}, contained=[mix], dosageInstruction=[dose]))
    assert recognised(order) == [id]
    assert [(d.dose, d.unit) for d in order.drugs] == [(60, "mg")]


def group(*actions: Any, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "RequestGroup", "id": "rg1", "status": "draft", "subject": {"reference": "Patient/p1"},
        "action": [{"resource": one} if isinstance(one, dict) else {"action": one} for one in actions], **more,
    }  # fmt: skip


def inside(id: str, text: str, **more: Any) -> dict[str, Any]:
    made = medication(id, medicationCodeableConcept={"text": text}, **more)
    return {key: value for key, value in made.items() if key != "subject"}


@pytest.mark.parametrize(
    ("drafts", "names"),
    [
        ([group({"reference": "#a"}, contained=[inside("a", "顺铂")])], ["顺铂"]),
        ([group([{"resource": {"reference": "#a"}}], contained=[inside("a", "顺铂")])], ["顺铂"]),
        ([group(contained=[inside("a", "顺铂", status="active")])], ["顺铂"]),
        ([group(contained=[inside("a", "顺铂", status="Cancelled"), inside("b", "卡铂", doNotPerform=True)])], []),
        ([group({"reference": "MedicationRequest/m9"})], [None]),
        ([group({"reference": "MedicationRequest/m9", "display": "顺铂"}, {"reference": "#x"}, {"reference": "urn:uuid:7"})],
         ["顺铂", None, None]),
        ([group({"reference": "ServiceRequest/s9"}, {"reference": "Task/t9"}, {"display": "CT", "type": "ServiceRequest"})], []),
        ([group({"reference": "MedicationRequest/mr1"}), medication()], ["多西他赛"]),
        ([group({"reference": "MedicationRequest/mr1"}), medication(), medication("mr2", status="active")], ["多西他赛"]),
        ([group({"reference": "#b"}, contained=[{**group({"reference": "#a"}), "id": "b"}, inside("a", "顺铂")])], ["顺铂"]),
    ],
)  # fmt: skip
def test_what_a_group_holds_is_ordered(drafts: list[Any], names: list[str | None]) -> None:
    assert [d.name for d in order_of(*drafts).drugs] == names
    assert [d.name for d in order_of(*(d | {"resourceType": "RequestOrchestration"} if d["resourceType"] == "RequestGroup" else d for d in drafts)).drugs] == names  # fmt: skip


def titled(*actions: dict[str, Any], regimen: str | None = "TC", **more: Any) -> dict[str, Any]:
    code = {"code": {"text": regimen}} if regimen else {}
    return group(**code, **more) | {"action": [{"resource": {"reference": "#o"}}, *actions]}


ONDANSETRON = inside("o", "昂丹司琼")
PRODUCT = {"resourceType": "ActivityDefinition", "id": "d", "productCodeableConcept": {"text": "顺铂"}}
PEG = "聚乙二醇化重组人粒细胞刺激因子"


@pytest.mark.parametrize("regimen", ["TC", None])
@pytest.mark.parametrize(
    ("action", "names"),
    [
        ({"title": "顺铂 75mg"}, ["顺铂 75mg"]), ({"title": "d1", "code": [{"text": "顺铂"}]}, ["顺铂"]),
        ({"code": {"coding": [{"system": ATC, "code": "L01XA01"}]}}, [None]), ({"definitionCanonical": "#d"}, ["顺铂"]),
        ({"resource": {"reference": "#d"}}, ["顺铂"]), ({"resource": {"reference": "ActivityDefinition/d9", "display": "顺铂"}}, ["顺铂"]),
        ({"title": "给药", "action": [{"title": "顺铂"}]}, ["顺铂"]), ({"title": "顺铂", "action": [{"title": "d1"}]}, []),
        ({"title": "昂丹司琼 8mg"}, []), ({"title": PEG}, []), ({"title": "血常规"}, []), ({"title": "CBC"}, []), ({"title": "第1天"}, []), ({"title": "水化"}, []),
        ({"resource": {"reference": "ActivityDefinition/d9", "display": PEG}}, []), ({"resource": {"reference": "ServiceRequest/s9", "display": PEG}}, []),
        ({"timingDateTime": "2026-03-02"}, []), ({"resource": {"reference": "ServiceRequest/s9"}, "title": "XR-17"}, []),
        ({"resource": {"reference": "MedicationRequest/m9", "display": PEG}}, [None]), ({"resource": {"reference": "urn:uuid:7"}}, [None]),
        ({"resource": {"reference": "urn:uuid:7", "display": "血常规"}}, []), ({"resource": {"display": "化疗护理"}}, []),
    ],
)  # fmt: skip
def test_what_an_action_names_and_nobody_sent(
    regimen: str | None, action: dict[str, Any], names: list[str | None]
) -> None:
    order = order_of(titled(action, regimen=regimen, contained=[ONDANSETRON, PRODUCT]))
    assert [d.name for d in order.drugs] == ["昂丹司琼", *names]


@pytest.mark.parametrize(
    "action",
    [{"title": "XR-17"}, {"title": "静脉化疗"}, {"definitionCanonical": "http://x/d"}, {"resource": {"reference": "ActivityDefinition/d9"}}],
)  # fmt: skip
def test_what_an_action_of_a_regimen_names_may_be_any_drug(action: dict[str, Any]) -> None:
    name = action.get("title")
    assert [d.name for d in order_of(titled(action, contained=[ONDANSETRON])).drugs] == ["昂丹司琼", name]
    drafts = order_of(titled(action, regimen=None, contained=[ONDANSETRON])).drugs
    assert [d.name for d in drafts] == ["昂丹司琼"]


@pytest.mark.parametrize("title", ["Docetaxel", "静脉化疗"])
def test_what_a_title_names_and_a_draft_orders_is_ordered_once(title: str) -> None:
    order = order_of(titled({"title": title}, contained=[ONDANSETRON]), medication())
    assert [d.name for d in order.drugs] == ["多西他赛", "昂丹司琼"]
    unsent = {"resource": {"reference": "MedicationRequest/m9", "display": "Docetaxel"}}
    order = order_of(titled(unsent, contained=[ONDANSETRON]), medication())
    assert [d.name for d in order.drugs] == ["多西他赛", "昂丹司琼", "Docetaxel"]


@pytest.mark.parametrize(
    "link",
    [
        {"reference": "urn:uuid:mr1"}, {"reference": "mr1"}, "mr1", {"reference": "#mr1"}, {"reference": "MedicationRequest?identifier=urn:o|1"},
        {"identifier": {"system": "urn:o", "value": "1"}}, {"identifier": {"value": "1"}, "type": "MedicationRequest"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", ["draft", "active"])
def test_what_a_group_refers_to_is_found_by_id_and_identifier(link: Any, status: str) -> None:
    own = medication(status=status, identifier=[{"system": "urn:o", "value": "1"}])
    refers = {**group(), "action": [{"resource": link}]}
    names = [d.name for d in order_of(refers, own, medication("mr2")).drugs]
    assert names == ["多西他赛"] * (2 if status == "draft" else 1)
    other = {**own, "id": "mr3", "identifier": [{"system": "urn:other", "value": "2"}]}
    assert [d.name for d in order_of(refers, other, medication("mr2", status="draft")).drugs][-1] is None


@pytest.mark.parametrize("link", ["urn:uuid:mr9", "mr9", "#mr9"])
def test_an_order_on_record_that_a_group_refers_to_by_its_id_is_no_unknown_drug(link: str) -> None:
    kept = {"orders": bundle(medication("mr9", status="active"))}
    order = order_of(group({"reference": link}), medication(), prefetch=kept)
    assert [d.name for d in order.drugs] == ["多西他赛"]


@pytest.mark.parametrize("status", ["active", "on-hold", "completed"])
def test_a_draft_inside_a_group_that_is_none_is_ordered(status: str) -> None:
    held = [inside("a", "顺铂"), inside("b", "卡铂", status="active")]
    order = order_of(group({"reference": "#a"}, contained=held, status=status))
    assert [d.name for d in order.drugs] == ["顺铂"]


def test_what_a_group_refers_to_elsewhere_is_ordered_once_and_for_its_patient() -> None:
    kept = {"orders": bundle(medication("mr2"), medication("mr3", status="active"))}
    both = group({"reference": "MedicationRequest/mr2"}, {"reference": "MedicationRequest/mr3"})
    assert [d.name for d in order_of(both, prefetch=kept).drugs] == ["多西他赛"]
    others = group(contained=[inside("a", "顺铂")], id="rg2") | {"subject": {"reference": "Patient/p2"}}
    assert [d.name for d in order_of(medication(), others).drugs] == ["多西他赛"]


def test_active_ingredients_of_a_combination() -> None:
    ingredients = [
        {"itemCodeableConcept": {"text": "替加氟"}},
        {"itemCodeableConcept": {"text": "吉美嘧啶"}, "isActive": True},
        {"itemCodeableConcept": {"text": "乳糖"}, "isActive": False},
    ]
    mix = {"resourceType": "Medication", "id": "m1", "ingredient": ingredients}
    order = order_of(referring({"reference": "#m1"}, contained=[mix]))
    assert [d.name for d in order.drugs] == ["替加氟", "吉美嘧啶"]


def test_a_draft_that_cannot_be_read_is_an_unknown_drug() -> None:
    document = hook(medication())
    document["context"]["draftOrders"]["entry"].append({"resource": None})
    assert [d.name for d in read(document).order.drugs] == ["多西他赛", None]  # type: ignore[union-attr]


def test_obsolete_forms_are_drafts_too() -> None:
    old = {
        "resourceType": "MedicationOrder", "id": "mo1", "status": "draft", "patient": {"reference": "Patient/p1"},
        "dateWritten": "2026-03-02", "medicationCodeableConcept": {"text": "顺铂"},
    }  # fmt: skip
    for name, value in (("medications", [old]), ("orders", bundle(old)), ("medications", bundle(old))):
        found = reading(hook(draftOrders=None, **{name: value}))
        order = Request.load(found.data).order
        assert order is not None
        assert order.drugs[0].name == "顺铂"
        assert order.ordered is None
        assert "hook-obsolete" in {d.code for d in found.diagnostics}


def test_reason() -> None:
    condition: dict[str, Any] = {
        "resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "C50.900"}]},
    }  # fmt: skip
    order = order_of(
        medication(reasonReference=[{"reference": "Condition/c1"}]), prefetch={"diagnoses": condition}
    )
    assert order.focus == "c1"
    assert [c.code for c in order.reasons] == ["C50.900"]
    inside = order_of(medication(reasonReference=[{"reference": "#x"}], contained=[{**condition, "id": "x"}]))
    assert inside.focus is None
    assert [c.code for c in inside.reasons] == ["C50.900"]
    nausea = medication("mr2", reasonReference=[{"reference": "Condition/c2"}])
    two = order_of(medication(reasonReference=[{"reference": "Condition/c1"}]), nausea)
    assert two.focus is None
    coded = order_of(medication(reasonCode=[{"coding": condition["code"]["coding"]}]))
    assert coded.focus is None
    assert [c.code for c in coded.reasons] == ["C50.900"]


def verified(status: str) -> dict[str, Any]:
    return {"verificationStatus": {"coding": [{"code": status}]}}


@pytest.mark.parametrize(
    "more", [verified("refuted"), verified("entered-in-error"), {"subject": {"reference": "Patient/p2"}}]
)
@pytest.mark.parametrize("inside", [False, True])
def test_a_reason_that_is_no_condition_of_the_patient_tells_no_code(
    more: dict[str, Any], inside: bool
) -> None:
    condition = {
        "resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "C91.0"}]}, **more,
    }  # fmt: skip
    held: dict[str, Any] = (
        {"reasonReference": [{"reference": "#c1"}], "contained": [condition]}
        if inside
        else {"reasonReference": [{"reference": "Condition/c1"}]}
    )
    given = {**medication("t1", **held), "resourceType": "MedicationAdministration", "status": "completed"}
    given["effectiveDateTime"] = "2026-02-01"
    found = reading(hook(medication(**held), prefetch={"diagnoses": condition, "treatments": given}))
    request = Request.load(found.data)
    assert request.order is not None
    assert (request.order.reasons, request.order.focus) == ((), "mr1.c1" if inside else "c1")
    assert [t.focus for t in request.record.treatments or ()] == ["t1.c1" if inside else "c1"]
    said = [d.path for d in found.diagnostics if d.code == "wrong-patient"]
    places = ["/context/draftOrders/entry/0/resource", "/prefetch/treatments"]
    assert said == (places if "subject" in more else [])


def test_a_condition_of_the_patient_goes_before_one_that_does_not_stand() -> None:
    condition = {"resourceType": "Condition", "id": "c1", "code": {"text": "乳腺癌"}}
    old = {**condition, "id": "c0", "code": {"text": "肺癌"}, **verified("refuted")}
    reasons = [{"reference": "Condition/c0"}, {"reference": "Condition/c1"}]
    order = order_of(medication(reasonReference=reasons), prefetch={"diagnoses": bundle(old, condition)})
    assert (order.focus, [c.display for c in order.reasons]) == ("c1", ["乳腺癌"])


def test_at_is_the_callers_else_the_orders() -> None:
    assert read(hook(medication())).at.isoformat() == AT
    assert read(hook(medication()), None).at.isoformat() == "2026-03-02T09:00:00+08:00"
    assert "at" not in reading(hook(medication(authoredOn="2026-03-02")), None).data
    zone = read_zone("+08:00")
    assert read(hook(medication()), "2026-03-02T09:30:00", zone=zone).at.isoformat() == AT


# -- whose -----------------------------------------------------------------------------------------


def test_drafts_of_another_patient_are_not_the_order() -> None:
    other = medication("mr2", subject={"reference": "Patient/p2"})
    found = reading(hook(medication(), other))
    assert [d["name"] for d in found.data["order"]["drugs"]] == ["多西他赛"]
    assert {d.code for d in found.diagnostics} == {"wrong-patient"}
    with pytest.raises(RequestError, match="wrong-patient"):
        reading(hook(other))


def test_patients_of_entries() -> None:
    urn = anc("a2", subject={"reference": "urn:uuid:7"})
    prefetch = {
        "patient": {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1970-05-01"},
        "labs": bundle(anc(subject={"reference": "http://x/fhir/Patient/p2/_history/3"}), urn, anc("a3", subject=None)),
        "events": {"resourceType": "Bundle", "entry": [{"fullUrl": "urn:uuid:7", "resource": {"resourceType": "Patient", "id": "p1"}}]},
    }  # fmt: skip
    request = read(hook(medication(), prefetch=prefetch, patientId="Patient/p1"))
    assert request.record.patient is not None
    assert (request.record.patient.id, request.record.patient.sex) == ("p1", "female")
    assert [e.patient for e in request.record.labs or ()] == ["p2", "p1", None]


# -- what was supplied -----------------------------------------------------------------------------


def test_missing_null_empty_and_failed_are_four_things() -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "diagnostics": "timeout"}]}
    prefetch: dict[str, Any] = {
        "labs": None, "vitals": bundle(), "stages": outcome, "consents": bundle(outcome), "markers": "nothing",
        "exams": 3, "pathology": {}, "procedures": [],
    }  # fmt: skip
    found = reading(hook(medication(), prefetch=prefetch))
    record = Request.load(found.data).record
    assert (record.labs, record.vitals, record.procedures) == ((), (), ())
    for section in ("stages", "consents", "markers", "exams", "pathology", "diagnoses"):
        assert record.section(section) is None
    assert [d.path for d in found.diagnostics if d.code == "prefetch-failed"] == [
        f"/prefetch/{s}" for s in ("consents", "exams", "markers", "pathology", "stages")
    ]


def test_a_warning_beside_results_does_no_harm() -> None:
    warning = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]}
    record = read(hook(medication(), prefetch={"labs": bundle(anc(), warning)})).record
    assert len(record.labs or ()) == 1
    assert record.unread == ()
    only = read(hook(medication(), prefetch={"labs": bundle(warning, total=0)})).record
    assert only.labs == ()


@pytest.mark.parametrize("more", [{"link": [{"relation": "next", "url": "x"}]}, {"total": 2}])
def test_a_missing_page(more: dict[str, Any]) -> None:
    record = read(hook(medication(), prefetch={"labs": bundle(anc(), **more)})).record
    assert len(record.labs or ()) == 1
    assert [(u.section, u.problem, u.source) for u in record.unread] == [("labs", "page missing", None)]


def test_a_whole_page() -> None:
    included = {"search": {"mode": "include"}, "resource": {"resourceType": "Patient", "id": "p1"}}
    labs = bundle(anc(), total=1, link=[{"relation": "self", "url": "x"}])
    labs["entry"].append(included)
    assert read(hook(medication(), prefetch={"labs": labs})).record.unread == ()


def test_one_resource_and_a_bare_list_are_accepted() -> None:
    for answer in (anc(), [anc()], {"response": {"status": "200 OK"}, "resource": bundle(anc())}):
        assert len(read(hook(medication(), prefetch={"labs": answer})).record.labs or ()) == 1
    failed = {"response": {"status": "404 Not Found"}, "resource": {}}
    assert read(hook(medication(), prefetch={"labs": failed})).record.labs is None


def test_what_does_not_belong_is_passed_over() -> None:
    patient = {"resourceType": "Patient", "id": "p1"}
    record = read(
        hook(medication(), prefetch={"stages": bundle(patient, anc()), "consents": bundle(anc())})
    ).record
    assert (record.stages, record.consents, record.unread) == ((), (), ())


@pytest.mark.parametrize(
    "broken",
    [
        {"effectiveDateTime": None}, {"effectiveDateTime": "2026-03-01T08:00:00"}, {"effectiveDateTime": "2026-03"},
        {"effectiveDateTime": "yesterday"}, {"effectiveDateTime": 5}, {"issued": "2026-03-01T08:00:00"}, {"status": None},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_marked(broken: dict[str, Any]) -> None:
    found = reading(hook(medication(), prefetch={"labs": bundle(anc(**broken), anc("a2"))}))
    record = Request.load(found.data).record
    assert [e.id for e in record.labs or ()] == ["a2"]
    (mark,) = record.unread
    assert (mark.section, mark.source) == ("labs", "Observation/anc1")
    assert [c.code for c in mark.codes] == ["751-8"]
    assert [d.path for d in found.diagnostics] == ["/prefetch/labs/entry/0/resource"]


def test_a_zone_may_be_given() -> None:
    local = anc(effectiveDateTime="2026-03-01T08:00:00")
    (entry,) = read(hook(medication(), prefetch={"labs": local}), zone=read_zone("+08:00")).record.labs or ()
    assert str(entry.effective) == "2026-03-01 08:00:00+08:00"


def test_an_unknown_key_is_said() -> None:
    (said,) = reading(hook(medication(), prefetch={"lab": None})).diagnostics
    assert (said.code, said.help) == ("prefetch-unknown", "did you mean `labs`?")


def test_stages_and_exams_among_other_sections() -> None:
    condition: dict[str, Any] = {
        "resourceType": "Condition", "id": "c1", "recordedDate": "2026-02-01", "code": {"text": "乳腺癌"},
        "stage": [{"summary": {"text": "cT2N1M0"}, "type": {"coding": [{"system": SCT, "code": "260998006"}]}}],
    }  # fmt: skip
    ecog = anc("e1", code={"coding": [{"system": LOINC, "code": "89247-1"}]}, valueInteger=1)
    request = read(hook(medication(), prefetch={"diagnoses": condition, "labs": ecog}))
    (stage,) = request.record.stages or ()
    assert (stage.stage, stage.kind, stage.focus, stage.status) == ("cT2N1M0", "clinical", "c1", "final")
    (exam,) = request.record.exams or ()
    assert exam.exams == ("ECOG",)
    assert sorted(u.section for u in request.record.unread) == ["exams", "stages"]
    whole = read(hook(medication(), prefetch={"diagnoses": condition, "stages": None}))
    assert len(whole.record.stages or ()) == 1
    assert whole.record.unread == ()


# -- what can't be judged --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], ""), ("x", ""), ({}, "/context"), ({"context": 3}, "/context"),
        ({"context": {"draftOrders": bundle()}}, "/context/patientId"),
        ({"context": {"patientId": 7, "draftOrders": bundle()}}, "/context/patientId"),
        ({"hook": "order-sign", "context": {"patientId": "p1"}}, "/context/draftOrders"),
        ({"hook": 1, "context": {"patientId": "p1", "draftOrders": bundle()}}, "/hook"),
        ({"context": {"patientId": "p1", "draftOrders": "MedicationRequest/1"}}, "/context/draftOrders"),
        ({"context": {"patientId": "p1", "draftOrders": bundle()}, "prefetch": []}, "/prefetch"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_refused(document: Any, path: str) -> None:
    with pytest.raises(RequestError) as caught:
        reading(document)
    assert [d.path for d in caught.value.diagnostics] == [path]


def test_a_hook_without_orders_is_judged_without_one() -> None:
    request = read({"hook": "patient-view", "context": {"patientId": "p1"}, "prefetch": {"labs": anc()}})
    assert request.order is None
    assert len(request.record.labs or ()) == 1


def test_recognition() -> None:
    assert looks_like_hook(hook())
    assert looks_like_hook({"context": {}})
    assert not looks_like_hook(bundle())
    assert not looks_like_hook({"at": AT, "record": {}})
    assert not looks_like_hook([])


# -- whatever comes --------------------------------------------------------------------------------

CODED = {"coding": [{"system": SCT, "code": "367336001", "display": "x"}], "text": "化疗"}
RICH = hook(
    medication(), medication("mr2", status="active"),
    {"resourceType": "RequestGroup", "id": "rg", "status": "draft", "code": {"text": "TC"}, "extension": [{"url": "cycle", "valueInteger": 1}]},
    {"resourceType": "ServiceRequest", "id": "sr", "status": "draft", "category": [CODED], "reasonReference": [{"reference": "#c"}], "contained": [{"resourceType": "Condition", "id": "c", "code": CODED}]},
    prefetch={
        "patient": {"resourceType": "Patient", "id": "p1", "birthDate": "1970-01-01", "gender": "female", "identifier": [{"system": "s", "value": "v"}]},
        "diagnoses": bundle({"resourceType": "Condition", "id": "c1", "code": CODED, "recordedDate": "2026-01-01", "clinicalStatus": {"coding": [{"code": "active"}]}, "stage": [{"summary": {"text": "IIB"}, "assessment": [{"reference": "Observation/s9"}]}], "evidence": [{"code": [{"text": "临床诊断"}], "detail": [{"reference": "DiagnosticReport/dr"}]}]}),
        "stages": bundle(*({"resourceType": "Observation", "id": f"s{n}", "status": "final", "code": {"coding": [{"system": LOINC, "code": c}]}, "effectiveDateTime": "2026-02-01", "valueCodeableConcept": {"coding": [{"code": v}]}, "focus": [{"reference": "Condition/c1"}]} for n, (c, v) in enumerate((("21905-5", "cT2"), ("21906-3", "cN1"), ("21907-1", "cM0"), ("21908-9", "2B"))))),
        "pathology": bundle({"resourceType": "DiagnosticReport", "id": "dr", "status": "final", "code": {"coding": [{"system": LOINC, "code": "22637-3"}]}, "effectiveDateTime": "2026-01-05", "conclusion": "癌", "conclusionCode": [CODED], "result": [{"reference": "#o"}], "contained": [anc("o")]}),
        "markers": bundle({"resourceType": "Observation", "id": "mk", "status": "final", "code": {"coding": [{"system": LOINC, "code": "69548-6"}]}, "effectiveDateTime": "2026-01-05", "valueCodeableConcept": CODED, "component": [{"code": {"coding": [{"system": LOINC, "code": "48018-6"}]}, "valueCodeableConcept": {"text": "EGFR"}}]}),
        "exams": bundle({"resourceType": "ImagingStudy", "id": "im", "status": "available", "started": "2026-01-05", "description": "胸部增强CT"}),
        "assessments": bundle({"resourceType": "RiskAssessment", "id": "ra", "status": "final", "occurrenceDateTime": "2026-03-01", "prediction": [{"outcome": {"coding": [{"system": SCT, "code": "409089005"}]}, "qualitativeRisk": {"coding": [{"code": "high"}]}}], "reasonCode": [{"text": "第2周期"}]}),
        "consents": bundle({"resourceType": "Consent", "id": "co", "status": "active", "dateTime": "2026-03-01", "category": [CODED], "provision": {"type": "permit", "code": [CODED], "provision": [{"type": "deny", "code": [CODED]}], "data": [{"reference": {"reference": "Condition/c1"}}]}}, {"resourceType": "DocumentReference", "id": "d", "status": "current", "date": "2026-03-01T10:00:00Z", "type": {"coding": [{"system": LOINC, "code": "59284-0"}], "text": "化疗"}, "content": [{"attachment": {"title": "t"}}]}),
        "labs": bundle(anc(), anc("a2", valueString="<0.5 10*9/L"), anc("a3", component=[{"code": CODED, "valueInteger": 3}])),
        "procedures": bundle({"resourceType": "Procedure", "id": "pr", "status": "completed", "code": {"text": "乳腺癌根治术"}, "performedPeriod": {"start": "2026-01-09"}, "reasonCode": [CODED]}),
        "treatments": bundle({"resourceType": "MedicationAdministration", "id": "ma", "status": "completed", "medicationReference": {"reference": "#m"}, "contained": [{"resourceType": "Medication", "id": "m", "ingredient": [{"itemReference": {"reference": "#m"}}]}], "effectivePeriod": {"start": "2026-01-09"}}),
        "orders": bundle(medication("o1", status="active", dosageInstruction=[{"timing": {"event": ["2026-03-04"]}}])),
        "allergies": bundle({"resourceType": "AllergyIntolerance", "id": "al", "code": CODED}),
        "events": bundle({"resourceType": "AdverseEvent", "id": "ae", "date": "2026-01-01", "event": CODED}),
    },
)  # fmt: skip

ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.decimals(allow_nan=False, allow_infinity=False), st.just(Decimal("1e400")),
    st.text(max_size=8), st.sampled_from(["", "2026-02-30", "2026-03-01T08:00:00", "\ud800", "deny", "#m", "Patient/p2", "next"]),
    st.sampled_from([[], {}, [[]], [None], {"reference": {}}, {"coding": "x"}, {"coding": [7]}, {"value": []}, {"start": 4}]),
)  # fmt: skip
STEPS = st.lists(
    st.tuples(st.lists(st.integers(0, 60), min_size=1, max_size=14), ODD), min_size=1, max_size=6
)


def mutated(document: Any, steps: list[tuple[list[int], Any]]) -> Any:
    """`document` with the values at some random places replaced."""
    made = copy.deepcopy(document)
    for path, value in steps:
        here: Any = made
        for n, step in enumerate(path):
            if not isinstance(here, (dict, list)) or not here:
                break
            key = list(here)[step % len(here)] if isinstance(here, dict) else step % len(here)
            if n == len(path) - 1 or not isinstance(here[key], (dict, list)) or not here[key]:
                here[key] = value
                break
            here = here[key]
    return made


def assert_read_or_refused(reader: Callable[[Any], Reading], document: Any) -> None:
    """Whatever is read loads as a request; whatever isn't is refused on purpose, with a reason."""
    with contextlib.suppress(RequestError):
        found = reader(document)
        Request.model_validate(found.data)


def test_the_rich_request_is_read_whole() -> None:
    found = reading(RICH)
    request = Request.load(found.data)
    assert request.record.unread == ()
    assert found.diagnostics == ()
    for section in (
        "diagnoses",
        "stages",
        "pathology",
        "markers",
        "exams",
        "assessments",
        "consents",
        "labs",
    ):
        assert request.record.section(section), section


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_whatever_comes_is_read_or_refused(steps: list[tuple[list[int], Any]]) -> None:
    document = mutated(RICH, steps)
    assert_read_or_refused(reading, document)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_whatever_comes_as_a_bundle_is_read_or_refused(steps: list[tuple[list[int], Any]]) -> None:
    resources = [e["resource"] for b in RICH["prefetch"].values() for e in b.get("entry", ())]
    document = mutated(bundle(*resources, medication(), type="collection"), steps)
    assert_read_or_refused(lambda given: read_bundle(given, AT, vocabulary=VOCABULARY), document)
