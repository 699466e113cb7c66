"""Which encoding a message is in: what MSH-18 says, else UTF-8, else a fallback that can't move a separator."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from oncogate.adapters.hl7v2.refused import Refused

FALLBACK = "gb18030"

_UTF8 = "utf-8"
_NAMES = {
    "UNICODEUTF8": _UTF8, "UTF8": _UTF8, "UNICODE": _UTF8, "ISO10646": _UTF8,
    "GB180302000": "gb18030", "GB18030": "gb18030", "GB2312": "gb18030", "GB231280": "gb18030", "GBK": "gb18030",
    "CP936": "gb18030", "BIG5": "big5", "CNS116431992": "big5",
    **{f"8859{n}": f"iso8859-{n}" for n in range(1, 16) if n != 12},
    **{f"ISO8859{n}": f"iso8859-{n}" for n in range(1, 16) if n != 12},
    "LATIN1": "iso8859-1", "WINDOWS1252": "cp1252", "CP1252": "cp1252",
}  # fmt: skip
"""Names of HL7 table 0211, and what senders write instead, without blanks and punctuation."""
_UNSAID = frozenset({"", "ASCII", "ISOIR6", "USASCII"})
"""What is written where nobody thought about it: many a sender says ASCII and sends what its system uses."""


@dataclass(frozen=True)
class Decoded:
    """A message's text, the codec that read it, and whether that was declared or UTF-8 (else it is `assumed`)."""

    text: str
    codec: str
    assumed: bool = False

    def decode(self, raw: bytes) -> str:
        """Bytes in the same encoding; what can't be read is replaced."""
        return raw.decode(self.codec, "replace")


def decode_message(raw: bytes, fallback: str = FALLBACK) -> Decoded:
    """The text of a message. Raises `Refused` if its encoding isn't known or its bytes aren't in it.

    Without a declared encoding it is UTF-8 if it can be. Else `fallback` is taken, if the separators
    are the same bytes then: a wrong guess may garble a name, it never moves a field.
    """
    raw = raw.removeprefix(codecs.BOM_UTF8)
    said = declared(raw)
    name = re.sub(r"[^A-Z0-9]", "", said.upper())
    if name not in _UNSAID:
        codec = _NAMES.get(name)
        if codec is None:
            raise _refused("message-encoding", f"the encoding `{said[:40]}` isn't known")
        try:
            return Decoded(raw.decode(codec), codec)
        except UnicodeDecodeError as error:
            raise _refused("message-encoding", f"isn't in `{said[:40]}` (byte {error.start})") from None
    try:
        return Decoded(raw.decode(_UTF8), _UTF8)
    except UnicodeDecodeError as error:
        start = error.start
    try:
        text = raw.decode(fallback)
    except (UnicodeDecodeError, LookupError):
        text = ""
    marks = raw[3:9] + b"\r\n"
    if not text or any(raw.count(bytes([mark])) != text.count(chr(mark)) for mark in marks if mark < 128):
        raise _refused("message-encoding", f"says no encoding and isn't UTF-8 (byte {start})")
    return Decoded(text, fallback, assumed=True)


def declared(raw: bytes) -> str:
    """The first encoding that MSH-18 names; empty if it names none."""
    header = re.split(rb"[\r\n]", raw, maxsplit=1)[0].decode("latin-1")
    fields = header.split(header[3:4]) if len(header) > 3 else []
    first = fields[17] if len(fields) > 17 else ""
    return first.split(header[5:6])[0].strip() if header[5:6].strip() else first.strip()


def _refused(code: str, message: str) -> Refused:
    return Refused(
        "AE",
        102,
        code,
        message,
        "say the encoding in MSH-18 (`UNICODE UTF-8`, `GB 18030-2000`)",
        "MSH",
        1,
        18,
    )
