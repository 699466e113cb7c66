"""The files that a hospital deploys: read, checked and run by the tools that they are for, where those are installed."""

from __future__ import annotations

import configparser
import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from oncogate import Gate, Request, RequestError
from oncogate.adapters.rest import Client
from oncogate.server.settings import Limits, Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "examples" / "deploy"
UNIT, NGINX, SETTINGS = (DEPLOY / name for name in ("oncogate.service", "nginx.conf", "oncogate.yaml"))
BLOCKED, ALLOWED = (Request.load(ROOT / "examples" / f"{name}.json") for name in ("no-consent", "allowed"))
TOKEN = "0123456789abcdef0123456789abcdef"


def needs(tool: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"{tool} is not installed")


def unit() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(UNIT, "utf-8")
    return parser


class TestTheFilesFitEachOther:
    def test_the_settings_are_sound(self) -> None:
        settings = load_settings(SETTINGS, {})
        assert settings.problems() == []
        assert not settings.shows_screen
        assert settings.tokens is not None

    def test_the_unit_starts_the_gate_with_them(self) -> None:
        service, settings = unit()["Service"], load_settings(SETTINGS, {})
        assert service["ExecStart"].split()[1:] == ["serve", "--config", "/etc/oncogate/oncogate.yaml"]
        assert SETTINGS.read_text("utf-8").startswith("# /etc/oncogate/oncogate.yaml")
        assert settings.tokens == Path("/run/credentials/oncogate.service/tokens")
        assert service["LoadCredential"].split(":")[0] == "tokens"
        assert settings.state == Path("/var/lib") / service["StateDirectory"]

    def test_nginx_asks_where_the_gate_listens_and_takes_what_it_takes(self) -> None:
        settings, conf = load_settings(SETTINGS, {}), NGINX.read_text("utf-8")
        assert f"server {settings.host}:{settings.port};" in conf
        assert f"https://{re.search(r'server_name (.*);', conf)[1]}" == settings.public_url
        whole, batch = re.findall(r"client_max_body_size +(\d+)m;", conf)
        assert int(whole) << 20 == settings.limits.body == Limits().body
        assert int(batch) << 20 == settings.limits.batch
        assert re.search(r"client_body_buffer_size (\d+)m;", conf)[1] == whole

    def test_the_service_of_windows_starts_the_gate(self) -> None:
        service = ElementTree.parse(DEPLOY / "oncogate-service.xml").getroot()
        assert service.findtext("arguments") == r"serve --config C:\oncogate\conf\oncogate.yaml"


def patient(url: str, **given: Any) -> Client:
    """A client for a busy machine."""
    return Client(url, **({"fail": "closed", "token": TOKEN, "timeout": 60, "connect_timeout": 30} | given))


