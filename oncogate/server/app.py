"""The ASGI application: every face of a served gate."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from oncogate._version import __version__
from oncogate.adapters.cdshooks.feedback import Lines
from oncogate.base.errors import Diagnostic
from oncogate.server import batch, hooks, operations, rest
from oncogate.server.answers import Json, LastWord, Refused, body_of, face_of
from oncogate.server.auth.callers import Callers
from oncogate.server.measures import Measures
from oncogate.server.openapi import describe
from oncogate.server.reloading import kept_fresh
from oncogate.server.rules_in_use import RulesInUse
from oncogate.server.service import Service, service_of
from oncogate.server.settings import Settings, SettingsError
from oncogate.server.watch import Watch

Beside = Callable[[], AbstractAsyncContextManager[None]]
"""Something that runs in the same loop as the application, from its start to its stop."""


def create_app(
    settings: Settings | None = None, rules: RulesInUse | None = None, beside: Sequence[Beside] = ()
) -> FastAPI:
    """The application; `beside` are other faces that run in its loop from start to stop. Raises `PackError` where the rules can't be used, `SettingsError` where the settings can't."""
    told = settings or Settings()
    if problems := told.problems():
        raise SettingsError(problems)
    in_use = rules or RulesInUse(told)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(kept_fresh(in_use, told.reload_rules))
            for one in beside:
                await stack.enter_async_context(one())
            yield

    app = FastAPI(title="oncogate", version=__version__, docs_url=None, redoc_url=None, lifespan=running)
    service = Service(
        told, in_use, Measures(in_use), Callers.of(told), Lines(told.folder / "feedback.ndjson")
    )
    app.state.service = service
    app.add_exception_handler(Refused, _refuse)
    app.add_exception_handler(HTTPException, _not_served)
    app.add_exception_handler(RequestValidationError, _bad_query)
    app.include_router(hooks.router)
    app.include_router(rest.router)
    app.include_router(batch.router)
    app.include_router(operations.router)
    if told.shows_screen:
        from oncogate.server.screen import routes as screen  # noqa: PLC0415  # most services show none

        app.include_router(screen.router)
    app.openapi = lambda: describe(app, service)  # type: ignore[method-assign]
    app.add_middleware(Watch, service=service)
    if told.cors:
        app.add_middleware(
            CORSMiddleware, allow_origins=told.cors, allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Accept-Language"],
            expose_headers=["X-Oncogate-Checked", "Content-Language"],
        )  # fmt: skip
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    path = request.url.path
    service_of(request).measures.not_checked.labels(face_of(path), error.diagnostics[0].code).inc()
    kind = Json if getattr(request.state, "body_read", False) else LastWord
    return kind(body_of(path, error.status, error.diagnostics), error.status, error.headers)


async def _not_served(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, said, help = {
        404: ("path-unknown", "there is nothing at this address", "`GET /openapi.json` lists what there is"),
        405: (
            "method-not-allowed",
            f"this address doesn't take `{request.method}`",
            "see the header `Allow`",
        ),
    }.get(error.status_code, ("http", str(error.detail), ""))
    refusal = Refused(error.status_code, [Diagnostic("", 0, 0, code, said, help)], error.headers)
    return await _refuse(request, refusal)


async def _bad_query(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [
        Diagnostic(
            "?" + str(e["loc"][-1]), 0, 0, "query-invalid", str(e["msg"]).lower(), "see `GET /openapi.json`"
        )
        for e in error.errors()
    ]
    return await _refuse(request, Refused(400, found))
