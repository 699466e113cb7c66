"""Real messages: every one goes through, the neutrophils come out as they went in, and what is cut off is never taken for whole."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hl7 import plain_segments

from oncogate.adapters.hl7v2 import Message, Reader, Refused, SqliteInbox, read_local_codes, split_messages
from oncogate.base.errors import OncogateError
from oncogate.base.times import read_time, read_zone
from oncogate.model.request import Request

AT = "2030-01-01T00:00:00+00:00"
ZONE = "Europe/London"
READER = Reader(ZONE)
CUTS = 50


@pytest.fixture(scope="module")
def simulated(shared: Path) -> list[bytes]:
    """The 506 messages of the shared file, split where a line begins with MSH."""
    text = (shared / "data" / "hl7v2" / "simhospital" / "messages-first-half.hl7").read_bytes()
    return [m.rstrip(b"\r\n") + b"\r" for m in re.split(rb"(?:^|[\r\n]+)(?=MSH\|)", text) if m.strip()]


@pytest.fixture(scope="module")
def others(shared: Path) -> list[bytes]:
    folder = shared / "data" / "hl7v2"
    files = [
        *sorted((folder / "ms-fhir-converter").iterdir()),
        *sorted((folder / "linuxforhealth").iterdir()),
    ]
    return [f.read_bytes() for f in files]


def samples(shared: Path) -> Iterator[bytes]:
    """The messages and batches in the source of a library's tests."""
    code = (shared / "data" / "hl7v2" / "python-hl7" / "samples.py.txt").read_text("utf-8")
    found: dict[str, str] = {}
    exec(code, found)
    yield from (v.encode() for k, v in found.items() if isinstance(v, str) and not k.startswith("__"))


def read(raw: bytes, reader: Reader = READER) -> Message | None:
    try:
        made = reader.read(raw)
    except Refused:
        return None
    for patient in made.patients:
        Request.load({"at": AT, "record": made.record(patient)})
    return made


def all_labs(message: Message) -> list[dict[str, Any]]:
    return [item.entry for item in message.items if item.section == "labs"]


# -- all go through --------------------------------------------------------------------------------


def test_the_file_is_split_into_its_messages(shared: Path, simulated: list[bytes]) -> None:
    text = (shared / "data" / "hl7v2" / "simhospital" / "messages-first-half.hl7").read_bytes()
    assert len(simulated) == 506
    assert [m.split(b"\r") for m in split_messages(text)] == [m.split(b"\r") for m in simulated]


def test_all_messages_go_through(simulated: list[bytes]) -> None:
    results = 0
    for raw in simulated:
        made = read(raw)
        assert made is not None
        assert made.diagnostics == ()
        assert len(made.patients) == 1
        results += len(all_labs(made))
    lines = [s for raw in simulated if b"MDM^T02" not in raw for s in plain_segments(raw) if s[0] == "OBX"]
    assert results == len(lines) == 1666, "every result but the lines of the one document"


def neutrophils(raw: bytes) -> list[tuple[str, Decimal, str, str]]:
    """Patient, value, unit and time of the counts of a message, read without the reader."""
    segments = plain_segments(raw)
    patient = next(s[3].split("^")[0] for s in segments if s[0] == "PID")
    found = (s for s in segments if s[0] == "OBX" and s[3].split("^")[1] == "Neutrophils")
    return [(patient, Decimal(s[5]), s[6], s[14]) for s in found]


def test_neutrophil_counts_have_their_value_unit_and_time(simulated: list[bytes]) -> None:
    local = {("WinPath", "tt-0002-09"): {"system": "http://loinc.org", "code": "751-8"}}
    zone = read_zone(ZONE)
    count = 0
    for raw in simulated:
        expected = neutrophils(raw)
        made = read(raw, Reader(ZONE, codes=local))
        entries = [e for e in all_labs(made) if any(c["code"] == "751-8" for c in e["codes"])] if made else []
        got = [
            (e["patient"], e["value"]["value"], e["value"]["unit"], read_time(e["effective"]))
            for e in entries
        ]
        assert got == [(p, v, u, read_time(t, zone)) for p, v, u, t in expected]
        count += len(expected)
    assert count == 44


def test_the_other_files_go_through(others: list[bytes], shared: Path) -> None:
    for raw in others:
        assert read(raw) is not None
    made = read(next(o for o in others if b"NIST-LRI-NG-002" in o))
    assert made is not None
    (count,) = [e for e in all_labs(made) if e["codes"][0]["code"] == "26499-4"]
    assert (count["value"], count["effective"], count["status"]) == (
        {"value": Decimal(58), "unit": "10*3/uL"}, "2011-01-03T14:34:28-08:00", "final",
    )  # fmt: skip
    parts = [part for sample in samples(shared) for part in split_messages(sample)]
    assert len(parts) > 20
    for part in parts:
        read(part)


