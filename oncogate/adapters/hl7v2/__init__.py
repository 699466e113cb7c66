"""HL7 v2 messages (ORU^R01, ORM^O01, OML^O21, ADT) → entries of the record, with an inbox that keeps them.

A message is taken over whole or not at all (`Refused`); an entry of it that can't be read becomes an unread
mark of its section and a diagnostic with its place (`OBX[3]-5`), never a crash and never "none there".
"""

from __future__ import annotations

from oncogate.adapters.hl7v2.files import read_local_codes, split_messages
from oncogate.adapters.hl7v2.inbox import Inbox, InboxError, with_received
from oncogate.adapters.hl7v2.message import Message, Reader, read_message
from oncogate.adapters.hl7v2.refused import Refused
from oncogate.adapters.hl7v2.sqlite_inbox import SqliteInbox

__all__ = [
    "Inbox",
    "InboxError",
    "Message",
    "Reader",
    "Refused",
    "SqliteInbox",
    "read_local_codes",
    "read_message",
    "split_messages",
    "with_received",
]
