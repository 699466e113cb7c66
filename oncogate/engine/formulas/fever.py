"""What neutropenia and fever turn on over a stretch of time: the lowest count, any temperature, one that stays."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from oncogate.base.logic import Truth, every, some
from oncogate.base.texts import Text
from oncogate.engine.case import Case
from oncogate.engine.content import read_value
from oncogate.engine.derived import Derived, Options, known
from oncogate.engine.formulas.body import UNKNOWN
from oncogate.engine.formulas.timing import NEVER
from oncogate.engine.select import Selection, select
from oncogate.engine.standing import Standing, Window
from oncogate.engine.values import all_agree, compare
from oncogate.engine.wording import with_value
from oncogate.model.decision import Evidence
from oncogate.model.facts import word_key
from oncogate.model.record import Entry
from oncogate.model.values import Quantity

READINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("vital.temperature_oral", ("oral",)),
    ("vital.temperature_axillary", ("axillary",)),
    ("vital.temperature", ("oral", "axillary")),
)
"""The facts of temperatures, each with the limits that may hold for a reading whose site isn't said."""

_SITES = {
    word_key(word): site
    for site, words in {
        "axillary": ("axillary", "axilla", "armpit", "腋下", "腋温", "腋窝", "腋"),
        "oral": ("oral", "mouth", "口腔", "口温", "口", "舌下"),
        "tympanic": ("tympanic", "ear", "耳", "耳温", "鼓膜"),
        "rectal": ("rectal", "rectum", "直肠", "肛温", "肛门"),
    }.items()
    for word in words
}
"""Where a temperature is taken, in the words of the ward; any other word leaves it open."""

SITE_UNTOLD = Text(
    zh="测温部位未注明或无法识别，口温和腋温的界值不同",
    en="where it was taken isn't told, and the limits of mouth and armpit differ",
)


def anc_nadir(case: Case, options: Options) -> Derived:
    """The lowest neutrophil count within `window`, in 10*9/L; without any count it is above every limit.

    Unknown where results may be hidden or one can't be read: it may be the lowest.
    """
    selection = select(case, "lab.anc", window=Window.of(options["window"], case.at))
    rows = [s for s in selection.standings if s.counted is not False]
    if not rows and not selection.hidden:
        return Derived(NEVER, selection.evidence())
    if selection.hidden or any(s.counted is None or s.value is None for s in rows):
        return Derived(UNKNOWN, selection.evidence(), ("lab.anc",))
    lowest = min(rows, key=lambda s: (s.value or Decimal(0), _comparator(s) not in ("<", "<=")))
    value = lowest.value or Decimal(0)
    evidence = (lowest.evidence("lab.anc"),)
    if _comparator(lowest) in ("<", "<="):
        # somewhere from 0 up to the bound; what lies below `<0.5` is below it
        top = value.next_minus() if _comparator(lowest) == "<" and value else value
        bound = f"{_comparator(lowest)}{value:f} ×10⁹/L"
        said = Text(zh=f"ANC 最低 {bound}", en=f"lowest ANC {bound}")
        return Derived(frozenset({Decimal(0), top}), evidence, holding=(said,))
    if _comparator(lowest) in (">", ">="):
        return Derived(UNKNOWN, evidence, ("lab.anc",))
    shown = f"{value:f} ×10⁹/L"
    return Derived(
        frozenset({value}), evidence, holding=(Text(zh=f"ANC 最低 {shown}", en=f"lowest ANC {shown}"),)
    )


def fever_recorded(case: Case, options: Options) -> Derived:
    """Whether any temperature taken within `window` is a fever by the limit of its site, whatever was measured since.

    Limits: `oral`, which holds for every site but the armpit, and `axillary`; `edge` tells whether a fever begins
    `above` them or is one `at_least` so high. Unknown where a reading that may be a fever can't be read, has no time,
    or may be hidden.
    """
    edge, window = str(options["edge"].value), Window.of(options["window"], case.at)
    fevers: list[tuple[Decimal, str, Standing]] = []
    doubts: list[Evidence] = []
    missing: list[str] = []
    for fact, limits in READINGS:
        selection = select(case, fact, window=window)
        before = len(doubts)
        for standing in selection.standings:
            truth = _is_fever(case, fact, standing, limits, options, edge)
            if truth is None:
                doubts.append(_doubt(fact, standing))
            elif truth and standing.value is not None:
                fevers.append((standing.value, fact, standing))
        doubts += [h.evidence(fact) for h in selection.hidden]
        missing += [fact] if len(doubts) > before else []
    if fevers:
        rows = tuple(standing.evidence(fact) for _, fact, standing in fevers)
        _, fact, highest = max(fevers, key=lambda fever: fever[0])
        return Derived(frozenset({True}), rows, holding=(_taken(case, fact, highest),))
    return known(None if doubts else False, doubts, missing)


