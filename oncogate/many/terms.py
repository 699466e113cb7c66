"""What the caller and its workers tell each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from oncogate.base.errors import Diagnostic


class Terms(NamedTuple):
    """How a worker loads its gate, and the zone of times that have none."""

    load: Mapping[str, Any]
    timezone: str | None


class Ready(NamedTuple):
    """The worker's gate is loaded; by what it judges."""

    judges_by: tuple[object, ...]


class Refused(NamedTuple):
    """The worker's gate can't be loaded."""

    diagnostics: tuple[Diagnostic, ...]
