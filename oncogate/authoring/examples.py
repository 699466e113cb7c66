"""A rule's examples: a short `given` made into a whole request, judged, and compared with `expect`, `why` and `asks`.

`given` starts from a complete record with nothing in it, judged at `AT`. It may hold

* `order`: a list of drug names, or the order's own fields;
* `tumour`: a tumour of the table (a diagnosis with its first ICD-10 code);
* a measured fact: `lab.anc: 0.99 10*9/L`, or `{value, unit, age, status}`;
* a section: `null` (not supplied) or a list of entries, where `age: 8 d` (or `in: 1 h`) stands for the
  times, `recorded_in: 3 d` for a late recording, and `fact: lab.anc` for the codes of a fact;
* `first_line: {lung: [regimen]}`: a site's list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from oncogate.base.errors import Diagnostic, RequestError
from oncogate.base.times import go_back, write_time
from oncogate.clinical.regimen_names import regimen_key
from oncogate.engine.case import Case
from oncogate.engine.combine import asked
from oncogate.engine.judge import Judgement, judge
from oncogate.explain.findings import finding_of
from oncogate.model.decision import Finding
from oncogate.model.facts import Fact
from oncogate.model.record import PatientRecord
from oncogate.model.request import Request
from oncogate.model.rule import Example, Rule
from oncogate.packs.pack import Library, LoadedRule

AT = datetime(2026, 3, 2, 9, 30, tzinfo=timezone(timedelta(hours=8)))
ICD10 = "http://hl7.org/fhir/sid/icd-10"

UNUSABLE = (RequestError, ValueError, LookupError, TypeError)
"""What `request_of` raises where a `given` can't be made a request."""

QUANTITY = re.compile(
    r"([<>]=?)?\s*((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?)(?![0-9.]|[eE][-+]?[0-9])\s*(.*)"
)
"""A comparator, a number and a unit, as in `<0.5 10*9/L`."""
_SPAN = re.compile(r"(\d+)\s*(min|h|d|wk|mo|a)")
_STATUS = {
    "consents": "active", "procedures": "completed", "treatments": "completed", "orders": "planned", "diagnoses": "active",
    "exams": "final", "allergies": None, "meetings": None, "educations": None, "follow_ups": None, "events": None,
}  # fmt: skip
_VERDICTS = {"raised": ("unmet",), "not_raised": ("met", "not_applicable")}


@dataclass(frozen=True)
class Result:
    """How one example went: empty `problem` if as expected."""

    rule: LoadedRule
    index: int
    example: Example
    finding: Finding | None
    problem: str

    @property
    def diagnostic(self) -> Diagnostic:
        """The failure at its line of the rule file."""
        help = self.finding.explain("en").replace("\n", " ") if self.finding else ""
        said = f"example `{self.example.name}`: {self.problem}"
        return self.rule.document.diagnostic(("examples", self.index), "example-failed", said, help)


def run_examples(library: Library) -> Iterator[Result]:
    """Judge every example of every rule, draft ones too."""
    for loaded in library.rules:
        for index, example in enumerate(loaded.rule.examples):
            yield run_example(library, loaded, index, example)


def run_example(library: Library, loaded: LoadedRule, index: int, example: Example) -> Result:
    """Judge one example."""
    rule = loaded.rule
    try:
        request = request_of(example.given, library)
    except UNUSABLE as error:
        return Result(loaded, index, example, None, f"`given` can't be used: {error}")
    shown = with_first_line(library, example.given)
    case = Case.of(request, shown)
    judgement = judge(rule, case)
    finding = finding_of(judgement, case, shown.in_force(request.at.date()))
    return Result(loaded, index, example, finding, mismatch(example, judgement))


def mismatch(example: Example, judgement: Judgement) -> str:
    """In what the judgement isn't as the example expects; empty if it is."""
    verdict = judgement.verdict
    if verdict not in _VERDICTS.get(example.expect, (example.expect,)):
        return f"expected `{example.expect}`, got `{verdict}`"
    if example.why is not None:
        whys = {row.why for leaf in judgement.leaves for row in (*leaf.basis, *leaf.evidence) if row.why}
        if example.why not in whys:
            return f"expected the reason `{example.why}`, got {', '.join(sorted(whys)) or 'none'}"
    asks = asked(judgement.rule, verdict) or "nothing"
    if example.asks is not None and example.asks != asks:
        return f"expected it to ask `{example.asks}`, it asks `{asks}`"
    return ""


def judge_alone(rule: Rule, request: Request, library: Library) -> Finding:
    """The finding of one rule, whatever its status; a failure of the engine is raised, not hidden."""
    force = library.in_force(request.at.date())
    case = Case.of(request, library)
    return finding_of(judge(rule, case), case, force)


