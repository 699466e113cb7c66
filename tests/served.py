"""A gate served on a free port of this machine, in a thread or in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from loaded import shipped_gate

from oncogate.server.app import create_app
from oncogate.server.beside import beside
from oncogate.server.connections import server_config
from oncogate.server.rules_in_use import RulesInUse
from oncogate.server.run import listening
from oncogate.server.settings import Settings

ROOT = Path(__file__).resolve().parents[1]


@contextlib.contextmanager
def served(settings: Settings, rules: RulesInUse | None = None) -> Iterator[httpx.Client]:
    """A client of a gate that is served in a thread."""
    settings = settings.model_copy(update={"port": 0})
    plain = not settings.rules and not settings.site
    in_use = rules or RulesInUse(settings, shipped_gate() if plain else None)
    app = create_app(settings, in_use, beside(settings))
    with listening(settings) as listener:
        server = uvicorn.Server(server_config(app, settings.limits.seconds, 2))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join(10)


class Process:
    """`oncogate serve` as a process: its address, and the lines of its log."""

    def __init__(self, *options: str, env: dict[str, str] | None = None) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "oncogate.cli", "serve", "--port", "0", *options],
            cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env={**os.environ, **(env or {})}, text=True,
        )  # fmt: skip
        self.lines: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.address = self.until("listening")["address"]

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with contextlib.suppress(ValueError):
                self.lines.append(json.loads(line))

    def until(self, event: str, count: int = 1, seconds: float = 20) -> dict[str, Any]:
        """The `count`th line of this event, once it is there."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = [line for line in self.lines if line.get("event") == event]
            if len(found) >= count:
                return found[count - 1]
            time.sleep(0.01)
        raise AssertionError(f"no `{event}` within {seconds} s: {self.lines[-5:]}")

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self) -> int:
        """Tell it to stop; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self._reader.join(5)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code


@contextlib.contextmanager
def process(*options: str, env: dict[str, str] | None = None) -> Iterator[Process]:
    """`oncogate serve` while the block lasts; whatever happens, it is stopped."""
    made = Process(*options, env=env)
    try:
        yield made
    finally:
        if made.process.poll() is None:
            made.stop()
