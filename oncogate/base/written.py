"""JSON as it is written everywhere."""

from __future__ import annotations

import json
from typing import Any


def json_bytes(content: Any) -> bytes:
    """Without blanks, in UTF-8, Chinese as itself.

    A lone surrogate, which JSON can carry and UTF-8 can't, is given back as its escape, which JSON reads as the same.
    """
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")
