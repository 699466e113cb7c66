"""The rules that a service judges with, and how they are exchanged while it runs."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from oncogate.adapters.cdshooks.request import read_hook
from oncogate.adapters.fhir import Vocabulary
from oncogate.base.errors import Diagnostic, OncogateError
from oncogate.gate import Gate
from oncogate.model.request import Request
from oncogate.packs.digest import digest_of
from oncogate.packs.pack import Library
from oncogate.packs.rule_files import rule_folders
from oncogate.server.examples import HOOK, REQUEST
from oncogate.server.settings import Settings

Fingerprint = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Loaded:
    """A gate, the words by which FHIR is read for it, and one digest over all that it judges with."""

    gate: Gate
    vocabulary: Vocabulary
    digest: str

    @classmethod
    def of(cls, gate: Gate) -> Loaded:
        """What goes with a gate. An example is judged first: what is worked out once is so before anybody waits for it."""
        library = gate.library
        vocabulary = Vocabulary.of(library)
        for data in (REQUEST, read_hook(HOOK, REQUEST["at"], None, vocabulary).data):
            gate.decide(Request.load(data)).to_dict()
        return cls(gate, vocabulary, _digest(library))


class RulesInUse:
    """The rules in use. New ones take the place of the old in one step; broken ones don't, and the old ones stay.

    A request takes `current` once, so that it is read and judged by the same rules.
    """

    def __init__(self, settings: Settings, gate: Gate | None = None) -> None:
        """Load the rules; raises `PackError` with every problem found."""
        self._settings = settings
        self._loading = threading.Lock()
        self._seen = self.fingerprint()
        self.current = Loaded.of(gate or self._load())
        self.problems: tuple[Diagnostic, ...] = ()
        """What is wrong with the files as they are now; the rules in use are then older than the files."""

    @property
    def gate(self) -> Gate:
        """The gate in use."""
        return self.current.gate

    @property
    def vocabulary(self) -> Vocabulary:
        """The words by which FHIR is read for the gate in use."""
        return self.current.vocabulary

    def reload(self) -> tuple[Diagnostic, ...]:
        """Load the files anew. Returns what is wrong with them; then the old rules stay in use."""
        with self._loading:
            self._seen = self.fingerprint()
            try:
                loaded = Loaded.of(self._load())
            except OncogateError as error:
                self.problems = error.diagnostics
            except Exception as error:  # a fault of ours mustn't take down a gate that works
                self.problems = (Diagnostic("", 0, 0, "internal", f"internal error: {type(error).__name__}"),)
            else:
                self.current, self.problems = loaded, ()
            return self.problems

    def changed(self) -> bool:
        """Whether the files have changed since they were loaded."""
        return self.fingerprint() != self._seen

    def fingerprint(self) -> Fingerprint:
        """The files of the rules by name, time and size."""
        return tuple(sorted(_marks(self._settings)))

    def _load(self) -> Gate:
        told = self._settings
        return Gate.load(told.rules, told.site, engine=told.engine)


def _marks(settings: Settings) -> Iterable[tuple[str, int, int]]:
    for root in (*rule_folders(settings.rules), *settings.site):
        for path in [root] if not root.is_dir() else root.rglob("*"):
            try:
                found = path.stat()
            except OSError:
                continue
            if path.is_file():
                yield str(path), found.st_mtime_ns, found.st_size


def _digest(library: Library) -> str:
    return digest_of([*(p.digest for p in library.packs), *(one.digest for one in library.layers)])
