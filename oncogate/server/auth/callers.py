"""Who may call which face: as configured, and without configuration anybody, on loopback alone."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request

from oncogate.base.errors import Diagnostic
from oncogate.server.answers import refused
from oncogate.server.auth.bearer import Tokens
from oncogate.server.auth.jwt import Clients
from oncogate.server.auth.replays import Replays
from oncogate.server.settings import Settings, SettingsError


@dataclass(frozen=True)
class Callers:
    """The callers of both faces. A face whose callers aren't configured is open on loopback, and closed elsewhere."""

    settings: Settings
    tokens: Tokens | None
    clients: Clients | None

    @classmethod
    def of(cls, settings: Settings) -> Callers:
        """Read tokens and keys; raises `SettingsError`."""
        tokens = Tokens.load(settings.tokens) if settings.tokens is not None else None
        clients = None
        if settings.clients:
            clients = Clients(settings.clients, _replays(settings.folder / "tokens-seen.sqlite"))
        return cls(settings, tokens, clients)

    def close(self) -> None:
        """Let go of what is open."""
        if self.clients is not None:
            self.clients.close()

    def rest(self, request: Request) -> None:
        """Let a REST call pass, or raise `Refused`."""
        if self.tokens is not None:
            request.state.caller = self.tokens.caller(request.headers.get("authorization"))
        elif not self.settings.loopback:
            raise refused(
                401,
                "face-closed",
                "this face has no callers",
                "give the gate `tokens`",
                WWW_Authenticate="Bearer",
            )

    def hook(self, request: Request, service: str) -> None:
        """Let a CDS client's call pass, or raise `Refused`."""
        if self.clients is not None:
            address = f"{self.settings.public_url}{request.url.path}"
            request.state.caller = self.clients.client(request.headers.get("authorization"), address, service)
        elif not self.settings.loopback:
            raise refused(
                401,
                "face-closed",
                "this face has no callers",
                "give the gate `clients`",
                WWW_Authenticate="Bearer",
            )


def _replays(path: Path) -> Replays:
    try:
        return Replays(path)
    except (OSError, sqlite3.Error) as error:
        said = (
            f"the tokens that were seen can't be kept in {path}: {getattr(error, 'strerror', None) or error}"
        )
        help = "give `state`, a folder that the service may write to"
        raise SettingsError([Diagnostic("state", 0, 0, "state-unwritable", said, help)]) from None
