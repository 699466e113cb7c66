"""The inbox: what was acknowledged is there, corrections are judged as they were recorded, and the gate sees it."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from hl7 import MSH, OBR, PID, adt, anc, at, oru, written
from hypothesis import given, settings
from hypothesis import strategies as st

from oncogate.adapters.hl7v2 import InboxError, Reader, SqliteInbox, read_message, with_received
from oncogate.gate import Gate
from oncogate.model.decision import Decision
from oncogate.model.request import Request

AT = "2026-03-02T12:00:00+08:00"
ARRIVED = datetime(2026, 3, 2, 3, tzinfo=timezone.utc)


@lru_cache
def gate() -> Gate:
    return Gate.load([ROOT / "rules" / "core"])


@pytest.fixture
def inbox(tmp_path: Path) -> Any:
    with SqliteInbox(tmp_path / "inbox.db", clock=lambda: ARRIVED) as made:
        yield made


def take(inbox: SqliteInbox, *messages: bytes, reader: Reader | None = None) -> None:
    for message in messages:
        assert inbox.take(message, (reader or Reader()).read(message))


def judged(inbox: SqliteInbox, patient: str = "p-1", at: str = AT) -> Decision:
    return gate().decide(Request.load({"at": at, "record": inbox.record_of(patient)}))


def critical(inbox: SqliteInbox, **more: Any) -> list[tuple[str, str, str | None]]:
    return [(c.rule, str(c.value), c.entry) for c in judged(inbox, **more).critical_values]


LOW = ("core/anc-critical", "0.8")


# -- kept, once ------------------------------------------------------------------------------------


def test_a_low_count_that_arrives_is_a_critical_value(inbox: SqliteInbox) -> None:
    take(inbox, adt("A01", "PV1|1|I|肿瘤内科^12^1", "DG1|1||C34.1^肺癌^I10"), oru(anc("0.8")))
    assert critical(inbox) == [(*LOW, "LIS|M1/OBX[1]")]
    record = inbox.record_of("p-1")
    assert record["patient"] == {"id": "p-1", "birth_date": "1965-01-01", "sex": "male", "ward": "肿瘤内科"}
    assert record["diagnoses"][0]["codes"][0]["code"] == "C34.1"


def test_a_patient_of_whom_nothing_was_received_has_no_sections(inbox: SqliteInbox) -> None:
    take(inbox, oru(anc("0.8")))
    assert inbox.record_of("p-2") == {"patient": {"id": "p-2"}}


def test_a_message_sent_again_is_taken_once(inbox: SqliteInbox) -> None:
    message = oru(anc("0.8"))
    assert inbox.take(message, read_message(message))
    assert not inbox.take(message, read_message(message))
    assert len(inbox.record_of("p-1")["labs"]) == 1


def test_a_control_id_that_comes_back_with_other_content_is_another_message(inbox: SqliteInbox) -> None:
    take(inbox, oru(anc("2.8")), oru(anc("0.8"), obr=OBR.replace("F1", "F2")))
    assert [e["value"]["value"] for e in inbox.record_of("p-1")["labs"]] == [Decimal("2.8"), Decimal("0.8")]


def test_what_was_taken_outlives_a_process_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    code = (
        "import os, sys; sys.path.insert(0, 'tests')\n"
        "from hl7 import anc, oru\n"
        "from oncogate.adapters.hl7v2 import SqliteInbox, read_message\n"
        f"inbox = SqliteInbox({str(path)!r})\n"
        "for n in range(5):\n"
        "    message = oru(anc('0.8'), id=f'K{n}', obr=f'OBR|1|P{n}|F{n}|1^x^L')\n"
        "    inbox.take(message, read_message(message))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert killed.returncode == -9, killed.stderr
    with SqliteInbox(path) as inbox:
        assert len(inbox.record_of("p-1")["labs"]) == 5


def test_several_threads_and_inboxes_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    messages = [oru(anc("0.8"), id=f"T{n}", obr=f"OBR|1|P{n}|F{n}|1^x^L") for n in range(40)]
    with SqliteInbox(path) as one, SqliteInbox(path) as other:

        def work(n: int) -> None:
            for message in messages[n::4]:
                (one, other)[n % 2].take(message, read_message(message))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(one.record_of("p-1")["labs"]) == 40


def test_a_message_is_kept_whole_or_not_at_all(inbox: SqliteInbox) -> None:
    inbox._connection.execute(
        "CREATE TRIGGER full BEFORE INSERT ON items WHEN NEW.position = 2 BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    )
    message = oru(anc("0.8"), anc("0.9", n=2))
    with pytest.raises(InboxError, match="disk full"):
        inbox.take(message, read_message(message))
    assert inbox.record_of("p-1") == {"patient": {"id": "p-1"}}
    inbox._connection.execute("DROP TRIGGER full")
    assert inbox.take(message, read_message(message))


def test_a_file_that_is_no_inbox_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, and long enough to be told from an empty one" * 20)
    with pytest.raises(InboxError, match="inbox-failed"):
        SqliteInbox(tmp_path / "text")
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE theirs (x)")
    other.commit()
    other.close()
    before = (tmp_path / "other.db").read_bytes()
    with pytest.raises(InboxError, match="inbox-unusable"):
        SqliteInbox(tmp_path / "other.db")
    assert (tmp_path / "other.db").read_bytes() == before
    with pytest.raises(InboxError, match="inbox-failed"):
        SqliteInbox(tmp_path / "no" / "folder" / "inbox.db")


@pytest.mark.skipif(os.name != "posix", reason="other systems have other rights")
def test_its_owner_alone_may_read_it(tmp_path: Path) -> None:
    with SqliteInbox(tmp_path / "inbox.db") as inbox:
        take(inbox, oru(anc("0.8")))
        assert {f.stat().st_mode & 0o777 for f in tmp_path.glob("inbox.db*")} == {0o600}


def test_a_gate_that_asks_doesnt_wait_for_a_message_that_is_kept(inbox: SqliteInbox) -> None:
    take(inbox, oru(anc("0.8")))
    with inbox._transaction():
        assert len(inbox.record_of("p-1")["labs"]) == 1


# -- corrections, as the engine sees them ----------------------------------------------------------


def test_a_correction_replaces_what_it_corrects(inbox: SqliteInbox) -> None:
    take(inbox, at(1, oru(anc("0.8"), id="1")))
    assert [c[:2] for c in critical(inbox)] == [LOW]
    take(inbox, at(2, oru(anc("2.8", "C"), id="2")))
    assert critical(inbox) == []
    take(inbox, at(3, oru(anc("0.4", "C"), id="3")))
    assert critical(inbox) == [("core/anc-critical", "0.4", "LIS|3/OBX[1]")]


@pytest.mark.parametrize("status", ["W", "D", "X"])
@pytest.mark.parametrize("value", ["0.8", ""])
def test_a_result_taken_back_counts_no_more(inbox: SqliteInbox, status: str, value: str) -> None:
    take(inbox, at(1, oru(anc("0.8"), id="1")), at(2, oru(anc(value, status), id="2")))
    assert critical(inbox) == []
    take(inbox, at(3, oru(anc("0.8"), id="3")))
    assert [c[:2] for c in critical(inbox)] == [LOW], "released again"


@pytest.mark.parametrize("status", ["C", "W"])
def test_a_correction_in_the_same_second_is_the_later_one(inbox: SqliteInbox, status: str) -> None:
    take(inbox, oru(anc("0.8"), id="1"), oru(anc("2.8", status), id="2"))
    assert critical(inbox) == []


def test_a_correction_that_arrives_first_still_corrects(inbox: SqliteInbox) -> None:
    take(inbox, at(2, oru(anc("2.8", "C"), id="2")), at(1, oru(anc("0.8"), id="1")))
    assert critical(inbox) == []


def test_a_correction_of_another_result_leaves_this_one(inbox: SqliteInbox) -> None:
    other = OBR.replace("F1", "F2")
    take(inbox, at(1, oru(anc("0.8"), id="1")), at(2, oru(anc("2.8", "W"), id="2", obr=other)))
    platelets = anc("90", "C", n=2).replace("751-8", "777-3")
    take(inbox, at(3, oru(platelets, id="3")))
    assert [c[:2] for c in critical(inbox)] == [LOW]


def test_a_result_declared_final_has_the_value_sent_before(inbox: SqliteInbox) -> None:
    take(inbox, at(1, oru(anc("0.8", "P"), id="1")))
    assert critical(inbox) == []
    take(inbox, at(2, oru(anc("", "U"), id="2")))
    assert critical(inbox) == [(*LOW, "LIS|2/OBX[1]")]


def test_a_result_declared_final_that_was_never_sent_is_unread(inbox: SqliteInbox) -> None:
    take(
        inbox,
        oru(anc("", "U"), anc("", "U", n=2).replace("751-8", "777-3"), obr="OBR|1|||1^x^L"),
        oru(anc("", "U"), id="2"),
    )
    assert sorted(m["codes"][0]["code"] for m in inbox.record_of("p-1")["unread"]) == [
        "751-8",
        "751-8",
        "777-3",
    ]


def test_a_result_declared_final_is_unread_until_it_is_sent(inbox: SqliteInbox) -> None:
    take(inbox, oru(anc("", "U")))
    (mark,) = inbox.record_of("p-1")["unread"]
    assert mark["codes"][0]["code"] == "751-8"
    assert "labs" not in inbox.record_of("p-1")


def test_the_record_as_it_was_known_at_a_moment(inbox: SqliteInbox) -> None:
    take(inbox, at(1, oru(anc("0.8"), id="1")), at(30, oru(anc("2.8", "C"), id="2")))
    then = datetime.fromisoformat("2026-03-02T10:00:15+08:00")
    assert [e["status"] for e in inbox.record_of("p-1", then)["labs"]] == ["final"]
    assert len(critical(inbox, at=then.isoformat())) == 1, "the engine knows, too, what was recorded when"


def test_a_senders_clock_that_is_ahead_hides_nothing(tmp_path: Path) -> None:
    arrived = datetime.fromisoformat("2026-03-02T09:00:00+08:00")
    with SqliteInbox(tmp_path / "inbox.db", clock=lambda: arrived) as inbox:
        take(inbox, oru(anc("0.8")))
        assert len(critical(inbox, at="2026-03-02T09:00:01+08:00")) == 1


@given(st.lists(st.sampled_from(["P", "F", "C", "W", "X", "I", "U"]), min_size=1, max_size=6), st.randoms())
@settings(max_examples=60, deadline=None)
def test_of_a_results_versions_the_last_final_one_counts(letters: list[str], chance: random.Random) -> None:
    """Told as a story: F and C say a value, W and X take it back, U makes the one before final, P and I say nothing yet."""
    messages, expected, before = [], None, None
    for n, letter in enumerate(letters):
        value = "" if letter in "UI" else f"0.{n + 1}"
        messages.append(at(n, oru(anc(value, letter), id=str(n))))
        if letter in "FC":
            # a final result after another is no correction: they contradict each other unless one corrects
            if letter == "F" and expected is not None:
                return
            expected = before = value
        elif letter in "WX":
            expected = before = None
        elif letter == "P":
            before = value
        elif letter == "U":
            if expected is not None or before is None:
                return
            expected = before
    chance.shuffle(messages)
    with (
        tempfile.TemporaryDirectory() as folder,
        SqliteInbox(Path(folder) / "inbox.db", clock=lambda: ARRIVED) as inbox,
    ):
        take(inbox, *messages)
        assert [c[1] for c in critical(inbox)] == ([expected] if expected else [])


def test_a_result_taken_back_and_then_declared_final_is_unread(inbox: SqliteInbox) -> None:
    take(
        inbox,
        at(1, oru(anc("0.8", "P"), id="1")),
        at(2, oru(anc("0.7", "W"), id="2")),
        at(3, oru(anc("", "U"), id="3")),
    )
    assert critical(inbox) == []
    assert len(inbox.record_of("p-1")["unread"]) == 1


# -- unread ----------------------------------------------------------------------------------------


BARE = MSH.replace("+0800", "")
NAIVE = anc("0.8").replace("+0800", "")


def test_an_unread_result_makes_the_rule_unknown_until_it_is_known(inbox: SqliteInbox) -> None:
    take(inbox, oru(NAIVE, header=BARE))
    assert "labs" not in inbox.record_of("p-1")
    assert len(inbox.record_of("p-1")["unread"]) == 1
    take(inbox, at(2, oru(anc("2.8", "C"), id="2")))
    assert "unread" not in inbox.record_of("p-1"), "it was sent again, readable"


def test_a_newer_result_of_the_code_settles_what_an_unread_one_may_hide(inbox: SqliteInbox) -> None:
    bad = anc("0.8").replace("|20260302080000+0800", "|2026")
    take(inbox, oru(bad))
    older = anc("2.8").replace("20260302080000", "20260302090000")
    take(inbox, oru(older, id="2", obr=OBR.replace("F1", "F2")))
    assert len(inbox.record_of("p-1")["unread"]) == 1, "it may be from after that"
    newer = anc("2.8").replace("20260302080000", "20260302110000")
    take(inbox, oru(newer, id="3", obr=OBR.replace("F1", "F3")))
    assert "unread" not in inbox.record_of("p-1")


def test_messages_can_be_read_again_with_another_zone(inbox: SqliteInbox) -> None:
    take(inbox, oru(NAIVE, obr="OBR|1|P1|F1|57021-8^CBC^LN", header=BARE))
    assert critical(inbox) == []
    assert inbox.reread(Reader("Asia/Shanghai")) == 1
    assert [c[:2] for c in critical(inbox)] == [LOW]
    assert "unread" not in inbox.record_of("p-1")


# -- merges, orders, history -----------------------------------------------------------------------


@pytest.mark.parametrize("trigger", ["A18", "A34", "A40"])
def test_a_merged_patients_results_are_the_patients(inbox: SqliteInbox, trigger: str) -> None:
    old = PID.replace("p-1", "p-0")
    take(inbox, written(old, OBR, anc("0.8"), id="1"), adt(trigger, "MRG|p-0^^^H^MR", id="2"))
    take(inbox, oru(anc("90").replace("751-8", "777-3"), id="3"))
    for patient in ("p-0", "p-1"):
        assert [c[:2] for c in critical(inbox, patient=patient)] == [LOW]
        assert len(inbox.record_of(patient)["labs"]) == 2
    assert inbox.record_of("p-2") == {"patient": {"id": "p-2"}}


def test_merges_follow_one_another(inbox: SqliteInbox) -> None:
    take(inbox, written(PID.replace("p-1", "a"), OBR, anc("0.8"), id="1"))
    take(
        inbox,
        adt("A40", "MRG|a", id="2", pid=PID.replace("p-1", "b")),
        adt("A40", "MRG|b", id="3", pid=PID.replace("p-1", "c")),
    )
    take(inbox, adt("A40", "MRG|c", id="4", pid=PID.replace("p-1", "a")))
    assert [c[:2] for c in critical(inbox, patient="c")] == [LOW]


def order(control: str, *rest: str, id: str, second: int) -> bytes:
    return at(second, written(PID, f"ORC|{control}|P7", *rest, type="ORM^O01", id=id))


def test_an_orders_last_state_stands(inbox: SqliteInbox) -> None:
    take(inbox, order("NW", "RXO|^长效升白针|6||mg", id="1", second=1), order("HD", id="2", second=2))
    (one,) = inbox.record_of("p-1")["orders"]
    assert one["effective"] == "2026-03-02T10:00:01+08:00", "it was ordered when it was first told of"
    assert (one["status"], one["drugs"][0]["name"], one["id"]) == ("on-hold", "长效升白针", "LIS|2/ORC[1]")
    take(inbox, order("DC", id="3", second=3))
    assert [o["status"] for o in inbox.record_of("p-1")["orders"]] == ["cancelled"]
    then = datetime.fromisoformat("2026-03-02T10:00:01+08:00")
    assert [o["status"] for o in inbox.record_of("p-1", then)["orders"]] == ["active"]


def test_an_order_of_which_the_drug_is_told_later_is_one_order(inbox: SqliteInbox) -> None:
    take(inbox, order("NW", id="1", second=1), order("XO", "RXO|^长效升白针", id="2", second=2))
    assert [o["drugs"][0]["name"] for o in inbox.record_of("p-1")["orders"]] == ["长效升白针"]


def test_history_said_again_is_there_once(inbox: SqliteInbox) -> None:
    said = ("DG1|1||C34.1^肺癌^I10", "AL1|1|DA|^青霉素")
    take(inbox, at(1, adt("A01", *said, id="1")), at(2, adt("A08", *said, id="2")))
    record = inbox.record_of("p-1")
    assert [len(record[s]) for s in ("diagnoses", "allergies")] == [1, 1]
    assert record["diagnoses"][0]["recorded"] == "2026-03-02T10:00:01+08:00", "known since then"
    take(inbox, at(3, adt("A08", "DG1|1||C34.1^肺癌^I10||||||||||||||||||D", id="3")))
    assert inbox.record_of("p-1")["diagnoses"][0]["status"] == "entered-in-error"


def test_the_ward_follows_the_patient(inbox: SqliteInbox) -> None:
    def ward() -> str | None:
        found: str | None = inbox.record_of("p-1")["patient"].get("ward")
        return found

    take(inbox, at(1, adt("A01", "PV1|1|I|ONC", id="1")), at(2, oru(anc("2"), id="2")))
    assert ward() == "ONC"
    take(inbox, at(3, adt("A02", "PV1|1|I|ICU", id="3")))
    assert ward() == "ICU"
    take(inbox, at(4, adt("A03", "PV1|1|I|ICU", id="4")))
    assert ward() is None


def test_an_admission_that_arrives_after_the_discharge_is_the_earlier(inbox: SqliteInbox) -> None:
    take(inbox, at(4, adt("A03", "PV1|1|I|ICU", id="4")), at(1, adt("A01", "PV1|1|I|ONC", id="1")))
    assert "ward" not in inbox.record_of("p-1")["patient"]


# -- beside what the host sends --------------------------------------------------------------------


def test_what_was_received_is_added_to_a_request(inbox: SqliteInbox) -> None:
    take(inbox, oru(anc("0.8")))
    own = {"id": "own", "codes": [], "text": "x", "status": "final", "effective": "2026-03-01"}
    request = {
        "at": AT,
        "record": {"patient": {"id": "p-1", "sex": "female"}, "labs": [own], "allergies": []},
    }
    made = with_received(request, inbox)
    assert [e["id"] for e in made["record"]["labs"]] == ["own", "LIS|M1/OBX[1]"]
    assert made["record"]["patient"] == {"id": "p-1", "sex": "female", "birth_date": "1965-01-01"}
    assert made["record"]["allergies"] == []
    assert gate().decide(Request.load(made)).critical_values
    assert request["record"]["labs"] == [own], "what the host sent is left as it was"
    assert with_received({"at": AT}, inbox) == {"at": AT}


def test_old_results_are_too_old(inbox: SqliteInbox) -> None:
    take(inbox, oru(anc("0.8")))
    later = (datetime.fromisoformat(AT) + timedelta(days=30)).isoformat()
    assert critical(inbox, at=later) == []