def _is_fever(
    case: Case, fact: str, standing: Standing, limits: Iterable[str], options: Options, edge: str
) -> Truth:
    """Whether one reading is a fever; one without a time is none where it would be none at any."""
    if standing.counted is False:
        return False
    value, problem, _ = read_value(case.facts[fact], standing.entry)
    if value is None or problem is not None:
        return None
    own = sorted({_site_of(standing, limit) for limit in limits})
    truths = [compare(value, edge, options[site].number, _comparator(standing)) for site in own]
    return every((standing.counted, all_agree(truths)))


def _doubt(fact: str, standing: Standing) -> Evidence:
    """A reading that may be a fever, and why that can't be told."""
    row = standing.evidence(fact)
    if row.why is not None:
        return row
    if _comparator(standing) is not None:
        return row.model_copy(update={"counted": None, "why": "invalid"})
    return row.model_copy(update={"counted": None, "why": "absent", "detail": SITE_UNTOLD})


def _taken(case: Case, fact: str, standing: Standing) -> Text:
    """A reading with when it was taken: `2026-03-02 01:30 口腔温度 39.5 ℃`."""
    said, time = with_value(case.facts[fact].label, standing.entry), standing.entry.effective
    if isinstance(time, datetime):
        when = time.astimezone(case.at.tzinfo).strftime("%Y-%m-%d %H:%M")
        return Text(zh=f"{when} {said.zh}", en=f"{said.en} at {when}")
    return Text(zh=f"{time} {said.zh}", en=f"{said.en} on {time}")


def fever_sustained(case: Case, options: Options) -> Derived:
    """Whether a temperature stayed at the limit of its site or above for `lasting`, within `window`.

    Two readings so far apart show it if none between them is lower. Limits: `oral`, `axillary` (for a reading
    whose site isn't said, both are possible).
    """
    truths: list[Truth] = []
    rows: list[Evidence] = []
    missing: list[str] = []
    for fact, limits in READINGS:
        selection = select(case, fact, window=Window.of(options["window"], case.at))
        truth = all_agree([_stays(case, selection, limit, options) for limit in limits])
        if selection.hidden and truth is not True:
            truth = None
        if truth is None:
            missing.append(fact)
        truths.append(truth)
        rows += selection.evidence() if truth is not False else ()
    return known(some(truths), rows, missing)


def _stays(case: Case, selection: Selection, of: str, options: Options) -> Truth:
    """The readings' word; one that can't be read may be a fever or none, and one without a time may be anywhere."""
    standings = [s for s in selection.standings if s.counted is not False]
    undated = [s for s in standings if s.when is None]
    if any(_is_fever(case, selection.fact, s, (of,), options, "at_least") is not False for s in undated):
        return None
    in_order = sorted((s for s in standings if s.when is not None), key=lambda s: s.when or case.at)
    readable = {id(s) for s in _read(standings)}

    def runs(*, if_unread: bool) -> bool:
        start: datetime | None = None
        for standing in in_order:
            limit = options[_site_of(standing, of)].value
            assert isinstance(limit, Decimal)
            assert standing.when is not None
            fever = standing.value is not None and standing.value >= limit
            if not (fever if id(standing) in readable else if_unread):
                start = None
            elif start is None:
                start = standing.when
            elif Window.of(options["lasting"], standing.when).since >= start:
                return True
        return False

    stays = all_agree([runs(if_unread=False), runs(if_unread=True)])
    return None if stays and undated else stays  # a lower one may have come between


def _read(standings: Iterable[Standing]) -> list[Standing]:
    return [s for s in standings if s.counted and s.problem is None and _comparator(s) is None]


def _site_of(standing: Standing, otherwise: str) -> str:
    """Whose limit a reading is held against: that of its site; of another site than the armpit the oral one."""
    site = site_of(standing.entry)
    return otherwise if site is None else "axillary" if site == "axillary" else "oral"


def site_of(entry: Entry) -> str | None:
    """Where a temperature was taken: `axillary`, `oral`, `tympanic`, `rectal`; `None` if that isn't said."""
    return _SITES.get(word_key(getattr(entry, "site", None) or ""))


def _comparator(standing: Standing) -> str | None:
    value = getattr(standing.entry, "value", None)
    return value.comparator if isinstance(value, Quantity) else None
