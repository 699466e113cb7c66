"""Who runs: the hand-written function, oncogate in its steps, pydantic alone, and the peers."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks import hand
from tests.benchmarks.records import as_json, as_request, plain_records
from tests.benchmarks.replicas import TEN, rule_ids

Settings = Mapping[str, Any]
"""`rules`: a folder; `replicas`: of the ten rules; `count`: of the records; `file`: a request; `site`: a layer's file."""


class Loaded(NamedTuple):
    """A contender ready to run. `found` tells from a result which rules asked for something; `due` is what should.

    What `prepare` makes of an input is decided once, as in life: nothing is remembered from the time before. It isn't timed.
    """

    decide: Callable[[Any], Any]
    inputs: Sequence[Any]
    found: Callable[[Any], set[str]] | None = None
    due: Sequence[set[str]] = ()
    load_ms: float | None = None
    prepare: Callable[[Any], Any] | None = None


class Contender(NamedTuple):
    label: str
    note: str
    load: Callable[[Settings], Loaded]


def _requests(settings: Settings) -> list[bytes]:
    return [as_json(as_request(record)) for record in plain_records(settings.get("count", 2000))]


def _due(settings: Settings) -> list[set[str]]:
    decide = _by_hand(settings.get("replicas", 1))
    return [{found["rule"] for found in decide(json.loads(one))} for one in _requests(settings)]


def _by_hand(replicas: int) -> Callable[[Any], list[dict[str, str]]]:
    return hand.on_request if replicas == 1 else hand.many(replicas)


def _hand(settings: Settings) -> Loaded:
    decide = _by_hand(settings.get("replicas", 1))
    return Loaded(decide, _requests(settings), _rules, _due(settings), prepare=json.loads)


def _rules(found: list[dict[str, str]]) -> set[str]:
    return {one["rule"] for one in found}


def _hand_json(settings: Settings) -> Loaded:
    decide = _by_hand(settings.get("replicas", 1))
    inputs = _requests(settings)
    return Loaded(lambda b: decide(json.loads(b)), inputs, _rules, _due(settings))


def _asked(decision: Any) -> set[str]:
    return {finding.rule for finding in decision.findings if finding.asks is not None}


def _gate(settings: Settings) -> tuple[Any, float]:
    from oncogate import Gate

    begun = time.perf_counter()
    gate = Gate.load([Path(p) for p in settings.get("rules", [TEN])], settings.get("site"))
    return gate, (time.perf_counter() - begun) * 1e3


def _looked_at(decision: Any) -> Any:
    return decision.outcome, decision.determining_rules


def _ready(settings: Settings) -> Loaded:
    from oncogate import Request

    gate, load_ms = _gate(settings)

    def decide(request: Any) -> Any:
        decision = gate.decide(request)
        _looked_at(decision)
        return decision

    return Loaded(decide, _requests(settings), _asked, _due(settings), load_ms, Request.load)


def _said(settings: Settings) -> Loaded:
    from oncogate import Decision

    loaded = _ready(settings)

    def decide(request: Any) -> bytes:
        decision: Decision = loaded.decide(request)
        for finding in decision.findings:
            finding.explain("zh")
        return decision.to_json().encode()

    return loaded._replace(decide=decide, found=lambda written: _asked(Decision.load(written)))


def _bytes(settings: Settings) -> Loaded:
    from oncogate import Request

    gate, load_ms = _gate(settings)

    def decide(content: bytes) -> Any:
        decision = gate.decide(Request.load(content))
        _looked_at(decision)
        return decision

    return Loaded(decide, _requests(settings), _asked, _due(settings), load_ms)


def _line(settings: Settings) -> Loaded:
    from oncogate import Decision, Request

    loaded = _bytes(settings)
    gate, _ = _gate(settings)

    def decide(content: bytes) -> bytes:
        return gate.decide(Request.load(content)).to_json().encode()

    return loaded._replace(decide=decide, found=lambda written: _asked(Decision.load(written)))


