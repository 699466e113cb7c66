"""`oncogate serve`: the gate as a service."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from oncogate.base.errors import missing_extra
from oncogate.cli import console
from oncogate.cli.check import Engine, Folders, Language, Layers

EXTRA = frozenset({"fastapi", "starlette", "anyio", "uvicorn", "jwt", "cryptography", "prometheus_client"})
"""What `oncogate[server]` brings."""


@console.command
def serve(
    config: Annotated[
        Path | None,
        typer.Option("--config", help="A YAML file of settings; options go before it.", metavar="FILE"),
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", help="Where to listen. Default: 127.0.0.1.", metavar="ADDRESS")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help="Default: 8710.", min=0, max=65535)] = None,
    rules: Folders = None,
    site: Layers = None,
    engine: Annotated[
        Engine | None,
        typer.Option("--engine", help="Who judges; `both` blocks where the second engine doesn't agree."),
    ] = None,
    lang: Annotated[
        Language | None, typer.Option("--lang", help="The language of cards. Default: zh.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", help="The zone of times that have none.", metavar="ZONE")
    ] = None,
    mllp: Annotated[
        str | None, typer.Option("--mllp", help="Where HL7 v2 comes in; needs --inbox.", metavar="HOST:PORT")
    ] = None,
    inbox: Annotated[
        Path | None,
        typer.Option("--inbox", help="The file that keeps what was acknowledged.", metavar="FILE"),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Processes. Default: 1.", min=1, max=64)
    ] = None,
    reload_rules: Annotated[
        bool,
        typer.Option("--reload-rules", help="Look every 2 seconds whether files of the rules have changed."),
    ] = False,
) -> int:
    """Serve the gate: CDS Hooks, the REST pre-audit call, health and metrics.

    Exit code 0: stopped when told to; 2: the settings or the rules can't be used, and nothing listened.
    """
    try:
        from oncogate.server.logs import log_to_stderr  # noqa: PLC0415
        from oncogate.server.run import run  # noqa: PLC0415
        from oncogate.server.settings import load_settings  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRA:
            raise
        print(missing_extra("`oncogate serve`", error, "server"), file=sys.stderr)
        return 2
    told: dict[str, Any] = {
        "host": host, "port": port, "rules": rules, "site": site, "engine": engine and engine.value,
        "language": lang and lang.value, "timezone": timezone,
        "workers": workers, "reload_rules": 2 if reload_rules else None,
    }  # fmt: skip
    if mllp is not None or inbox is not None:
        told["mllp"] = _mllp(mllp, inbox)
    settings = load_settings(config, {name: value for name, value in told.items() if value is not None})
    log_to_stderr()
    run(settings)
    return 0


def _mllp(address: str | None, inbox: Path | None) -> dict[str, Any]:
    host, _, port = (address or "").rpartition(":")
    if not host or not port.isdigit():
        raise typer.BadParameter("write it as 127.0.0.1:2575", param_hint="--mllp")
    if inbox is None:
        raise typer.BadParameter(
            "what is acknowledged has to be kept somewhere: give --inbox", param_hint="--mllp"
        )
    return {"host": host.strip("[]"), "port": int(port), "inbox": inbox}
