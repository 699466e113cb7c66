"""Around every call: how many at once, how long, which status, a line in the log; and no traceback to a caller."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oncogate.base.errors import Diagnostic
from oncogate.server.answers import INTERNAL, Json, LastWord, body_of, face_of
from oncogate.server.logs import where_it_failed
from oncogate.server.service import Service

log = logging.getLogger("oncogate.server")

_ALWAYS = ("/healthz", "/readyz", "/metrics")
"""What is answered however many calls there are."""


class Watch:
    """Middleware that counts, times and logs calls, and turns a failure of ours into a plain 500."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app, self.service = app, service
        self.busy = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        path = scope["path"]
        self.busy += 1
        try:
            if self.busy > self.service.settings.limits.at_once and path not in _ALWAYS:
                busy = Diagnostic(
                    "", 0, 0, "too-many-calls", "too many calls at once", "try again in a second"
                )
                answer = LastWord(body_of(path, 503, [busy]), 503, {"Retry-After": "1"})
                self.service.measures.not_checked.labels(face_of(path), "too-many-calls").inc()
                await answer(scope, receive, noted)
            else:
                await self.app(scope, receive, noted)
        except Exception as error:
            log.error("failed", extra={"said": {"event": "failed", **where_it_failed(error)}})
            self.service.measures.not_checked.labels(face_of(path), "internal").inc()
            if status == 0:
                await Json(body_of(path, 500, [INTERNAL]), 500)(scope, receive, noted)
        finally:
            self.busy -= 1
            took = time.perf_counter() - started
            self.service.measures.seconds.labels(face_of(path)).observe(took)
            self._log(scope, status, took)

    def _log(self, scope: Scope, status: int, took: float) -> None:
        route = getattr(scope.get("route"), "path", "")  # a path that no route has may hold anything
        said = {
            "event": "call", "method": scope["method"], "route": route or "none", "status": status,
            "ms": round(took * 1000, 1), **({"caller": caller} if (caller := scope.get("state", {}).get("caller")) else {}),
        }  # fmt: skip
        log.info("call", extra={"said": said})
