"""The MLLP listener over real sockets: acknowledged is kept, refused is told why, and nothing that is sent stops it."""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from hl7 import MSH, OBR, PID, adt, anc, oru, written
from test_hl7_files import garbled
from test_hl7_files import simulated as simulated  # noqa: PLC0414 - a fixture

from oncogate.adapters.hl7v2 import Inbox, Message, Reader, Refused, SqliteInbox, read_message
from oncogate.server.mllp import Limits, MllpServer, mllp_server

VT, END = b"\x0b", b"\x1c\r"


def framed(*messages: bytes) -> bytes:
    return b"".join(VT + m + END for m in messages)


class Client:
    """A sender: sends bytes, and reads acknowledgements."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    async def answer(self) -> bytes:
        found = await asyncio.wait_for(self.reader.readuntil(END), 10)
        assert found.startswith(VT)
        return found[1:-2]

    async def ask(self, message: bytes) -> bytes:
        await self.send(framed(message))
        return await self.answer()

    async def ended(self) -> bool:
        return await asyncio.wait_for(self.reader.read(), 10) == b""


@contextlib.asynccontextmanager
async def client(server: MllpServer) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def msa(answer: bytes) -> list[str]:
    return next(line for line in answer.decode().split("\r") if line.startswith("MSA")).split("|")[1:3]


def with_server(
    work: Callable[[MllpServer], Awaitable[None]],
    inbox: Inbox,
    read: Callable[[bytes], Message] = read_message,
    **more: Any,
) -> None:
    async def run() -> None:
        async with mllp_server("127.0.0.1", 0, inbox, read, Limits(**more)) as server:
            await work(server)

    asyncio.run(run())


@pytest.fixture
def inbox(tmp_path: Path) -> Any:
    with SqliteInbox(tmp_path / "inbox.db") as made:
        yield made


def values(inbox: SqliteInbox, patient: str = "p-1") -> list[str]:
    return [str(e["value"]["value"]) for e in inbox.record_of(patient).get("labs", [])]


def result(n: int, value: str = "0.8") -> bytes:
    return oru(anc(value), id=f"M{n}", obr=OBR.replace("F1", f"F{n}"))


class Failing:
    """An inbox whose disk is full until it is mended."""

    def __init__(self, inbox: SqliteInbox) -> None:
        self.inbox, self.broken = inbox, True

    def take(self, raw: bytes, message: Message) -> bool:
        if self.broken:
            raise OSError(28, "No space left on device")
        return self.inbox.take(raw, message)

    def record_of(self, patient: str, at: Any = None) -> dict[str, Any]:
        return self.inbox.record_of(patient, at)


# -- acknowledgements ------------------------------------------------------------------------------


def test_a_message_is_acknowledged_and_kept(inbox: SqliteInbox) -> None:
    async def work(server: MllpServer) -> None:
        async with client(server) as sender:
            answer = await sender.ask(result(1))
            assert values(inbox) == ["0.8"]
            lines = answer.decode().split("\r")
            assert lines[0].startswith("MSH|^~\\&|HIS|ONC|LIS|LAB|2")
            assert lines[0].split("|")[8:12] == ["ACK^R01^ACK", "ACKM1", "P", "2.5.1"]
            assert lines[1:] == ["MSA|AA|M1", ""]
        assert server.answers == {"AA": 1}

    with_server(work, inbox)


def test_what_of_it_couldnt_be_read_is_told(inbox: SqliteInbox) -> None:
    async def work(server: MllpServer) -> None:
        async with client(server) as sender:
            answer = await sender.ask(oru(anc(), anc(n=2).replace("|20260302080000+0800", "|2026")))
            assert msa(answer) == ["AA", "M1"]
            (error,) = [line for line in answer.decode().split("\r") if line.startswith("ERR")]
            assert error.split("|")[2:5] == ["OBX^2^14", "102^Data type error^HL70357", "W"]

    with_server(work, inbox)


@pytest.mark.parametrize(
    ("old", "new", "answered", "error"),
    [
        (b"ORU^R01^ORU_R01", b"SIU^S12", "AR", "ERR||MSH^1^9|200^Unsupported message type^HL70357|E"),
        (b"ORU^R01^ORU_R01", b"ORU^R99", "AR", "ERR||MSH^1^9|201^Unsupported event code^HL70357|E"),
        (b"|P|2.5.1", b"|X|2.5.1", "AR", "ERR||MSH^1^11|202^Unsupported processing id^HL70357|E"),
        (b"|P|2.5.1", b"|P|3.1", "AR", "ERR||MSH^1^12|203^Unsupported version id^HL70357|E"),
        (b"p-1^^^H^MR", b"", "AE", "ERR||PID^1^3|101^Required field missing^HL70357|E"),
        (b"|P|2.5.1", b"|P|2.3", "AA", ""),
        (PID.encode(), b"PV1|", "AE", "ERR||PID^1|101^Required field missing^HL70357|E"),
    ],
)  # fmt: skip
def test_what_isnt_taken_over_is_refused_with_where_and_why(
    inbox: SqliteInbox, old: bytes, new: bytes, answered: str, error: str
) -> None:
    async def work(server: MllpServer) -> None:
        async with client(server) as sender:
            answer = await sender.ask(oru(anc()).replace(old, new))
            assert msa(answer) == [answered, "M1"]
            assert error in answer.decode()
            assert values(inbox) == (["0.8"] if answered == "AA" else [])

    with_server(work, inbox)


def test_a_refusal_reaches_the_sender_however_long_its_name_is(inbox: SqliteInbox) -> None:
    async def work(server: MllpServer) -> None:
        async with client(server) as sender:
            message = oru(anc(), header=MSH.replace("LIS", "L" * 5000)).replace(b"p-1^^^H^MR", b"")
            assert msa(await sender.ask(message)) == ["AE", "M1"]

    with_server(work, inbox)


def test_the_error_of_an_old_version_is_in_its_form(inbox: SqliteInbox) -> None:
    async def work(server: MllpServer) -> None:
        async with client(server) as sender:
            answer = await sender.ask(oru(anc()).replace(b"p-1^^^H^MR", b"").replace(b"|2.5.1", b"|2.3"))
            assert answer.decode().split("\r")[1:3] == [
                "MSA|AE|M1|PID[1]-3: the patient's identifier is missing",
                "ERR|PID^1^3^101&Required field missing&HL70357",
            ]

    with_server(work, inbox)


def test_the_answer_is_in_the_senders_separators_and_encoding(inbox: SqliteInbox) -> None:
    message = "MSH#:*!%#检验科:1.2:ISO#LAB#HIS#ONC#20260302100000+0800##ORU:R01#编号7#P#2.5######GB 18030-2000\rPID#1\rOBR#1#P1#F1#1\r".encode(
        "gb18030"
    )

    async def work(server: MllpServer) -> None:
        async with client(server) as sender:
            answer = (await sender.ask(message)).decode("gb18030")
            assert answer.startswith("MSH#:*!%#HIS#ONC#检验科:1.2:ISO#LAB#2")
            assert "#GB 18030-2000\rMSA#AE#编号7#" in answer
            assert "ERR##PID:1:3#101:Required field missing:HL70357#E" in answer

    with_server(work, inbox)


def test_a_message_sent_again_is_acknowledged_and_kept_once(inbox: SqliteInbox) -> None:
    async def work(server: MllpServer) -> None:
        async with client(server) as sender:
            for _ in range(3):
                assert msa(await sender.ask(result(1))) == ["AA", "M1"]
        async with client(server) as other:
            assert msa(await other.ask(result(1))) == ["AA", "M1"]
        assert values(inbox) == ["0.8"]

    with_server(work, inbox)


def test_without_a_disk_nothing_is_acknowledged(inbox: SqliteInbox) -> None:
    failing = Failing(inbox)

    async def work(server: MllpServer) -> None:
        async with client(server) as sender:
            assert msa(await sender.ask(result(1))) == ["AE", "M1"]
            failing.broken = False
            assert msa(await sender.ask(result(1))) == ["AA", "M1"]
        assert server.answers == {"AE": 1, "AA": 1}

    with_server(work, failing)
    assert values(inbox) == ["0.8"]


def test_a_full_disk_loses_nothing_that_was_acknowledged(inbox: SqliteInbox) -> None:
    (pages,) = inbox._connection.execute("PRAGMA page_count").fetchone()
    inbox._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    said: list[str] = []

    async def work(server: MllpServer) -> None:
        async with client(server) as sender:
            for n in range(100):
                said.append(msa(await sender.ask(result(n)))[0])
                if said[-1] == "AE":
                    break
            assert len(values(inbox)) == said.count("AA") > 0
            inbox._connection.execute("PRAGMA max_page_count = 100000")
            assert msa(await sender.ask(result(len(said) - 1)))[0] == "AA"

    with_server(work, inbox)
    assert said[-1] == "AE"
    assert len(values(inbox)) == len(said)


SERVING = """
import asyncio, sys
from oncogate.adapters.hl7v2 import SqliteInbox
from oncogate.server.mllp import mllp_server

