"""The faults of `faults.py` can still be planted, and are caught."""

from __future__ import annotations

import subprocess
import sys

import pytest
from faults import FAULTS, ROOT, Fault, planted


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_text_of_each_fault_is_found_exactly_once(fault: Fault) -> None:
    source = (ROOT / "oncogate" / fault.module).read_text(encoding="utf-8")
    assert planted(fault, source) != source


def test_a_text_that_is_gone_is_refused() -> None:
    with pytest.raises(SystemExit, match="found 0 times"):
        planted(Fault("rotten", "gate.py", "no such text", ""), "other text")


@pytest.mark.longer
def test_every_planted_fault_is_caught() -> None:
    done = subprocess.run(
        [sys.executable, "tests/faults.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout
