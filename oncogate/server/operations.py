"""Whether the service lives, whether it is ready, and what it counts."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from oncogate.server.answers import Json, as_errors
from oncogate.server.service import service_of

router = APIRouter(tags=["Operation"])


@router.get("/healthz")
async def healthz() -> Response:
    """The process answers."""
    return Json({"status": "ok"})


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Rules are loaded; which, and whether the files on disk are newer and broken."""
    rules = service_of(request).rules
    said: dict[str, Any] = {"status": "ready", "rules": rules.current.digest, "stale": bool(rules.problems)}
    if rules.problems:
        said["problems"] = as_errors(rules.problems)["errors"]
    return Json(said)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Counts in the text format of Prometheus."""
    return Response(service_of(request).measures.text(), media_type=CONTENT_TYPE_LATEST)
