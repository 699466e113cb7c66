"""The shipped rules, loaded once for all tests of a process."""

from __future__ import annotations

from functools import cache

from oncogate.gate import Gate
from oncogate.packs.load import load_library, shipped_rules
from oncogate.packs.pack import Library


@cache
def shipped_library(*packs: str) -> Library:
    """The library of all shipped packs, or of those that are named."""
    return load_library([shipped_rules() / pack for pack in packs])


@cache
def shipped_gate() -> Gate:
    """The gate of all shipped packs."""
    return Gate.load()
