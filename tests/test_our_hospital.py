"""The example of a hospital's own rules holds up to all that a rule author can ask of it."""

from __future__ import annotations

from pathlib import Path

from oncogate.authoring.lint import lint
from oncogate.authoring.mutation import mutation
from oncogate.authoring.prove import prove
from oncogate.packs.load import load_library
from oncogate.testing import check_pack

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "our-hospital"


def test_the_rules_are_kept_tested_and_proved():
    library = load_library([FOLDER])

    assert len(library.rules) == 3
    assert lint(library) == ()
    assert mutation(library, FOLDER).diagnostics == ()
    assert prove(library).found == ()
    check_pack(library)
