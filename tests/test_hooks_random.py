"""Composed CDS Hooks requests: the gate and the independent judge of tests/judge.py must agree."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import hooks as h
import pytest
from hooks import AT, JSON, SCT, before
from judge import judge

LINE = "not-first-line"
Draw = random.Random

TUMOURS = {
    "lung": ("C34.1", ("胸部增强CT", "头颅增强MRI", "PET-CT")), "breast": ("C50.4", ("乳腺超声", "胸部CT", "腹部超声")),
    "colorectal": ("C18.7", ("电子结肠镜", "胸部增强CT", "腹部增强CT", "盆腔增强CT")),
    "stomach": ("C16.2", ("胃镜活检", "胸部增强CT", "腹部增强CT", "盆腔增强CT")), "lymphoma": ("C83.3", ("PET-CT",)),
}  # fmt: skip
CYTOTOXIC = (
    "L01CD02",
    "L01CD01",
    "L01XA02",
    "L01XA01",
    "L01BC05",
    "L01CB01",
    "L01BC02",
    "L01DB01",
    "L01AA01",
)
EVERYWHERE = (*CYTOTOXIC, "L01FF02", "L03AA13", "J01DD04", "A04AA01")
STAGES = (
    "cT2aN1M0", "T2N1M0", "ⅡB期", "IIIA", "cT2N1M0,IIB期", "cT2N1M1,IIB期", "pT2N1M0", "ypT1N0M0", "rcT2N1M0", "cT3-4N+M0",
    "cT5N1M0", "不详", "cTXNXM1", "ycT2N1M0",
)  # fmt: skip
OTHER = {"reference": "Patient/p2"}
STATUSES = ("final", "final", "final", "amended", "corrected", "preliminary", "entered-in-error")


def maybe(draw: Draw, chance: float) -> bool:
    return draw.random() < chance


def moment(draw: Draw, edge: float, spread: float) -> str:
    """A time around an edge so many days back: on it, just beside it, or anywhere; in any form."""
    seconds = draw.choice((0, 0, 1, -1, 60, -60, 3600, -3600))
    days = draw.choice((edge, edge, 0, draw.random() * spread, draw.random() * spread, -draw.random()))
    text = before(days=days, seconds=seconds).split(".")[0].removesuffix("+08:00")
    form = draw.choice(("zone", "zone", "zone", "utc", "date", "naive" if maybe(draw, 0.3) else "zone"))
    if form == "naive":
        return text
    if form == "date":
        return text[:10]
    if form == "utc":
        moved = before(text + "+08:00", hours=8)
        return moved.removesuffix("+08:00") + "Z"
    return text + "+08:00"


def several(draw: Draw, build: Callable[[int], JSON], most: int = 3) -> list[JSON]:
    return [build(n) for n in range(draw.choice((0, *range(1, most + 1), 1)))]


def stranger(draw: Draw, resource: JSON) -> JSON:
    if maybe(draw, 0.08):
        key = "patient" if "patient" in resource else "subject"
        resource[key] = OTHER
    return resource


def late(draw: Draw, resource: JSON, key: str | None) -> JSON:
    """Say when it was recorded: in time, at the moment, or late."""
    resource.pop("issued", None)
    if maybe(draw, 0.4):
        when = draw.choice((AT, before(minutes=-1), before(minutes=1)))
        resource |= {"issued": when} if key and maybe(draw, 0.6) else {"meta": {"lastUpdated": when}}
    return resource


def compose(seed: int) -> JSON:
    """A request with many things changed at once."""
    draw = random.Random(seed)
    hook = h.clean()
    own = draw.choice(tuple(TUMOURS))
    code, names = TUMOURS[own]
    tumours = [h.condition(code=code)]
    if maybe(draw, 0.2) and own == "lung":
        tumours.append(h.condition("dx2", "C50.4"))
    if maybe(draw, 0.2):
        tumours.append(h.condition("dx3", draw.choice(("C79.3", "I10", "D70"))))
    draw.shuffle(tumours)
    h.supply(hook, "diagnoses", *tumours)

    pool = {"lung": (*EVERYWHERE, "L01EB04"), "breast": (*EVERYWHERE, "L01FD01", "L02BG04")}.get(
        own, EVERYWHERE
    )
    chosen = draw.sample(pool, draw.randint(1, 3))
    regimen = draw.choice((None, "本院自拟方案"))
    if own == "breast" and maybe(draw, 0.3):
        chosen, regimen = ["L01CD02", "L01DB01", "L01AA01"], "TAC"
    if regimen and not set(chosen) & {*CYTOTOXIC, "L01EB04", "L01FD01", "L01FF02", "L02BG04"}:
        regimen = None
    if maybe(draw, 0.1):
        chosen.append("L03AA13") if "L03AA13" not in chosen else None
    orders = [h.drug(f"mr{n}", atc) for n, atc in enumerate(chosen)]
    if not set(chosen) & {*CYTOTOXIC, "L01EB04", "L01FD01", "L01FF02", "L02BG04"} or maybe(draw, 0.2):
        for one in orders:
            del one["reasonReference"]
    if maybe(draw, 0.1):
        orders.append({**h.drug("active", draw.choice(CYTOTOXIC)), "status": "active"})
    if maybe(draw, 0.1):
        orders.append({**h.drug("theirs", draw.choice(CYTOTOXIC)), "subject": OTHER})
    if regimen:
        orders.insert(draw.randint(0, len(orders)), h.group(regimen))
    h.order(hook, *orders)

    fill(draw, hook, names, own, regimen)
    for section in h.RULED_ON:
        change = draw.random()
        if change < 0.04:
            hook["prefetch"].pop(section)
        elif change < 0.07:
            hook["prefetch"][section] = None
        elif change < 0.09:
            hook["prefetch"][section] = h.OUTCOME
        elif change < 0.11:
            hook["prefetch"][section]["link"] = [{"relation": "next", "url": "https://fhir.example/x?page=2"}]
        elif "entry" in hook["prefetch"][section]:
            draw.shuffle(hook["prefetch"][section]["entry"])
    return hook


def fill(draw: Draw, hook: JSON, names: tuple[str, ...], own: str, regimen: str | None) -> None:  # noqa: PLR0915
    focus = [{"focus": [{"reference": "Condition/dx1"}]}] * 4 + [
        {"focus": [{"reference": "Condition/dx2"}]},
        {"focus": []},
    ]

    def stage(n: int) -> JSON:
        code, text = draw.choice((("399537006", draw.choice(STAGES)), ("399588009", draw.choice(("T2N1M0", "pT2N1M0", "ypT0N0M0", "IIB")))))  # fmt: skip
        if own == "lymphoma" and maybe(draw, 0.6):
            code, text = "385388004", draw.choice(("ⅢB期", "IV", "IIA"))
        about = draw.choice(focus) if own == "lung" else focus[0]
        built = (
            h.stage(
                text, code, id=f"st{n}", effectiveDateTime=moment(draw, 30, 60), status=draw.choice(STATUSES)
            )
            | about
        )
        if not built["focus"]:
            del built["focus"]
        return stranger(draw, late(draw, built, "issued"))

    def report(n: int) -> JSON:
        about: JSON = {}
        if own == "lung" and maybe(draw, 0.7):
            about = {
                "conclusionCode": [
                    h.coded(draw.choice(("C34.1", "C34.1", "C50.4")) if _two(hook) else "C34.1", h.ICD10)
                ]
            }
        built = h.report(
            f"pa{n}", effectiveDateTime=moment(draw, 10, 40), status=draw.choice(STATUSES), **about
        )
        return stranger(draw, late(draw, built, "issued"))

    def marker(n: int) -> JSON:
        fields: JSON = {"effectiveDateTime": moment(draw, 10, 40), "status": draw.choice(STATUSES)}
        absent = {
            "dataAbsentReason": h.coded(
                "temp-unknown", "http://terminology.hl7.org/CodeSystem/data-absent-reason"
            )
        }
        value: Any = absent if maybe(draw, 0.2) else {"valueString": draw.choice(("Positive", "Negative"))}
        built = draw.choice((
            h.variant(draw.choice(("EGFR", "KRAS")), f"mk{n}", value, **fields), h.marker("48676-1", f"mk{n}", value, **fields),
            h.marker("85337-4", f"mk{n}", value, **fields),
        ))  # fmt: skip
        return stranger(draw, late(draw, built, "issued"))

    def assessed(n: int) -> JSON:
        built = h.assessment(draw.choice(("low", "moderate", "high")), f"ra{n}", occurrenceDateTime=moment(draw, 21, 30), status=draw.choice(STATUSES))  # fmt: skip
        return stranger(draw, late(draw, built, None))

    def consented(n: int) -> JSON:
        kind = draw.choice(("permit", "permit", "permit", "deny"))
        text = draw.choice((None, None, regimen, "FOLFOX")) if regimen and kind == "permit" else None
        status = (
            "active"
            if text
            else draw.choice(
                ("active", "active", "active", "inactive", "rejected", "draft", "entered-in-error")
            )
        )
        if status in {"draft", "entered-in-error"}:
            kind = "permit"
        provision = {"type": kind, "code": [h.coded("367336001", SCT, text)]}
        built = h.consent(f"co{n}", moment(draw, 5, 60), status=status, provision=provision)
        return stranger(draw, late(draw, built, None))

    def counted(n: int) -> JSON:
        value = draw.choice((0.4, 0.5, 0.99, 1.0, 1.01, 1.49, 1.5, 1.99, 2.0, 2.4, 5, 0, 201))
        unit = draw.choice(
            (
                "10*9/L",
                "10*9/L",
                "x10^9/L",
                "10*3/uL",
                "K/uL",
                "×10⁹/L",
                "/uL",
                "cells/mm3",
                "lakh/cumm",
                "10?/L",
                "%",
            )
        )
        scale = {"/uL": 1000, "cells/mm3": 1000, "lakh/cumm": 0.01}.get(unit, 1)
        sign = draw.choice(("<", "<=", ">", ">=")) if maybe(draw, 0.15) else None
        when = draw.choice(
            ("2026-03-01T07:00:00+08:00", "2026-02-28T23:00:00Z", moment(draw, 7, 12), moment(draw, 7, 12))
        )
        built = h.anc(round(value * scale, 6), unit, f"la{n}", draw.choice(("751-8", "26499-4", "753-4", "770-8")), comparator=sign, effectiveDateTime=when, status=draw.choice(STATUSES))  # fmt: skip
        return stranger(draw, built)

    def treated(n: int) -> JSON:
        code, when = draw.choice(("L01CD02", "L01EB04", "A04AA01", "L03AA13")), moment(draw, 0, 60)
        if maybe(draw, 0.5):
            built = h.given(
                code, f"tr{n}", when, status=draw.choice(("completed", "not-done", "entered-in-error"))
            )
        else:
            built = h.prescribed(
                code, f"tr{n}", draw.choice(("active", "completed", "cancelled")), authoredOn=when
            )
        built["reasonReference"] = [
            {"reference": "Condition/dx2" if _two(hook) and maybe(draw, 0.4) else "Condition/dx1"}
        ]
        return stranger(draw, built)

    def operated(n: int) -> JSON:
        text, category = draw.choice(
            (("右肺上叶切除术", "387713003"), ("穿刺活检术", "387713003"), ("胸部放射治疗", "108290001"))
        )
        built = h.procedure(
            text,
            f"op{n}",
            moment(draw, 30, 60),
            category,
            status=draw.choice(("completed", "completed", "not-done")),
        )
        built["reasonReference"] = [{"reference": "Condition/dx1"}]
        return stranger(draw, built)

    def due(n: int) -> JSON:
        return stranger(draw, h.prescribed(draw.choice(("L03AA13", "A04AA01")), f"or{n}", draw.choice(("active", "cancelled")), authoredOn=before(hours=draw.choice((1, -1)))))  # fmt: skip

    fillers: dict[str, tuple[Callable[[int], JSON], float]] = {
        "stages": (stage, 0.5), "pathology": (report, 0.4), "assessments": (assessed, 0.5), "consents": (consented, 0.5),
        "labs": (counted, 0.6), "treatments": (treated, 0.4), "procedures": (operated, 0.4), "orders": (due, 0.5),
    }  # fmt: skip
    for section, (build, chance) in fillers.items():
        if maybe(draw, chance):
            h.supply(hook, section, *several(draw, build))
    h.supply(hook, "markers", *several(draw, marker))
    kept = [name for name in names if not maybe(draw, 0.15)]
    h.supply(hook, "exams", *(h.exam(name, f"ex{n}", status=draw.choice(STATUSES) if maybe(draw, 0.2) else "final") for n, name in enumerate(kept)))  # fmt: skip


def _two(hook: JSON) -> bool:
    return any(entry["resource"]["id"] == "dx2" for entry in hook["prefetch"]["diagnoses"]["entry"])


def differences(seed: int) -> list[str]:
    hook = compose(seed)
    decision = h.decide(hook)
    opinion = judge(hook, AT)
    skipped = opinion.free | {LINE}
    said = {rule: verdict for rule, verdict in h.asking(decision).items() if rule not in skipped}
    thought = {rule: verdict for rule, verdict in opinion.asks.items() if rule not in skipped}
    found = [
        f"{rule}: gate {said.get(rule)}, judge {thought.get(rule)}"
        for rule in sorted(said.keys() | thought.keys())
        if said.get(rule) != thought.get(rule)
    ]
    if "anc-critical" not in skipped and bool(decision["critical_values"]) != opinion.critical:
        found.append(f"critical value: gate {not opinion.critical}, judge {opinion.critical}")
    settled = not opinion.free or any(rule in opinion.asks for rule in set(thought))
    if (
        not found
        and settled
        and not opinion.free
        and decision["outcome"] != opinion.outcome
        and LINE not in h.asking(decision)
    ):
        found.append(f"outcome: gate {decision['outcome']}, judge {opinion.outcome}")
    return found


def compare(seeds: range) -> None:
    wrong = {seed: found for seed in seeds if (found := differences(seed))}
    lines = "\n".join(f"seed {seed}: {'; '.join(found)}" for seed, found in list(wrong.items())[:20])
    assert not wrong, f"{len(wrong)} of {len(seeds)} requests are judged otherwise\n{lines}"


def test_the_gate_agrees_with_the_independent_judge() -> None:
    compare(range(400))


@pytest.mark.longer
def test_the_gate_agrees_with_the_independent_judge_on_thousands() -> None:
    compare(range(1_000, 7_000))


def test_the_requests_are_of_every_outcome() -> None:
    outcomes = [judge(compose(seed), AT).outcome for seed in range(400)]
    assert {"allow", "warn", "block"} == set(outcomes)
