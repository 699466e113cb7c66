"""Whether a message ends in the middle of a segment: what was cut off isn't known, so nothing of it is taken.

Every segment ends with CR. Many a sender leaves the last one out, so its absence alone is no sign: the
last segment is then whole if it has what it needs and its last field can't be a piece of a longer one.
"""

from __future__ import annotations

from oncogate.adapters.hl7v2.codes import is_abbreviation
from oncogate.adapters.hl7v2.refused import Refused
from oncogate.adapters.hl7v2.segments import Segment
from oncogate.adapters.hl7v2.times import is_whole

_NEEDS = {"PID": 3, "OBR": 4, "OBX": 11, "DG1": 3, "AL1": 3, "IAM": 3, "RXO": 1, "RXC": 2, "MRG": 1}
"""The field without which a segment says nothing."""
_CODED = 3
_READ = {
    "PID": {3: 5, 7: 1}, "PV1": {3: 1, 10: 1}, "MRG": {1: 5},
    "OBR": {2: 3, 3: 3, 4: _CODED, 7: 1, 22: 1, 36: 1},
    "OBX": {14: 1}, "SPM": {17: 1}, "TQ1": {7: 1}, "DG1": {3: _CODED, 4: 1, 5: 1, 20: 1}, "AL1": {3: _CODED, 4: 1, 6: 1},
    "IAM": {3: _CODED, 4: 1, 11: 1}, "RXO": {1: _CODED, 2: 1, 3: 1, 4: 1}, "RXC": {2: _CODED, 3: 1, 4: 1}, "RXR": {1: 1},
}  # fmt: skip
"""The fields that are read, and up to which component; those of one letter can't be cut off."""


def check_end(last: Segment, *, made: str, results: bool) -> None:
    """Raise `Refused` if the last segment of a message is cut off.

    `made` is the message's own time, as precise as its others; `results`: it brings results, so that it doesn't end
    with what was requested. No message ends with the common part of an order.
    """
    if last.ended:
        return
    position = len(last.fields) - 1
    needed = _NEEDS.get(last.id, 0)
    short = position < needed or (position == needed and not last.fields[needed].strip())
    if short or last.id == "ORC" or (results and last.id == "OBR"):
        raise _refused("message-cut-off", last, position)
    read = _READ.get(last.id, {}).get(position)
    written = last.fields[position]
    if read is None or not written.strip() or is_whole(written, made):
        return
    components = last.parts(last.delimiters.divide(written, last.delimiters.repetition)[-1])
    if len(components) > read or (read == _CODED and is_abbreviation(components[_CODED])):
        return
    raise _refused("message-cut-off", last, position)


def _refused(code: str, last: Segment, position: int) -> Refused:
    return Refused(
        "AE", 100, code, "the message ends in the middle of a segment", "end each segment with CR",
        last.id, last.number, position,
    )  # fmt: skip
