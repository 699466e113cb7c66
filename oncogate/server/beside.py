"""Faces that listen beside HTTP, in the same loop: HL7 v2 over MLLP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from oncogate.base.errors import Diagnostic
from oncogate.server.settings import Settings, SettingsError

Beside = Callable[[], AbstractAsyncContextManager[Any]]
"""Something that runs in the application's loop from its start to its stop."""


def beside(settings: Settings) -> Sequence[Beside]:
    """The faces that the settings ask for; of several workers one has them. Raises `SettingsError`."""
    if settings.mllp is None:
        return ()
    said, help = "this version has no listener for HL7 v2", "leave out `mllp`"
    raise SettingsError([Diagnostic("mllp", 0, 0, "serve-mllp-absent", said, help)])
