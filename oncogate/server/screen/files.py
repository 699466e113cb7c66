"""The files that a page loads: two style sheets, htmx, a script of ours, an icon. All are on the server; none is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from oncogate.explain.render_html import PARTS

STATIC = Path(__file__).with_name("static")
_FILES = {
    "decision.css": (PARTS, "text/css"), "screen.css": (STATIC, "text/css"), "htmx.min.js": (STATIC, "text/javascript"),
    "htmx.LICENSE": (STATIC, "text/plain"), "screen.js": (STATIC, "text/javascript"), "icon.svg": (STATIC, "image/svg+xml"),
}  # fmt: skip


class File(NamedTuple):
    """A file as it is sent."""

    content: bytes
    media_type: str


@lru_cache(maxsize=1)
def files() -> Mapping[str, File]:
    """The files by name; no other can be asked for."""
    return {name: File((folder / name).read_bytes(), kind) for name, (folder, kind) in _FILES.items()}


@lru_cache(maxsize=1)
def version() -> str:
    """What changes when a file does: a browser may keep a file for as long as its version is asked for."""
    return sha256(b"".join(file.content for file in files().values())).hexdigest()[:12]
