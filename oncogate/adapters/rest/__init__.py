"""For Python callers of a served gate (`POST /v1/decide`): a client that says what holds when the gate can't be asked.

Needs the extra `client`.
"""

try:
    import anyio as _anyio  # noqa: F401
    import httpx2 as _httpx2  # noqa: F401
except ModuleNotFoundError as error:
    from oncogate.base.errors import missing_extra

    raise ModuleNotFoundError(
        missing_extra("`oncogate.adapters.rest`", error, "client"), name=error.name
    ) from None

from oncogate.adapters.rest.answer import Answer, Fail
from oncogate.adapters.rest.client import AsyncClient, Client

__all__ = ["Answer", "AsyncClient", "Client", "Fail"]
