"""The example patients: the requests that ship in `examples/`, each with what is the matter with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from oncogate.base.texts import Text


def _t(zh: str, en: str) -> Text:
    return Text(zh=zh, en=en)


TITLES: Mapping[str, Text] = {
    "no-consent": _t("未签知情同意", "No consent signed"),
    "no-assessment": _t("未做粒缺风险评估", "Neutropenia risk not assessed"),
    "no-clinical-stage": _t("缺临床分期", "No clinical stage"),
    "no-pathology": _t("缺病理报告", "No pathology report"),
    "no-molecular-result": _t("靶向药前缺分子检测", "No molecular result"),
    "near-miss-consent": _t("有同意书，但都不能采用", "Consents, none of which counts"),
    "stage-recorded-late": _t("分期在开单后补录", "Stage recorded too late"),
    "blood-count-too-old": _t("血常规已过期", "Blood count too old"),
    "anc-below-limit": _t("ANC 低于起始限值", "ANC below the limit"),
    "high-risk-without-gcsf": _t("高危而未用 G-CSF", "High risk without G-CSF"),
    "not-supplied": _t("系统未提供部分资料", "Sections not supplied"),
    "critical-anc-no-order": _t("无医嘱，ANC 危急值", "Critical ANC, no order"),
    "allowed": _t("资料齐全", "Everything on record"),
    "cds-hooks-order-sign": _t("CDS Hooks 请求", "A CDS Hooks request"),
    "fhir-bundle": _t("FHIR Bundle", "A FHIR bundle"),
}  # fmt: skip

MOMENTS: Mapping[str, str] = {
    "cds-hooks-order-sign": "2026-03-02T09:30:00+08:00", "fhir-bundle": "2026-03-02T09:30:00+08:00",
}  # fmt: skip
"""When an example is judged that doesn't say so itself."""


@dataclass(frozen=True)
class ExamplePatient:
    """An example: its name, its title, and the request as it is sent."""

    name: str
    title: Text
    text: str
    at: str | None = None


def shipped_examples() -> Path:
    """The folder of the examples that ship: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[2]
    inside = package / "examples"
    return inside if inside.is_dir() else package.parent / "examples"


@lru_cache(maxsize=1)
def example_patients() -> Mapping[str, ExamplePatient]:
    """The examples by name, in the order in which they are shown."""
    found = {}
    for name, title in TITLES.items():
        path = shipped_examples() / f"{name}.json"
        if path.is_file():
            found[name] = ExamplePatient(name, title, path.read_text("utf-8"), MOMENTS.get(name))
    return found
