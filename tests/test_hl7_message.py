"""HL7 v2 messages: what each field becomes, and what is never guessed."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hl7 import LOINC, MSH, OBR, PID, adt, anc, oru, written
from hypothesis import given, settings
from hypothesis import strategies as st

from oncogate.adapters.hl7v2 import Reader, Refused, read_message
from oncogate.adapters.hl7v2.segments import USUAL, Delimiters
from oncogate.model.request import Request

AT = "2026-03-02T12:00:00+08:00"


def labs(message: bytes, **more: Any) -> list[dict[str, Any]]:
    record = Reader(**more).read(message).record()
    Request.load({"at": AT, "record": record})  # it is of the native form
    return record.get("labs", [])


def lab(obx: str, obr: str = OBR, **more: Any) -> dict[str, Any]:
    (entry,) = labs(oru(obx, obr=obr), **more)
    return entry


def unread(message: bytes, **more: Any) -> list[dict[str, Any]]:
    read = Reader(**more).read(message)
    record = read.record()
    Request.load({"at": AT, "record": record})
    assert all(d.code == "message-unread" for d in read.diagnostics)
    return record.get("unread", [])


def obx(
    type: str, value: str, unit: str = "10*9/L", status: str = "F", time: str = "20260302080000+0800"
) -> str:
    return f"OBX|1|{type}|751-8^Neutrophils^LN||{value}|{unit}|||||{status}|||{time}"


# -- a result --------------------------------------------------------------------------------------


def test_a_result_becomes_an_entry_with_its_unit_times_status_and_key() -> None:
    assert lab(anc()) == {
        "id": "LIS|M1/OBX[1]", "source": "F1/751-8", "key": "F1/751-8", "patient": "p-1", "status": "final",
        "codes": [{"system": LOINC, "code": "751-8", "display": "Neutrophils"}],
        "value": {"value": Decimal("0.8"), "unit": "10*9/L"},
        "effective": "2026-03-02T08:00:00+08:00", "recorded": "2026-03-02T09:30:00+08:00",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("letter", "status"),
    [
        ("F", "final"), ("C", "corrected"), ("P", "preliminary"), ("R", "preliminary"), ("S", "preliminary"),
        ("I", "registered"), ("X", "cancelled"), ("W", "entered-in-error"), ("D", "entered-in-error"),
        ("A", "amended"), ("V", "final"),
    ],
)  # fmt: skip
def test_the_status_is_that_of_the_result(letter: str, status: str) -> None:
    assert lab(anc(status=letter))["status"] == status


def test_a_corrected_report_corrects_the_results_that_it_says_again() -> None:
    assert lab(anc(), obr=OBR[:-1] + "C")["status"] == "corrected"
    assert lab(anc(status="P"), obr=OBR[:-1] + "C")["status"] == "preliminary"


def test_a_result_without_a_status_has_that_of_its_report() -> None:
    assert lab(anc(status=""))["status"] == "final"
    (mark,) = unread(oru(anc(status=""), obr=OBR[:-1]))
    assert (mark["section"], mark["source"]) == ("labs", "LIS|M1/OBX[1]-11")
    assert mark["codes"][0]["code"] == "751-8"


@pytest.mark.parametrize("word", ["Z", "CANCELLED", "?"])
def test_a_status_that_is_none_is_unread(word: str) -> None:
    (mark,) = unread(oru(anc(status=word)))
    assert mark["problem"] == f"`{word}` isn't a status of a result"


@pytest.mark.parametrize("letter", ["O", "N"])
def test_answers_to_questions_of_the_order_are_no_results(letter: str) -> None:
    assert read_message(oru(anc(status=letter))).record().keys() == {"patient"}


@pytest.mark.parametrize(
    ("type", "value", "expected"),
    [
        ("NM", "0.80", {"value": Decimal("0.80")}),
        ("NM", "-1.5", {"value": Decimal("-1.5")}),
        ("NM", "<0.5", {"value": Decimal("0.5"), "comparator": "<"}),
        ("ST", "＜0.5", {"value": Decimal("0.5"), "comparator": "<"}),
        ("ST", ">=100", {"value": Decimal("100"), "comparator": ">="}),
        ("SN", "<^0.5", {"value": Decimal("0.5"), "comparator": "<"}),
        ("SN", "^182", {"value": Decimal("182")}),
        ("SN", "=^182", {"value": Decimal("182")}),
        ("TX", "0.8", {"value": Decimal("0.8")}),
        ("", "0.8", {"value": Decimal("0.8")}),
        ("NM", "0.8↓", {"value": Decimal("0.8")}),
        ("ST", "0.8 L", {"value": Decimal("0.8")}),
    ],
)  # fmt: skip
def test_numbers(type: str, value: str, expected: dict[str, Any]) -> None:
    entry = lab(obx(type, value))
    assert entry["value"] == {"unit": "10*9/L", **expected}
    assert "conflict" not in entry


@pytest.mark.parametrize(
    ("type", "value", "text"),
    [
        ("NM", "*****", "*****"), ("NM", "DNR", "DNR"), ("ST", "---", "---"), ("NM", "1,200", "1,200"),
        ("NM", "1.2.3", "1.2.3"), ("SN", "^1^:^128", "1 : 128"), ("SN", "^2^-^10", "2 - 10"), ("SN", "<>^5", "<> 5"),
        ("ST", "2+", "2+"), ("TX", "3 weeks later", "3 weeks later"), ("NM", "NaN", "NaN"), ("NM", "1e400", "1e400"),
        ("CE", "260385009^Negative^SCT", "Negative"), ("CWE", "^^^^^^^^阴性", "阴性"), ("CWE", "N^未检出^L", "未检出"),
        ("ST", "阴性(-)", "阴性(-)"), ("TX", "one~two", "one\ntwo"), ("FT", "one\\.br\\two", "one\ntwo"),
        ("TS", "20260302", "20260302"),
    ],
)  # fmt: skip
def test_what_is_no_number_stays_as_it_was_reported(type: str, value: str, text: str) -> None:
    entry = lab(obx(type, value))
    assert "value" not in entry or type == "TS"
    if type != "TS":
        assert entry["text"] == text


@pytest.mark.parametrize("value", ["", '""'])
def test_a_result_without_a_value_has_none(value: str) -> None:
    assert not {"value", "text"} & lab(obx("NM", value)).keys()


def test_repetitions_are_results_of_their_own() -> None:
    found = labs(oru(obx("NM", "0.8~2.9")))
    assert [(e["id"], e["value"]["value"]) for e in found] == [
        ("LIS|M1/OBX[1]#1", Decimal("0.8")),
        ("LIS|M1/OBX[1]#2", Decimal("2.9")),
    ]


@pytest.mark.parametrize(
    ("field", "unit"),
    [
        ("10*9/L", "10*9/L"), ("10*3/uL^thousand per microliter^UCUM", "10*3/uL"), ("10\\S\\9/L", "10^9/L"),
        ("10^9/L", "10^9/L"), ("x10^9/L", "x10^9/L"), ("10~9/L", "10~9/L"), ("^10*9/L", "10*9/L"), ("", ""),
        ("%^percent^UCUM", "%"), ("x10E9/L^^ISO+", "x10E9/L"),
    ],
)  # fmt: skip
def test_units_are_read_whole(field: str, unit: str) -> None:
    assert lab(obx("NM", "0.8", field))["value"]["unit"] == unit


def test_a_unit_in_the_value_that_contradicts_the_units_field_is_a_conflict() -> None:
    assert lab(obx("ST", "0.8 10^9/L"))["value"]["unit"] == "10*9/L"
    assert "conflict" not in lab(obx("ST", "0.8 10^9/L"))
    assert lab(obx("ST", "0.8 g/L"))["conflict"] == "value `0.8 g/L`, unit `10*9/L`"


def test_a_code_and_a_text_of_the_units_field_a_thousandfold_apart_are_a_conflict() -> None:
    assert lab(obx("NM", "0.8", "10*6/L^10*9/L^UCUM"))["conflict"] == "code `10*6/L`, unit `10*9/L`"
    assert "conflict" not in lab(obx("NM", "0.8", "10*9/L^10*9/L^UCUM"))


def test_a_document_is_unread_and_hides_no_other_result() -> None:
    (mark,) = unread(oru("OBX|1|ED|PDF^Report^L||LIS^AP^^Base64^JVBERi0=||||||F|||20260302080000+0800"))
    assert mark["codes"] == [{"system": "L", "code": "PDF", "display": "Report"}]


def test_a_line_of_a_narrative_without_a_code_hides_no_more_than_what_was_requested() -> None:
    (mark,) = unread(oru("OBX|1|TX|||No abnormality.||||||F"))
    assert mark["codes"][0]["code"] == "57021-8"
    marks = unread(oru("OBX|1|NM|||0.8|10*9/L|||||F|||20260302080000+0800"))
    assert [(m["section"], m["codes"]) for m in marks] == [("labs", []), ("vitals", [])]
    assert unread(oru("OBX|1|TX|||||||||F")) == []


def test_vital_signs_go_where_facts_look_for_them() -> None:
    record = read_message(
        oru("OBX|1|NM|8310-5^Temperature^LN||38.5|Cel|||||F|||20260302080000+0800")
    ).record()
    assert [e["value"]["value"] for e in record["vitals"]] == [Decimal("38.5")]
    assert "labs" not in record


def test_local_codes_stand_for_what_the_site_says() -> None:
    local = {("LIS1", "NEUT"): {"system": LOINC, "code": "751-8"}}
    entry = lab("OBX|1|NM|NEUT^中性粒细胞^LIS1||0.8|10*9/L|||||F|||20260302080000+0800", codes=local)
    assert [c["code"] for c in entry["codes"]] == ["NEUT", "751-8"]


# -- times -----------------------------------------------------------------------------------------


def bare(zone: str = "") -> str:
    return MSH.replace("+0800", zone)


def test_the_zone_is_the_times_own_else_the_messages_else_the_sites() -> None:
    own = obx("NM", "1", time="20260302080000-0500")
    assert lab(own)["effective"] == "2026-03-02T08:00:00-05:00"
    without = obx("NM", "1", time="20260302080000")
    assert lab(without)["effective"] == "2026-03-02T08:00:00+08:00"
    (entry,) = labs(oru(without, obr="OBR|1|P1|F1|1^x^L", header=bare()), timezone="Europe/London")
    assert (entry["effective"], entry["recorded"]) == (
        "2026-03-02T08:00:00+00:00",
        "2026-03-02T10:00:00+00:00",
    )
    (entry,) = labs(oru(without, obr="OBR|1|P1|F1|1^x^L", header=bare("+0900")), timezone="Europe/London")
    assert entry["effective"] == "2026-03-02T08:00:00+09:00"


def test_a_time_without_any_zone_is_unread() -> None:
    message = oru(obx("NM", "1", time="20260302080000"), header=bare())
    (mark,) = unread(message)
    assert mark["source"] == "LIS|M1/OBX[1]-14"
    assert mark["codes"][0]["code"] == "751-8"


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("20260302", "2026-03-02"), ("2026030208", "2026-03-02T08:00:00+08:00"), ("202603020830", "2026-03-02T08:30:00+08:00"),
        ("20260302083015.1234+0800", "2026-03-02T08:30:15.123400+08:00"), ("20260302+0800", "2026-03-02"),
    ],
)  # fmt: skip
def test_times_of_every_precision(said: str, read: str) -> None:
    assert lab(obx("NM", "1", time=said))["effective"] == read


@pytest.mark.parametrize(
    "said", ["2026", "202603", "20261302", "20260302993000", "202603020", "yesterday", "2026-03-02"]
)
def test_times_that_are_none_or_less_than_a_day_are_unread(said: str) -> None:
    (mark,) = unread(oru(obx("NM", "1", time=said)))
    assert mark["source"].endswith("OBX[1]-14")


def test_a_result_without_a_time_has_that_of_its_specimen() -> None:
    assert lab(obx("NM", "1", time=""))["effective"] == "2026-03-02T08:00:00+08:00"
    message = oru(
        obx("NM", "1", time=""), "SPM|1|||BLD|||||||||||||20260302071500+0800", obr="OBR|1|P1|F1|1^x^L"
    )
    assert labs(message)[0]["effective"] == "2026-03-02T07:15:00+08:00"
    assert len(unread(oru(obx("NM", "1", time=""), obr="OBR|1|P1|F1|1^x^L"))) == 1


def test_a_result_taken_back_needs_no_time() -> None:
    entry = lab(obx("NM", "", status="W", time=""), obr="OBR|1|P1|F1|1^x^L")
    assert entry["status"] == "entered-in-error"
    assert "effective" not in entry


def test_a_result_taken_back_without_an_order_number_is_unread() -> None:
    assert len(unread(oru(obx("NM", "0.8", status="W"), obr="OBR|1|||1^x^L"))) == 1


# -- separators, escapes, encodings ----------------------------------------------------------------


def test_escape_sequences_mean_what_they_say() -> None:
    text = r"a\F\b\S\c\T\d\R\e\E\f\X41\g\H\h\N\ \unknown\ 50\% x\\"
    assert USUAL.unescape(text, bytes.decode) == "a|b^c&d~e\\fAgh \\unknown\\ 50\\% x\\\\"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=40))
def test_what_is_escaped_is_meant(text: str) -> None:
    assert USUAL.unescape(USUAL.escaped(text), bytes.decode) == text


def test_other_separators() -> None:
    message = oru(anc("<0.5")).decode()
    for old, new in zip("|^~\\&", "#:%!+", strict=True):
        message = message.replace(old, new)
    message = message.replace("20260302100000+0800", "20260302100000").replace("+0800", "")
    (entry,) = labs(message.encode(), timezone="+08:00")
    assert entry["codes"] == [{"system": LOINC, "code": "751-8", "display": "Neutrophils"}]
    assert entry["value"] == {"value": Decimal("0.5"), "unit": "10*9/L", "comparator": "<"}


@pytest.mark.parametrize("declared", ["", "^^~&", "AB\\&", "^~ &"])
def test_separators_that_cant_be_told_apart_are_refused(declared: str) -> None:
    with pytest.raises(Refused, match="message-header"):
        read_message(oru(anc()).replace(b"^~\\&", declared.encode(), 1))


@pytest.mark.parametrize("ending", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends(ending: str, last: bool) -> None:
    text = ending.join(oru(anc()).decode().split("\r"))
    assert len(labs((text if last else text.removesuffix(ending)).encode())) == 1


def test_a_line_feed_inside_a_field_is_part_of_it() -> None:
    assert lab(obx("TX", "one\ntwo"))["text"] == "one\ntwo"


CHINESE = oru("OBX|1|CE|1^中性粒细胞^L||P^弱阳性^L||||||F|||20260302080000+0800").decode()


@pytest.mark.parametrize(
    ("codec", "said"),
    [
        ("utf-8", ""), ("utf-8", "UNICODE UTF-8"), ("utf-8", "UTF-8"), ("gb18030", "GB 18030-2000"), ("gbk", "GBK"),
        ("gb2312", "GB2312"), ("gb18030", ""), ("gb18030", "ASCII"), ("big5", "BIG-5"), ("utf-8-sig", ""),
    ],
)  # fmt: skip
def test_encodings(codec: str, said: str) -> None:
    text = CHINESE.replace("P|2.5.1", f"P|2.5.1||||||{said}")
    if codec == "big5":
        text = text.replace("弱阳性", "弱陽性").replace("张^三", "張^三").replace("中性粒细胞", "中性")
    (entry,) = labs(text.encode(codec))
    assert entry["text"] in ("弱阳性", "弱陽性")


def test_a_separator_that_is_half_of_a_character_separates_nothing() -> None:
    # 0x8D7C is one character of GB 18030 whose second byte is that of the bar
    character = b"\x8d\x7c".decode("gb18030")
    text = oru(obx("ST", character)).decode()
    declared = text.replace("P|2.5.1", "P|2.5.1||||||GB 18030-2000").encode("gb18030")
    assert labs(declared)[0]["text"] == character
    with pytest.raises(Refused, match=r"MSH\[1\]-18"):
        read_message(text.encode("gb18030"))


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (
            CHINESE.replace("P|2.5.1", "P|2.5.1||||||UNICODE UTF-8").encode("gb18030"),
            "isn't in `UNICODE UTF-8`",
        ),
        (CHINESE.replace("P|2.5.1", "P|2.5.1||||||KLINGON").encode(), "the encoding `KLINGON` isn't known"),
        (CHINESE.encode() + b"\xff", "isn't UTF-8"),
    ],
)
def test_an_encoding_that_isnt_so_is_refused(raw: bytes, problem: str) -> None:
    with pytest.raises(Refused, match=problem) as found:
        read_message(raw)
    assert found.value.acknowledgement == "AE"


def test_latin_text_is_read_by_its_declaration() -> None:
    text = oru(obx("ST", "présent")).decode().replace("张^三", "x").replace("P|2.5.1", "P|2.5.1||||||8859/1")
    assert labs(text.encode("latin-1"))[0]["text"] == "présent"


# -- patients --------------------------------------------------------------------------------------


def test_the_patient() -> None:
    read = read_message(adt("A01", "PV1|1|I|肿瘤内科^12^1"))
    assert read.record() == {
        "patient": {"id": "p-1", "birth_date": "1965-01-01", "sex": "male", "ward": "肿瘤内科"}
    }
    assert "ward" not in read_message(adt("A03", "PV1|1|I|肿瘤内科^12^1")).record()["patient"]
    assert "ward" not in read_message(written(PID, "PV1|1|I|X", OBR, anc())).record()["patient"]


@pytest.mark.parametrize(
    ("ids", "id"),
    [
        ("1^^^H^PI~2^^^H^MR~3^^^H^MR", "2"),
        ("1^^^H^PI~3", "1"),
        ("^^^H^MR~7^^^H^MRN", "7"),
        ("p\\T\\1", "p&1"),
    ],
)
def test_the_identifier_is_the_first_medical_record_number(ids: str, id: str) -> None:
    assert read_message(written(f"PID|1||{ids}||x", OBR, anc())).patients == (id,)


def test_another_identifier_may_be_the_sites() -> None:
    read = Reader(identifier_type="PI").read(written("PID|1||1^^^H^MR~2^^^H^PI||x", OBR, anc()))
    assert read.patients == ("2",)


def test_identifiers_of_another_authority_are_another_hospitals() -> None:
    reader = Reader(authority="H2")
    read = reader.read(written("PID|1||1^^^H1^MR~2^^^H2&1.2.3&ISO^PI||x", OBR, anc()))
    assert read.patients == ("2",)
    with pytest.raises(Refused, match="identifier of `H2` is missing"):
        reader.read(oru(anc()))


def test_a_result_belongs_to_the_patient_before_it() -> None:
    other = PID.replace("p-1", "p-2")
    read = read_message(written(PID, OBR, anc("2.5"), other, OBR, anc("0.3")))
    assert [e["value"]["value"] for e in read.record("p-1")["labs"]] == [Decimal("2.5")]
    assert [e["value"]["value"] for e in read.record("p-2")["labs"]] == [Decimal("0.3")]


def test_a_result_that_follows_another_patient_without_an_order_is_nobodys() -> None:
    with pytest.raises(Refused, match=r"OBX\[2\]"):
        read_message(written(PID, OBR, anc("2.5"), PID.replace("p-1", "p-2"), anc("0.3")))


@pytest.mark.parametrize(
    ("obr", "sub", "key"),
    [
        ("OBR|1|P1|F1|1^x^L", "", "F1/751-8"), ("OBR|1|P1||1^x^L", "", "P1/751-8"), ("OBR|1|P1^HIS|F1^LIS|1^x^L", "2", "F1^LIS/751-8/2"),
        ("OBR|1|||1^x^L", "1", None),
    ],
)  # fmt: skip
def test_the_key_is_the_orders_number_the_code_and_the_sub_id(obr: str, sub: str, key: str | None) -> None:
    assert lab(anc().replace("^LN||", f"^LN|{sub}|"), obr=obr).get("key") == key


def test_a_group_without_a_number_has_that_of_its_common_part() -> None:
    (entry,) = labs(written(PID, "ORC|RE|P5|F5", "OBR|1|||1^x^L", anc()))
    assert entry["key"] == "F5/751-8"


def test_diagnoses_and_allergies() -> None:
    read = read_message(
        adt(
            "A08",
            "DG1|1||C34.1^肺上叶恶性肿瘤^I10||20260201|A",
            "DG1|2||^胃癌",
            "AL1|1|DA|^青霉素|SV||20200101",
            "AL1|2|FA|",
        )
    )
    record = read.record()
    Request.load({"at": AT, "record": record})
    assert [(d["codes"][0].get("code"), d.get("effective")) for d in record["diagnoses"]] == [
        ("C34.1", "2026-02-01"),
        (None, None),
    ]
    (allergy,) = record["allergies"]
    assert (allergy["kind"], allergy["text"], allergy["level"]) == ("allergy", "青霉素", "SV")
    assert [m["source"] for m in record["unread"]] == ["LIS|A1/AL1[2]-3"]


def test_observations_of_an_admission_are_the_patients() -> None:
    record = read_message(
        adt("A01", "PV1|1|I|X", "OBX|1|NM|29463-7^Weight^LN||60|kg|||||F|||20260301080000+0800")
    ).record()
    (weight,) = record["vitals"]
    assert (weight["value"], weight["recorded"]) == (
        {"value": Decimal(60), "unit": "kg"},
        "2026-03-02T10:00:00+08:00",
    )


def test_a_report_time_that_cant_be_read_is_that_of_the_message() -> None:
    assert lab(anc(), obr=OBR.replace("20260302093000+0800", "?"))["recorded"] == "2026-03-02T10:00:00+08:00"


@pytest.mark.parametrize("more", [{"timezone": "Mars/Olympus"}, {"fallback": "klingon"}])
def test_a_reader_is_told_what_there_is(more: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="isn't"):
        Reader(**more)  # type: ignore[arg-type]


def test_large_and_hollow_messages_are_read_in_one_pass() -> None:
    """Each of these would take minutes if a pattern looked at the rest of the message again and again."""
    for filling in ("\n" * 20_000, "\\" * 20_000, " " * 20_000, "~" * 5_000, "0" * 20_000, "\r" * 20_000):
        for raw in (oru(obx("TX", filling)), oru(anc()) + filling.encode() + b"\r"):
            with contextlib.suppress(Refused):
                read_message(raw)
    assert len(labs(oru(*[anc(n=2)] * 2_000))) == 2_000


def test_of_a_document_only_the_patient_is_read() -> None:
    read = read_message(written(PID, "TXA|1|PN", obx("TX", "a note"), type="MDM^T02"))
    assert read.record().keys() == {"patient"}


# -- orders ----------------------------------------------------------------------------------------


def test_orders_by_code_and_by_drug() -> None:
    read = read_message(
        written(
            PID, "ORC|NW|P7|||||^^^20260303080000+0800||20260302090000+0800", "OBR|1|P7||24627-2^CT chest^LN",
            "ORC|NW|P8", "RXO|L03AA13^聚乙二醇化重组人粒细胞刺激因子^ATC|6||mg", "RXR|SC", "ORC|HD|P9", "RXO|^奥希替尼|80|160|mg",
            type="ORM^O01",
        )
    )  # fmt: skip
    record = read.record()
    Request.load({"at": AT, "record": record})
    exam, support, held = record["orders"]
    assert (exam["codes"][0]["code"], exam["planned"], exam["effective"], exam["status"], exam["key"]) == (
        "24627-2", "2026-03-03T08:00:00+08:00", "2026-03-02T09:00:00+08:00", "active", "order/P7",
    )  # fmt: skip
    assert support["drugs"] == [
        {
            "code": "L03AA13", "system": "http://www.whocc.no/atc", "name": "聚乙二醇化重组人粒细胞刺激因子",
            "dose": Decimal(6), "unit": "mg", "route": "subcutaneous",
        }
    ]  # fmt: skip
    assert (held["status"], held["drugs"]) == ("on-hold", [{"name": "奥希替尼"}])


def test_an_order_that_doesnt_say_its_drug_is_unread() -> None:
    (mark,) = unread(written(PID, "ORC|NW|P8", "RXO||6||mg", type="ORM^O01"))
    assert (mark["section"], mark["source"]) == ("orders", "LIS|M1/RXO[1]-1")


def test_one_orc_may_stand_for_several_requests() -> None:
    record = read_message(
        written(PID, "ORC|NW|P1", "OBR|1|||1^a^L", "OBR|2|||2^b^L", type="OML^O21")
    ).record()
    assert [o["codes"][0]["code"] for o in record["orders"]] == ["1", "2"]


def test_results_that_an_order_brings_along_are_results() -> None:
    asked = "OBX|1|ST|AOE1^Pregnant^L||NO||||||O"
    prior = ("ORC|PR|P0", OBR, anc(status=""), OBR.replace("F1", "F2"), anc("0.9", status=""))
    record = read_message(written(PID, "ORC|NW|P1", "OBR|1|||1^a^L", asked, *prior, type="OML^O21")).record()
    assert [(e["value"]["value"], e["key"]) for e in record["labs"]] == [
        (Decimal("0.8"), "F1/751-8"),
        (Decimal("0.9"), "F2/751-8"),
    ]
    assert [o["key"] for o in record["orders"]] == ["order/P1"]
    assert "unread" not in record


@pytest.mark.parametrize(
    ("type", "value", "status"),
    [
        ("NM", "0.01", "final"),
        ("ST", "DNR", "cancelled"),
        ("ST", "检测中", "registered"),
        ("ST", "标本不足", "cancelled"),
    ],
)
def test_of_what_only_has_to_be_done_a_text_may_say_that_it_wasnt(type: str, value: str, status: str) -> None:
    assert (
        lab(f"OBX|1|{type}|10839-9^Troponin I^LN||{value}||||||F|||20260302080000+0800")["status"] == status
    )
    assert lab(obx(type, value))["status"] == "final"


# -- what isn't taken over -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "code", "where"),
    [
        (b"|P|2.5.1", b"|P|3.0", "AR", "MSH[1]-12"), (b"|P|2.5.1", b"|P|", "AR", "MSH[1]-12"),
        (b"|P|2.5.1", b"|Z|2.5.1", "AR", "MSH[1]-11"), (b"|P|2.5.1", b"||2.5.1", "AR", "MSH[1]-11"),
        (b"ORU^R01^ORU_R01", b"SIU^S12", "AR", "MSH[1]-9"), (b"ORU^R01^ORU_R01", b"ORU^R99", "AR", "MSH[1]-9"),
        (b"ORU^R01^ORU_R01", b"ADT^A24", "AR", "MSH[1]-9"), (b"ORU^R01^ORU_R01", b"", "AR", "MSH[1]-9"),
        (b"|M1|P", b"||P", "AE", "MSH[1]-10"), (PID.encode() + b"\r", b"", "AE", "PID[1]"),
        (b"p-1^^^H^MR", b"", "AE", "PID[1]-3"), (OBR.encode() + b"\r", b"", "AE", "OBX[1]"),
        (b"OBR|1", b"OB", "AE", "MSH[1]"), (b"OBR|1", b"MSH|^~\\&|X\rOBR|1", "AE", "MSH[2]"),
    ],
)  # fmt: skip
def test_a_message_that_isnt_for_here_or_isnt_whole_is_refused(
    old: bytes, new: bytes, code: str, where: str
) -> None:
    assert old in oru(anc())
    with pytest.raises(Refused) as found:
        read_message(oru(anc()).replace(old, new))
    assert found.value.acknowledgement == code
    assert found.value.diagnostics[0].path == where


def test_an_identifier_that_isnt_followed_is_refused() -> None:
    with pytest.raises(Refused, match=r"MRG\[1\]"):
        read_message(adt("A40"))
    with pytest.raises(Refused, match=r"MRG\[1\]-1"):
        read_message(adt("A40", "MRG|"))


@pytest.mark.parametrize(
    "last",
    [
        "OBX|1|NM|751-8^N^LN||0.8|10*9/L|||||", "OBX|1|NM|751-8^N^LN||0.", "OBX|1|NM|751-8^N^LN||0.8|10*9/L|||||F|||20260302",
        "OBX|1|NM|751-8^N^LN||0.8|10*9/L|||||F|||20260302080000", "OBR|1|P1|F1|57021-8^CBC^LN", "PID|1||p-",
    ],
)  # fmt: skip
def test_a_message_cut_off_is_refused(last: str) -> None:
    before = {"OBR": (PID,), "PID": ()}.get(last[:3], (PID, OBR))
    with pytest.raises(Refused):
        read_message(written(*before, last).removesuffix(b"\r"))


@pytest.mark.parametrize("last", [anc(), "OBX|1|NM|751-8^N^LN||0.8|10*9/L|||||F", anc() + "|||||||"])
def test_a_whole_message_whose_last_end_is_missing_is_taken(last: str) -> None:
    assert len(labs(oru(last).removesuffix(b"\r"))) == 1


@pytest.mark.parametrize(
    ("last", "whole"),
    [
        ("DG1|1||C34.1^肺癌^I10", True), ("DG1|1||C34.1^肺癌^GB", False), ("DG1|1||C34.1^肺", False), ("AL1|1|DA|1^x^LN", True),
        ("AL1|1|DA|1^x^SNM3|S", False), ("PV1|1|I|ONC^12^1", True), ("PV1|1|I|ON", False), ("PV1|1|I|ONC|E", True),
    ],
)  # fmt: skip
def test_the_end_of_an_admission(last: str, whole: bool) -> None:
    message = adt("A01", last).removesuffix(b"\r")
    if whole:
        read_message(message)
    else:
        with pytest.raises(Refused, match="message-cut-off"):
            read_message(message)


def test_a_time_at_the_very_end_is_whole_if_it_is_as_precise_as_the_messages_own() -> None:
    last = "OBX|1|NM|751-8^N^LN||0.8|10*9/L|||||F|||202603020800"
    message = oru(last, header=bare()).removesuffix(b"\r")
    with pytest.raises(Refused):
        read_message(message, "+08:00")
    assert len(labs(message.replace(b"20260302100000", b"202603021000"), timezone="+08:00")) == 1


# -- whatever is written comes out ---------------------------------------------------------------

MARKS = st.permutations("|^~\\&#!*%$").map(lambda marks: Delimiters(*marks[:5]))
SAID = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=20).filter(
    lambda text: text != '""'
)
NUMBERS = st.decimals(min_value=0, max_value=9999, places=2, allow_nan=False)


@given(MARKS, NUMBERS, st.sampled_from(["", "<", ">="]), SAID, SAID, st.sampled_from(["utf-8", "gb18030"]))
def test_what_is_written_in_any_separators_comes_out(
    marks: Delimiters, number: Decimal, comparator: str, code: str, name: str, codec: str
) -> None:
    f, c = marks.field, marks.component
    said = [marks.escaped(part) for part in (code, name, "10*9/L")]
    charset = {"utf-8": "UNICODE UTF-8", "gb18030": "GB 18030-2000"}[codec]
    lines = [
        f"MSH{f}{marks.declared}{f}LIS{f * 4}20260302100000{f * 2}ORU{c}R01{f}M1{f}P{f}2.5{f * 6}{charset}",
        f"PID{f}1{f * 2}p-1", f"OBR{f}1{f * 2}F1{f}1",
        f"OBX{f}1{f}SN{f}{said[0]}{c}{said[1]}{c}L{f * 2}{marks.escaped(comparator)}{c}{number}{f}{said[2]}{f * 5}F{f * 3}20260302",
    ]  # fmt: skip
    (entry,) = labs("".join(line + "\r" for line in lines).encode(codec), timezone="+08:00")
    (coding,) = entry["codes"]
    assert coding == {"system": "L", "code": code, "display": name}
    assert (entry["value"]["value"], entry["value"].get("comparator", "")) == (number, comparator)
    assert (entry["value"]["unit"], entry["effective"]) == ("10*9/L", "2026-03-02")


# -- nothing crashes -------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        "MSH|^~\\&|", "PID|", "OBR|", "OBX|", "ORC|", "DG1|", "AL1|", "MRG|", "PV1|", "SPM|", "RXO|", "|", "^", "~", "\\", "&",
        "\r", "\n", "NM", "SN", "CWE", "ED", "F", "W", "0.8", "<", "*****", "20260302080000", "+0800", '""', "\\X", "\\X41\\",
        "751-8^N^LN", "p-1", "ORU^R01", "ADT^A40", "P", "2.5", "张", "\x0b", "\x1c", "\0", "|" * 30,
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=60).map("".join), st.sampled_from(["utf-8", "gb18030"]))
@settings(max_examples=300, deadline=None)
def test_whatever_is_sent_is_read_or_refused(text: str, codec: str) -> None:
    whole = oru(anc()).decode()
    for raw in (
        text.encode(codec),
        (whole[: len(text) * 4] + text).encode(codec),
        (whole + text).encode(codec),
    ):
        try:
            read = read_message(raw, "+08:00")
        except Refused:
            continue
        for patient in read.patients:
            Request.load({"at": AT, "record": read.record(patient)})


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(Refused):
        read_message(raw)


def test_separators_of_a_header() -> None:
    assert Delimiters.of("MSH|^~\\&|x") == USUAL
    assert Delimiters.of("MSH|^~\\&#|x") == USUAL  # 2.7 declares a fifth
    assert Delimiters.of("MSH|^|x") == Delimiters("|", "^", "", "", "")
    assert Delimiters.of("MS") is None
