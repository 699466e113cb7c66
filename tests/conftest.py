"""What tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ["ONCOGATE_CACHE"] = "off"  # whoever tests it (test_cache.py) says where; nobody's own is written

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real material beside the project; tests that need it are skipped where it is absent."""
    folder = ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip(f"the shared material is not at {folder}")
    return folder
