"""Why a message isn't taken over, in the words of an acknowledgement."""

from __future__ import annotations

from typing import Literal

from oncogate.base.errors import Diagnostic, OncogateError

Acknowledgement = Literal["AA", "AE", "AR"]


class Refused(OncogateError):
    """A message that isn't taken over.

    `acknowledgement` is AR where MSH says that it isn't for this receiver, else AE; `condition` is of HL7
    table 0357; `segment`, `number` and `field` say where.
    """

    def __init__(
        self, acknowledgement: Acknowledgement, condition: int, code: str, message: str, help: str = "",
        segment: str = "MSH", number: int = 1, field: int = 0,
    ) -> None:  # fmt: skip
        self.acknowledgement = acknowledgement
        self.condition = condition
        self.segment, self.number, self.field = segment, number, field
        place = f"{segment}[{number}]" + (f"-{field}" if field else "")
        super().__init__([Diagnostic(place, 0, 0, code, message, help)])

    @property
    def said(self) -> str:
        """The problem with its place, in one line."""
        found = self.diagnostics[0]
        return f"{found.path}: {found.message}"


def incomplete(segment: str, number: int, field: int, problem: str) -> Refused:
    """A message that lacks what it can't be without."""
    return _refused(101, "message-incomplete", problem, "send the whole message", segment, number, field)


def _refused(
    condition: int, code: str, message: str, help: str, segment: str, number: int, field: int
) -> Refused:
    return Refused("AE", condition, code, message, help, segment, number, field)
