"""A decision as one self-contained page: no scripts, no network, fit for a screen, an e-mail or a printer."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

from oncogate.base.texts import Language
from oncogate.explain.view import view_of
from oncogate.explain.words import word
from oncogate.model.decision import Decision

_TEMPLATE = Path(__file__).with_name("decision.html.j2")
_MARKS = {"yes": "✓", "no": "✗", "none": "–", "unsure": "?"}


def render_html(decision: Decision, language: Language = "zh", *, everything: bool = False) -> str:
    """The decision as HTML; everything that came from the host is escaped."""
    view = view_of(decision, language, everything=everything)
    return _template().render(
        view=view, language=language, word=partial(word, language=language), marks=_MARKS
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.from_string(_TEMPLATE.read_text("utf-8"))
