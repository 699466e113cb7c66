"""How long a whole `order-sign` call takes on loopback, beside the bare framework echoing the same body.

    python tests/benchmarks/latency_of_hooks.py                 # one worker, one caller after another: p50, p99, the ratio
    python tests/benchmarks/latency_of_hooks.py --sustained 30  # two workers, as many calls as they take: calls a second

Times are this machine's; the ratio says what judging adds to what any service would take.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import multiprocessing
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))
import hooks as h  # noqa: E402

SIGN = "/cds-services/oncogate-order-sign"

ECHO = """
import socket, sys, uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import Response
app = FastAPI()
@app.post("/{path:path}")
async def echo(request: Request, path: str):
    return Response(await request.body(), media_type="application/json")
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning", http="h11")).run(sockets=[listener])
"""


def body_of(size: int) -> bytes:
    """A request of at least `size` bytes that is allowed: a complete one of today, with a chart of earlier results.

    The results are as large as those of a real FHIR server (Synthea's have some 1.1 KB), and of the last half year.
    """
    now = datetime.now(timezone.utc).replace(microsecond=0)
    hook = h.clean()
    yesterday = (now - timedelta(days=1)).isoformat()
    h.supply(hook, "assessments", h.assessment(occurrenceDateTime=yesterday))
    h.supply(hook, "labs", h.anc(effectiveDateTime=yesterday))
    tests = [("6690-2", "Leukocytes", 6.1, "10*9/L"), ("777-3", "Platelets", 210, "10*9/L"), ("718-7", "Hemoglobin", 128, "g/L"),
             ("751-8", "Neutrophils", 3.2, "10*9/L"), ("1742-6", "Alanine aminotransferase", 22, "U/L"),
             ("8310-5", "Body temperature", 36.6, "Cel"), ("85354-9", "Blood pressure panel", 120, "mm[Hg]")]  # fmt: skip
    number = 0
    while len(h.text_of(hook)) < size:
        code, name, value, unit = tests[number % len(tests)]
        when = (now - timedelta(days=2 + number)).isoformat()
        section = "vitals" if code in ("8310-5", "85354-9") else "labs"
        h.add(
            hook,
            section,
            result(f"{number:08d}-1b2c-4d5e-8f90-abcdef012345", code, name, value, unit, when, section),
        )
        number += 1
    return h.text_of(hook)


def result(id: str, code: str, name: str, value: float, unit: str, when: str, section: str) -> h.JSON:
    category = {"labs": ("laboratory", "Laboratory"), "vitals": ("vital-signs", "Vital signs")}[section]
    return {
        "resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": h.PATIENT},
        "meta": {
            "versionId": "1", "lastUpdated": when,
            "profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-lab"],
        },
        "identifier": [{"system": "urn:oid:1.2.840.113619.21.1.1", "value": id}],
        "category": [{"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": category[0], "display": category[1],
        }]}],
        "code": {"coding": [{"system": h.LOINC, "code": code, "display": name}], "text": name},
        "encounter": {"reference": "Encounter/f1a2b3c4-0000-4000-8000-0123456789ab"},
        "performer": [{"reference": "Organization/laboratory", "display": "Department of Laboratory Medicine"}],
        "effectiveDateTime": when, "issued": when, "valueQuantity": h.quantity(value, unit, unit),
        "referenceRange": [{"low": h.quantity(1, unit, unit), "high": h.quantity(400, unit, unit), "text": "1 to 400"}],
    }  # fmt: skip


@contextlib.contextmanager
def echoing() -> Iterator[tuple[int, int]]:
    made = subprocess.Popen([sys.executable, "-c", ECHO], stdout=subprocess.PIPE, text=True)
    try:
        assert made.stdout is not None
        yield int(made.stdout.readline()), made.pid
    finally:
        made.terminate()
        made.wait()


@contextlib.contextmanager
def gate(workers: int) -> Iterator[tuple[int, int]]:
    with tempfile.TemporaryDirectory() as state:
        command = [sys.executable, "-m", "oncogate.cli", "serve", "--port", "0", "--workers", str(workers)]
        env = {**os.environ, "XDG_STATE_HOME": state}
        log = Path(state) / "log"
        with log.open("w") as out:
            made = subprocess.Popen(command, stderr=out, env=env)
            try:
                while not (found := re.search(r"http://[\d.]+:(\d+)", log.read_text())):
                    time.sleep(0.02)
                yield int(found[1]), made.pid
            finally:
                made.terminate()
                made.wait()


def calls(port: int, body: bytes, count: int, until: float = float("inf")) -> list[float]:
    """Seconds of each call, on one connection that is kept."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    line.connect()
    line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    took = []
    while len(took) < count and time.perf_counter() < until:
        started = time.perf_counter()
        line.request("POST", SIGN, body, {"Content-Type": "application/json"})
        answer = line.getresponse()
        said = answer.read()
        took.append(time.perf_counter() - started)
        assert answer.status == 200, said
    line.close()
    return took


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def computed(pid: int) -> float:
    """Seconds that a process has computed: what another load on the machine changes little (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def latency(size: int, count: int) -> None:
    body = body_of(size)
    with echoing() as bare, gate(1) as ours:
        servers = {"bare framework": bare, "oncogate order-sign": ours}
        took: dict[str, list[float]] = {name: [] for name in servers}
        for port, _ in servers.values():
            calls(port, body, 20)
        before = {name: computed(pid) for name, (_, pid) in servers.items()}
        for _ in range(count // 10):  # in turns, so that both meet the same machine
            for name, (port, _) in servers.items():
                took[name] += calls(port, body, 10)
        spent = {name: (computed(pid) - before[name]) / len(took[name]) for name, (_, pid) in servers.items()}
    print(f"{len(body)} bytes a call, {count} calls each, one worker, one caller")
    print(f"{'':22}{'p50 ms':>10}{'p99 ms':>10}{'CPU ms':>10}")
    rows = [(quantile(took[n], 0.5) * 1e3, quantile(took[n], 0.99) * 1e3, spent[n] * 1e3) for n in servers]
    for name, row in zip(servers, rows, strict=True):
        print(f"{name:22}" + "".join(f"{one:10.2f}" for one in row))
    print(f"{'ratio':22}" + "".join(f"{b / a:10.1f}" for a, b in zip(*rows, strict=True)))


def sustained(size: int, seconds: float, workers: int, callers: int) -> None:
    body = body_of(size)
    with gate(workers) as (port, _):
        calls(port, body, 10)
        until = time.perf_counter() + seconds
        with multiprocessing.Pool(callers) as pool:
            took = pool.starmap(calls, [(port, body, 10**9, until)] * callers)
    every = [one for part in took for one in part]
    print(
        f"{len(body)} bytes a call, {workers} workers, {callers} callers, {seconds:g} s, {os.cpu_count()} cores (callers on the same)"
    )
    print(
        f"{len(every) / seconds:.0f} calls a second · p50 {quantile(every, 0.5) * 1e3:.1f} ms · p99 {quantile(every, 0.99) * 1e3:.1f} ms"
    )


if __name__ == "__main__":
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--size", type=int, default=200_000, help="bytes of a call")
    told.add_argument("--calls", type=int, default=400)
    told.add_argument("--sustained", type=float, metavar="SECONDS")
    told.add_argument("--workers", type=int, default=2)
    told.add_argument("--callers", type=int, default=4)
    given = told.parse_args()
    if given.sustained:
        sustained(given.size, given.sustained, given.workers, given.callers)
    else:
        latency(given.size, given.calls)
