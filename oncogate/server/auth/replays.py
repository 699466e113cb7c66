"""Tokens that were seen, so that none is taken twice: by any worker, and after a restart."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

_TABLE = "CREATE TABLE IF NOT EXISTS seen (issuer TEXT, jti TEXT, expires REAL, PRIMARY KEY (issuer, jti)) WITHOUT ROWID"
_FORGET_EACH = 256
"""Tokens after which those that have expired are forgotten."""


class Replays:
    """The ids of tokens that were taken and haven't expired, in a SQLite file that all workers share."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._taken = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=5)) as made:
            made.execute("PRAGMA journal_mode=WAL")
            made.execute(_TABLE)
            made.commit()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def first(self, issuer: str, jti: str, expires: float, now: float) -> bool:
        """Whether this token is seen for the first time; from now until it expires it isn't any more.

        Raises `sqlite3.Error` where the file can't be written: then nothing may be taken.
        """
        with self._lock:
            if self._connection is None:  # each worker has its own: SQLite's can't be carried over a fork
                self._connection = sqlite3.connect(self._path, timeout=5, check_same_thread=False)
                self._connection.execute("PRAGMA synchronous=NORMAL")
            with self._connection as one:
                self._taken += 1
                if self._taken % _FORGET_EACH == 1:
                    one.execute("DELETE FROM seen WHERE expires < ?", [now])
                added = one.execute(
                    "INSERT INTO seen VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET expires = excluded.expires "
                    "WHERE seen.expires < ?",
                    [issuer, jti, expires, now],
                )
                return added.rowcount == 1
