"""One message → what it says: entries of the record, each with its patient, and what couldn't be read."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from oncogate.adapters.fhir.vocabulary import Vocabulary
from oncogate.adapters.hl7v2.cut_off import check_end
from oncogate.adapters.hl7v2.encoding import FALLBACK, decode_message
from oncogate.adapters.hl7v2.groups import PatientGroup, grouped
from oncogate.adapters.hl7v2.header import MERGES, PROCESSING, Header, check_header, read_header
from oncogate.adapters.hl7v2.observations import read_observation
from oncogate.adapters.hl7v2.orders import read_order
from oncogate.adapters.hl7v2.patients import Identifiers, read_history, read_person
from oncogate.adapters.hl7v2.refused import Refused, incomplete
from oncogate.adapters.hl7v2.segments import Delimiters, Segment, split_segments
from oncogate.adapters.hl7v2.taking import Item, LocalCodes, Taking
from oncogate.adapters.hl7v2.times import zone_of
from oncogate.adapters.hl7v2.versions import record_of
from oncogate.base.errors import Diagnostic
from oncogate.base.times import read_zone

MOST_SEGMENTS = 20_000


@dataclass(frozen=True)
class Message:
    """What a message says. `merges` are pairs of identifiers: the one that stays, and the one joined to it.

    `diagnostics` tell what couldn't be read, at `OBX[3]-5`; each such thing is an unread mark among `items`.
    """

    header: Header
    items: tuple[Item, ...] = ()
    merges: tuple[tuple[str, str], ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def patients(self) -> tuple[str, ...]:
        """The patients whom it is about, in their order."""
        return tuple(dict.fromkeys(item.patient for item in self.items))

    def record(self, patient: str | None = None) -> dict[str, Any]:
        """The record as far as this message tells it, for `Request.load`; of its only patient unless told."""
        chosen = patient if patient is not None else next(iter(self.patients), "")
        return record_of(chosen, [item for item in self.items if item.patient == chosen])


@dataclass(frozen=True)
class Reader:
    """How a site's messages are read.

    `timezone` (`Asia/Shanghai`, `+08:00`) is that of times without an offset in messages whose MSH-7 has
    none; without it such times are unread. `codes` tell what local codes stand for (`read_local_codes`),
    `vocabulary` which codes the rules ask for. `fallback` is the encoding of messages that declare none and
    aren't UTF-8. `identifier_type` says which identifier of PID-3 is the patient's id, `authority` whose
    identifiers count where several hospitals' messages come in, and `processing` which processing ids are taken.
    """

    timezone: str | None = None
    vocabulary: Vocabulary = field(default_factory=Vocabulary.shipped, repr=False)
    codes: LocalCodes = field(default_factory=dict, repr=False)
    fallback: str = FALLBACK
    identifier_type: str = "MR"
    authority: str | None = None
    processing: frozenset[str] = PROCESSING

    def __post_init__(self) -> None:
        """Raise `ValueError` for a time zone or encoding that there isn't."""
        if self.timezone is not None:
            read_zone(self.timezone)
        try:
            codecs.lookup(self.fallback)
        except LookupError:
            raise ValueError(f"`{self.fallback}` isn't an encoding") from None

    def read(self, raw: bytes) -> Message:
        """Read one message. Raises `Refused` for one that can't be taken over at all.

        An entry that can't be read is no reason: it is marked unread, and the rest is taken.
        """
        segments, header, assumed = self._split(raw)
        check_header(header, self.processing)
        check_end(segments[-1], made=header.time, results=header.type == "ORU")
        zone = zone_of(header.time) or (read_zone(self.timezone) if self.timezone else None)
        taking = Taking(header, zone, self.vocabulary, self.codes)
        if assumed:
            taking.say(
                segments[0].place(18), "message-encoding-assumed", f"says no encoding: read as {self.fallback}",
                "say it in MSH-18",
            )  # fmt: skip
        merges = self._take(segments, taking)
        return Message(header, tuple(taking.items), merges, tuple(sorted(set(taking.diagnostics))))

    @property
    def _identifiers(self) -> Identifiers:
        return Identifiers(self.identifier_type, self.authority)

    def _split(self, raw: bytes) -> tuple[list[Segment], Header, bool]:
        decoded = decode_message(raw.strip(b"\r\n\t \x00") + _end_of(raw), self.fallback)
        delimiters = Delimiters.of(decoded.text) if decoded.text.startswith("MSH") else None
        if delimiters is None:
            raise _refused(
                "message-header", "the message doesn't begin with MSH and its separators", "MSH", 1
            )
        segments, strange = split_segments(decoded.text, delimiters, decoded.decode)
        if strange:
            raise _refused("message-segment", f"after {strange[0]} stands what isn't a segment", "MSH", 1)
        if len(segments) > MOST_SEGMENTS:
            raise _refused("message-segment", f"more than {MOST_SEGMENTS} segments", "MSH", 1)
        second = next((s for s in segments[1:] if s.id in ("MSH", "FHS", "BHS")), None)
        if second is not None:
            raise _refused(
                "message-several", "another message begins inside this one", second.id, second.number
            )
        return segments, read_header(segments[0], decoded.codec), decoded.assumed

    def _take(self, segments: list[Segment], taking: Taking) -> tuple[tuple[str, str], ...]:
        header = taking.header
        patients, astray = grouped(segments, header.type)
        if not patients:
            raise incomplete("PID", 1, 0, "the patient (PID) is missing")
        if astray:
            raise _refused(
                "message-segment",
                "stands where no patient or order goes before it",
                astray[0].id,
                astray[0].number,
            )
        if header.type in ("ORU", "ORM", "OML") and not any(p.orders for p in patients):
            raise incomplete("OBR" if header.type == "ORU" else "ORC", 1, 0, "there is no order (ORC, OBR)")
        merges: list[tuple[str, str]] = []
        for patient in patients:
            taking.patient = self._identifiers.chosen(patient.person, 3)
            read_person(patient, taking)
            read_history(patient, taking)
            for group in patient.orders:
                if group.is_order:
                    read_order(group, taking)
                for obx in group.of("OBX") if header.type != "MDM" else ():
                    read_observation(obx, group, taking)
            if header.type == "ADT" and header.trigger in MERGES:
                merges += self._merged(patient, taking.patient)
        return tuple(merges)

    def _merged(self, patient: PatientGroup, survivor: str) -> Iterable[tuple[str, str]]:
        if not patient.of("MRG"):
            raise incomplete("MRG", 1, 0, "the identifier that is joined (MRG) is missing")
        merged = (self._identifiers.chosen(segment, 1) for segment in patient.of("MRG"))
        return [(survivor, one) for one in merged if one != survivor]


def read_message(
    raw: bytes, timezone: str | None = None, codes: Mapping[tuple[str, str], dict[str, str]] | None = None
) -> Message:
    """Read one message; `Reader` says more of how. Raises `Refused`."""
    return Reader(timezone, codes=codes or {}).read(raw)


def _end_of(raw: bytes) -> bytes:
    return b"\r" if raw.rstrip(b"\t \x00").endswith((b"\r", b"\n")) else b""


def _refused(code: str, message: str, segment: str, number: int) -> Refused:
    return Refused("AE", 100, code, message, "send one message, its segments ended by CR", segment, number)
