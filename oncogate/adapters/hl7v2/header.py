"""The header of a message: who sends what, and whether it is for this receiver."""

from __future__ import annotations

import re
from dataclasses import dataclass

from oncogate.adapters.fhir.access import shortened
from oncogate.adapters.hl7v2.refused import Refused, incomplete
from oncogate.adapters.hl7v2.segments import USUAL, Delimiters, Segment, split_segments

_LONGEST = 64 * 1024
PROCESSING = frozenset({"P", "T", "D"})
"""Processing ids of HL7 table 0103: production, training, debugging."""
_READ = {"ORU": r"R01", "ORM": r"O01", "OML": r"O21", "ADT": r"A\d\d", "MDM": r"T\d\d"}
"""The events that are taken, by type. Of a document (MDM) only the patient is read."""
_PARTINGS = frozenset({"A24", "A37", "A43"})
"""Links, unlinks and moves of a patient's identifiers: what they say of who is who can't be followed."""
MERGES = frozenset({"A18", "A30", "A34", "A36", "A39", "A40", "A46", "A47"})
"""ADT events that join the identifier of MRG-1 to the patient of PID-3."""


@dataclass(frozen=True)
class Header:
    """What MSH says: names and control id as they are written; `codec` is the encoding that the message was read in."""

    delimiters: Delimiters = USUAL
    application: str = ""
    facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""
    time: str = ""
    type: str = ""
    trigger: str = ""
    control_id: str = ""
    processing: str = ""
    version: str = ""
    charset: str = ""
    codec: str = "utf-8"

    @property
    def sender(self) -> str:
        """The sending application and facility, by which control ids are told apart."""
        return f"{self.application}|{self.facility}"

    @property
    def name(self) -> str:
        """The message as people call it: `LIS|MSG00231`."""
        application = self.delimiters.divide(self.application, self.delimiters.component)[0]
        name = f"{application}|{self.control_id}" if application else self.control_id
        return shortened("".join(c if c.isprintable() else "?" for c in name), 200)


def read_header(msh: Segment, codec: str = "utf-8") -> Header:
    """The header that a segment MSH holds, whatever it says."""
    return Header(
        msh.delimiters, msh.raw(3), msh.raw(4), msh.raw(5), msh.raw(6), msh.text(7), msh.text(9),
        msh.text(9, 2), msh.raw(10), msh.text(11), msh.text(12), msh.text(18), codec,
    )  # fmt: skip


def header_in(raw: bytes) -> Header:
    """What can be read of the header of a message that can't be, so that its refusal reaches the sender."""
    start = raw.find(b"MSH")
    text = re.split(rb"[\r\n]", raw[max(start, 0) :][:_LONGEST], maxsplit=1)[0].decode("latin-1")
    delimiters = Delimiters.of(text) if start >= 0 else None
    if delimiters is None:
        return Header()
    segments, _ = split_segments(text, delimiters, lambda found: found.decode("latin-1"))
    return read_header(segments[0], "latin-1") if segments else Header(delimiters)


def check_header(header: Header, processing: frozenset[str] = PROCESSING) -> None:
    """Raise `Refused` unless the message is of a type, version and processing id that are read here."""
    if not re.fullmatch(r"2(\.\d+)*", header.version):
        raise _refused(203, "message-version", f"the version `{header.version[:20]}` isn't 2.x", "", 12)
    if header.processing not in processing:
        known = ", ".join(sorted(processing))
        raise _refused(
            202, "message-processing", f"the processing id `{header.processing[:20]}` isn't taken",
            f"send {known}", 11,
        )  # fmt: skip
    read = "ORU^R01, ORM^O01, OML^O21, ADT and MDM are read"
    if header.type not in _READ:
        raise _refused(200, "message-type", f"messages of the type `{header.type[:20]}` aren't read", read, 9)
    if not re.fullmatch(_READ[header.type], header.trigger) or header.trigger in _PARTINGS:
        event = f"{header.type}^{header.trigger[:20]}"
        raise _refused(201, "message-type", f"the event `{event}` isn't read", read, 9)
    if not header.control_id.strip():
        raise incomplete("MSH", 1, 10, "the control id is missing")


def _refused(condition: int, code: str, message: str, help: str, field: int) -> Refused:
    return Refused("AR", condition, code, message, help, field=field)
