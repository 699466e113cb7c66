"""Log lines: JSON on standard error, without anything of a patient."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from datetime import datetime, timezone
from typing import Any


class Lines(logging.Formatter):
    """One JSON object a line. Of an exception its type and places are written, never its message: that may quote a record."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(), "worker": os.getpid(),
        }  # fmt: skip
        told = getattr(record, "said", None)
        if isinstance(told, dict):
            said |= told
        else:
            said |= {"event": "server", "message": record.getMessage()}
        if record.exc_info and record.exc_info[1] is not None:
            said |= where_it_failed(record.exc_info[1])
        return json.dumps(said, ensure_ascii=False)


def where_it_failed(error: BaseException) -> dict[str, Any]:
    """The type of an error, and the places that led to it."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "error": type(error).__name__,
        "places": [f"{f.filename}:{f.lineno} {f.name}" for f in frames[-12:]],
    }


def log_to_stderr(level: int = logging.INFO) -> None:
    """Have this package and its server write their lines to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    for name in ("oncogate", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level if name == "oncogate" else logging.WARNING)
        logger.propagate = False
