"""A text that clinicians read, in Chinese and English."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from oncogate.base.made import made

Language = Literal["zh", "en"]


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
