"""What a served gate is told, and what of that it refuses."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from oncogate.base.errors import Diagnostic, OncogateError
from oncogate.base.texts import Language
from oncogate.base.times import read_zone
from oncogate.model.at_once import LARGEST
from oncogate.packs.document import Document, check_against, read_document
from oncogate.packs.rule_files import SHIPPED

SERVICES = ("oncogate-order-sign", "oncogate-order-select")
"""The ids of the CDS services."""

MiB = 1024 * 1024


class SettingsError(OncogateError):
    """The service can't be started as it is told to. Nothing listens."""


def _path(value: Any, info: ValidationInfo) -> Any:
    """A path of the settings' file is one beside that file."""
    folder = (info.context or {}).get("folder")
    return Path(folder) / value if folder is not None and isinstance(value, (str, Path)) else value


def _web_address(value: str) -> str:
    found = urlsplit(value)
    if found.scheme not in ("http", "https") or not found.netloc or found.query or found.fragment:
        raise ValueError("should be an address such as `https://gate.hospital.example`")
    return value.rstrip("/")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Client(_Part):
    """A CDS client that is trusted: who signs (`iss`), where its keys are published (`jku`), and a file of those keys.

    `services` are those that it may call; all, unless told.
    """

    issuer: Annotated[str, Field(min_length=1)]
    jku: str | None = None
    keys: Path
    services: tuple[str, ...] = SERVICES

    _beside = field_validator("keys", mode="before")(_path)

    @field_validator("services")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if one not in SERVICES:
                raise ValueError(f"`{one}` isn't a service of this gate: {', '.join(SERVICES)}")
        return value


class Limits(_Part):
    """What a caller may ask of the service: bytes of a body and of a batch, seconds to send it, requests at once."""

    body: Annotated[int, Field(ge=1024, le=LARGEST)] = 8 * MiB
    batch: Annotated[int, Field(ge=1024)] = 32 * MiB
    seconds: Annotated[float, Field(gt=0, le=600)] = 10
    at_once: Annotated[int, Field(ge=1)] = 512


class Mllp(_Part):
    """Where HL7 v2 messages come in, the file that keeps what was acknowledged, and how messages are read.

    `codes` is a CSV of what local codes stand for; the rest is as of `oncogate.adapters.hl7v2.Reader`.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 2575
    inbox: Path
    codes: Path | None = None
    identifier_type: str = "MR"
    authority: str | None = None
    processing: tuple[str, ...] = ("P", "T", "D")

    _beside = field_validator("inbox", "codes", mode="before")(_path)


class Settings(_Part):
    """What a served gate is told. The defaults serve the shipped rules to this machine alone.

    `public_url` is the address that callers use, which behind a proxy isn't the one listened on; `tokens` a file of the
    bearer tokens of REST callers; `prefetch` the site's own FHIR queries by section; `cors` the origins of browsers that may call; `state` the folder of what is kept
    between starts (feedback on cards, tokens seen); `reload_rules` the seconds between two looks at the files of the rules.
    """

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8710
    public_url: str | None = None
    rules: tuple[Path, ...] = ()
    site: tuple[Path, ...] = ()
    engine: Literal["python", "durable", "both"] = "python"
    language: Language = "zh"
    timezone: str | None = None
    tokens: Path | None = None
    clients: tuple[Client, ...] = ()
    prefetch: dict[str, str] = Field(default_factory=dict)
    cors: tuple[str, ...] = ()
    limits: Limits = Limits()
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    reload_rules: Annotated[float, Field(gt=0)] | None = None
    state: Path | None = None
    screen: bool | None = None
    mllp: Mllp | None = None

    _beside = field_validator("tokens", "state", mode="before")(_path)
    _address = field_validator("public_url")(lambda v: None if v is None else _web_address(v))

    @field_validator("rules", "site", mode="before")
    @classmethod
    def _each_beside(cls, value: Any, info: ValidationInfo) -> Any:
        words = {SHIPPED} if info.field_name == "rules" else set()
        named = isinstance(value, (list, tuple))
        return [one if str(one) in words else _path(one, info) for one in value] if named else value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        if value is not None:
            read_zone(value)
        return value

    @field_validator("cors")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if one == "*":
                raise ValueError("name the origins one by one; `*` lets every page of the web call")
            if urlsplit(_web_address(one)).path:
                raise ValueError(f"`{one}` isn't an origin: leave out the path")
        return tuple(one.rstrip("/") for one in value)

    @property
    def folder(self) -> Path:
        """Where what is kept between starts is kept: `state`, else where this system keeps such things of a user."""
        home = (
            os.environ.get("XDG_STATE_HOME")
            or os.environ.get("LOCALAPPDATA")
            or Path.home() / ".local" / "state"
        )
        return self.state or Path(home) / "oncogate"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can call."""
        return _is_loopback(self.host)

    @property
    def shows_screen(self) -> bool:
        """Whether the screen is served: on loopback, unless told otherwise."""
        return self.loopback if self.screen is None else self.screen

    def problems(self) -> list[Diagnostic]:
        """Combinations that aren't safe; each part of them may be."""
        found = []
        if not self.loopback and self.tokens is None and not self.clients:
            found.append(
                Diagnostic(
                    "host", 0, 0, "serve-without-auth",
                    f"`{self.host}` can be reached by others, and nobody would have to say who calls",
                    "give `tokens` (REST) or `clients` (CDS Hooks), or listen on 127.0.0.1 behind a proxy of your own",
                )
            )  # fmt: skip
        if self.clients and self.public_url is None:
            found.append(
                Diagnostic(
                    "public_url", 0, 0, "serve-without-address",
                    "tokens of CDS clients name the address that they are for, and it isn't told",
                    "give `public_url`, the address that the clients call, such as `https://gate.hospital.example`",
                )
            )  # fmt: skip
        if self.mllp is not None and not _is_loopback(self.mllp.host):
            found.append(
                Diagnostic(
                    "mllp", 0, 0, "serve-mllp-open",
                    f"HL7 v2 has no authentication, and `{self.mllp.host}` can be reached by others",
                    "listen on 127.0.0.1, and have a TLS tunnel on this machine (stunnel, HAProxy) let the interface engine in",
                )
            )  # fmt: skip
        return found


def _is_loopback(host: str) -> bool:
    if host.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def load_settings(file: Path | None, told: Mapping[str, Any]) -> Settings:
    """The settings of a YAML file, with what the command line tells over them.

    Raises `SettingsError` with every problem, each at its line or under the name of the setting.
    """
    document = Document(Path("settings")) if file is None else read_document(file)
    context = {"folder": file.parent} if file is not None else None
    found = Settings()
    if file is not None:
        checked = check_against(Settings, document, context)
        if not isinstance(checked, Settings):
            raise SettingsError(_ours(d) for d in document.problems)
        found = checked
    over = Document(Path("command line"), data={**found.model_dump(), **told})
    checked = check_against(Settings, over)
    if not isinstance(checked, Settings):
        raise SettingsError(replace(_ours(d), line=0, column=0) for d in over.problems)
    problems = checked.problems()
    if problems:
        raise SettingsError(_located(d, document, file) for d in problems)
    return checked


def _ours(diagnostic: Diagnostic) -> Diagnostic:
    return replace(diagnostic, code=diagnostic.code.replace("rule-", "settings-", 1))


def _located(diagnostic: Diagnostic, document: Document, file: Path | None) -> Diagnostic:
    key = (diagnostic.path,)
    if file is None or key not in document.values:
        return diagnostic
    line, column = document.place(key)
    return replace(diagnostic, path=str(file), line=line, column=column)
