"""A decision as one self-contained page: no scripts, no network, fit for a screen, an e-mail or a printer."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from oncogate.base.texts import Language
from oncogate.explain.view import view_of
from oncogate.explain.words import word
from oncogate.model.decision import Decision

PARTS = Path(__file__).parent
"""Where the parts that a page about a decision is put together from stand: `decision_parts.html.j2`, `decision.css`."""

MARKS = {"yes": "✓", "no": "✗", "none": "–", "unsure": "?"}


def render_html(decision: Decision, language: Language = "zh", *, everything: bool = False) -> str:
    """The decision as HTML; everything that came from the host is escaped."""
    view = view_of(decision, language, everything=everything)
    page = environment(PARTS).get_template("decision.html.j2")
    return page.render(view=view, language=language, word=partial(word, language=language), marks=MARKS)


@lru_cache(maxsize=2)
def environment(*folders: Path) -> Environment:
    """The templates of the folders: they escape what they are given, and fail on a name that isn't given."""
    return Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
