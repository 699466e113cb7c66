"""The ten checks as a Python programmer writes them, without an engine: the floor that everything is compared with."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.benchmarks.replicas import limits

TEXTS = {
    "ten/stage-missing": ("block", "no complete clinical stage by the time of the order"),
    "ten/risk-not-assessed": ("block", "no assessment of neutropenia risk for this cycle within 21 days"),
    "ten/consent-missing": ("block", "no signed consent that stands"),
    "ten/anc-critical": ("critical_value", "newest ANC below 1.0 x10^9/L"),
    "ten/anc-not-recent": ("warn", "no ANC within 7 days"),
    "ten/pathology-missing": ("block", "non-surgical treatment without a pathological diagnosis"),
    "ten/marker-missing": ("block", "targeted drug without a molecular result"),
    "ten/gcsf-missing": ("warn", "high risk of febrile neutropenia without G-CSF"),
    "ten/platelets-low": ("warn", "newest platelets below 75 x10^9/L"),
    "ten/liver-or-kidney": ("warn", "bilirubin above 1.5 x ULN or creatinine clearance below 50 mL/min"),
}
parse = datetime.fromisoformat
staged = re.compile(r"cT\dN\dM\d").match
RISK, RECENT = timedelta(days=21), timedelta(days=7)
TARGETED, GCSF = {"L01FD01"}, {"L03AA13"}


def latest(labs: list[Any], code: str, now: datetime, since: datetime | None = None) -> Any:
    best = best_time = None
    for lab in labs:
        if lab["codes"][0]["code"] == code:
            time = parse(lab["effective"])
            if time <= now and (since is None or time >= since) and (best_time is None or time > best_time):
                best, best_time = lab["value"], time
    return best


def on_request(request: Any) -> list[dict[str, str]]:
    """The findings on a request of oncogate's form, parsed from its JSON."""
    out = []
    order, record = request["order"], request["record"]
    now, labs, drugs = parse(request["at"]), record["labs"], order["drugs"]
    if not any(
        s["status"] == "final" and staged(s["stage"]) and s["effective"] and parse(s["effective"]) <= now
        for s in record["stages"]
    ):
        out.append("ten/stage-missing")
    if not any(
        a["status"] == "final" and a["cycle"] == order["cycle"] and now - RISK <= parse(a["effective"]) <= now
        for a in record["assessments"]
    ):
        out.append("ten/risk-not-assessed")
    consents = record["consents"]
    if any(c["status"] in ("inactive", "rejected") for c in consents) or not any(
        c["status"] == "active" and c["effective"] and parse(c["effective"]) <= now for c in consents
    ):
        out.append("ten/consent-missing")
    anc = latest(labs, "751-8", now, now - RECENT)
    if anc is None:
        out.append("ten/anc-not-recent")
    elif anc["value"] < 1.0:
        out.append("ten/anc-critical")
    if not any(p["kind"] == "surgery" for p in record["procedures"]) and not any(
        p["status"] == "final" and parse(p["effective"]) <= now for p in record["pathology"]
    ):
        out.append("ten/pathology-missing")
    if any(d["code"] in TARGETED for d in drugs) and not any(
        m["status"] == "final" and parse(m["effective"]) <= now for m in record["markers"]
    ):
        out.append("ten/marker-missing")
    if any(a["level"] == "high" for a in record["assessments"]) and not any(d["code"] in GCSF for d in drugs):
        out.append("ten/gcsf-missing")
    platelets = latest(labs, "777-3", now)
    if platelets and platelets["value"] < 75:
        out.append("ten/platelets-low")
    bilirubin, clearance = latest(labs, "14631-6", now), latest(labs, "2164-2", now)
    if (bilirubin and bilirubin["value"] > 30) or (clearance and clearance["value"] < 50):
        out.append("ten/liver-or-kidney")
    return findings(out)


def findings(rules: list[str]) -> list[dict[str, str]]:
    """What is given back: rule, effect and message."""
    return [{"rule": rule, "effect": TEXTS[rule][0], "message": TEXTS[rule][1]} for rule in rules]


def many(replicas: int) -> Callable[[Any], list[dict[str, str]]]:
    """The same for many limits: what is asked of the request is found once, then compared with each limit."""
    limited = [limits(k) for k in range(replicas)]

    def decide(request: Any) -> list[dict[str, str]]:
        order, record = request["order"], request["record"]
        now, labs = parse(request["at"]), record["labs"]
        plain = {found["rule"] for found in on_request(request)}
        risks = [parse(a["effective"]) for a in record["assessments"] if a["cycle"] == order["cycle"]]
        risk_s = min(((now - at).total_seconds() for at in risks if at <= now), default=None)
        anc = newest(labs, "751-8", now)
        found = {code: latest(labs, code, now) for code in ("777-3", "14631-6", "2164-2")}
        platelets, bilirubin, clearance = (value and value["value"] for value in found.values())
        out = []
        for p in limited:
            sfx = p["sfx"]
            out += [rule + sfx for rule in SAME if rule in plain]
            if risk_s is None or risk_s > p["risk_s"]:
                out.append("ten/risk-not-assessed" + sfx)
            if anc is None or anc[0] > p["anc_s"]:
                out.append("ten/anc-not-recent" + sfx)
            elif anc[1] < p["anc_min"]:
                out.append("ten/anc-critical" + sfx)
            if platelets is not None and platelets < p["plt_min"]:
                out.append("ten/platelets-low" + sfx)
            if (bilirubin is not None and bilirubin > p["bili_max"]) or (
                clearance is not None and clearance < p["crcl_min"]
            ):
                out.append("ten/liver-or-kidney" + sfx)
        return [
            {"rule": rule, "effect": effect, "message": message}
            for rule in out
            for effect, message in (_text(rule),)
        ]

    return decide


SAME = (
    "ten/stage-missing",
    "ten/consent-missing",
    "ten/pathology-missing",
    "ten/marker-missing",
    "ten/gcsf-missing",
)
"""The rules without a limit."""


def newest(labs: list[Any], code: str, now: datetime) -> tuple[float, float] | None:
    """The age in seconds and the value of the newest result."""
    rows = [
        (now - parse(lab["effective"]), lab["value"]["value"])
        for lab in labs
        if lab["codes"][0]["code"] == code
    ]
    past = [row for row in rows if row[0] >= timedelta(0)]
    age, value = min(past, default=(None, None))
    return None if age is None else (age.total_seconds(), value)


def _text(rule: str) -> tuple[str, str]:
    return TEXTS[rule] if rule in TEXTS else TEXTS[rule.rpartition("-")[0]]
