"""The files that a library is made of, and a digest of all that it depends on."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pydantic

from oncogate._version import __version__
from oncogate.packs.digest import digest_of
from oncogate.packs.document import LARGEST

MAKERS = ("base", "clinical", "model", "packs")
"""The parts of this package that make a library of files."""


def shipped_rules() -> Path:
    """The folder of the rules that ship: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "rules"
    return inside if inside.is_dir() else package.parent / "rules"


SHIPPED = "shipped"
"""The word that stands for that folder among the names of others. A folder of this name is told by its path from the root."""


def rule_folders(named: Iterable[str | Path]) -> list[Path]:
    """The rules folders of these names; the shipped one if there are none."""
    return [shipped_rules() if Path(one) == Path(SHIPPED) else Path(one) for one in named] or [
        shipped_rules()
    ]


@dataclass(frozen=True)
class RuleFiles:
    """What `load_library` would read, and maybe more.

    `digest` is over the names and bytes of these files, where each really is and in which order they were asked for;
    and over what reads them: the source of this package, and the versions of Python and pydantic.
    """

    content: Mapping[Path, bytes]
    digest: str

    @classmethod
    def read(cls, folders: Sequence[str | Path], site: Sequence[str | Path]) -> RuleFiles:
        """The files below `folders` (the shipped rules if there are none), and those of `site`.

        Raises `OSError` or `ValueError` where a folder can't be read or a name can't be one.
        """
        shipped = shipped_rules()
        roots = rule_folders(folders)
        content: dict[Path, bytes] = {}
        said = [
            [__version__, pydantic.VERSION, sys.version, *map(str, roots)],
            *(_read(path, {}) for part in MAKERS for path in _files(Path(__file__).parents[1] / part, ".py")),
        ]
        for root in dict.fromkeys([shipped, *roots]):
            tables = root / "tables"
            said.append([str(root), os.path.realpath(root)])
            said += [_read(path, content, LARGEST + 1) for path in _files(root, ".yaml", ".yml")]
            said += [_read(path, content) for path in (sorted(tables.iterdir()) if tables.is_dir() else ())]
        said += [["site", *_read(Path(layer), content, LARGEST + 1)] for layer in site]
        return cls(content, digest_of(said))


def _files(root: Path, *endings: str) -> Iterator[Path]:
    """The files below a folder whose names end so; the file itself if it is one."""
    if root.is_file():
        yield root
    for folder, folders, names in os.walk(root):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(names) if name.lower().endswith(endings))


def _read(path: Path, content: dict[Path, bytes], most: int = -1) -> list[str]:
    """Read a file into `content`, at most so many bytes; what the digest holds of it."""
    try:
        info = path.lstat()
        where = os.path.realpath(path) if stat.S_ISLNK(info.st_mode) else ""
        if where:
            info = path.stat()
        if not stat.S_ISREG(info.st_mode):
            return [str(path), where, "not a file"]
        with path.open("rb", buffering=0) as file:
            found = content[path] = file.read(most)
    except OSError as error:
        return [str(path), str(error)]
    return [str(path), where, sha256(found).hexdigest()]
