"""A text that clinicians read, in Chinese and English."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict

from oncogate.base.made import made

Language = Literal["zh", "en"]

_HAN, _LATIN = "[\u4e00-\u9fff]", "[A-Za-z0-9]"
_JOINT = re.compile(f"(?<={_HAN})(?={_LATIN})|(?<={_LATIN})(?={_HAN})")
_SEAM = re.compile(f"(?<={_HAN})\0(?={_LATIN})|(?<={_LATIN})\0(?={_HAN})")


def spaced(zh: str) -> str:
    """Chinese with a blank wherever it meets Latin letters or digits."""
    return _JOINT.sub(" ", zh)


def seamed(value: str) -> str:
    """A text marked so that `sewn` sees where it begins and ends in a sentence."""
    return f"\0{value}\0" if value[:1].isascii() or value[-1:].isascii() else value


def sewn(zh: str) -> str:
    """A Chinese sentence of `seamed` parts: a blank stands where Chinese and Latin meet at a seam; what a part says isn't changed."""
    return _SEAM.sub(" ", zh).replace("\0", "") if "\0" in zh else zh


class Text(BaseModel):
    """One statement in both languages; neither is a translation of convenience."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    zh: str
    en: str

    @classmethod
    def of(cls, zh: str, en: str) -> Text:
        """A text of what are known to be strings."""
        return made(Text, {"zh": zh, "en": en})

    def in_(self, language: Language) -> str:
        """The text in `language` (`zh` or `en`)."""
        return self.zh if language == "zh" else self.en

    def fill(self, /, **values: Text | str) -> Text:
        """The same text with `{name}` replaced; a `Text` value is inserted in its own language."""
        zh = {name: v.zh if isinstance(v, Text) else v for name, v in values.items()}
        en = {name: v.en if isinstance(v, Text) else v for name, v in values.items()}
        return Text(zh=self.zh.format_map(zh), en=self.en.format_map(en))
