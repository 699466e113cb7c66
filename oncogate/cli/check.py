"""`oncogate check`: judge one request."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from oncogate.adapters.host_form import Form
from oncogate.base.errors import Diagnostic, OncogateError
from oncogate.cli import console
from oncogate.cli.source import read_request
from oncogate.gate import Gate
from oncogate.model.decision import Decision


class Engine(str, Enum):
    """Who judges."""

    PYTHON = "python"
    DURABLE = "durable"
    BOTH = "both"


class Language(str, Enum):
    """The language of the explanation."""

    ZH = "zh"
    EN = "en"


class Format(str, Enum):
    """How the decision is written."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


Folders = Annotated[
    list[Path] | None,
    typer.Option(
        "--rules",
        help="A folder of rules; may be repeated. Default: the shipped rules, which are called `shipped` among others.",
        metavar="DIR",
    ),
]
Layers = Annotated[
    list[Path] | None,
    typer.Option(
        "--site",
        help="What a layer sets over the rules (nation, province, hospital, department); may be repeated.",
        metavar="FILE",
    ),
]


@console.command
def check(
    file: Annotated[str, typer.Argument(help="The request, or `-` for standard input.", metavar="FILE")],
    rules: Folders = None,
    site: Layers = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            help="The moment to judge for. Default: the request's, its order's, else now.",
            metavar="TIME",
        ),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            "--timezone", help="The zone of times that have none (Asia/Shanghai, +08:00).", metavar="ZONE"
        ),
    ] = None,
    lang: Annotated[Language, typer.Option("--lang", help="The language of the text.")] = Language.ZH,
    format: Annotated[Format, typer.Option("--format", help="How to write the decision.")] = Format.TEXT,
    form: Annotated[Form, typer.Option("--from", help="What the input is.")] = Form.AUTO,
    engine: Annotated[
        Engine,
        typer.Option("--engine", help="Who judges; `both` blocks where the second engine doesn't agree."),
    ] = Engine.PYTHON,
    everything: Annotated[
        bool, typer.Option("--all", help="List the rules that are met or don't apply, too.")
    ] = False,
) -> int:
    """Judge a request and say why.

    Exit code 0: allowed, maybe with a warning; 1: blocked; 2: the input or the rules can't be used.
    """
    problems: list[Diagnostic] = []
    gate = request = None
    try:
        gate = Gate.load(rules or (), site or (), engine=engine.value)
    except OncogateError as error:
        problems += error.diagnostics
    try:
        request, notes = read_request(file, form, at, timezone, gate.library if gate is not None else None)
    except OncogateError as error:
        problems += error.diagnostics
    if gate is None or request is None:
        return console.refuse(problems)
    decision = gate.decide(request)
    written = _written(decision, format, lang.value, everything)
    console.note(notes)
    console.write(written)
    return 1 if decision.outcome == "block" else 0


def _written(decision: Decision, format: Format, language: Any, everything: bool) -> str:
    if format is Format.JSON:
        return json.dumps(decision.to_dict(everything=everything), ensure_ascii=False, indent=2)
    if format is Format.HTML:
        from oncogate.explain.render_html import render_html  # noqa: PLC0415

        return render_html(decision, language, everything=everything)
    from oncogate.cli.terminal import in_terminal  # noqa: PLC0415
    from oncogate.explain.render_text import render_text  # noqa: PLC0415

    return in_terminal(render_text(decision, language, everything=everything))
