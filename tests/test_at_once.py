"""Reading at once: whatever it takes, the thorough reading takes too, and reads the same."""

from __future__ import annotations

import copy
import json
import pickle
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncogate import Request, RequestError
from oncogate.base.times import read_time, usual_time, write_time
from oncogate.model.record import KINDS, PatientRecord
from oncogate.model.request import read_json
from tests.strategies import requests

AT = '"at":"2026-03-02T09:30:00+08:00"'


def thorough(content: bytes) -> Request | None:
    try:
        return Request.load(read_json(content))
    except RequestError:
        return None


@st.composite
def odd_bytes(draw: st.DrawFn) -> bytes:
    """A request's JSON, written with blanks here and there, and perhaps something amiss."""
    text = draw(requests()).to_json()
    if draw(st.booleans()):
        text = json.dumps(json.loads(text), indent=draw(st.integers(0, 2)), ensure_ascii=draw(st.booleans()))
    for _ in range(draw(st.integers(0, 3))):
        text = draw(
            st.sampled_from([_twice, _blank, _longer, _cut, _other_key, _quoted, _other_value, _other_time])
        )(draw, text)
    return text.encode("utf-8", "surrogatepass")


def _somewhere(draw: st.DrawFn, pattern: str, text: str) -> re.Match[str] | None:
    found = list(re.finditer(pattern, text))
    return draw(st.sampled_from(found)) if found else None


def _twice(draw: st.DrawFn, text: str) -> str:
    found = _somewhere(draw, r'"\w+"\s*:\s*("[^"\\]*"|\d+(\.\d+)?|null)', text)
    blank = draw(st.sampled_from(["", " ", "\n", "\t"]))
    return (
        text
        if not found
        else f"{text[: found.end()]},{found[0].replace(':', blank + ':', 1)}{text[found.end() :]}"
    )


def _blank(draw: st.DrawFn, text: str) -> str:
    found = _somewhere(draw, r'":', text)
    return text if not found else text[: found.start() + 1] + " " + text[found.start() + 1 :]


def _longer(draw: st.DrawFn, text: str) -> str:
    found = _somewhere(draw, r":\s*-?\d+(\.\d+)?", text)
    more = draw(st.sampled_from(["0", ".0", "00000000000000001", ".99999999999999999999", "e2", "E400"]))
    return text if not found else text[: found.end()] + more + text[found.end() :]


def _cut(draw: st.DrawFn, text: str) -> str:
    place = draw(st.integers(0, len(text)))
    return text[:place] + text[place + 1 :]


def _other_key(draw: st.DrawFn, text: str) -> str:
    found = _somewhere(draw, r"\{", text)
    return text if not found else text[: found.end()] + '"nonsense":1,' + text[found.end() :]


def _quoted(draw: st.DrawFn, text: str) -> str:
    found = _somewhere(draw, r'"id"\s*:\s*"', text)
    return text if not found else text[: found.end()] + draw(st.sampled_from(['\\":', '\\" :', "\\\\", "110101199003071234", "\\ud800"])) + text[found.end() :]  # fmt: skip


def _other_value(draw: st.DrawFn, text: str) -> str:
    found = _somewhere(draw, r'(?<=:)("[^"\\]*"|-?\d+(\.\d+)?|null|true)', text)
    other = draw(
        st.sampled_from(
            ["null", "true", "[]", "{}", '""', "0", "1.0", "-0.0", "1e15", "999999999999999", '"1"', "NaN"]
        )
    )
    return text if not found else text[: found.start()] + other + text[found.end() :]


def _other_time(draw: st.DrawFn, text: str) -> str:
    found = _somewhere(draw, r'"\d{4}-\d\d-\d\d(T[^"]*)?"', text)
    other = draw(st.sampled_from(ODD_TIMES) | st.datetimes(timezones=st.timezones()).map(write_time))
    return text if not found else f'{text[: found.start()]}"{other}"{text[found.end() :]}'


