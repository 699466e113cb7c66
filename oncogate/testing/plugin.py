"""Rule files as tests: each example of a rule is an item, and with `--oncogate-checks` each named check too.

A rule file is a YAML file in a pack: below a folder that holds a `pack.yaml`. Nothing else is ever collected.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from oncogate.base.errors import PackError
from oncogate.packs.load import NOT_RULES, load_library
from oncogate.packs.pack import Library
from oncogate.testing.checks import CHECKS, ChecksFailed, example_failure, examples_hold, run_check
from oncogate.testing.trying import Failure, Subject

SUFFIXES = frozenset({".yaml", ".yml"})


class RuleFiles:
    """The collector of rule files; every rules folder is loaded once. Paths are shown as seen from `start`."""

    def __init__(self, start: Path, *, checks: bool) -> None:
        self.start = start
        self.checks = checks
        self._loaded: dict[tuple[Path, ...], Library | None] = {}

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> YamlFile | None:
        """A rule file; `None` for every other file."""
        if file_path.suffix not in SUFFIXES or file_path.name in NOT_RULES:
            return None
        pack = pack_of(file_path)
        if pack is None or "tables" in file_path.relative_to(pack).parts:
            return None
        file: YamlFile = YamlFile.from_parent(parent, path=file_path, files=self, pack=pack)
        return file

    def library(self, pack: Path) -> Library | None:
        """The rules that the pack stands among; `None` where it has been said that they can't be loaded.

        Raises `PackError` the first time.
        """
        folders = tuple(Path(os.path.relpath(folder, self.start)) for folder in _folders(pack))
        if folders not in self._loaded:
            self._loaded[folders] = None
            self._loaded[folders] = load_library(folders)
        return self._loaded[folders]


def pack_of(path: Path) -> Path | None:
    """The nearest folder above a file that holds a `pack.yaml`."""
    return next((folder for folder in path.parents if (folder / "pack.yaml").is_file()), None)


def _folders(pack: Path) -> list[Path]:
    """What is loaded for a pack: its rules folder, or the packs of a folder that holds other things too."""
    folder = pack.parent
    if (folder / "facts.yaml").is_file() or (folder / "tables").is_dir():
        return [folder]
    return sorted(header.parent for header in folder.glob("*/pack.yaml"))


class YamlFile(pytest.File):
    """A rule file."""

    def __init__(self, *, files: RuleFiles, pack: Path, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.files = files
        self.pack = pack

    def collect(self) -> Iterator[YamlItem]:
        """An item for each example and, if asked for, for each check. Rules that can't be loaded are one error."""
        try:
            library = self.files.library(self.pack)
        except PackError as error:
            raise self.CollectError(f"the rules can't be used\n{error}") from None
        if library is None:
            return  # the first file of the folder has told why
        here = self.path.resolve()
        loaded = next(loaded for loaded in library.rules if loaded.path.resolve() == here)
        subject = Subject(loaded, library)
        for index, example in enumerate(loaded.rule.examples):
            line, _ = loaded.document.place(("examples", index))
            yield self._item(example.name, line, partial(_run_example, subject, index))
        for check in CHECKS if self.files.checks else ():
            if check is not examples_hold:  # the items above
                yield self._item(f"check: {check.__name__}", 1, partial(run_check, check, subject))

    def _item(self, name: str, line: int, run: Callable[[], Iterable[Failure]]) -> YamlItem:
        item: YamlItem = YamlItem.from_parent(self, name=name, line=line, run=run)
        return item


def _run_example(subject: Subject, index: int) -> Iterator[Failure]:
    failure = example_failure(subject.library, subject.loaded, index)
    if failure is not None:
        yield replace(failure, check=examples_hold.__name__)


class YamlItem(pytest.Item):
    """One example of a rule, or one check of it."""

    def __init__(self, *, line: int, run: Callable[[], Iterable[Failure]], **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.line = line
        self.run = run

    def runtest(self) -> None:
        """Raises `ChecksFailed` with what was found."""
        failures = tuple(self.run())
        if failures:
            raise ChecksFailed(failures)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """What the check says, without a traceback; a fault of the engine has one."""
        if isinstance(excinfo.value, ChecksFailed):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo, "short"))  # the long one would write out whole libraries

    def reportinfo(self) -> tuple[Path, int, str]:
        """The line of the example, or that of the rule."""
        return self.path, self.line - 1, self.name
