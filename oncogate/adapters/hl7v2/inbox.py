"""Where messages go: kept durably, and given back as the record of a patient."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from oncogate.adapters.hl7v2.message import Message
from oncogate.base.errors import OncogateError
from oncogate.model.record import PatientRecord


class InboxError(OncogateError):
    """A message couldn't be kept, or what was kept couldn't be read."""


class Inbox(Protocol):
    """What keeps messages. Both methods are called from several threads at once."""

    def take(self, raw: bytes, message: Message) -> bool:
        """Keep a message; when this returns, it is safe. False for one that was taken before, which isn't taken again.

        Raises anything if it couldn't be kept: the sender is then told so, and sends it again.
        """

    def record_of(self, patient: str, at: datetime | None = None) -> dict[str, Any]:
        """The record of a patient as received, for `Request.load`; with `at` (with its zone), as it was known then."""


def with_received(request: Mapping[str, Any], inbox: Inbox) -> dict[str, Any]:
    """A native request with what was received for its patient added to what the host sent."""
    record = dict(request.get("record") or {})
    person = record.get("patient")
    if not isinstance(person, Mapping) or not isinstance(person.get("id"), str):
        return dict(request)
    received = inbox.record_of(person["id"])
    record["patient"] = {**received["patient"], **person}
    for section in (*PatientRecord.SECTIONS, "unread"):
        sent = record.get(section)
        if section in received and (sent is None or isinstance(sent, list)):
            record[section] = [*(sent or ()), *received[section]]
    return {**request, "record": record}
