"""Acknowledgements (ACK): MSH, MSA and ERR, in the sender's separators and encoding."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from oncogate.adapters.hl7v2.header import Header
from oncogate.adapters.hl7v2.message import Message
from oncogate.adapters.hl7v2.refused import Refused
from oncogate.base.errors import Diagnostic

_CONDITIONS = {
    100: "Segment sequence error", 101: "Required field missing", 102: "Data type error", 200: "Unsupported message type",
    201: "Unsupported event code", 202: "Unsupported processing id", 203: "Unsupported version id",
    207: "Application internal error",
}  # fmt: skip
"""HL7 table 0357."""
_MOST_ERRORS = 20
NOT_KEPT = 207


def accept(message: Message, now: datetime) -> bytes:
    """AA: the message was taken over. What of it couldn't be read stands in ERR, as warnings (2.5 and later)."""
    return _written(message.header, "AA", "", _warnings(message), now)


def refuse(header: Header, refused: Refused, now: datetime) -> bytes:
    """AE or AR: nothing of the message was taken over, and why."""
    said = refused.diagnostics[0]
    if _is_old(header):
        code = _coded(header, refused.condition, header.delimiters.subcomponent)
        place = [refused.segment, str(refused.number), str(refused.field or ""), code]
        errors = ["ERR" + header.delimiters.field + header.delimiters.component.join(place)]
    else:
        errors = [
            _error(
                header, refused.segment, refused.number, refused.field, refused.condition, "E", said.message
            )
        ]
    return _written(header, refused.acknowledgement, refused.said, errors, now)


def _warnings(message: Message) -> list[str]:
    header = message.header
    if _is_old(header):  # its ERR can't say that it is only a warning
        return []
    found = [d for d in message.diagnostics if d.code == "message-unread"][:_MOST_ERRORS]
    return [_warning(header, diagnostic) for diagnostic in found]


def _warning(header: Header, diagnostic: Diagnostic) -> str:
    segment, _, rest = diagnostic.path.partition("[")
    number, _, position = rest.partition("]")
    return _error(header, segment, int(number), int(position.lstrip("-") or 0), 102, "W", diagnostic.message)


def _is_old(header: Header) -> bool:
    """Before 2.5: ERR holds a place and a code, and nothing else."""
    return header.version[:3] in ("", "2", "2.0", "2.1", "2.2", "2.3", "2.4")


def _coded(header: Header, condition: int, separator: str) -> str:
    return separator.join((str(condition), _CONDITIONS[condition], "HL70357"))


def _error(
    header: Header, segment: str, number: int, position: int, condition: int, severity: str, said: str
) -> str:
    marks = header.delimiters
    place = marks.component.join([segment, str(number), *([str(position)] if position else [])])
    code = _coded(header, condition, marks.component)
    return marks.field.join(["ERR", "", place, code, severity, "", "", "", marks.escaped(said)])


def _written(header: Header, code: str, said: str, errors: Sequence[str], now: datetime) -> bytes:
    marks = header.delimiters
    stamp = now.strftime("%Y%m%d%H%M%S%z")
    kind = marks.component.join(["ACK", *([header.trigger, "ACK"] if header.trigger else [])])
    charset = ["", "", "", "", "", header.charset] if header.charset else []
    msh = [
        "MSH" + marks.field + marks.declared, header.receiving_application, header.receiving_facility, header.application,
        header.facility, stamp, "", kind, f"ACK{header.control_id}", header.processing or "P", header.version or "2.5",
        *charset,
    ]  # fmt: skip
    msa = ["MSA", code, header.control_id, *([marks.escaped(said)] if said else [])]
    text = "\r".join([marks.field.join(msh), marks.field.join(msa), *errors, ""])
    return text.encode(header.codec, "replace")
