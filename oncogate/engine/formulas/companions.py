"""What goes with the order: premedication and antiemetics, in the order itself or beside it."""

from __future__ import annotations

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
    evidence: list[Evidence] = []
    missing: list[str] = []
    for cls in classes if isinstance(classes, tuple) else ():
        fact = f"companion.{cls}"
        inside = case.has_drug([cls])
        beside = _arranged(case, fact, options["given"])
        truth = some((inside, beside.exists))
        truths.append(truth)
        evidence += [
            Evidence(fact=fact, counted=True, value=d.label.zh, detail=d.known.label)
            for d in case.drugs
            if d.known is not None and in_classes(d.known, frozenset({cls}))
        ]
        if inside is not True:
            evidence += beside.evidence()
        if truth is not True:
            missing.append(fact)
    return known(every(truths), dict.fromkeys(evidence), missing)


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
