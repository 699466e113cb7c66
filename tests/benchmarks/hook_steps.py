"""The steps of answering a CDS Hooks request, as contenders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.contenders import Contender, Loaded, Settings

AT = "2026-03-02T09:30:00+08:00"


def _load(settings: Settings, step: str) -> Loaded:
    from oncogate import Gate, Request
    from oncogate.adapters.cdshooks.request import read_hook
    from oncogate.adapters.fhir import Vocabulary
    from oncogate.model.request import read_json

    gate = Gate.load()
    vocabulary = Vocabulary.of(gate.library)
    content = Path(settings["file"]).read_bytes()

    def data(document: Any) -> Any:
        return read_hook(document, AT, None, vocabulary).data

    def cards(decision: Any, document: Any) -> Any:
        from oncogate.adapters.cdshooks.cards import cards_of

        return cards_of(decision, "zh", document["hookInstance"], gate.library)

    def answer(content: bytes) -> bytes:
        document = read_json(content)
        decision = gate.decide(Request.load(data(document)))
        return json.dumps({"cards": cards(decision, document)}, ensure_ascii=False).encode()

    document = read_json(content)
    read = data(document)
    steps: dict[str, tuple[Any, Callable[[Any], Any], Callable[[Any], Any] | None]] = {
        "hook-json": (content, read_json, None),
        "hook-read": (document, lambda d: Request.load(data(d)), None),
        "hook-decide": (read, lambda request: gate.decide(request).determining_rules, Request.load),
        "hook-cards": (read, lambda d: cards(d, document), lambda r: gate.decide(Request.load(r))),
        "hook-all": (content, answer, None),
    }
    given, do, prepare = steps[step]
    return Loaded(do, [given] * 20, prepare=prepare)


def step(name: str) -> Contender:
    return Contender(name, "", lambda settings: _load(settings, name))
