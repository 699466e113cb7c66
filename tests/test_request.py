"""The request: what is refused, where, and with what help; what is exact; what reads back."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from oncogate import Request, RequestError

AT = "2026-03-02T09:30:00+08:00"
LAB = {
    "id": "lab-1",
    "codes": [{"system": "http://loinc.org", "code": "751-8"}],
    "status": "final",
    "effective": "2026-03-01",
}


def problems(data) -> dict[str, str]:
    with pytest.raises(RequestError) as caught:
        Request.load(data)
    return {d.path: f"{d.message} | {d.help}" for d in caught.value.diagnostics}


def with_lab(**fields):
    return {"at": AT, "record": {"labs": [{**LAB, **fields}]}}


def test_every_problem_is_reported_at_its_pointer():
    found = problems(
        {
            "at": "2026-03-02T09:30:00",
            "recod": {},
            "record": {"labs": [{"id": "x", "value": {"value": "0.9", "unit": 1}}]},
        }
    )
    assert set(found) == {
        "/at", "/recod", "/record/labs/0/codes", "/record/labs/0/status", "/record/labs/0/value/value", "/record/labs/0/value/unit",
    }  # fmt: skip
    assert "has no zone" in found["/at"]
    assert "--timezone" in found["/at"]
    assert "did you mean `record`?" in found["/recod"]
    assert "should be a number, not text" in found["/record/labs/0/value/value"]


@pytest.mark.parametrize(
    "value", ["0.9", True, None, [], {}, float("nan"), float("inf"), Decimal("NaN"), 10**20]
)
def test_what_is_not_a_number(value):
    assert "/record/labs/0/value/value" in problems(with_lab(value={"value": value, "unit": "10*9/L"}))


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("1e999", "is too large"), ("1e1000000", "is too large"), ("-1e999999999", "is too large"), ("9" * 4000, "is too large"),
        ("1e-400", "is too small"), ("-1e-999999999", "is too small"), ("1.23456789e-320", "is too small"),
        ("1.23456789012345678", "has more digits"),
    ],
)  # fmt: skip
def test_a_number_that_no_measurement_has_is_refused_at_its_place(number, said):
    order = {"id": "o", "drugs": [{"name": "顺铂", "dose": "?"}]}
    lab = with_lab(value={"value": "?", "unit": "10*9/L"})
    content = json.dumps({**lab, "order": order}).replace('"?"', number)
    with pytest.raises(RequestError) as caught:
        Request.load(content)
    assert {d.path: d.code for d in caught.value.diagnostics} == dict.fromkeys(
        ("/order/drugs/0/dose", "/record/labs/0/value/value"), "request-number-precise"
    )
    assert all(d.message.startswith(said) for d in caught.value.diagnostics)


def test_numbers_are_exact_and_stay_so():
    text = json.dumps(with_lab(value={"value": 0, "unit": "10*9/L"})).replace('"value": 0', '"value": 1.10')
    request = Request.load(text.encode())
    assert request.record.labs[0].value.value == Decimal("1.1")
    assert Request.load(request.to_json().encode()) == request
    assert Request.load(request.to_json()) == request


def test_not_supplied_and_none_there_are_two_things():
    request = Request.load({"at": AT, "record": {"consents": []}})
    assert request.record.section("consents") == ()
    assert request.record.section("labs") is None


def test_a_day_is_a_day_and_a_moment_needs_a_time():
    assert "whole day" in problems({"at": "2026-03-02"})["/at"]
    assert (
        Request.load(with_lab(recorded="2026-03-02T08:00:00Z")).record.labs[0].effective.isoformat()
        == "2026-03-01"
    )


def test_a_zone_may_be_given_once_for_all_times():
    naive = {"at": "2026-03-02 09:30:00", "record": {"labs": [{**LAB, "effective": "2026-03-01 08:00"}]}}
    request = Request.load(naive, timezone="Asia/Shanghai")
    assert request.at.isoformat() == AT
    assert request.record.labs[0].effective.isoformat() == "2026-03-01T08:00:00+08:00"
    with pytest.raises(RequestError, match="isn't a time zone"):
        Request.load(naive, timezone="Mars/Olympus")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "empty"), (b"   \n", "empty"), (b"{", "isn't JSON"), (b'{"at": NaN}', "`NaN`"), (b'{"a": 1, "a": 2}', "stands twice"),
        (b"\xff\xfe\x00", "isn't UTF-8"), (b"[" * 100_000, "nested too deeply"),
    ],
)  # fmt: skip
def test_text_that_is_no_request(text, message):
    with pytest.raises(RequestError, match=message):
        Request.load(text)


@pytest.mark.parametrize("source", [b"[]", b'"text"', b"5", b"null", [], None, 5])
@pytest.mark.parametrize("timezone", [None, "+08:00"])
def test_what_is_neither_a_file_nor_an_object(source, timezone):
    with pytest.raises(RequestError) as caught:
        Request.load(source, timezone)
    assert [d.code for d in caught.value.diagnostics] == ["request-not-an-object"]


@pytest.mark.parametrize("text", ["1968", "1968-02-30", "1968/02/03"])
def test_a_day_that_is_none_is_told_how_to_be_written(text):
    found = problems({"at": AT, "record": {"patient": {"id": "p", "birth_date": text}}})
    assert found == {"/record/patient/birth_date": f"`{text}` isn't a day: write it as 2026-03-02 | "}


def test_a_request_can_not_be_changed():
    request = Request.load({"at": AT})
    with pytest.raises(Exception, match="frozen"):
        request.at = None
