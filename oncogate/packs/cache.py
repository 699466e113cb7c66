"""The cache of libraries: what was read and checked isn't read and checked again while nothing of it has changed.

A file is named by the digest of all that its library was made of and by (`RuleFiles`), and begins with a digest of its own
content. One that isn't as it was written, that others could have written, or that can't be read counts as not there: a
library is then made of its files, as it is without a cache (docs/decisions/0008-cache.md).
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from oncogate.packs.pack import Library
from oncogate.packs.rule_files import RuleFiles
from oncogate.packs.stored import from_json, to_json

VARIABLE = "ONCOGATE_CACHE"
"""The environment's word on the folder of the cache; `off`: none."""
KEPT = 32
"""So many files are kept; that of the shipped rules has 1.4 MB."""

_NAME = re.compile(r"[0-9a-f]{64}(\.[0-9a-f]{16})?\.library")


def cached_library(folders: Sequence[str | Path], layers: Sequence[str | Path]) -> Library:
    """The library of `load_library`, and its errors; from the cache if it is there."""
    folder = cache_folder()
    files = None if folder is None else _files(folders, layers)
    if folder is None or files is None:
        return _loaded(folders, layers)
    library = read(folder, files)
    if library is None:
        library = _loaded(folders, layers)
        if _files(folders, layers) == files:  # nobody wrote them meanwhile
            write(folder, files, library)
    return library


def cache_folder() -> Path | None:
    """Where the cache is: where `ONCOGATE_CACHE` says, else in the user's folder of caches; `None` for no cache."""
    said = os.environ.get(VARIABLE)
    if said:
        return None if said == "off" else Path(said)
    if sys.platform == "win32":
        caches = Path(os.environ.get("LOCALAPPDATA", ""))
    elif sys.platform == "darwin":
        caches = Path("~/Library/Caches")
    else:
        caches = Path(os.environ.get("XDG_CACHE_HOME", ""))
        caches = caches if caches.is_absolute() else Path("~/.cache")
    try:
        caches = caches.expanduser()
    except RuntimeError:  # nobody's home
        return None
    return caches / "oncogate" if caches.is_absolute() else None


def _files(folders: Sequence[str | Path], layers: Sequence[str | Path]) -> RuleFiles | None:
    try:
        return RuleFiles.read(folders, layers)
    except (OSError, ValueError):
        return None  # what is wrong with them is said when they are loaded


def _loaded(folders: Sequence[str | Path], layers: Sequence[str | Path]) -> Library:
    from oncogate.packs.load import load_library  # noqa: PLC0415 - YAML and all checks: seldom needed

    return load_library(folders, layers)


def _path(folder: Path, files: RuleFiles) -> Path:
    return folder / f"{files.digest.removeprefix('sha256:')}.library"


def _digest(files: RuleFiles, content: bytes) -> bytes:
    return sha256(files.digest.encode() + content).hexdigest().encode()


def read(folder: Path, files: RuleFiles) -> Library | None:
    """The library of the files, if the folder has it and nobody else could have put it there."""
    try:
        with _path(folder, files).open("rb") as file:
            if not (_safe(folder.stat()) and _safe(os.fstat(file.fileno()))):
                return None
            digest, content = file.readline().rstrip(), file.read()
        return from_json(content, files.content) if digest == _digest(files, content) else None
    except Exception:  # whatever is wrong with it: the rules are there, and are read
        return None


def write(folder: Path, files: RuleFiles, library: Library) -> None:
    """Put the library of the files into the folder, whole or not at all; without a word where that can't be."""
    try:
        content = to_json(library)
        above = next((one for one in (folder, *folder.parents) if one.exists()), None)
        if above is None or not _owned(above.stat()):
            return  # nothing is made in another user's folder
        folder.mkdir(0o755, parents=True, exist_ok=True)
        if not _safe(folder.stat()):
            return
        path = _path(folder, files)
        new = path.with_suffix(f".{os.urandom(8).hex()}.library")
        try:
            with open(new, "xb", opener=_opened) as file:
                file.write(_digest(files, content) + b"\n" + content)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
        _drop_the_oldest(folder)
    except (OSError, TypeError, ValueError):
        return  # a full or read-only disk: the library is there all the same


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags, 0o644)  # never for others to write, whatever the mask


def _drop_the_oldest(folder: Path) -> None:
    mine = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    by_age = sorted(mine, key=lambda path: path.stat().st_mtime, reverse=True)
    for path in by_age[KEPT:]:
        path.unlink(missing_ok=True)


def _owned(info: os.stat_result) -> bool:
    """Whether it is this user's, or root's. Windows keeps a user's folder to him by other means."""
    return not hasattr(os, "geteuid") or info.st_uid in (os.geteuid(), 0)


def _safe(info: os.stat_result) -> bool:
    """Whether nobody else could have written it."""
    return _owned(info) and not (hasattr(os, "geteuid") and info.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