ODD_TIMES = (
    "2026-03-02", "2024-02-29", "2026-02-29", "2000-02-29", "1900-02-29", "2026-04-31", "2026-13-01", "2026-00-10", "20260302", "2026-03", "",
    "2026-03-02T24:00:00+08:00", "2026-03-02T09:30:60+08:00", "2026-03-02T09:30:00Z", "2026-03-02T09:30:00.123456Z", "2026-03-02T09:30:00.1234567Z",
    "2026-03-02T09:30:00", "2026-03-02T09:30+08:00", "2026-03-02 09:30:00+08:00", "2026-03-02T09:30:00+24:00", "2026-03-02T09:30:00+0800",
    "1772415000", "２０２６-03-02", "2026-03-02T09:30:00+08:00\\n", "2026-W10-1", "9999-12-31T23:59:59-08:00", "0001-01-01T00:00:00+08:00",
)  # fmt: skip


@given(odd_bytes())
@settings(max_examples=600, deadline=None)
def test_what_is_read_at_once_is_what_the_thorough_reading_reads(content):
    request = Request.read_at_once(content)
    if request is not None:
        assert thorough(content) == request
        assert thorough(content).to_json() == request.to_json()


@pytest.mark.parametrize("text", ODD_TIMES)
@pytest.mark.parametrize("field", ["effective", "birth_date", "at"])
def test_a_time_is_read_at_once_only_if_it_is_read_at_all(text, field):
    at = text if field == "at" else "2026-03-02T09:30:00+08:00"
    lab = {"id": "l", "codes": [], "status": "final", "effective": text if field == "effective" else None}
    born = {"birth_date": text} if field == "birth_date" else {}
    content = json.dumps({"at": at, "record": {"patient": {"id": "p", **born}, "labs": [lab]}}).encode()
    request = Request.read_at_once(content)
    if request is not None:
        assert request == thorough(content)


@pytest.mark.parametrize(
    "value", ["1.0", "true", '"1"', "1.5", "[]", "{}", "1e2", "null", "9007199254740993"]
)
@pytest.mark.parametrize(
    "field",
    ['"cycle":?', '"regimen":?', '"drugs":?', '"drugs":[{"dose":?}]', '"drugs":[{"unit":?}]', '"id":?'],
)
def test_nothing_is_made_into_what_it_is_not(field, value):
    id_too = "" if field.startswith('"id"') else '"id":"o",'
    content = f'{{{AT},"order":{{{id_too}{field.replace("?", value)}}}}}'.encode()
    assert Request.read_at_once(content) in (None, thorough(content))


NUMBERS = (
    "1e-400", "-1e-400", "1e-324", "3E-324", "1.23456789e-320", "123456789012345e-330", "1e-99999999999999999999", "0e99999999999999999999",
    "0e-9999999999999999999", "-0.0", "-0", "-0e0", "1e99999999999999999999", "1e400", "1.5e2", "1e-3", "0e400", "1E+3", "999999999999999", "1e15",
)  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("before", ["0.0", "-0.0"])
def test_a_number_is_read_at_once_as_it_is_read_at_all(number, before):
    dose = f'{{{AT},"order":{{"id":"o","drugs":[{{"dose":?}}]}}}}'
    Request.load(dose.replace("?", before).encode())
    content = dose.replace("?", number).encode()
    request = Request.read_at_once(content)
    if request is not None:
        assert request == thorough(content)
        assert repr(request) == repr(thorough(content))


@pytest.mark.parametrize("number", ["1e99999999999999999999", "0e-99999999999999999999"])
def test_a_power_of_ten_beyond_all_is_refused(number):
    with pytest.raises(RequestError, match="isn't a number that a measurement can have"):
        Request.load(f'{{{AT},"order":{{"id":"o","drugs":[{{"dose":{number}}}]}}}}'.encode())


@given(requests())
@settings(max_examples=60, deadline=None)
def test_nobody_can_tell_how_a_request_was_read(request):
    content = request.to_json().encode()
    loaded = lambda: Request.read_at_once(content)  # noqa: E731 - anew, with nothing worked out
    assert hash(loaded()) == hash(request)
    assert repr(loaded()) == repr(request)
    assert str(loaded()) == str(request)
    assert loaded().model_dump() == request.model_dump()
    assert pickle.loads(pickle.dumps(loaded())) == request
    assert copy.copy(loaded()) == copy.deepcopy(loaded()) == request
    assert dict(loaded()) == dict(request)
    assert loaded().record == request.record
    assert dict(loaded().record) == dict(request.record)
    assert loaded() != request.model_copy(update={"order": None}) or request.order is None


