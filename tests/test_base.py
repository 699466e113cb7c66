"""Small things that everything else stands on."""

from __future__ import annotations

import copy
import gc
import pickle
import re
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

import oncogate.gate  # noqa: F401 - all expressions are there
from oncogate.base import patterns
from oncogate.base.garbage import uncollected
from oncogate.base.made import made
from oncogate.base.texts import Text, seamed, sewn, spaced


class TestPatterns:
    def test_one_does_what_the_compiled_one_does(self) -> None:
        ours, theirs = patterns.compile("(a)|b", re.IGNORECASE), re.compile("(a)|b", re.IGNORECASE)
        assert (ours.pattern, ours.flags, ours.groups) == (theirs.pattern, theirs.flags, theirs.groups)
        assert ours.sub("x", "cAb") == theirs.sub("x", "cAb") == "cxx"
        found = ours.fullmatch("A")
        assert found is not None
        assert found.groups() == ("A",)
        assert ours.fullmatch is ours.fullmatch

    def test_what_a_pattern_lacks_one_lacks(self) -> None:
        with pytest.raises(AttributeError):
            patterns.compile("a").nothing  # type: ignore[attr-defined]  # noqa: B018

    def test_all_of_them_can_be_compiled(self) -> None:
        every = [one for one in gc.get_objects() if type(one).__module__ == patterns.__name__]
        assert len(every) > 150
        assert all(one.flags is not None for one in every)


class TestMade:
    def test_a_model_that_is_made_is_the_one_that_is_validated(self) -> None:
        ours, theirs = made(Text, {"zh": "一", "en": "one"}), Text(zh="一", en="one")
        assert (ours, hash(ours), ours.model_fields_set) == (theirs, hash(theirs), theirs.model_fields_set)
        assert ours.model_dump_json() == theirs.model_dump_json()
        assert copy.deepcopy(ours) == pickle.loads(pickle.dumps(ours)) == theirs
        assert ours.model_copy(update={"en": "1"}) == Text(zh="一", en="1")

    def test_it_is_as_frozen(self) -> None:
        with pytest.raises(ValidationError):
            made(Text, {"zh": "一", "en": "one"}).en = "two"  # type: ignore[misc]


@pytest.fixture
def collecting() -> Iterator[None]:
    """Whatever a test does, the search for garbage goes on after it."""
    yield
    gc.enable()


@pytest.mark.usefixtures("collecting")
class TestGarbage:
    def test_none_is_looked_for_meanwhile_and_then_it_is_as_before(self) -> None:
        with uncollected():
            assert not gc.isenabled()
            with uncollected():
                pass
            assert not gc.isenabled()
        assert gc.isenabled()

    def test_whoever_had_it_off_has_it_off(self) -> None:
        gc.disable()
        with uncollected():
            pass
        assert not gc.isenabled()

    def test_it_is_as_before_after_an_error(self) -> None:
        with pytest.raises(ValueError, match="x"), uncollected():
            raise ValueError("x")
        assert gc.isenabled()


class TestSeams:
    def test_chinese_and_latin_get_a_blank_between_them(self) -> None:
        assert spaced("胸部CT或PET-CT检查7天内") == "胸部 CT 或 PET-CT 检查 7 天内"

    def test_only_where_parts_meet_and_never_inside_them(self) -> None:
        said = (
            f"使用{seamed('XR-17注射液')}前，确认{seamed('ECOG')}（{seamed('XR-17')}），{seamed('多西他赛')}"
        )
        assert sewn(said) == "使用 XR-17注射液前，确认 ECOG（XR-17），多西他赛"
