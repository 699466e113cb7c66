"""What a worker process does: load the gate as the caller did, then answer chunk after chunk until its input ends.

The caller's end of the pipe closing, for whatever reason, is the end of the worker: none is left behind.
"""

from __future__ import annotations

import gc
import os
import pickle
import sys
from contextlib import suppress
from typing import BinaryIO, cast

from oncogate.base.errors import OncogateError
from oncogate.gate import Gate
from oncogate.many.lines import judge_line
from oncogate.many.terms import Ready, Refused, Terms


def serve() -> None:
    """Read the terms, then chunks of lines from standard input; write their answers to standard output."""
    with suppress(EOFError, BrokenPipeError):  # the caller is gone, or needs no more
        _serve()


def _serve() -> None:
    told = sys.stdin.buffer
    answers = cast(BinaryIO, os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # whatever else writes to standard output must not stand between answers
    terms: Terms = pickle.load(told)
    try:
        gate = Gate.load(**terms.load)
    except OncogateError as error:
        _say(answers, Refused(error.diagnostics))
        return
    _say(answers, Ready(gate.judges_by))
    gc.collect()
    gc.freeze()  # the rules stay for good; the collector needn't walk them again
    while True:
        chunk = pickle.load(told)
        _say(answers, [judge_line(gate, line, terms.timezone) for line in chunk])


def _say(answers: BinaryIO, said: object) -> None:
    pickle.dump(said, answers, protocol=pickle.HIGHEST_PROTOCOL)
    answers.flush()
