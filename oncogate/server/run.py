"""A served gate from start to stop."""

from __future__ import annotations

import uvicorn

from oncogate.server.app import create_app
from oncogate.server.rules_in_use import RulesInUse
from oncogate.server.settings import Settings


def run(settings: Settings) -> None:
    """Serve until stopped."""
    app = create_app(settings, RulesInUse(settings))
    uvicorn.Server(uvicorn.Config(app, settings.host, settings.port, access_log=False, log_config=None)).run()
