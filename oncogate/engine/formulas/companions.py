"""What goes with the order: premedication and antiemetics, in the order itself or beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from oncogate.base.logic import Truth, every, some
from oncogate.engine.case import Case, in_classes
from oncogate.engine.derived import Derived, Options, known
from oncogate.engine.select import Selection, select
from oncogate.engine.standing import Window
from oncogate.model.decision import Evidence
from oncogate.model.parameter import Parameter


def companions_ordered(case: Case, options: Options) -> Derived:
    """Whether a drug of each of `classes` is in the order, ordered beside it, or was given within `given`.

    Each class has a fact `companion.<class>` that finds it among the record's orders; `missing` names those that lack.
    """
    classes = options["classes"].value
    truths: list[Truth] = []
    missing: list[str] = []
    looked: list[tuple[str, Truth, Selection]] = []
    for cls in classes if isinstance(classes, tuple) else ():
        fact = f"companion.{cls}"
        inside = case.has_drug([cls])
        beside = _arranged(case, fact, options["given"])
        truth = some((inside, beside.exists))
        truths.append(truth)
        looked.append((cls, inside, beside))
        if truth is not True:
            missing.append(fact)
    rows = lambda: dict.fromkeys(r for one in looked for r in _rows(case, *one))  # noqa: E731
    return known(every(truths), rows, missing)


def _rows(case: Case, cls: str, inside: Truth, beside: Selection) -> Iterator[Evidence]:
    """The drugs of a class: those of the order and, if they don't settle it, those beside it."""
    for drug in case.drugs:
        if drug.known is not None and in_classes(drug.known, frozenset({cls})):
            yield Evidence(fact=beside.fact, counted=True, value=drug.label.zh, detail=drug.known.label)
    if inside is not True:
        yield from beside.evidence()


def _arranged(case: Case, fact: str, given: Parameter) -> Selection:
    """The orders of the fact; what was given counts only within the window, what is still to be given always."""
    selection, since = select(case, fact), Window.of(given, case.at).since
    return replace(
        selection,
        standings=tuple(
            replace(s, counted=False, why="too_old", detail=None)
            if s.counted is not False and getattr(s.entry, "status", None) == "completed" and s.when is not None and s.when < since else s
            for s in selection.standings
        ),
    )  # fmt: skip