def test_a_copy_with_other_entries_is_judged_by_them():
    labs = [{"id": "l", "codes": [{"code": "1"}], "status": "final"}]
    content = json.dumps({"at": "2026-03-02T09:30:00+08:00", "record": {"labs": labs, "vitals": []}}).encode()
    for record in (Request.read_at_once(content).record, Request.model_validate_json(content).record):
        assert [row["id"] for row in record.rows["labs"]] == ["l"]
        other = record.model_copy(update={"labs": (), "stages": ()})
        assert [other.rows[name] for name in ("labs", "stages", "vitals", "exams")] == [[], [], [], None]
        assert (other.labs, other.stages, other.vitals, other.exams) == ((), (), (), None)
        assert [row["id"] for row in record.rows["labs"]] == ["l"]


@given(requests())
@settings(max_examples=60, deadline=None)
def test_rows_say_the_same_however_the_request_was_made(request):
    """Those of a request that was read are its JSON, those of any other are made of its entries."""
    read = Request.read_at_once(request.to_json().encode()).record
    for section, kind in KINDS.items():
        ours, theirs = request.record.rows[section] or (), read.rows[section] or ()
        for name in kind.model_fields:
            assert [_as_told(row.get(name)) for row in ours] == [_as_told(row.get(name)) for row in theirs], (
                name
            )


def _as_told(value):
    """Without what is `None`."""
    if isinstance(value, list):
        return [*map(_as_told, value)]
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value


def test_each_section_is_made_of_its_kind_of_entries():
    named = {name: str(PatientRecord.model_fields[name].annotation) for name in KINDS}
    assert all(f".{kind.__name__}, ..." in named[name] for name, kind in KINDS.items())
    assert set(KINDS) == {*PatientRecord.SECTIONS, "unread"}


def test_a_request_has_no_other_fields():
    request = Request.read_at_once(b'{"at":"2026-03-02T09:30:00+08:00"}')
    with pytest.raises(AttributeError, match="a request has no `orders`"):
        request.orders  # noqa: B018


@given(requests())
@settings(max_examples=100, deadline=None)
def test_what_we_write_ourselves_is_read_at_once(request):
    # so that the property above isn't kept by reading nothing at once
    assert Request.read_at_once(request.to_json().encode()) == request


@pytest.mark.parametrize(
    "content",
    [
        f'{{{AT},{AT},"record":{{}}}}',
        f'{{{AT},"at" :"2026-03-02T09:30:00+08:00","record":{{}}}}',
        f'{{{AT},"record":{{"labs":[],"labs":[]}}}}',
        f'{{{AT},"record":{{"labs":[{{"id":"\\":","id":"x","codes":[],"status":"final"}}]}}}}',
        f'{{{AT},"order":{{"id":"o","drugs":[{{"dose":1,"dose":2}}]}}}}',
        f'{{{AT},"order":{{"id":"o","drugs":[{{"dose":0.99999999999999999999}}]}}}}',
        f'{{{AT},"order":{{"id":"o","drugs":[{{"dose": -1.00000000000000001}}]}}}}',
    ],
)
def test_what_pydantic_would_let_pass_is_refused(content):
    assert Request.model_validate_json(content)
    with pytest.raises(RequestError, match=r"stands twice|more digits"):
        Request.load(content.encode())


@given(
    st.datetimes(timezones=st.timezones()).map(write_time)
    | st.from_regex(
        r"(2026|0001|9999|\d{4})-(\d\d-\d\d|W\d\d-\d)T\d\d:\d\d:\d\d[+-]\d\d:\d\d", fullmatch=True
    )
)
def test_a_usual_time_is_read_as_any_other(text):
    found = usual_time(text)
    if found is not None:
        assert found == read_time(text.replace("T", " "))
        assert found.utcoffset() == read_time(text.replace("T", " ")).utcoffset()


def test_usual_times_of_one_offset_have_one_zone():
    one, other = usual_time("2026-03-02T09:30:00+08:00"), usual_time("2025-01-02T09:30:00+08:00")
    assert one is not None
    assert other is not None
    assert one.tzinfo is other.tzinfo