def test_a_whole_file_is_kept_and_given_back_by_patient(simulated: list[bytes], tmp_path: Path) -> None:
    expected: dict[str, set[str]] = {}
    with SqliteInbox(tmp_path / "inbox.db") as inbox:
        for raw in simulated[:120]:
            made = read(raw)
            if made is None:
                continue
            inbox.take(raw, made)
            for item in made.items:
                if item.section == "labs":
                    expected.setdefault(item.patient, set()).add(item.entry["id"])
        assert len(expected) > 10
        for patient, ids in expected.items():
            record = inbox.record_of(patient)
            Request.load({"at": AT, "record": record})
            assert {e["id"] for e in record["labs"]} == ids


# -- cut off, garbled ------------------------------------------------------------------------------


def check_cut(raw: bytes, whole: Message, size: int) -> bool:
    """A beginning of a message is refused, or what is taken of it is what the whole message says."""
    made = read(raw[:size])
    if made is None:
        return False
    assert made.header == whole.header
    assert made.merges in ((), whole.merges)
    said = {(i.patient, i.section, i.entry.get("id")): i.entry for i in whole.items}
    for item in made.items:
        if item.section != "unread":
            entry = said[item.patient, item.section, item.entry.get("id")]
            assert all(entry[name] == value for name, value in item.entry.items()), raw[:size][-120:]
    return True


def cut_everywhere(messages: list[bytes], chance: random.Random) -> tuple[int, int]:
    taken = refused = 0
    for raw in messages:
        whole = read(raw)
        if whole is None:
            continue
        for size in chance.sample(range(len(raw.rstrip(b"\r\n"))), CUTS):
            if check_cut(raw, whole, size):
                taken += 1
            else:
                refused += 1
    return taken, refused


def test_a_message_cut_off_anywhere_is_refused_or_says_nothing_wrong(
    simulated: list[bytes], others: list[bytes]
) -> None:
    chance = random.Random(20260302)
    taken, refused = cut_everywhere([*chance.sample(simulated, 40), *others], chance)
    assert refused > taken > 0


@pytest.mark.longer
def test_every_message_cut_off_anywhere_is_refused_or_says_nothing_wrong(
    simulated: list[bytes], others: list[bytes]
) -> None:
    taken, refused = cut_everywhere([*simulated, *others], random.Random(1))
    print(f"{taken + refused} cuts: {refused} refused, {taken} taken with nothing wrong")
    assert refused > taken > 0


def test_a_result_of_which_the_end_is_cut_off_is_never_taken(simulated: list[bytes]) -> None:
    raw = next(m for m in simulated if neutrophils(m))
    place = raw.index(b"^Neutrophils^")
    end = raw.index(b"\r", place)
    status = raw.index(b"|||F|", place) + len(b"|||F")
    whole = read(raw)
    assert whole is not None
    for size in range(place, end):
        made = read(raw[:size])
        counts = [e for e in all_labs(made) if e["codes"][0]["code"] == "tt-0002-09"] if made else []
        assert made is None or size >= status
        assert all(repr(e) in map(repr, all_labs(whole)) for e in counts)


def garbled(raw: bytes, chance: random.Random) -> bytes:
    changed = bytearray(raw)
    for _ in range(chance.randint(1, 12)):
        where = chance.randrange(len(changed))
        changed[where : where + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
    return bytes(changed)


def test_garbled_messages_never_crash_the_reader(simulated: list[bytes], others: list[bytes]) -> None:
    chance = random.Random(7)
    for raw in [*chance.sample(simulated, 60), *others]:
        for _ in range(10):
            read(garbled(raw, chance))


# -- local codes -----------------------------------------------------------------------------------


def test_a_table_of_local_codes(tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    file.write_text(
        "system,code,to_system,to_code\nWinPath,tt-0002-09,LN,751-8\n\nLN,x, http://loinc.org ,26499-4\n",
        "utf-8",
    )
    assert read_local_codes(file) == {
        ("WinPath", "tt-0002-09"): {"system": "http://loinc.org", "code": "751-8"},
        ("http://loinc.org", "x"): {"system": "http://loinc.org", "code": "26499-4"},
    }
    file.write_text("system,code,to_system,to_code\na,b,LN,1\na,b,LN,2\na,b\n", "utf-8")
    with pytest.raises(OncogateError) as found:
        read_local_codes(file)
    assert [d.line for d in found.value.diagnostics] == [3, 4]
    for text in ("", "a,b\n"):
        file.write_text(text, "utf-8")
        with pytest.raises(OncogateError, match="the first line"):
            read_local_codes(file)
    with pytest.raises(OncogateError, match="can't be read"):
        read_local_codes(tmp_path / "absent.csv")


def test_files_in_frames_and_batches() -> None:
    one, two = b"MSH|^~\\&|a\rPID|1\r", b"MSH|^~\\&|b\rPID|2\r"
    assert split_messages(b"\x0b" + one + b"\x1c\r\x0b" + two + b"\x1c\r") == [one, two]
    assert split_messages(b"FHS|^~\\&\rBHS|^~\\&\r" + one + two + b"BTS|2\rFTS|1\r") == [one, two]
    assert split_messages(one + b"\n\n" + two.rstrip()) == [one, two.rstrip()]
    assert split_messages(b"") == []
