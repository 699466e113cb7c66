"""The way forward: the smallest sets of remedial actions, each proved by judging the request again.

A remedy says what the record holds once it is done. The request is judged with that on record; nothing
is assumed. What only the patient's body or a changed order can mend has no such remedy, and the finding
is named as not remediable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from oncogate.base.times import write_time
from oncogate.engine.case import Case
from oncogate.model.decision import Finding
from oncogate.model.record import Entry, PatientRecord
from oncogate.model.request import Request
from oncogate.model.rule import Outcome, Remedy

STRICTNESS: dict[Outcome, int] = {"allow": 0, "warn": 1, "block": 2}
MOST_OPTIONAL = 8
"""Actions that are tried in every combination; more would take too long at an order screen."""

Judge = Callable[[Request], tuple[Outcome, Sequence[str]]]
"""Judges a request: the outcome, and the rules that ask for a block or a warning."""

_STATUS = {
    "consents": "active",
    "procedures": "completed",
    "treatments": "completed",
    "orders": "planned",
    "diagnoses": "active",
}


def way_forward(
    case: Case, findings: Sequence[Finding], remedies: Mapping[str, Remedy], outcome: Outcome, judge: Judge
) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:  # fmt: skip
    """The smallest sets of actions that lead to the mildest outcome within reach, and the rules that none mends.

    `findings` are those that ask for a block or a warning, `remedies` the remedies of their rules, by rule.
    """
    if outcome == "allow":
        return (), ()
    doable = {r.action: (rule, r) for rule, r in remedies.items() if r.adds}
    if not doable:  # what stands is what was judged
        return (), tuple(sorted(f.rule for f in findings))
    missing = {f.rule: f.missing for f in findings}
    judged: dict[tuple[str, ...], tuple[Outcome, Sequence[str]]] = {}

    def after(actions: Iterable[str]) -> tuple[Outcome, Sequence[str]]:
        chosen = tuple(actions)
        if chosen not in judged:
            done = [(action, doable[action][1], missing[doable[action][0]]) for action in chosen]
            judged[chosen] = judge(with_done(case, done))
        return judged[chosen]

    everything = sorted(doable)
    best, still = after(everything)
    stuck = tuple(sorted(still))
    if STRICTNESS[best] >= STRICTNESS[outcome]:
        return (), stuck
    needed = [
        a for a in everything if STRICTNESS[after(b for b in everything if b != a)[0]] > STRICTNESS[best]
    ]
    optional = [a for a in everything if a not in needed][:MOST_OPTIONAL]
    for size in range(len(optional) + 1):
        sets = [sorted([*needed, *chosen]) for chosen in combinations(optional, size)]
        proved = [tuple(actions) for actions in sets if after(actions)[0] == best]
        if proved:
            return tuple(sorted(proved)), stuck
    return (tuple(everything),), stuck


def with_done(case: Case, done: Iterable[tuple[str, Remedy, Sequence[str]]]) -> Request:
    """The request with the remedies done, at the moment of the decision."""
    added: dict[str, tuple[Entry, ...]] = {}
    for action, remedy, missing in done:
        for section, templates in (remedy.adds or {}).items():
            several = templates if isinstance(templates, tuple) else (templates,)
            entries = [_entry(case, section, action, template, missing) for template in several]
            made = PatientRecord.model_validate({section: entries}).section(section) or ()
            added[section] = (*added.get(section, case.record.section(section) or ()), *made)
    return case.request.model_copy(update={"record": case.record.model_copy(update=added)})


def _entry(
    case: Case, section: str, action: str, template: Mapping[str, Any], missing: Sequence[str]
) -> dict[str, Any]:
    now = write_time(case.at)
    entry: dict[str, Any] = {
        "id": f"way-forward/{action}",
        "effective": now,
        "recorded": now,
        "status": _STATUS.get(section, "final"),
    }
    if case.tumour.ids:
        entry["focus"] = min(case.tumour.ids)
    for key, value in template.items():
        filled = _filled(case, value, missing)
        if filled is not None:
            entry[key] = filled
    return entry


def _filled(case: Case, value: Any, missing: Sequence[str]) -> Any:
    """A template's value: `$…` stands for something of the case."""
    if isinstance(value, dict):
        return {k: _filled(case, v, missing) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(case, v, missing) for v in value]
    if not isinstance(value, str) or not value.startswith("$"):
        return value
    order, kind = case.order, case.tumour.kind
    if value == "$tumour.stage":
        return kind.sample_stage if kind else "cT1N0M0"
    if value == "$tumour.pathologic_stage":
        return "pT1N0M0"
    if value == "$order.regimen":
        return order.regimen if order else None
    if value == "$order.cycle":
        return order.cycle if order else None
    if value.startswith("$missing."):
        prefix = value.removeprefix("$missing.") + "."
        return [one.removeprefix(prefix).split("|")[0] for one in missing if one.startswith(prefix)]
    name, _, what = value.removeprefix("$").partition(":")
    measured = case.facts[name].measured if name in case.facts else None
    if what == "typical" and measured is not None:
        return {"value": float(measured.typical), "unit": measured.unit}
    if what == "codes":
        return [c.model_dump() for c in case.facts[name].codes[:1]]
    raise KeyError(value)
