"""Reading and writing at the edge: everything is built first and printed last, in UTF-8, without a traceback."""

from __future__ import annotations

import functools
import io
import os
import sys
from collections.abc import Callable, Iterable
from typing import ParamSpec, TextIO

import typer

from oncogate._version import __version__
from oncogate.base.errors import Diagnostic, OncogateError
from oncogate.cli import extra_message, needs_extra
from oncogate.explain.words import printable

P = ParamSpec("P")
INTERRUPTED = 130


def command(run: Callable[P, int]) -> Callable[P, None]:
    """Make a function that returns its exit code a command that never shows a traceback."""

    @functools.wraps(run)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        _use_utf8()
        try:
            code = run(*args, **kwargs)
        except OncogateError as error:
            code = refuse(error.diagnostics)
        except KeyboardInterrupt:
            code = INTERRUPTED
        except ModuleNotFoundError as error:
            code = _say(extra_message(error)) if needs_extra(error) else _internal(error)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except Exception as error:
            code = _internal(error)
        raise typer.Exit(code)

    return guarded


def refuse(diagnostics: Iterable[Diagnostic]) -> int:
    """Print every diagnostic on standard error; returns the exit code 2."""
    return _say("\n".join(str(d) for d in diagnostics))


def note(diagnostics: Iterable[Diagnostic]) -> None:
    """Print what was amiss but didn't keep the input from being used."""
    said = [f"note: {d}" for d in diagnostics]
    if said:
        _say("\n".join(said))


def write(text: str) -> None:
    """Print `text` on standard output; a reader that has gone away is no error, a full disk is."""
    try:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        let_go()
    except OSError as error:
        raise unwritable("<stdout>", error) from None


def unwritable(name: str, error: OSError) -> OncogateError:
    """That what was asked for can't be written."""
    said = f"can't be written: {error.strerror or error}"
    help = "see to its folder, rights and free space"
    return OncogateError([Diagnostic(name, 0, 0, "output-unwritable", said, help)])


def let_go() -> None:
    """Write no more to standard output: its reader has gone away. The interpreter's own flush at exit stays silent too."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def say(text: str) -> None:
    """Print `text` on standard error."""
    _say(text)


def _say(text: str) -> int:
    try:
        sys.stderr.write(printable(text) + "\n")
        sys.stderr.flush()
    except OSError:
        pass
    return 2


def _internal(error: Exception) -> int:
    kind = type(error).__name__
    return refuse([Diagnostic("", 0, 0, "internal", f"internal error: {kind}: {error}", REPORT)])


REPORT = f"nothing was decided; please report this with the command, the input and the version (oncogate {__version__})"


def _use_utf8() -> None:
    for stream in (sys.stdout, sys.stderr):
        _reconfigure(stream)


def _reconfigure(stream: TextIO) -> None:
    if isinstance(stream, io.TextIOWrapper):
        # a lone surrogate can't be UTF-8; its escape is also how JSON writes it
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