def _pydantic(settings: Settings) -> Loaded:
    from tests.benchmarks.models import PlainRequest

    return Loaded(PlainRequest.model_validate_json, _requests(settings))


def _own_model(settings: Settings) -> Loaded:
    from oncogate import Request

    return Loaded(Request.model_validate_json, _requests(settings))


def _own_load(settings: Settings) -> Loaded:
    from oncogate import Request

    return Loaded(Request.load, _requests(settings))


def _file(settings: Settings) -> Loaded:
    """A gate on one request in a file, ready."""
    from oncogate import Request

    gate, load_ms = _gate(settings)
    content = Path(settings["file"]).read_bytes()
    return Loaded(
        lambda one: _looked_at(gate.decide(one)), [content] * 20, load_ms=load_ms, prepare=Request.load
    )


def _file_json(settings: Settings) -> Loaded:
    """The same, and the decision written as JSON."""
    gate, _ = _gate(settings)
    return _file(settings)._replace(decide=lambda one: gate.decide(one).to_json())


def _peer(module: str, load: str = "load") -> Callable[[Settings], Loaded]:
    def loading(settings: Settings) -> Loaded:
        records = [as_json(record) for record in plain_records(settings.get("count", 2000))]
        peer = importlib.import_module(f"tests.benchmarks.peers.{module}")
        begun = time.perf_counter()
        decide = getattr(peer, load)(settings.get("replicas", 1))
        load_ms = (time.perf_counter() - begun) * 1e3
        return Loaded(decide, records, rule_ids, _due(settings), load_ms, json.loads)

    return loading


CONTENDERS = {
    "hand": Contender("hand-written function", "on the parsed dict", _hand),
    "hand-json": Contender("hand-written, from JSON", "json.loads counted", _hand_json),
    "ready": Contender("oncogate: ready request → decision", "outcome and determining rules looked at", _ready),
    "said": Contender("oncogate: … and every reason in Chinese, and JSON", "all evidence and texts made", _said),
    "bytes": Contender("oncogate: JSON → decision", "parsed and validated strictly", _bytes),
    "line": Contender("oncogate: JSON → decision as JSON", "what a line of NDJSON costs", _line),
    "pydantic": Contender("pydantic: a plain model of the same request", "validation alone, no decision", _pydantic),
    "own-model": Contender("pydantic: oncogate's own model", "validation alone, no decision", _own_model),
    "own-load": Contender("oncogate: Request.load alone", "validation alone, no decision", _own_load),
    "file": Contender("oncogate: a request from a file", "", _file),
    "file-json": Contender("oncogate: a request from a file, as JSON", "", _file_json),
    "zen": Contender("ZEN, one expression", "selects in the engine", _peer("zen_")),
    "zen-graph": Contender("ZEN, graph", "selects in the engine", _peer("zen_", "load_graph")),
    "datalogic": Contender("datalogic (JSON Logic in Rust)", "selects in the engine, ISO text order", _peer("datalogic")),
    "cel": Contender("CEL in C++ (cel-expr-python)", "flat facts", _peer("cel")),
    "cel-rust": Contender("CEL in Rust (common-expression-language)", "flat facts", _peer("cel", "load_rust")),
    "cedar": Contender("Cedar (cedarpy)", "flat facts, scaled to integers", _peer("cedar")),
    "rego": Contender("Rego (regorus RVM)", "selects in the engine", _peer("rego")),
    "rule-engine": Contender("rule-engine", "flat facts", _peer("rule_engine_")),
    "durable": Contender("durable-rules", "flat facts with ages", _peer("durable_rules")),
    "business": Contender("business-rules", "flat facts with ages", _peer("business_rules_")),
    "clips": Contender("CLIPS (clipspy)", "flat facts with ages", _peer("clips_")),
}  # fmt: skip
PEERS = (
    "zen",
    "zen-graph",
    "datalogic",
    "cel",
    "cel-rust",
    "cedar",
    "rego",
    "rule-engine",
    "durable",
    "business",
    "clips",
)
