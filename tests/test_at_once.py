"""Reading at once: whatever it takes, the thorough reading takes too, and reads the same."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncogate import Request, RequestError
from oncogate.base.times import read_time, usual_time, write_time
from oncogate.model.at_once import read_at_once
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
        text = draw(st.sampled_from([_twice, _blank, _longer, _cut, _other_key, _quoted]))(draw, text)
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


@given(odd_bytes())
@settings(max_examples=400, deadline=None)
def test_what_is_read_at_once_is_what_the_thorough_reading_reads(content):
    request = read_at_once(Request, content)
    if request is not None:
        assert thorough(content) == request
        assert thorough(content).to_json() == request.to_json()


@given(requests())
@settings(max_examples=100, deadline=None)
def test_what_we_write_ourselves_is_read_at_once(request):
    # so that the property above isn't kept by reading nothing at once
    assert read_at_once(Request, request.to_json().encode()) == request


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
