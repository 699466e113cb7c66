"""A second, small judge of CDS Hooks requests, written from the specification and importing nothing of ours.

It knows the drugs, tumours and forms that tests/test_hooks_random.py composes, and no others. Where the text
leaves two readings, the rule is put in `free` and isn't compared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

JSON = dict[str, Any]
Truth = bool | None

DRUGS = {  # class, suppresses the marrow, limit, marker
    "L01CD02": ("cytotoxic", True, "1.5", None), "L01CD01": ("cytotoxic", True, "1.5", None),
    "L01XA02": ("cytotoxic", True, "2.0", None), "L01XA01": ("cytotoxic", True, None, None),
    "L01BC05": ("cytotoxic", True, "1.0", None), "L01CB01": ("cytotoxic", True, "0.5", None),
    "L01BC02": ("cytotoxic", True, "1.5", None), "L01DB01": ("cytotoxic", True, "1.0", None),
    "L01AA01": ("cytotoxic", True, "1.5", None), "L01EB04": ("targeted", False, None, "EGFR"),
    "L01FD01": ("targeted", False, None, "HER2"), "L01FF02": ("immunotherapy", False, None, None),
    "L02BG04": ("endocrine", False, None, None), "L03AA13": ("g-csf", False, None, None),
    "J01DD04": ("other", False, None, None), "A04AA01": ("other", False, None, None),
}  # fmt: skip
AGAINST = {"cytotoxic", "targeted", "immunotherapy", "endocrine"}
SYSTEMS = {"lung": "tnm", "breast": "tnm", "colorectal": "tnm", "stomach": "tnm", "lymphoma": "lugano"}
TUMOURS = {"C34": "lung", "C50": "breast", "C18": "colorectal", "C16": "stomach", "C83": "lymphoma"}
ANC = {"751-8", "26499-4", "753-4"}
FACTORS = {
    "10*9/L": 1, "x10^9/L": 1, "10*3/uL": 1, "K/uL": 1, "G/L": 1, "×10⁹/L": 1, "/uL": Decimal("0.001"),
    "cells/mm3": Decimal("0.001"), "lakh/cumm": 100,
}  # fmt: skip
FINAL = {"final", "amended", "corrected"}
HIGH_REGIMENS = {"TAC"}
NEVER = {"entered-in-error", "cancelled", "preliminary", "draft", "not-done"}
FIRST = {"clinical-stage-missing", "staging-workup-incomplete"}
DOUBTFUL = {
    "stages": {"clinical-stage-missing", "pathologic-stage-missing"}, "pathology": {"pathology-missing"},
    "markers": {"molecular-result-missing"}, "exams": {"staging-workup-incomplete"},
    "assessments": {"neutropenia-risk-not-assessed", "prophylaxis-missing"}, "consents": {"consent-missing"},
    "labs": {"anc-not-recent", "anc-below-start-limit", "anc-critical"}, "orders": {"prophylaxis-missing"},
    "treatments": FIRST | {"pathologic-stage-missing", "prophylaxis-missing"},
    "procedures": FIRST | {"pathologic-stage-missing"},
}  # fmt: skip
WINDOW = {"anc": timedelta(days=7), "risk": timedelta(days=21), "resection": timedelta(days=30)}
GROUPS = r"(?:0|I[ABC]?[123]?|II[ABC]?|III[ABC]?|IV[ABC]?)"
T = r"T(?:X|0|is|1(?:mi|[abc])?|2[ab]?|3|4[abcd]?)"
STAGE = re.compile(rf"(?P<prefix>[ray]*[cp]?){T}[cp]?N(?:X|0|1|2|3)[abc]?[cp]?M(?P<m>0|1[abc]?)(?:[,，]?\s*(?P<group>{GROUPS})期?)?")  # fmt: skip


@dataclass
class Opinion:
    asks: dict[str, str] = field(default_factory=dict)
    critical: bool = False
    free: set[str] = field(default_factory=set)

    @property
    def outcome(self) -> str:
        warns = {
            "anc-not-recent", "anc-critical", "pathologic-stage-missing", "staging-workup-incomplete", "prophylaxis-missing",
        }  # fmt: skip
        return "block" if set(self.asks) - warns else "warn" if self.asks else "allow"


@dataclass
class Entry:
    resource: JSON
    effective: datetime
    recorded: datetime
    assumed: bool


@dataclass
class Section:
    """What was read; `whole` is false where something may be missing."""

    entries: list[Entry]
    whole: bool
    supplied: bool = True


def judge(hook: JSON, at_text: str) -> Opinion:
    return _Judge(hook, datetime.fromisoformat(at_text)).opinion()


class _Judge:
    def __init__(self, hook: JSON, at: datetime) -> None:
        self.hook, self.at = hook, at
        assert at.tzinfo is not None
        self.zone: tzinfo = at.tzinfo
        self.patient = hook["context"]["patientId"]
        self.found = Opinion()

    # -- reading

    def own(self, resource: JSON) -> bool:
        reference = (resource.get("subject") or resource.get("patient") or {}).get("reference", "")
        return bool(reference.rsplit("/", 1)[-1] == self.patient)

    def time(self, text: str) -> datetime | None:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return datetime.fromisoformat(text).replace(tzinfo=self.zone)
        try:
            moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            return None
        return moment if moment.tzinfo else None

    def section(self, name: str, could: Callable[[JSON], bool] = lambda resource: True) -> Section:
        """The entries that count; one that can't be dated, and `could` have counted, leaves the rest open."""
        prefetch = self.hook["prefetch"]
        if name not in prefetch:
            return Section([], False, False)
        answer = prefetch[name]
        if answer is None:
            return Section([], True)
        if answer["resourceType"] != "Bundle":
            return Section([], False, False)
        whole = not any(link["relation"] == "next" for link in answer.get("link", []))
        entries = []
        for resource in (entry["resource"] for entry in answer.get("entry", [])):
            text = next(
                resource[key]
                for key in (
                    "effectiveDateTime",
                    "performedDateTime",
                    "occurrenceDateTime",
                    "dateTime",
                    "authoredOn",
                    "onsetDateTime",
                )
                if key in resource
            )
            later = (
                resource.get("issued")
                or resource.get("recordedDate")
                or resource.get("meta", {}).get("lastUpdated")
            )
            effective, recorded = self.time(text), self.time(later or text)
            own = self.own(resource)
            if effective is None or recorded is None:
                if not own or resource["status"] in NEVER or not could(resource):
                    self.found.free |= DOUBTFUL[name]  # it has no date, and could hardly have counted
                else:
                    whole = False
            elif own and recorded <= self.at and (effective <= self.at or name == "consents"):
                entries.append(Entry(resource, effective, recorded, later is None))
        return Section(entries, whole)

    # -- judging

    def ask(self, rule: str, applies: Truth, require: Truth) -> None:
        """The verdict of applies → require."""
        if applies is False or require is True:
            return
        self.found.asks[rule] = "unmet" if applies and require is False else "unknown"

    def opinion(self) -> Opinion:
        self.read_order()
        against = any(kind in AGAINST for kind, *_ in self.drugs)
        suppresses = any(drug[1] for drug in self.drugs)
        if against:
            self.first_treatment()
            self.pathology()
            self.resection()
        if any(kind in {"cytotoxic", "targeted", "immunotherapy"} for kind, *_ in self.drugs):
            self.consent()
        if suppresses:
            self.risk()
        self.markers()
        self.counts(suppresses)
        return self.found

    def read_order(self) -> None:
        drafts = [entry["resource"] for entry in self.hook["context"]["draftOrders"]["entry"]]
        drafts = [draft for draft in drafts if draft["status"] == "draft" and self.own(draft)]
        self.drugs, self.regimen = [], None
        focus: set[str] = set()
        for draft in drafts:
            if draft["resourceType"] == "RequestGroup":
                self.regimen = draft.get("code", {}).get("text")
                continue
            focus |= {reason["reference"].rsplit("/", 1)[-1] for reason in draft.get("reasonReference", [])}
            self.drugs.append(DRUGS[draft["medicationCodeableConcept"]["coding"][0]["code"]])
        conditions = {}
        for entry in self.hook["prefetch"]["diagnoses"]["entry"]:
            resource = entry["resource"]
            name = TUMOURS.get(resource["code"]["coding"][0]["code"][:3])
            if name and self.own(resource):
                conditions[resource["id"]] = name
        self.several = len(conditions) > 1
        self.focus = (
            next(iter(focus)) if len(focus) == 1 else next(iter(conditions)) if len(conditions) == 1 else None
        )
        self.tumour = conditions.get(self.focus) if self.focus else None

    def mine(self, resource: JSON, strict: bool) -> Truth:
        """Whether this is of the order's tumour; where there are several, `strict` wants it said."""
        said = [
            f["reference"].rsplit("/", 1)[-1]
            for f in resource.get("focus", resource.get("reasonReference", []))
        ]
        for concept in resource.get("conclusionCode", []):
            said += (
                ["dx1" if concept["coding"][0]["code"].startswith("C34") else "dx2"]
                if self.several
                else [self.focus or ""]
            )
        if said:
            return None if self.focus is None else self.focus in said
        if not self.several:
            return True
        return False if strict else None

    def treatments(self) -> Truth:
        """Whether this tumour was treated before."""
        answer: Truth = False
        for name in ("treatments", "procedures"):
            section = self.section(name, _treats)
            for entry in section.entries:
                if _treats(entry.resource):
                    mine = self.mine(entry.resource, strict=False)
                    if mine:
                        return True
                    answer = None if mine is None else answer
            if not section.whole:
                answer = None
        return answer

    def first_treatment(self) -> None:
        treated = self.treatments()
        first = None if treated is None else not treated
        stages = self.section("stages", lambda resource: _clinical(resource, self.tumour))
        exists: Truth = False if stages.whole else None
        for entry in stages.entries:
            if entry.resource["status"] in FINAL and _clinical(entry.resource, self.tumour):
                mine = self.mine(entry.resource, strict=True)
                exists = True if mine else exists
        if self.focus is None and stages.entries:
            self.found.free.add("clinical-stage-missing")
        self.ask("clinical-stage-missing", first, exists)
        exams = self.section("exams")
        names = {e.resource["code"]["text"] for e in exams.entries if e.resource["status"] in FINAL}
        done: Truth = _worked_up(self.tumour, names) or (False if exams.whole else None)
        if self.tumour in {None, "lymphoma"}:
            self.found.free.add("staging-workup-incomplete")
        if self.tumour == "lymphoma" and any("N" not in _notation(e.resource) for e in stages.entries):
            self.found.free.add("clinical-stage-missing")
        self.ask("staging-workup-incomplete", first, done)

    def pathology(self) -> None:
        section = self.section("pathology", lambda resource: self.mine(resource, strict=True) is not False)
        exists: Truth = False if section.whole else None
        for entry in section.entries:
            if entry.resource["status"] in FINAL and self.mine(entry.resource, strict=True):
                exists = True
        if self.focus is None and section.entries:
            self.found.free.add("pathology-missing")
        self.ask("pathology-missing", True, exists)

    def consent(self) -> None:
        section = self.section("consents")
        words: list[tuple[datetime, bool]] = []
        for entry in section.entries:
            resource = entry.resource
            regimen = resource["provision"]["code"][0].get("text")
            no = resource["status"] in {"inactive", "rejected"} or resource["provision"]["type"] == "deny"
            if no:
                words.append((entry.recorded, False))
            elif (
                entry.effective <= self.at
                and resource["status"] == "active"
                and regimen in {None, self.regimen}
            ):
                words.append((entry.effective, True))
        stands = max(words)[1] if words else False
        last = [said for when, said in words if when == max(words)[0]]
        if (not section.whole and words) or len(set(last)) > 1:
            self.found.free.add("consent-missing")
        self.ask("consent-missing", True, None if not section.whole and not stands else stands)

    def risk(self) -> None:
        section = self.section("assessments")
        fresh = [
            entry
            for entry in section.entries
            if entry.resource["status"] in FINAL and self.at - entry.effective <= WINDOW["risk"]
        ]
        self.ask("neutropenia-risk-not-assessed", True, True if fresh else False if section.whole else None)
        high = self.regimen in HIGH_REGIMENS
        if fresh:
            newest = max(fresh, key=lambda entry: (entry.effective, entry.recorded)).resource
            high |= newest["prediction"][0]["qualitativeRisk"]["coding"][0]["code"] == "high"
        if not section.whole or not self.section("treatments").whole or (self.regimen is None and not high):
            self.found.free.add("prophylaxis-missing")
        if any(_drug(entry.resource)[0] == "g-csf" for entry in self.section("treatments").entries):
            self.found.free.add("prophylaxis-missing")
        drafted = any(kind == "g-csf" for kind, *_ in self.drugs)
        orders = self.section("orders")
        drafted |= any(
            _drug(entry.resource)[0] == "g-csf" and entry.resource["status"] == "active"
            for entry in orders.entries
        )
        self.ask("prophylaxis-missing", high, drafted or (False if orders.whole else None))

    def markers(self) -> None:
        for needed in {marker for *_, marker in self.drugs if marker}:
            section = self.section("markers", lambda resource, gene=needed: _marker(resource) == gene)
            exists: Truth = False if section.whole else None
            for entry in section.entries:
                if entry.resource["status"] in FINAL and _marker(entry.resource) == needed:
                    exists = True
            self.ask("molecular-result-missing", True, exists)

    def counts(self, suppresses: bool) -> None:
        section = self.section("labs", lambda resource: resource["code"]["coding"][0]["code"] in ANC)
        limits = [Decimal(limit) for _, suppressing, limit, _ in self.drugs if suppressing and limit]
        recent = [
            entry
            for entry in section.entries
            if entry.resource["code"]["coding"][0]["code"] in ANC
            and entry.resource["status"] in FINAL
            and "valueQuantity" in entry.resource
            and self.at - entry.effective <= WINDOW["anc"]
        ]
        newest = max((entry.effective for entry in recent), default=None)
        results = [_value(entry.resource["valueQuantity"]) for entry in recent if entry.effective == newest]
        if not section.whole and section.supplied:
            self.found.free |= {"anc-critical", "anc-not-recent"}
        if any(result is None for result in results):
            self.found.free.add("anc-not-recent")
        if suppresses:
            self.ask("anc-not-recent", True, True if results else False if section.whole else None)
        if limits:
            sides = {_below(result, max(limits)) for result in results}
            below: Truth = None if not section.whole or len(sides) > 1 else next(iter(sides), False)
            if sides == {True, None}:
                self.found.free.add("anc-below-start-limit")
            self.ask("anc-below-start-limit", None if below is None else below, False)
        sides = {_below(result, Decimal("1.0")) for result in results}
        self.found.critical = True in sides
        if sides == {True, None}:
            self.found.free.add("anc-critical")
        elif not section.supplied:
            self.ask("anc-critical", suppresses, None)
        elif True not in sides and None in sides:
            self.ask("anc-critical", True, None)

    def resection(self) -> None:
        procedures, stages = self.section("procedures", _cuts), self.section("stages", _pathologic)
        if not self.section("treatments").whole or self.focus is None or self.several:
            self.found.free.add("pathologic-stage-missing")
        if "treatments" not in self.hook["prefetch"]:
            self.found.free.add("pathologic-stage-missing")
        cut = [entry for entry in procedures.entries if _cuts(entry.resource)]
        old = [e for e in cut if self.at - e.effective > WINDOW["resection"]]
        applies: Truth = True if old else False if procedures.whole else None
        since = max((e.effective for e in cut), default=datetime.min.replace(tzinfo=self.zone))
        staged = any(
            e.resource["status"] in FINAL and e.effective >= since and _pathologic(e.resource)
            for e in stages.entries
        )
        if len(cut) > 1 or not procedures.whole or self.tumour == "lymphoma":
            self.found.free.add("pathologic-stage-missing")
        self.ask("pathologic-stage-missing", applies, staged or (False if stages.whole else None))


