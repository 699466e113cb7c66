"""Messages for the tests of HL7 v2, written as senders write them."""

from __future__ import annotations

from collections.abc import Sequence

MSH = "MSH|^~\\&|LIS|LAB|HIS|ONC|20260302100000+0800||{type}|{id}|P|2.5.1"
PID = "PID|1||p-1^^^H^MR||张^三||19650101|M"
OBR = "OBR|1|P1|F1|57021-8^CBC^LN|||20260302080000+0800|||||||||||||||20260302093000+0800|||F"
ANC = "OBX|{n}|NM|751-8^Neutrophils^LN||{value}|10*9/L^^UCUM|1.8-6.3|L|||{status}|||20260302080000+0800"

LOINC = "http://loinc.org"


def anc(value: str = "0.8", status: str = "F", n: int = 1) -> str:
    return ANC.format(n=n, value=value, status=status)


def written(*segments: str, type: str = "ORU^R01^ORU_R01", id: str = "M1", header: str = MSH) -> bytes:
    return "".join(f"{s}\r" for s in (header.format(type=type, id=id), *segments)).encode()


def oru(*results: str, id: str = "M1", obr: str = OBR, header: str = MSH) -> bytes:
    return written(PID, obr, *results, id=id, header=header)


def adt(trigger: str, *segments: str, id: str = "A1", pid: str = PID, header: str = MSH) -> bytes:
    return written(
        f"EVN|{trigger}|20260301080000+0800", pid, *segments, type=f"ADT^{trigger}", id=id, header=header
    )


def at(second: int, message: bytes) -> bytes:
    """The message as one made at that second of the minute, reported then."""
    stamp = f"202603021000{second:02}+0800".encode()
    return message.replace(b"20260302100000+0800", stamp).replace(b"20260302093000+0800", stamp)


def plain_segments(message: bytes) -> Sequence[list[str]]:
    """An independent look at a message with the usual separators: lines, and fields between bars."""
    return [
        line.split("|")
        for line in message.decode("utf-8-sig").replace("\r", "\n").split("\n")
        if line.strip()
    ]
