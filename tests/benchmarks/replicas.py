"""The ten rules again and again with other limits: replica 0 is the ten as they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

TEN = Path(__file__).with_name("common_job")
NAMES = {
    "R1": "ten/stage-missing", "R2": "ten/risk-not-assessed", "R3": "ten/consent-missing", "R4": "ten/anc-critical",
    "R5": "ten/anc-not-recent", "R6": "ten/pathology-missing", "R7": "ten/marker-missing", "R8": "ten/gcsf-missing",
    "R9": "ten/platelets-low", "R10": "ten/liver-or-kidney",
}  # fmt: skip
"""How the peers call the ten rules."""


def limits(k: int) -> dict[str, Any]:
    """The limits of replica `k`, for up to 500 replicas.

    But for the ten themselves no value lies on a limit of bilirubin, where floats that are multiplied would differ from decimals.
    """
    risk_min, anc_min = 21 * 1440 - 40 * k, 7 * 1440 - 14 * k
    return {
        "sfx": f"-{k}" if k else "", "risk_min": risk_min, "risk_s": 60 * risk_min, "anc_window_min": anc_min, "anc_s": 60 * anc_min,
        "anc_min": round(1.0 + 0.01 * k, 2), "plt_min": round(75 + 0.5 * k, 1), "bili_x": round(1.5 - 0.0020137 * k, 7),
        "bili_max": round(30 - 0.040274 * k, 6), "crcl_min": round(50 + 0.1 * k, 1),
    }  # fmt: skip


def render(text: str, replicas: int) -> list[str]:
    """A peer's ten rules, once a replica: `{{name}}` is replaced by the replica's limit."""
    return [re.sub(r"\{\{(\w+)\}\}", lambda m, k=k: str(limits(k)[m[1]]), text) for k in range(replicas)]


def lines(text: str, replicas: int) -> list[tuple[str, str]]:
    """Rules that stand one a line, `R1: …`."""
    rows = (line.split(":", 1) for one in render(text, replicas) for line in one.strip().splitlines())
    return [(name, rule.strip()) for name, rule in rows]


def rule_ids(fired: Any) -> set[str]:
    """The rules that a peer found (`R5-3`) by our names."""
    return {
        NAMES[rule.partition("-")[0]] + (f"-{rule.partition('-')[2]}" if "-" in rule else "")
        for rule in fired
    }


SPARING = (
    "bleomycin",
    "vincristine",
    "methotrexate",
    "mitomycin",
    "dactinomycin",
    "cladribine",
    "fludarabine",
    "topotecan",
)
"""Drugs that no order of the common job has."""


def write_rules(folder: Path, replicas: int, *, all_apply: bool) -> Path:
    """A rules folder with the ten rules `replicas` times. Without `all_apply` the replicas ask for drugs that aren't ordered."""
    for source in sorted((TEN / "ten").glob("*.yaml")):
        text = source.read_text("utf-8")
        target = folder / "ten"
        target.mkdir(parents=True, exist_ok=True)
        if source.name in ("pack.yaml", "facts.yaml"):
            (target / source.name).write_text(text, "utf-8")
            continue
        for k in range(replicas):
            name = source.stem + limits(k)["sfx"]
            (target / f"{name}.yaml").write_text(_replica(text, source.stem, name, k, all_apply), "utf-8")
    return folder


def _replica(text: str, stem: str, name: str, k: int, all_apply: bool) -> str:
    said = limits(k)
    values = {
        ("risk-not-assessed", "window"): f"{said['risk_min']}, unit: min", ("anc-critical", "limit"): f"{said['anc_min']}, unit: 10*9/L",
        ("anc-critical", "window"): f"{said['anc_window_min']}, unit: min", ("anc-not-recent", "window"): f"{said['anc_window_min']}, unit: min",
        ("platelets-low", "limit"): f"{said['plt_min']}, unit: 10*9/L", ("liver-or-kidney", "bilirubin"): f"{said['bili_max']}, unit: umol/L",
        ("liver-or-kidney", "clearance"): f"{said['crcl_min']}, unit: mL/min",
    }  # fmt: skip
    text = text.replace(f"id: ten/{stem}\n", f"id: ten/{name}\n")
    for (rule, parameter), value in values.items():
        if rule == stem:
            text = re.sub(
                rf"(  {parameter}: \{{value: )[^,]+, unit: [^,]+", lambda m, value=value: m[1] + value, text
            )
    if k and not all_apply:
        text = text.replace(
            "when:\n", f"when:\n  - {{any_of: order.drugs, in: drugs/{SPARING[k % len(SPARING)]}}}\n"
        )
    return text
