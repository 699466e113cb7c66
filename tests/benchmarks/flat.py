"""A plain record → flat facts, for engines that can't select from lists or reckon with dates.

It only selects and turns times into seconds; every limit and every yes or no is left to the engine. Its time counts as the engine's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any


def seconds(text: str | None) -> int | None:
    return int(datetime.fromisoformat(text).timestamp()) if text else None


def latest(labs: list[Any], code: str, now: int) -> tuple[Any, int | None]:
    best, best_time = None, None
    for lab in labs:
        if lab["code"] == code:
            time = seconds(lab["time"])
            if time <= now and (best_time is None or time > best_time):
                best, best_time = lab, time
    return best, best_time


def flat(record: Any) -> dict[str, Any]:
    """The facts; a missing thing is `None`."""
    order, labs = record["order"], record["labs"]
    now = seconds(order["ordered_at"])
    s, a, c, p = (record[key] or {} for key in ("staging", "fn_risk", "consent", "pathology"))
    anc, anc_at = latest(labs, "ANC", now)
    platelets, bilirubin, clearance = (latest(labs, code, now)[0] for code in ("PLT", "BILI", "CRCL"))
    return {
        "now": now, "cycle": order["cycle"], "treatment": order["treatment"],
        "cT": s.get("cT"), "cN": s.get("cN"), "cM": s.get("cM"), "staging_at": seconds(s.get("date")),
        "risk_cycle": a.get("cycle"), "risk_at": seconds(a.get("date")), "risk_level": a.get("level"),
        "consent_status": c.get("status"), "withdrawn_at": seconds(c.get("withdrawn_at")), "signed_at": seconds(c.get("signed_at")),
        "path_status": p.get("status"), "path_dx": p.get("diagnosis"),
        "targeted": any(d["class"] == "targeted" for d in order["drugs"]),
        "gcsf": any(d["class"] == "gcsf" for d in order["supportive"]),
        "molecular": any(m["status"] == "final" and m["result"] is not None for m in record["molecular"] or ()),
        "anc": anc and anc["value"], "anc_at": anc_at, "plt": platelets and platelets["value"],
        "bili": bilirubin and bilirubin["value"], "bili_uln": bilirubin and bilirubin["uln"], "crcl": clearance and clearance["value"],
    }  # fmt: skip


def present(record: Any) -> dict[str, Any]:
    """The facts without those that are missing."""
    return {name: value for name, value in flat(record).items() if value is not None}


def aged(record: Any) -> dict[str, Any]:
    """For engines without null and arithmetic: ages in seconds, `""` or -1 for what is missing."""
    f = flat(record)
    ages = {
        f"{name}_age": -1 if f[f"{name}_at"] is None else f["now"] - f[f"{name}_at"]
        for name in ("staging", "risk", "signed", "anc")
    }
    words = ("cT", "cN", "cM", "risk_level", "consent_status", "path_status", "path_dx")
    return {
        **ages, **{name: f[name] or "" for name in words}, **{name: f[name] for name in ("treatment", "targeted", "molecular", "gcsf")},
        "same_cycle": f["risk_cycle"] == f["cycle"], "withdrawn": f["withdrawn_at"] is not None,
        "anc": -1 if f["anc"] is None else f["anc"], "plt": -1 if f["plt"] is None else f["plt"],
        "bili_ratio": -1 if f["bili"] is None else f["bili"] / f["bili_uln"], "crcl": -1 if f["crcl"] is None else f["crcl"],
    }  # fmt: skip
