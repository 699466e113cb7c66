"""Pages of the screen as tests look at them: asked for without a network, and read back as a tree of tags."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx
from fastapi import FastAPI

VOID = frozenset({"meta", "link", "input", "br", "hr", "img"})


@dataclass
class Html(HTMLParser):
    """What stands in a page. Reading one whose tags don't close each other fails."""

    source: str
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []
        self.feed(self.source)
        self.close()
        assert self._open == [], f"left open: {self._open}"
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert len(attrs) == len({name for name, _ in attrs}), f"an attribute twice: {attrs}"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"nothing to close: {tag}"
        assert self._open.pop() == tag, f"closes out of turn: {tag} at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every such tag."""
        return [attrs for name, attrs in self.tags if name == tag]

    def with_class(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of every tag of the class."""
        return [attrs for _, attrs in self.tags if name in (attrs.get("class") or "").split()]

    def by_id(self, id: str) -> dict[str, str | None]:
        """The attributes of the tag of this id."""
        (found,) = (attrs for _, attrs in self.tags if attrs.get("id") == id)
        return found

    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """The tags with the names of their attributes: what a text of a record must not change."""
        return [(tag, tuple(attrs)) for tag, attrs in self.tags]


def ask(app: FastAPI, method: str, path: str, **kwargs: Any) -> httpx.Response:
    """The answer of an application to one call."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gate") as client:
            return await client.request(method, path, **kwargs)

    return asyncio.run(asked())
