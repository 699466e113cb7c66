"""Where many requests come from, and where their decisions go."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from oncogate.base.errors import Diagnostic, OncogateError, RequestError
from oncogate.cli.console import unwritable
from oncogate.cli.source import unreadable


class ReaderGone(Exception):
    """Whoever read standard output reads no more."""


def open_input(file: str) -> BinaryIO:
    """The file, or standard input for `-`. Raises `RequestError` if it can't be read."""
    if file == "-":
        return sys.stdin.buffer
    try:
        if Path(file).is_dir():
            hint = "name a file, or `-` for standard input"
            raise RequestError([Diagnostic(file, 0, 0, "input-directory", "is a directory", hint)])
        return Path(file).open("rb")
    except (OSError, ValueError) as error:
        raise unreadable(file, error) from None


class Output:
    """Standard output or a file. A file is there once it is whole: until then it is written beside itself, as `….part`.

    One that was there keeps its rights, stays where a link to it points, and is left alone if there is nothing to write.
    """

    def __init__(self, path: Path | None, source: str) -> None:
        path = path.resolve() if path is not None and path.is_symlink() else path
        self.path = path
        self.on_terminal = path is None and sys.stdout.isatty()
        # a pipe or a device is written to
        self._replaces = path is not None and (not path.exists() or path.is_file())
        self._part = path.with_name(path.name + ".part") if path is not None and self._replaces else path
        if self._replaces and any(one is not None and _same(one, source) for one in (path, self._part)):
            said = "the decisions would be written over the requests"
            raise OncogateError([Diagnostic(str(path), 0, 0, "output-is-input", said, "name another file")])
        self._stream: BinaryIO | None = None
        self._empty = True

    def __enter__(self) -> Output:
        try:
            self._stream = self._part.open("wb") if self._part is not None else sys.stdout.buffer
            if self._replaces and self.path is not None and self._part is not None and self.path.exists():
                self._part.chmod(
                    stat.S_IMODE(self.path.stat().st_mode)
                )  # before anything of a patient is in it
        except OSError as error:
            raise self._unwritable(error) from None
        # whoever waits for an answer before asking again gets it; a file waits for nobody
        self._at_once = not self._replaces and not _is_file(self._stream)
        return self

    def write(self, line: bytes) -> None:
        """Write one line. Raises `ReaderGone`, or `OncogateError` where it can't be written."""
        assert self._stream is not None
        self._empty = False
        try:
            self._stream.write(line + b"\n")
            if self._at_once:
                self._stream.flush()
        except OSError as error:
            raise self._failed(error) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._stream is not None
        try:
            if self._part is None:
                self._stream.flush()
            else:
                self._stream.close()
            if self._replaces and self.path is not None and self._part is not None:
                if self._empty:
                    self._part.unlink()
                elif kind is None:
                    self._part.replace(self.path)
        except OSError as failed:
            if kind is None:
                raise self._failed(failed) from None

    def left_behind(self) -> str:
        """Where an unfinished run left what it had decided."""
        return f"; what was decided so far is in {self._part}" if self._replaces and not self._empty else ""

    def _failed(self, error: OSError) -> Exception:
        gone = isinstance(error, BrokenPipeError) and self.path is None
        return ReaderGone() if gone else self._unwritable(error)

    def _unwritable(self, error: OSError) -> OncogateError:
        return unwritable(str(self._part or "<stdout>"), error)


def _same(path: Path, source: str) -> bool:
    return source != "-" and path.exists() and path.samefile(source)


def _is_file(stream: BinaryIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False
