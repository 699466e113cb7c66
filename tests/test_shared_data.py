"""Files that nobody here wrote: all are read without a crash, and some of what was read is known."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from oncogate.adapters.cdshooks.request import looks_like_hook, read_hook
from oncogate.adapters.fhir import looks_like_fhir, read_bundle
from oncogate.base.errors import RequestError
from oncogate.cli.app import app
from oncogate.clinical.stages import Stage, read_stage
from oncogate.gate import Gate
from oncogate.model.request import Request, read_json

AT = "2026-03-02T09:30:00+08:00"


def read(path: Path) -> Request:
    return Request.load(read_bundle(read_json(path), AT).data)


def by_code(request: Request, code: str) -> Any:
    return next(e for e in request.record.labs or () if any(c.code == code for c in e.codes))


def test_every_fhir_file_is_read(shared: Path) -> None:
    judged = 0
    refused: set[str] = set()
    for path in sorted((shared / "data").rglob("*.json")):
        document = read_json(path)
        if not looks_like_fhir(document):
            continue
        try:
            Request.load(read_bundle(document, AT).data)
            judged += 1
        except RequestError as error:
            refused |= {d.code for d in error.diagnostics}
    assert judged > 100
    assert refused <= {"fhir-several-patients", "fhir-failed"}


def test_every_hook_file_is_read(shared: Path) -> None:
    orders = 0
    refused: set[str] = set()
    for path in sorted((shared / "data" / "cds-hooks-spec").glob("*.json")):
        document = read_json(path)
        if not looks_like_hook(document):
            continue
        try:
            request = Request.load(read_hook(document, AT).data)
            orders += request.order is not None
        except RequestError as error:
            refused |= {d.code for d in error.diagnostics}
    assert orders >= 5
    assert all(code.startswith("hook-") or code == "wrong-patient" for code in refused)


@pytest.mark.parametrize("file", ["Bundle-mcode-patient-bundle-jenny-m", "TransactionBundle-jenny-m"])
def test_jenny_m(shared: Path, file: str) -> None:
    record = read(shared / "data" / "mcode-ig-preSTU3-2022-12" / f"{file}.json").record
    assert record.patient is not None
    assert record.patient.id == "cancer-patient-jenny-m"
    clinical = [s for s in record.stages or () if s.kind == "clinical"]
    group = next(s for s in clinical if s.source == "Observation/tnm-clinical-stage-group-jenny-m")
    read_group = read_stage(group.stage, system=group.system)
    assert isinstance(read_group, Stage)
    assert (read_group.group, read_group.system) == ("IIB", "tnm")
    assert group.focus == "primary-cancer-condition-jenny-m"
    assert str(group.effective) == "2018-03-16"
    joined = next(s for s in clinical if s is not group)
    categories = read_stage(joined.stage)
    assert isinstance(categories, Stage)
    assert (categories.t, categories.n, categories.m) == ("3", "0", "0")
    kinds = {p.source: p.kind for p in record.procedures or ()}
    assert kinds["Procedure/cancer-related-surgical-procedure-jenny-m"] == "resection"
    assert kinds["Procedure/us-core-procedure-biopsy-jenny-m"] == "biopsy"
    assert kinds["Procedure/radiotherapy-treatment-summary-chest-wall-jenny-m"] == "radiotherapy"
    assert any(p.kind == "histology" and p.status == "final" for p in record.pathology or ())
    assert {"ER", "PR", "HER2"} <= {m for r in record.markers or () for m in r.markers}


def test_the_anc_of_the_ctcae_set_is_dated_by_its_report(shared: Path) -> None:
    first = by_code(read(shared / "data" / "fsh-ae-ctcae" / "CBC201.json"), "751-8")
    second = by_code(read(shared / "data" / "fsh-ae-ctcae" / "CBC202.json"), "751-8")
    assert [str(e.value.value) for e in (first, second)] == ["0.7", "3.3"]
    assert first.effective.isoformat() == "2020-12-21T08:30:00+11:00"
    assert first.recorded.isoformat() == "2020-12-21T11:45:33+11:00"
    assert second.effective > first.effective
    assert {first.value.unit, second.value.unit} == {"10*9/L"}


def test_a_published_thousandfold_error_is_kept_as_it_is(shared: Path) -> None:
    request = read(shared / "data" / "mcode-ig-preSTU3-2022-12" / "Bundle-mcode-patient-bundle-jenny-m.json")
    anc = by_code(request, "26499-4")
    assert (str(anc.value.value), anc.value.unit) == ("3000", "10*3/uL")
    assert anc.conflict is None


def test_a_staging_bundle_of_another_project(shared: Path) -> None:
    record = read(shared / "data" / "mcode-extraction-framework" / "csv-staging-bundle.json").record
    stages = {s.stage: s for s in record.stages or ()}
    assert set(stages) == {"3C", "cT3N3M0"}
    assert {s.kind for s in stages.values()} == {"clinical"}
    assert {s.focus for s in stages.values()} == {"cond-1"}


def test_a_synthea_record(shared: Path) -> None:
    for path in (shared / "data" / "synthea-r4-smart").glob("*.json"):
        request = read(path)
        assert request.record.diagnoses
        assert request.record.vitals
        assert {d.patient for d in request.record.diagnoses} == {
            request.record.patient and request.record.patient.id
        }


def test_every_file_with_a_patient_goes_through_the_command(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate.load()
    monkeypatch.setattr(Gate, "load", lambda *_, **__: gate)
    codes: Counter[int] = Counter()
    for path in sorted((shared / "data").rglob("*.json")):
        if '"Patient' not in path.read_text("utf-8"):
            continue
        done = CliRunner().invoke(app, ["check", str(path), "--from", "fhir", "--at", AT, "--format", "json"])
        assert done.exit_code in (0, 1, 2), path
        assert not isinstance(done.exception, Exception) or isinstance(done.exception, SystemExit), path
        assert "Traceback" not in done.output + done.stderr, path
        assert bool(done.stdout) == (done.exit_code != 2), path
        codes[done.exit_code] += 1
    assert codes[0] + codes[1] > 100


def test_the_published_count_of_3000_is_refused(shared: Path) -> None:
    path = shared / "data" / "mcode-ig-preSTU3-2022-12" / "Bundle-mcode-patient-bundle-jenny-m.json"
    request = Request.load(read_bundle(read_json(path), "2018-05-22T12:00:00+00:00").data)
    finding = Gate.load().decide(request).finding("core/anc-critical")
    assert finding is not None
    assert (finding.verdict, finding.asks) == ("unknown", "warn")
    assert {e.why for e in finding.evidence if e.fact == "lab.anc"} == {"implausible"}