def with_first_line(library: Library, given: Mapping[str, Any]) -> Library:
    """The library with the first-line lists that an example brings."""
    lists = given.get("first_line")
    if not lists:
        return library
    first_line = {tumour: frozenset(regimen_key(r) for r in names) for tumour, names in lists.items()}
    return replace(
        library, tables=replace(library.tables, first_line={**library.tables.first_line, **first_line})
    )


def request_of(given: Mapping[str, Any], library: Library) -> Request:
    """The request that a `given` stands for. Raises one of `UNUSABLE` if it can't be made."""
    at = given.get("at", write_time(AT))
    record: dict[str, Any] = {section: [] for section in PatientRecord.SECTIONS}
    record["patient"] = {"id": "patient"}
    order: dict[str, Any] | None = None
    for key, value in given.items():
        if key == "order":
            drugs = value if isinstance(value, list) else None
            order = (
                {"id": "order", "drugs": [{"name": name} for name in drugs]}
                if drugs is not None
                else {"id": "order", **value}
            )
        elif key == "tumour":
            record["diagnoses"].append(_diagnosis(value, library))
        elif key in library.facts:
            record["labs"].append(_measurement(library.facts[key], value, len(record["labs"])))
        elif key in PatientRecord.SECTIONS:
            record[key] = (
                None
                if value is None
                else [
                    *(record[key] or []),
                    *(_entry(key, e, i, library) for i, e in enumerate(value, len(record[key] or ()))),
                ]
            )
        elif key in ("patient", "unread"):
            record[key] = value
        elif key not in ("at", "first_line"):
            raise ValueError(f"`{key}` is neither a fact nor a section of the record")
    return Request.load({"at": at, "order": order, "record": record})


def _diagnosis(tumour: str, library: Library) -> dict[str, Any]:
    if tumour not in library.tables.tumours:
        raise ValueError(f"there is no tumour `{tumour}`")
    code = library.tables.tumours[tumour].icd10[0]
    time = write_time(go_back(AT, 30, "d"))
    return {"id": tumour, "codes": [{"system": ICD10, "code": code}], "effective": time, "recorded": time}


def _measurement(fact: Fact, value: Any, index: int) -> dict[str, Any]:
    fields: dict[str, Any] = dict(value) if isinstance(value, Mapping) else {"value": value}
    measured = fact.measured
    said = fields.pop("value", None)
    unit = fields.pop("unit", None)
    if isinstance(said, str):
        found = QUANTITY.fullmatch(said.strip())
        if not found:
            raise ValueError(f"`{said}` isn't a quantity")
        quantity: dict[str, Any] = {"value": Decimal(found[2]), "unit": found[3]}
        if found[1]:
            quantity["comparator"] = found[1]
    else:
        quantity = {"value": said, "unit": unit if unit is not None else measured.unit if measured else ""}
    entry = {
        "id": f"labs-{index}",
        "codes": [fact.codes[0].model_dump()],
        "status": "final",
        **_times(fields),
    }
    return {**entry, **({"value": quantity} if said is not None else {}), **fields}


def _entry(section: str, value: Any, index: int, library: Library) -> dict[str, Any]:
    fields = dict(value)
    if "fact" in fields:
        return {**_measurement(library.facts[fields.pop("fact")], fields, index), "id": f"{section}-{index}"}
    entry: dict[str, Any] = {"id": f"{section}-{index}", **_times(fields)}
    if "status" not in fields and _STATUS.get(section, "final") is not None:
        entry["status"] = _STATUS.get(section, "final")
    if section == "diagnoses" and "code" in fields:
        fields["codes"] = [{"system": ICD10, "code": fields.pop("code")}]
    return {**entry, **fields}


def _times(fields: dict[str, Any]) -> dict[str, Any]:
    """`age`, `in` and `recorded_in` as times; by default an hour ago, recorded when it happened."""
    if "effective" in fields:
        return {}
    ahead = fields.pop("in", None)
    back = _span(fields.pop("age", "1 h" if ahead is None else "0 d"))
    effective = go_back(AT, *back) if ahead is None else AT + (AT - go_back(AT, *_span(ahead)))
    late = fields.pop("recorded_in", None)
    recorded = effective if late is None else AT + (AT - go_back(AT, *_span(late)))
    return {"effective": write_time(effective), "recorded": write_time(recorded)}


def _span(text: str) -> tuple[int, str]:
    found = _SPAN.fullmatch(str(text).strip())
    if not found:
        raise ValueError(f"`{text}` isn't a span such as `8 d`")
    return int(found[1]), found[2]
