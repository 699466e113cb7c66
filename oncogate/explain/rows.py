"""Evidence as rows that a person reads: what was found, when, and why it counts or doesn't."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from oncogate.base.texts import Language
from oncogate.explain.reasons import WHY, time_text
from oncogate.explain.words import CODES, OTHER_FACTS, code_text, one_line, powers, quantity_said
from oncogate.model.decision import CriticalValue, Evidence


@dataclass(frozen=True)
class Row:
    """One thing looked at. `mark` is `yes` (counted), `no`, `none` (nothing there) or `unsure`."""

    mark: str
    label: str
    value: str
    when: str
    why: str
    source: str


def rows_of(evidence: Sequence[Evidence], at: datetime, language: Language) -> Iterator[Row]:
    """The evidence as rows, as of `at`; drugs and the like, which are no entries, share one row for each fact."""
    done: set[tuple[str, bool | None]] = set()
    for e in evidence:
        if e.entry is not None or e.value is None or e.why is not None:
            yield _row(e, [e], at, language)
        elif (e.fact, e.counted) not in done:
            done.add((e.fact, e.counted))
            key = (e.fact, e.counted, None, None)
            yield _row(e, [x for x in evidence if (x.fact, x.counted, x.entry, x.why) == key], at, language)


def label_of(shown: Evidence | CriticalValue, language: Language) -> str:
    """What clinicians call the fact that was looked at."""
    label = shown.label or OTHER_FACTS.get(shown.fact)
    return label.in_(language) if label is not None else shown.fact


def _row(e: Evidence, alike: Sequence[Evidence], at: datetime, language: Language) -> Row:
    detail = e.detail.in_(language) if e.detail else ""
    absent = e.entry is None and e.why == "absent"
    if e.why is None or (absent and e.value):  # then the detail is what the value is called
        comma = "、" if language == "zh" else ", "
        value, why = comma.join(dict.fromkeys(_named(x, language) for x in alike)), ""
    else:
        value, why = _in_words(_recorded(e, language), language), detail
    if e.why is not None and not why:
        why = WHY[e.why].in_(language)
    when = time_text(e.time, at).in_(language) if e.time is not None else ""
    return Row(
        "none" if absent and e.counted is False else _mark(e), one_line(label_of(e, language)), one_line(powers(value)), when,
        one_line(why.strip()), one_line(e.source or e.entry or ""),
    )  # fmt: skip


def _mark(e: Evidence) -> str:
    if e.counted and e.why is None:
        return "yes"
    if e.counted is not False:
        return "unsure"
    return "no" if e.entry is not None or e.value else "none"


def _named(e: Evidence, language: Language) -> str:
    value = _in_words(_recorded(e, language), language)
    detail = e.detail.in_(language) if e.detail else ""
    if not detail or detail == value:
        return value
    if e.entry is not None and _CODE.fullmatch(e.value or ""):  # what the code means says all that it does
        return detail
    if e.entry is None and e.why == "absent":
        return detail
    return f"{value}（{detail}）" if language == "zh" else f"{value} ({detail})"


def _in_words(value: str, language: Language) -> str:
    return code_text(value, language) if value in CODES else value


_CODE = re.compile("[a-z_]+")


def _recorded(e: Evidence, language: Language) -> str:
    """The value of an entry; one whose unit can't be read is shown as it came."""
    value = e.value or ""
    if e.entry is None and value.endswith(" a"):  # worked out in years: an age
        return value.removesuffix("a") + ("岁" if language == "zh" else "years")
    return value if e.why == "unreadable_unit" else quantity_said(value).in_(language)
