"""oncogate judges an oncology order against pre-treatment rules: block or warn, with reasons."""

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = [
    "Decision",
    "Diagnostic",
    "Effect",
    "Evidence",
    "Finding",
    "Gate",
    "OncogateError",
    "Outcome",
    "PackError",
    "Request",
    "RequestError",
    "RulePack",
    "Verdict",
]

if TYPE_CHECKING:
    from oncogate.base.errors import Diagnostic, OncogateError, PackError, RequestError
    from oncogate.gate import Gate
    from oncogate.model.decision import Decision, Evidence, Finding
    from oncogate.model.request import Request
    from oncogate.model.rule import Effect, Outcome, Verdict
    from oncogate.packs.pack import RulePack
else:
    # Imported when first asked for: pytest loads a module of the package in everybody's test run, and a host's start is dear.
    _HOMES = {
        **dict.fromkeys(("Diagnostic", "OncogateError", "PackError", "RequestError"), "oncogate.base.errors"),
        "Gate": "oncogate.gate",
        **dict.fromkeys(("Decision", "Evidence", "Finding"), "oncogate.model.decision"),
        "Request": "oncogate.model.request",
        **dict.fromkeys(("Effect", "Outcome", "Verdict"), "oncogate.model.rule"),
        "RulePack": "oncogate.packs.pack",
    }

    def __getattr__(name):
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return found

    def __dir__():
        return sorted({*globals(), *__all__})
