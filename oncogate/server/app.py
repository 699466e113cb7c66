"""The ASGI application: every face of a served gate."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from oncogate._version import __version__
from oncogate.adapters.cdshooks.feedback import Lines
from oncogate.adapters.hl7v2.sqlite_inbox import SqliteInbox
from oncogate.base.errors import Diagnostic
from oncogate.server import batch, hooks, operations, rest
from oncogate.server.answers import Json, LastWord, Refused, body_of, face_of
from oncogate.server.auth.callers import Callers
from oncogate.server.beside import Beside
from oncogate.server.measures import Measures
from oncogate.server.openapi import describe
from oncogate.server.reloading import kept_fresh
from oncogate.server.rules_in_use import RulesInUse
from oncogate.server.service import Service, service_of
from oncogate.server.settings import Settings, SettingsError
from oncogate.server.watch import Watch


def create_app(
    settings: Settings | None = None, rules: RulesInUse | None = None, others: Sequence[Beside] = ()
) -> FastAPI:
    """The application; `others` are faces that run in its loop from start to stop. Raises `PackError` where the rules can't be used, `SettingsError` where the settings can't."""
    told = settings or Settings()
    if problems := told.problems():
        raise SettingsError(problems)
    in_use = rules or RulesInUse(told)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(service.callers.close)
            await stack.enter_async_context(kept_fresh(in_use, told.reload_rules))
            if told.mllp is not None:
                service.inbox = stack.enter_context(SqliteInbox(told.mllp.inbox))
            for one in others:
                await stack.enter_async_context(one(service))
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
    if error.status_code == 404:
        said = Diagnostic(
            "",
            0,
            0,
            "path-unknown",
            "there is nothing at this address",
            "`GET /openapi.json` lists what there is",
        )
    elif error.status_code == 405:
        said = Diagnostic(
            "",
            0,
            0,
            "method-not-allowed",
            f"this address doesn't take `{request.method}`",
            "see the header `Allow`",
        )
    else:
        said = Diagnostic("", 0, 0, "http-refused", str(error.detail).lower())
    return await _refuse(request, Refused(error.status_code, [said], error.headers))


async def _bad_query(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [
        Diagnostic(
            "?" + str(e["loc"][-1]), 0, 0, "query-invalid", str(e["msg"]).lower(), "see `GET /openapi.json`"
        )
        for e in error.errors()
    ]
    return await _refuse(request, Refused(400, found))
