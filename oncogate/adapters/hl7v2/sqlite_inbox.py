"""The inbox that is a file: every message as it came, and the entries read from it, in SQLite."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

from oncogate.adapters.hl7v2.inbox import InboxError
from oncogate.adapters.hl7v2.message import Message, Reader
from oncogate.adapters.hl7v2.refused import Refused
from oncogate.adapters.hl7v2.taking import Item
from oncogate.adapters.hl7v2.versions import record_of
from oncogate.base.errors import Diagnostic

_SCHEMA = """
CREATE TABLE messages (
  id INTEGER PRIMARY KEY, sender TEXT NOT NULL, control_id TEXT NOT NULL, digest BLOB NOT NULL,
  arrived TEXT NOT NULL, raw BLOB NOT NULL, UNIQUE (sender, control_id, digest)
);
CREATE TABLE items (
  message INTEGER NOT NULL REFERENCES messages (id), position INTEGER NOT NULL, patient TEXT NOT NULL,
  section TEXT NOT NULL, said TEXT, key TEXT, confirms INTEGER NOT NULL, entry TEXT NOT NULL,
  PRIMARY KEY (message, position)
);
CREATE INDEX items_of_patient ON items (patient);
CREATE TABLE merges (message INTEGER NOT NULL REFERENCES messages (id), survivor TEXT NOT NULL, merged TEXT NOT NULL);
CREATE INDEX merges_by_survivor ON merges (survivor);
CREATE INDEX merges_by_merged ON merges (merged);
"""
_VERSION = 1
_APPLICATION = 0x6F6E6367  # "oncg": a file of another program isn't written to
_WAIT = 10.0


def _now() -> datetime:
    return datetime.now(timezone.utc)


class SqliteInbox:
    """An inbox in one file, which its owner alone may read.

    A message is committed and flushed to the disk before `take` returns. Sent again (same sender, same
    control id, same content) it isn't taken twice; a control id that comes back with other content is
    another message. Several processes may use one file. Raises `InboxError`.
    """

    def __init__(self, path: str | Path, clock: Callable[[], datetime] = _now) -> None:
        self.path = str(path)
        self._clock = clock
        self._lock = threading.Lock()
        self._reading_lock = threading.Lock()
        with self._errors("can't be opened"):
            Path(path).touch(mode=0o600)
            self._connection = self._connected()
            self._reading = self._connected()  # a gate that asks doesn't wait for the disk
            try:
                self._prepare()
            except BaseException:
                self.close()
                raise

    def __enter__(self) -> SqliteInbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock, self._reading_lock:
            self._reading.close()
            self._connection.close()

    def take(self, raw: bytes, message: Message) -> bool:
        """Keep a message: see `Inbox`."""
        header = message.header
        with self._errors("the message couldn't be kept"), self._transaction() as database:
            row = (
                header.sender,
                header.control_id,
                hashlib.sha256(raw).digest(),
                self._clock().isoformat(),
                raw,
            )
            made = database.execute(
                "INSERT INTO messages (sender, control_id, digest, arrived, raw) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING", row,
            )  # fmt: skip
            if made.rowcount == 0:
                return False
            self._keep(database, int(made.lastrowid or 0), message)
        return True

    def record_of(self, patient: str, at: datetime | None = None) -> dict[str, Any]:
        """The record of a patient: see `Inbox`. What was received under identifiers joined to this one is part of it."""
        with self._errors("can't be read"), self._reading_lock:
            rows: list[tuple[Any, ...]] = []
            for one in self._joined(patient):
                rows += self._reading.execute(
                    "SELECT items.message, position, section, said, key, confirms, entry, arrived FROM items"
                    " JOIN messages ON messages.id = items.message WHERE patient = ?", (one,),
                )  # fmt: skip
        return record_of(patient, [_item(patient, row) for row in sorted(rows, key=lambda row: row[:2])], at)

    def reread(self, reader: Reader) -> int:
        """Read every message again, as after a change of the time zone or the local codes; the number of those read.

        One that is refused now keeps what was read from it.
        """
        count = 0
        with self._errors("can't be read again"), self._transaction() as database:
            ids = [id for (id,) in database.execute("SELECT id FROM messages ORDER BY id").fetchall()]
            for id in ids:
                (raw,) = database.execute("SELECT raw FROM messages WHERE id = ?", (id,)).fetchone()
                try:
                    message = reader.read(raw)
                except Refused:
                    continue
                for table in ("items", "merges"):
                    database.execute(f"DELETE FROM {table} WHERE message = ?", (id,))
                self._keep(database, id, message)
                count += 1
        return count

    # -- the file ----------------------------------------------------------------------------------

    def _connected(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None, check_same_thread=False)

    def _prepare(self) -> None:
        database = self._connection
        if not self._is_new():
            self._check()
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        with self._transaction():
            if self._is_new():
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    database.execute(statement)
                database.execute(f"PRAGMA application_id = {_APPLICATION}")
                database.execute(f"PRAGMA user_version = {_VERSION}")
        self._check()

    def _is_new(self) -> bool:
        (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return bool(tables == 0)

    def _check(self) -> None:
        found = [
            self._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version")
        ]
        if found != [_APPLICATION, _VERSION]:
            problem = "is no inbox of this version"
            raise InboxError([Diagnostic(self.path, 0, 0, "inbox-unusable", problem, "name another file")])

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors(self, problem: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            found = Diagnostic(
                self.path,
                0,
                0,
                "inbox-failed",
                f"{problem}: {error}",
                "see to the disk and the file's rights",
            )
            raise InboxError([found]) from error

    def _keep(self, database: sqlite3.Connection, id: int, message: Message) -> None:
        database.executemany(
            "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (id, n, i.patient, i.section, i.said, i.key, i.confirms, json.dumps(i.entry, default=_plain))
                for n, i in enumerate(message.items)
            ],
        )
        database.executemany("INSERT INTO merges VALUES (?, ?, ?)", [(id, *pair) for pair in message.merges])

    def _joined(self, patient: str) -> Sequence[str]:
        """The patient's identifiers: this one, and all that merges tie to it."""
        known, new = {patient}, [patient]
        while new:
            one = new.pop()
            rows = self._reading.execute(
                "SELECT merged FROM merges WHERE survivor = ? UNION SELECT survivor FROM merges WHERE merged = ?",
                (one, one),
            )
            for (other,) in rows.fetchall():
                if other not in known:
                    known.add(other)
                    new.append(other)
        return sorted(known)


_ENTRIES = json.JSONDecoder(parse_float=Decimal)


def _plain(value: object) -> float:
    # exact: what is read here are numbers that a JSON number carries
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{value!r} isn't data of an entry")


def _item(patient: str, row: tuple[Any, ...]) -> Item:
    message, _, section, said, key, confirms, entry, arrived = row
    read = _ENTRIES.decode(entry)
    return Item(patient, section, read, said, key, bool(confirms), message, datetime.fromisoformat(arrived))
