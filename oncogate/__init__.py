"""oncogate judges an oncology order against pre-treatment rules: block or warn, with reasons."""

from oncogate.base.errors import Diagnostic, OncogateError, PackError, RequestError
from oncogate.gate import Gate
from oncogate.model.decision import Decision, Evidence, Finding
from oncogate.model.request import Request
from oncogate.model.rule import Effect, Outcome, Verdict
from oncogate.packs.pack import RulePack

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
