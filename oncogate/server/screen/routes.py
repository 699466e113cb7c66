"""The addresses of the screen. A state comes in with the call and goes out with the page; nothing of it stays."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from starlette.responses import Response

from oncogate.base.errors import Diagnostic
from oncogate.server.answers import LastWord, Refused
from oncogate.server.bodies import read_body
from oncogate.server.screen.files import files
from oncogate.server.screen.pages import Filter, Page, Pages
from oncogate.server.screen.patients import example_patients
from oncogate.server.screen.state import State
from oncogate.server.service import Service, service_of

router = APIRouter(include_in_schema=False)

FORM = ("application/x-www-form-urlencoded",)
MOST_FIELDS = 100
Make = Callable[[Pages, Filter], Page]

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""What every page carries: it runs scripts of this server only, is shown in no frame, and is kept by no cache."""


class _LastPage(LastWord):
    """A page sent before the whole body was read."""

    media_type = "text/html"


@router.get("/")
async def opened(request: Request) -> Response:
    """Order entry; without a word of which patient, the first example."""
    return await _page(request, lambda pages, _: pages.order(), first=True)


@router.post("/")
async def ordered(request: Request) -> Response:
    """Order entry with a pasted request."""
    return await _page(request, lambda pages, _: pages.order())


@router.api_route("/rules", methods=["GET", "POST"])
async def rules(request: Request) -> Response:
    """The list of rules."""
    return await _page(request, lambda pages, narrowed: pages.rules(narrowed))


@router.api_route("/rules/{name:path}", methods=["GET", "POST"])
async def rule(request: Request, name: str) -> Response:
    """One rule."""
    return await _page(request, lambda pages, _: pages.rule(name))


@router.get("/static/{name}")
async def static(request: Request, name: str) -> Response:
    """A file that a page loads."""
    file = files().get(name)
    if file is None:
        return Response(status_code=404)
    keep = "public, max-age=31536000, immutable" if request.query_params.get("v") else "no-cache"
    headers = {"Cache-Control": keep, "X-Content-Type-Options": "nosniff"}
    return Response(file.content, media_type=file.media_type, headers=headers)


async def _page(request: Request, made: Make, *, first: bool = False) -> Response:
    service = service_of(request)
    body, refusal = b"", None
    if request.method == "POST":
        limits = service.settings.limits
        try:
            body = await read_body(request, limits.body, limits.seconds, FORM)
        except Refused as error:
            refusal = error
    told = refusal.diagnostics if refusal is not None else ()
    page = await service.judge(_made, made, service, request.url.query, body, told, first)
    content = page.html.encode("utf-8", "backslashreplace")
    if refusal is None:
        return Response(content, page.status, HEADERS, "text/html")
    unread = not getattr(request.state, "body_read", False)
    kind = _LastPage if unread else Response
    return kind(content, refusal.status, {**HEADERS, **refusal.headers}, "text/html")


def _made(
    made: Make, service: Service, query: str, body: bytes, refused: tuple[Diagnostic, ...], first: bool
) -> Page:  # fmt: skip
    """The page of a call, beside the loop: taking a large form apart takes its time too."""
    posted = _fields(body.decode("ascii", "replace"))
    # what was pasted is only ever posted: an address is logged, kept and sent on
    pairs = [(name, value) for name, value in _fields(query) if name != "text"] + posted
    state = State.of(pairs)
    if first and not state.patient and not state.pasting:
        state = State.of([*pairs, ("patient", next(iter(example_patients()), ""))])
    pages = Pages(service.rules.current, state, service.settings.timezone, refused)
    return made(pages, Filter.of(dict(pairs)))


def _fields(encoded: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(encoded, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace")
    except ValueError:  # more fields than any page of ours has
        return []
