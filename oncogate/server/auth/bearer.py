"""Bearer tokens of REST callers, from a file: a name and a token on each line."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

from oncogate.base.errors import Diagnostic
from oncogate.server.answers import refused
from oncogate.server.settings import SettingsError

SHORTEST = 32
"""Characters of a token at least: `openssl rand -hex 32` writes 64."""


class Tokens:
    """The callers that are known, by the digest of their token: the tokens themselves aren't kept."""

    def __init__(self, callers: dict[str, bytes]) -> None:
        self._callers = callers

    @classmethod
    def load(cls, path: Path) -> Tokens:
        """Read the file; raises `SettingsError` with each line that can't be used. `#` begins a comment line."""
        problems: list[Diagnostic] = []
        callers: dict[str, bytes] = {}
        try:
            lines = path.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            said = getattr(error, "strerror", None) or "isn't UTF-8"
            raise SettingsError(
                [Diagnostic(str(path), 0, 0, "tokens-unreadable", f"the tokens can't be read: {said}")]
            ) from None
        for number, line in enumerate(lines, 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if len(words) != 2:
                problem = "a line holds a name and a token"
            elif len(words[1]) < SHORTEST:
                problem = f"the token of `{words[0]}` is shorter than {SHORTEST} characters"
            elif words[0] in callers:
                problem = f"the name `{words[0]}` stands twice"
            else:
                callers[words[0]] = _digest(words[1])
                continue
            help = "write `NAME TOKEN`, the token as `openssl rand -hex 32` makes one"
            problems.append(Diagnostic(str(path), number, 1, "tokens-line", problem, help))
        if not callers and not problems:
            problems.append(
                Diagnostic(str(path), 0, 0, "tokens-empty", "holds no token", "write `NAME TOKEN`")
            )
        if problems:
            raise SettingsError(problems)
        return cls(callers)

    def caller(self, authorization: str | None) -> str:
        """The name of who sends this `Authorization` header; raises `Refused` (401)."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.casefold() != "bearer" or not token.strip():
            raise refused(
                401, "token-missing", "the call says no bearer token", "send `Authorization: Bearer …`",
                WWW_Authenticate="Bearer",
            )  # fmt: skip
        digest = _digest(token.strip())
        found = [name for name, known in self._callers.items() if hmac.compare_digest(known, digest)]
        if not found:
            raise refused(
                401, "token-unknown", "the bearer token isn't one of this gate", "ask for one",
                WWW_Authenticate='Bearer error="invalid_token"',
            )  # fmt: skip
        return found[0]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