def _drug(resource: JSON) -> tuple[str, bool, str | None, str | None]:
    return DRUGS[resource["medicationCodeableConcept"]["coding"][0]["code"]]


def _treats(resource: JSON) -> bool:
    if resource["resourceType"] == "Procedure":
        return resource["status"] == "completed" and resource["code"]["text"].endswith(("切除术", "放射治疗"))
    return resource["status"] in {"completed", "active"} and _drug(resource)[0] in AGAINST


def _cuts(resource: JSON) -> bool:
    return bool(resource["code"]["text"].endswith("切除术")) and resource["status"] == "completed"


def _notation(resource: JSON) -> str:
    text = unicodedata.normalize("NFKC", resource["valueString"])
    return text.replace(" ", "")


def _sound(text: str) -> tuple[bool, str]:
    """Whether a TNM or a group is valid, and its prefix."""
    if re.fullmatch(rf"{GROUPS}期?", text):
        return True, ""
    match = STAGE.fullmatch(text)
    if not match:
        return False, ""
    group = match["group"]
    if match["m"].startswith("1") and group and not group.startswith("IV"):
        return False, ""
    return True, match["prefix"]


def _clinical(resource: JSON, tumour: str | None) -> bool:
    code, text = resource["code"]["coding"][0]["code"], _notation(resource)
    if code == "385388004":
        return tumour == "lymphoma" and bool(re.fullmatch(r"(?:IV|I{1,3})[ABEXS]*期?", text))
    sound, prefix = _sound(text)
    return code == "399537006" and tumour != "lymphoma" and sound and prefix in {"", "c"}


