"""What `import oncogate` offers, and what it costs."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pydantic
import pytest

import oncogate

NAMES = [
    "Decision", "Diagnostic", "Effect", "Evidence", "Finding", "Gate", "OncogateError", "Outcome", "PackError", "Request",
    "RequestError", "RulePack", "Verdict",
]  # fmt: skip


def test_the_public_names_are_those_of_the_contract_and_sorted():
    assert oncogate.__all__ == NAMES
    assert all(hasattr(oncogate, name) for name in NAMES)


def test_importing_the_package_brings_no_extra_with_it():
    extras = "{'typer', 'rich', 'jinja2', 'hypothesis', 'pytest', 'click'}"
    code = f"import sys, oncogate; print(sorted({extras} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_errors_are_one_family():
    assert issubclass(oncogate.PackError, oncogate.OncogateError)
    assert issubclass(oncogate.RequestError, oncogate.OncogateError)


def test_a_decision_reads_back_equal_and_findings_of_everything_go_along():
    gate = oncogate.Gate.load()
    decision = gate.decide(
        oncogate.Request.load(
            {"at": "2026-03-02T09:30:00+08:00", "order": {"id": "o", "drugs": [{"name": "多西他赛"}]}}
        )
    )
    again = oncogate.Decision.load(decision.to_json())
    assert again == decision
    assert again.to_json() == decision.to_json()
    assert [f.rule for f in again.determining] == list(decision.determining_rules)
    counting = [loaded for loaded in gate.library.rules if loaded.rule.status == "stable"]
    assert len(oncogate.Decision.load(decision.to_json(everything=True)).findings) == len(counting)


def test_a_decision_is_the_same_however_it_is_looked_at():
    gate = oncogate.Gate.load()
    asked = {"at": "2026-03-02T09:30:00+08:00", "order": {"id": "o", "drugs": [{"name": "多西他赛"}]}}

    def decided() -> oncogate.Decision:
        return gate.decide(oncogate.Request.load(asked))

    written = decided().to_json()
    for look in (
        repr,
        copy.copy,
        copy.deepcopy,
        dict,
        lambda d: d == decided(),
        lambda d: (d.shadow, d.findings),
        pickle.dumps,
    ):
        decision = decided()
        look(decision)
        assert decision.to_json() == written
        assert decision == decided()
    assert pickle.loads(pickle.dumps(decided())).to_json() == written
    assert copy.deepcopy(decided()).to_json() == written

    decision = decided()
    changed = decision.model_copy(update={"order": "another"})
    assert (changed.order, decision.order) == ("another", "o")
    assert decision.to_json() == written
    assert changed.all_findings == decision.all_findings

    class Answer(pydantic.BaseModel):
        decision: oncogate.Decision

    assert Answer(decision=decided()).model_dump_json(by_alias=True) == f'{{"decision":{written}}}'
    assert decided().model_dump_json(by_alias=True) == written
    assert "findings" in decided().model_dump()
    with pytest.raises(AttributeError):
        _ = decided().nonsense