async def serve():
    with SqliteInbox(sys.argv[1]) as inbox:
        async with mllp_server("127.0.0.1", 0, inbox) as server:
            print(server.port, flush=True)
            await asyncio.sleep(60)

asyncio.run(serve())
"""


def test_a_listener_that_is_killed_has_kept_what_it_acknowledged(tmp_path: Path) -> None:
    file = tmp_path / "inbox.db"
    serving = subprocess.Popen(
        [sys.executable, "-c", SERVING, str(file)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert serving.stdout is not None
    acknowledged: list[int] = []

    async def work(port: int) -> None:
        async def one(k: int) -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            sender = Client(reader, writer)
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                for n in range(1000):
                    if msa(await sender.ask(result(1000 * k + n))) == ["AA", f"M{1000 * k + n}"]:
                        acknowledged.append(1000 * k + n)
                    if len(acknowledged) == 60:
                        serving.kill()
            writer.close()

        await asyncio.gather(*(one(k) for k in range(5)))

    try:
        asyncio.run(work(int(serving.stdout.readline())))
    finally:
        serving.kill()
        serving.wait()
        serving.stdout.close()
    with SqliteInbox(file) as inbox:
        kept = {e["key"] for e in inbox.record_of("p-1")["labs"]}
    assert len(acknowledged) >= 60
    assert {f"F{n}/751-8" for n in acknowledged} <= kept
    assert len(kept) <= len(acknowledged) + 5, "no more than what was on its way"


def test_a_closed_inbox_is_no_reason_to_fall_over(inbox: SqliteInbox) -> None:
    async def work(server: MllpServer) -> None:
        async with client(server) as sender:
            inbox.close()
            assert msa(await sender.ask(result(1))) == ["AE", "M1"]

    with_server(work, inbox)


def test_a_reader_that_fails_is_no_reason_to_fall_over(inbox: SqliteInbox) -> None:
    def read(raw: bytes) -> Message:
        raise RuntimeError("a fault")

    async def work(server: MllpServer) -> None:
        async with client(server) as sender:
            assert msa(await sender.ask(result(1))) == ["AE", "M1"]
            assert msa(await sender.ask(result(2))) == ["AE", "M2"]

    with_server(work, inbox, read)


# -- the stream ------------------------------------------------------------------------------------


def test_the_log_names_neither_patients_nor_results(
    inbox: SqliteInbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "oncogate")

    async def work(server: MllpServer) -> None:
        async with client(server) as sender:
            await sender.ask(oru(anc("0.83"), anc("0.84", n=2).replace("|20260302080000+0800", "|2026")))
            await sender.ask(adt("A01", id="A9", pid=PID.replace("19650101", "19651301")))
            await sender.ask(oru(anc("0.85")).replace(b"|2.5.1", b"|3"))

    with_server(work, inbox)
    assert "LIS|M1: taken over" in caplog.text
    assert "OBX[2]-14" in caplog.text
    for secret in ("p-1", "张", "三", "0.83", "0.84", "0.85", "19651301"):
        assert secret not in caplog.text


def test_messages_one_after_the_other_without_waiting(inbox: SqliteInbox) -> None:
    async def work(server: MllpServer) -> None:
        async with client(server) as sender:
            await sender.send(framed(*(result(n) for n in range(20))))
            assert [msa(await sender.answer())[1] for _ in range(20)] == [f"M{n}" for n in range(20)]
        assert len(values(inbox)) == 20

    with_server(work, inbox)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_messages_in_pieces(inbox: SqliteInbox, size: int) -> None:
    async def work(server: MllpServer) -> None:
        raw = framed(result(1), result(2))
        async with client(server) as sender:
            for start in range(0, len(raw), size):
                await sender.send(raw[start : start + size])
                await asyncio.sleep(0)
            assert [msa(await sender.answer()) for _ in range(2)] == [["AA", "M1"], ["AA", "M2"]]

    with_server(work, inbox)


def test_what_stands_between_messages_is_passed_over(
    inbox: SqliteInbox, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(server: MllpServer) -> None:
        async with client(server) as sender:
            await sender.send(
                b"garbage\x1c\r\n\n" + result(9) + framed(result(1)) + b"\r\n\x1c" + VT + result(2) + b"\x1c"
            )
            assert [msa(await sender.answer()) for _ in range(2)] == [["AA", "M1"], ["AA", "M2"]]
        assert len(values(inbox)) == 2

    with_server(work, inbox)
    assert "bytes outside of messages" in caplog.text


def test_a_message_given_up_for_another_isnt_taken(inbox: SqliteInbox) -> None:
    async def work(server: MllpServer) -> None:
        async with client(server) as sender:
            await sender.send(VT + result(1)[:-20] + framed(result(2)))
            assert msa(await sender.answer()) == ["AA", "M2"]
        assert len(values(inbox)) == 1

    with_server(work, inbox)


def test_a_connection_that_breaks_in_the_middle_of_a_message_leaves_nothing(inbox: SqliteInbox) -> None:
    async def work(server: MllpServer) -> None:
        raw = framed(result(1))
        for size in (1, 30, len(raw) // 2, len(raw) - 2):
            async with client(server) as sender:
                await sender.send(raw[:size])
                sender.writer.transport.abort()
        async with client(server) as sender:
            assert msa(await sender.ask(result(2))) == ["AA", "M2"]
        assert values(inbox) == ["0.8"]

    with_server(work, inbox)


@pytest.mark.parametrize("size", [2_000, 200_000])
def test_a_message_that_is_too_large_is_refused_and_the_next_is_taken(inbox: SqliteInbox, size: int) -> None:
    async def work(server: MllpServer) -> None:
        async with client(server) as sender:
            answer = await sender.ask(oru(anc(), "NTE|1||" + "x" * size))
            assert msa(answer) == ["AE", "M1"]
            assert b"larger than 1000 bytes" in answer
            assert msa(await sender.ask(result(2))) == ["AA", "M2"]
        assert len(values(inbox)) == 1

    with_server(work, inbox, size=1000)


def test_silent_and_slow_senders_are_let_go(inbox: SqliteInbox) -> None:
    async def work(server: MllpServer) -> None:
        async with client(server) as silent, client(server) as slow:
            await slow.send(VT + result(1)[:50])
            assert await silent.ended()
            assert await slow.ended()
        async with client(server) as sender:
            assert msa(await sender.ask(result(2))) == ["AA", "M2"]

    with_server(work, inbox, idle=0.2, message=0.2)


def test_a_sender_that_doesnt_read_its_answers_is_let_go_and_holds_nothing_up(inbox: SqliteInbox) -> None:
    big = MSH.replace("LIS", "L" * 200_000)

    async def run() -> None:
        async with contextlib.AsyncExitStack() as stack:
            server = await stack.enter_async_context(
                mllp_server("127.0.0.1", 0, inbox, limits=Limits(message=0.3))
            )
            async with client(server) as deaf:
                for n in range(60):
                    deaf.writer.write(framed(oru(anc(), id=str(n), header=big)))
                async with client(server) as sender:
                    assert msa(await sender.ask(result(2))) == ["AA", "M2"]
                while server._connections:
                    await asyncio.sleep(0.05)
                assert server.answers["AA"] < 61, "it was let go in between"
                await asyncio.wait_for(stack.aclose(), 30)

    asyncio.run(run())


def test_no_more_connections_than_allowed(inbox: SqliteInbox) -> None:
    async def work(server: MllpServer) -> None:
        async with client(server) as one, client(server) as two:
            assert msa(await one.ask(result(1))) == ["AA", "M1"]
            assert msa(await two.ask(result(2))) == ["AA", "M2"]
            async with client(server) as three:
                assert await three.ended()
            assert msa(await one.ask(result(3))) == ["AA", "M3"]

    with_server(work, inbox, connections=2)


def test_fifty_senders_at_once(inbox: SqliteInbox) -> None:
    async def work(server: MllpServer) -> None:
        async def one(n: int) -> None:
            async with client(server) as sender:
                for k in range(4):
                    assert msa(await sender.ask(result(n * 10 + k))) == ["AA", f"M{n * 10 + k}"]

        await asyncio.gather(*(one(n) for n in range(50)))
        assert server.answers == {"AA": 200}
        assert len(values(inbox)) == 200

    with_server(work, inbox)


def test_stopping_finishes_what_has_begun(inbox: SqliteInbox) -> None:
    async def run() -> None:
        async with contextlib.AsyncExitStack() as stack:
            server = await stack.enter_async_context(mllp_server("127.0.0.1", 0, inbox))
            async with client(server) as sender, client(server) as idle:
                raw = framed(result(1))
                await sender.send(raw[:100])
                await asyncio.sleep(0.05)
                stopping = asyncio.ensure_future(stack.aclose())
                assert await idle.ended()
                await sender.send(raw[100:])
                assert msa(await sender.answer()) == ["AA", "M1"]
                assert await sender.ended()
                await stopping
                with pytest.raises(OSError, match="onnect"):
                    await asyncio.open_connection(server.host, server.port)

    asyncio.run(run())
    assert values(inbox) == ["0.8"]


# -- real messages, cut and garbled ----------------------------------------------------------------


def test_all_real_messages_are_answered(simulated: list[bytes], inbox: SqliteInbox) -> None:
    async def work(server: MllpServer) -> None:
        async with client(server) as sender:
            for raw in simulated:
                said, id = msa(await sender.ask(raw))
                assert (said, id.encode()) == ("AA", raw.split(b"|")[9])

    with_server(work, inbox, Reader("Europe/London").read)
    assert inbox._connection.execute("SELECT count(*) FROM messages").fetchone() == (506,)


def storm(simulated: list[bytes], inbox: SqliteInbox, messages: int, cuts: int, seed: int) -> int:
    """Send beginnings of messages, garbled ones and random bytes: what is acknowledged is kept, and nothing else is."""
    chance = random.Random(seed)
    reader = Reader("Europe/London")
    taken: set[bytes] = set()
    sent = 0

    async def work(server: MllpServer) -> None:
        nonlocal sent
        for raw in chance.sample(simulated, messages):
            async with client(server) as sender:
                tries = [raw[: chance.randrange(len(raw))] for _ in range(cuts)]
                tries += [garbled(raw, chance), chance.randbytes(chance.randrange(400))]
                for one in tries:
                    if any(mark in one for mark in (b"\x0b", b"\x1c")):
                        continue
                    sent += 1
                    said = msa((await sender.ask(one)).decode("latin-1").encode())[0]
                    if said == "AA":
                        taken.add(one)
                    else:
                        with pytest.raises(Refused):
                            reader.read(one)
                await sender.send(VT + raw[: len(raw) // 2])
                sender.writer.transport.abort()

    with_server(work, inbox, reader.read)
    kept = {row[0] for row in inbox._connection.execute("SELECT raw FROM messages")}
    assert kept == taken
    return sent


def test_only_what_is_acknowledged_is_kept(simulated: list[bytes], inbox: SqliteInbox) -> None:
    assert storm(simulated, inbox, 12, 20, seed=3) > 200


@pytest.mark.longer
def test_only_what_is_acknowledged_is_kept_of_every_message(
    simulated: list[bytes], inbox: SqliteInbox
) -> None:
    print(f"{storm(simulated, inbox, len(simulated), 50, seed=4)} messages sent")


def test_it_listens_where_it_is_told(inbox: SqliteInbox) -> None:
    async def run() -> None:
        async with mllp_server("127.0.0.1", 0, inbox) as server:
            assert server.port > 0
            with pytest.raises(OSError, match="address"):
                async with mllp_server("127.0.0.1", server.port, inbox):
                    pass

    asyncio.run(run())


def test_admissions_and_orders_are_acknowledged_too(inbox: SqliteInbox) -> None:
    async def work(server: MllpServer) -> None:
        async with client(server) as sender:
            assert msa(await sender.ask(adt("A01", "PV1|1|I|ONC"))) == ["AA", "A1"]
            assert msa(await sender.ask(written(PID, "ORC|NW|P1", "RXO|^x", type="ORM^O01"))) == ["AA", "M1"]

    with_server(work, inbox)
    assert inbox.record_of("p-1")["patient"]["ward"] == "ONC"
