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

    def request(document: Any) -> Request:
        return Request.load(read_hook(document, AT, None, vocabulary).data)

    def cards(decision: Any, document: Any) -> Any:
        from oncogate.adapters.cdshooks.cards import cards_of

        return cards_of(decision, "zh", document["hookInstance"], gate.library)

    document = read_json(content)
    ready = request(document)
    steps: dict[str, tuple[Any, Callable[[Any], Any]]] = {
        "hook-json": (content, read_json),
        "hook-read": (document, request),
        "hook-decide": (ready, gate.decide),
        "hook-cards": (ready, lambda decision: cards(decision, document)),
        "hook-all": (content, lambda c: json.dumps({"cards": cards(gate.decide(request(d := read_json(c))), d)}, ensure_ascii=False).encode()),
    }  # fmt: skip
    given, do = steps[step]
    return Loaded(do, [gate.decide(ready) if step == "hook-cards" else given] * 20)


def step(name: str) -> Contender:
    return Contender(name, "", lambda settings: _load(settings, name))
