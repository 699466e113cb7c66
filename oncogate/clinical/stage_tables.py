"""What the tables say of a tumour's staging: its editions by date and the categories that it has.

The grammar of `stages.py` takes what any tumour may have; a tumour's own value sets and editions narrow it.
They come from rules/tables/tumours.yaml: nothing is known here by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from oncogate.base.texts import Text

Letter = Literal["t", "n", "m"]
LETTERS: tuple[Letter, ...] = ("t", "n", "m")


@dataclass(frozen=True)
class Edition:
    """An edition of a system, for diagnoses from `start` to `until`, both days included; no `until`: still."""

    system: str
    edition: str
    start: date
    until: date | None = None

    def covers(self, day: date) -> bool:
        """Whether the edition is in force on `day`."""
        return self.start <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True)
class ValueSets:
    """The categories of a tumour, without their letter, in the order in which they are shown.

    `added` holds, by TNM edition, those that only this edition has. `unranked` names the numbers whose
    letters aren't degrees of spread (`{"n": ("1",)}`: N1c isn't more than N1a).
    """

    t: tuple[str, ...]
    n: tuple[str, ...]
    m: tuple[str, ...]
    added: Mapping[str, Mapping[Letter, tuple[str, ...]]] = field(default_factory=dict)
    unranked: Mapping[Letter, tuple[str, ...]] = field(default_factory=dict)

    def of(self, letter: Letter, editions: Iterable[str] | None = None) -> tuple[str, ...]:
        """The values of one letter in any of the TNM `editions`, by default in any at all."""
        base: tuple[str, ...] = getattr(self, letter)
        chosen = self.added if editions is None else editions
        more = (v for edition in chosen for v in self.added.get(edition, {}).get(letter, ()))
        return tuple(dict.fromkeys((*base, *more)))


@dataclass(frozen=True)
class Staging:
    """How a tumour is staged, as the tables say; `values` is `None` where they hold no value sets for it."""

    label: Text
    editions: tuple[Edition, ...] = ()
    values: ValueSets | None = None

    def of_system(self, system: str) -> tuple[Edition, ...]:
        """The editions of one system, oldest first."""
        return tuple(sorted((e for e in self.editions if e.system == system), key=lambda e: e.start))


def written(letter: Letter, value: str) -> str:
    """A category with its letter: `T1b3`, `Tis`, `NX`."""
    return letter.upper() + value


def meant(value: str, allowed: Iterable[str]) -> str:
    """The category that is meant: `N2cM0` is N2 and cM0 where the tumour has N2 and no N2c."""
    return value[:-1] if value.endswith("c") and value not in allowed and value[:-1] in allowed else value


def edition_label(edition: str) -> Text:
    """An edition as clinicians call it: `第8版`, `2018年版`."""
    return Text(zh=f"{edition}年版" if is_year(edition) else f"第{edition}版", en=f"edition {edition}")


def listed(editions: Iterable[str]) -> Text:
    """Editions by their labels: `第8版或第9版`."""
    labels = [edition_label(e) for e in editions]
    return Text(zh="或".join(x.zh for x in labels), en=" or ".join(x.en for x in labels))


def is_year(edition: str) -> bool:
    """Whether an edition goes by its year, not its number."""
    return len(edition) == len("2018")