def _pathologic(resource: JSON) -> bool:
    sound, prefix = _sound(_notation(resource))
    return resource["code"]["coding"][0]["code"] == "399588009" and sound and prefix in {"", "p", "yp"}


def _marker(resource: JSON) -> str | None:
    if "dataAbsentReason" in resource:
        return None
    code = resource["code"]["coding"][0]["code"]
    if code == "69548-6":
        return str(resource["component"][0]["valueCodeableConcept"]["text"])
    return {"48676-1": "HER2", "85337-4": "ER"}[code]


def _worked_up(tumour: str | None, names: set[str]) -> bool:
    chest = bool(names & {"胸部CT", "胸部增强CT"})
    if tumour == "lung":
        return (
            chest and "头颅增强MRI" in names and ("PET-CT" in names or {"腹部增强CT", "全身骨显像"} <= names)
        )
    if tumour == "breast":
        return "乳腺超声" in names and (
            "PET-CT" in names or (chest and bool(names & {"腹部超声", "腹部增强CT"}))
        )
    body = {"胸部增强CT", "腹部增强CT", "盆腔增强CT"} <= names
    if tumour == "colorectal":
        return body and "电子结肠镜" in names
    return tumour == "stomach" and body and "胃镜活检" in names


def _value(quantity: JSON) -> tuple[str, Decimal] | None:
    factor = FACTORS.get(quantity.get("unit", ""))
    value = Decimal(str(quantity["value"])) * factor if factor else None
    if value is None or not 0 <= value <= 200:
        return None
    return quantity.get("comparator", "="), value


def _below(result: tuple[str, Decimal] | None, limit: Decimal) -> Truth:
    if result is None:
        return None
    sign, value = result
    if sign == "=":
        return value < limit
    if sign == "<":
        return True if value <= limit else None
    if sign == "<=":
        return True if value < limit else None
    return False if value >= limit else None