@needs("systemd-analyze")
class TestSystemd:
    def test_has_nothing_against_the_unit(self, tmp_path: Path) -> None:
        there = UNIT.read_text("utf-8").replace("/opt/oncogate/current/bin/oncogate", "/bin/true")
        (tmp_path / UNIT.name).write_text(there, "utf-8")
        found = subprocess.run(
            ["systemd-analyze", "verify", tmp_path / UNIT.name], capture_output=True, text=True, check=False
        )
        assert (found.returncode, found.stdout + found.stderr) == (0, "")

    def test_finds_it_little_exposed(self) -> None:
        command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", UNIT]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        if "--offline" in found.stderr:
            pytest.skip("this systemd can't judge a file")
        assert found.returncode == 0, found.stdout


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail(f"nobody listens at {port}")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """`oncogate serve` with the deployed settings, but for the place."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "tokens").write_text(f"his {TOKEN}\n", "utf-8")
    shutil.copy(ROOT / "examples" / "site-hospital.yaml", folder)
    told = yaml.safe_load(SETTINGS.read_text("utf-8"))
    told |= {"port": free_port(), "tokens": "tokens", "state": str(folder / "state")}
    (folder / "oncogate.yaml").write_text(yaml.safe_dump(told), "utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "oncogate.cli", "serve", "--config", folder / "oncogate.yaml"], stderr=subprocess.DEVNULL
    )  # fmt: skip
    try:
        wait_for(told["port"])
        yield load_settings(folder / "oncogate.yaml", {})
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def proxying(served: Settings, certificate: tuple[Path, Path], tmp_path: Path) -> Iterator[int]:
    """nginx before it, with the deployed configuration but for the places; its port."""
    key, cert = certificate
    port = free_port()
    conf = NGINX.read_text("utf-8").replace("listen 443 ", f"listen 127.0.0.1:{port} ")
    conf = conf.replace("127.0.0.1:8710", f"127.0.0.1:{served.port}")
    conf = conf.replace("/etc/nginx/oncogate/gate.crt", str(cert)).replace(
        "/etc/nginx/oncogate/gate.key", str(key)
    )
    (tmp_path / "site.conf").write_text(conf, "utf-8")
    paths = " ".join(f"{what}_temp_path {tmp_path}/{what};" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))  # fmt: skip
    main = f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/errors; events {{}} http {{ access_log off; {paths} include {tmp_path}/site.conf; }}"
    (tmp_path / "nginx.conf").write_text(main, "utf-8")
    command = ["nginx", "-e", str(tmp_path / "errors"), "-c", str(tmp_path / "nginx.conf")]
    found = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        # nothing may be written to a disk on its way: there is no folder for it
        for what in ("client_body", "proxy"):
            shutil.rmtree(tmp_path / what)
        yield port
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def proxy(served: Settings, certificate: tuple[Path, Path], tmp_path: Path) -> Iterator[int]:
    with proxying(served, certificate, tmp_path) as port:
        yield port


@needs("nginx")
class TestBehindNginx:
    def test_an_order_is_judged_over_tls(self, proxy: int, served: Settings, certificate) -> None:
        gate = Gate.load(site=served.site)
        tls = ssl.create_default_context(cafile=certificate[1])
        with patient(f"https://127.0.0.1:{proxy}", tls=tls) as client:
            for request in (BLOCKED, ALLOWED):
                assert client.decide(request).decision == gate.decide(request)

    def test_a_caller_has_to_say_who_it_is(self, proxy: int, certificate) -> None:
        tls = ssl.create_default_context(cafile=certificate[1])
        for token in (None, TOKEN[:-1] + "0"):
            with (
                patient(f"https://127.0.0.1:{proxy}", fail="open", token=token, tls=tls) as client,
                pytest.raises(RequestError, match=r"token-(missing|unknown)"),
            ):
                client.decide(ALLOWED)

    def test_a_large_record_passes_in_memory_and_one_that_is_too_large_is_refused(
        self, proxy: int, served: Settings, certificate
    ) -> None:  # fmt: skip
        tls = ssl.create_default_context(cafile=certificate[1])
        data = json.loads(ALLOWED.to_json())
        note = {**data["record"]["labs"][0], "text": "x" * 1_000_000}
        data["record"]["labs"] += [{**note, "id": f"n-{n}"} for n in range(7)]
        with patient(f"https://127.0.0.1:{proxy}", tls=tls) as client:
            with pytest.raises(RequestError, match="request-") as refused:  # by the gate: it was read whole
                client.decide({**data, "nobody-knows": 1})
            assert "nobody-knows" in str(refused.value)
            data["record"]["labs"] += [{**note, "id": f"m-{n}"} for n in range(2)]
            with pytest.raises(RequestError, match="the service answers 413"):
                client.decide(data)

    def test_its_state_is_shown_to_this_machine_alone(self, proxy: int, certificate) -> None:
        tls = ssl.create_default_context(cafile=certificate[1])
        seen = {}
        for source in ("127.0.0.1", "127.0.0.2"):
            for path in ("/metrics", "/readyz", "/healthz", "/cds-services"):
                connection = http.client.HTTPSConnection(
                    "127.0.0.1", proxy, context=tls, source_address=(source, 0)
                )
                connection.request("GET", path)
                seen[source, path] = connection.getresponse().status
                connection.close()
        assert [seen["127.0.0.1", p] for p in ("/metrics", "/readyz", "/healthz", "/cds-services")] == [
            200
        ] * 4
        assert [seen["127.0.0.2", p] for p in ("/metrics", "/readyz", "/healthz")] == [403] * 3

    def test_without_a_gate_an_order_is_not_checked(self, certificate, tmp_path: Path) -> None:
        tls = ssl.create_default_context(cafile=certificate[1])
        with (
            proxying(Settings(port=free_port()), certificate, tmp_path) as port,
            patient(f"https://127.0.0.1:{port}", fail="open", tls=tls) as client,
        ):
            found = client.decide(ALLOWED)
        assert found.why is not None
        assert (found.checked, found.let_through, found.why.message) == (
            False,
            True,
            "the service answers 502",
        )


class TestServed:
    def test_the_client_gets_the_gate_s_own_bytes(self, served: Settings) -> None:
        gate, address = Gate.load(site=served.site), f"http://127.0.0.1:{served.port}"
        with patient(address, fail="open") as client:
            for request in (BLOCKED, ALLOWED):
                assert client.decide(request).decision == gate.decide(request)
        ask = urllib.request.Request(
            f"{address}/v1/decide", BLOCKED.to_json().encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"},
        )  # fmt: skip
        with urllib.request.urlopen(ask, timeout=60) as answer:
            assert answer.headers["X-Oncogate-Checked"] == "true"
            assert answer.read() == gate.decide(BLOCKED).to_json().encode()

    def test_what_it_refuses_is_raised_with_the_place(self, served: Settings) -> None:
        data = json.loads(ALLOWED.to_json())
        with patient(f"http://127.0.0.1:{served.port}", fail="open") as client:
            with pytest.raises(RequestError) as error:
                client.decide({**data, "recrod": {}, "order": {"id": ""}})
            assert {d.path for d in error.value.diagnostics} == {"/recrod", "/order/id"}
            with pytest.raises(RequestError, match="input-too-large"):
                client.decide({**data, "note": "x" * served.limits.body})

    def test_without_a_moment_it_judges_for_now(self, served: Settings) -> None:
        data = json.loads(BLOCKED.to_json())
        del data["at"]
        with patient(f"http://127.0.0.1:{served.port}", fail="open") as client:
            found = client.decide(data)
        assert found.decision is not None
        assert abs(found.decision.at.timestamp() - time.time()) < 60


def metrics_of(served: Settings) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{served.port}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return {line.split()[2]: line.split()[3] for line in lines if line.startswith("# TYPE")}


class TestWatching:
    def test_the_alerts_ask_for_what_the_gate_counts(self, served: Settings) -> None:
        known = metrics_of(served)
        rules = yaml.safe_load((DEPLOY / "alerts.yaml").read_text("utf-8"))["groups"][0]["rules"]
        page = (ROOT / "docs" / "how-to" / "deploy.md").read_text("utf-8")
        asked = set(re.findall(r"oncogate_\w+", " ".join(rule["expr"] for rule in rules) + page))
        assert {re.sub(r"_bucket$", "", name) for name in asked} <= set(known)
        assert known["oncogate_request_seconds"] == "histogram"

    @needs("promtool")
    def test_prometheus_has_nothing_against_them(self) -> None:
        found = subprocess.run(
            ["promtool", "check", "rules", DEPLOY / "alerts.yaml"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 0, found.stdout + found.stderr

    def test_ready_says_what_the_page_says(self, served: Settings) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{served.port}/readyz", timeout=60) as answer:
            said = json.loads(answer.read())
        assert said["stale"] is False
        assert said["rules"].startswith("sha256:")


@pytest.mark.longer
def test_the_wheelhouse_installs_without_an_index(tmp_path: Path) -> None:
    """The commands of the page: it downloads the wheels, then installs them where no index can be reached."""
    page = (ROOT / "docs" / "how-to" / "deploy.md").read_text("utf-8")
    connected, _, hospital = re.findall(r"^```sh\n(.*?)^```", page, re.M | re.S)[:3]
    checkout = tmp_path / "checkout"
    ignore = shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, checkout, ignore=ignore)
    bash(connected, checkout, os.environ)
    alone = {
        **os.environ,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    said = bash(hospital.replace("/opt/oncogate", f"{tmp_path}/opt"), checkout, alone)
    assert "0 failed" in said
    assert "--config" in bash(f"{tmp_path}/opt/current/bin/oncogate serve --help", tmp_path, alone)


def bash(script: str, folder: Path, environment: Mapping[str, str]) -> str:
    command = ["bash", "-euc", script]
    return subprocess.run(
        command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
