"""What a served gate is told: read from a file, located where it is wrong, refused where it isn't safe."""

from __future__ import annotations

from pathlib import Path

import pytest

from oncogate.packs.rule_files import rule_folders, shipped_rules
from oncogate.server.app import create_app
from oncogate.server.languages import language_of
from oncogate.server.settings import Settings, SettingsError, load_settings

PUBLIC = "public_url: https://gate.example\n"
CLIENT = "clients: [{issuer: https://ehr.example, keys: jwks.json}]\n"


def load(tmp_path, text: str, **told):
    file = tmp_path / "gate.yaml"
    file.write_text(text, "utf-8")
    return load_settings(file, told)


def refused(tmp_path, text: str, **told):
    with pytest.raises(SettingsError) as error:
        load(tmp_path, text, **told)
    return error.value.diagnostics


def test_without_anything_told_this_machine_alone_is_served():
    told = load_settings(None, {})
    assert told == Settings()
    assert told.loopback
    assert told.shows_screen
    assert (told.host, told.port, told.workers, told.language) == ("127.0.0.1", 8710, 1, "zh")


def test_the_rules_that_ship_are_no_folder_beside_the_file(tmp_path):
    told = load(tmp_path, "rules: [shipped, packs]\nsite: [shipped]\n")
    assert (told.rules, told.site) == ((Path("shipped"), tmp_path / "packs"), (tmp_path / "shipped",))
    assert rule_folders(told.rules) == [shipped_rules(), tmp_path / "packs"]


def test_paths_are_beside_the_file_and_options_go_before_it(tmp_path):
    told = load(
        tmp_path, f"rules: [packs]\nsite: [h.yaml]\nport: 1\ntokens: t\nstate: s\n{PUBLIC}{CLIENT}", port=2
    )
    assert told.rules == (tmp_path / "packs",)
    assert told.site == (tmp_path / "h.yaml",)
    assert told.tokens == tmp_path / "t"
    assert told.folder == tmp_path / "s"
    assert told.clients[0].keys == tmp_path / "jwks.json"
    assert told.port == 2


@pytest.mark.parametrize(
    ("text", "place", "code", "says"),
    [
        ("prot: 1\n", "1:1", "settings-extra-forbidden", "unknown key `prot`"),
        ("host: x\nport: 70000\n", "2:7", "settings-less-than-equal", "65535"),
        ("timezone: Mars\n", "1:11", "settings-value-error", "`Mars` isn't a time zone"),
        ("cors: ['*']\n", "1:7", "settings-value-error", "one by one"),
        ("cors: [https://a.example/x]\n", "1:7", "settings-value-error", "isn't an origin"),
        ("public_url: gate\n", "1:13", "settings-value-error", "an address"),
        (
            "clients: [{issuer: x, keys: k, services: [y]}]\n",
            "1:42",
            "settings-value-error",
            "`y` isn't a service",
        ),
        ("limits: {body: 100}\n", "1:16", "settings-greater-than-equal", "1024"),
        ("language: fr\n", "1:11", "settings-literal-error", "`zh`"),
        ("workers: 0\n", "1:10", "settings-greater-than-equal", "1"),
        ("a: b: c\n", "1:5", "yaml-syntax", "YAML"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(tmp_path, text, place, code, says):
    found = refused(tmp_path, text)
    assert [(f"{d.line}:{d.column}", d.code) for d in found] == [(place, code)]
    assert says in str(found[0])
    assert found[0].path.endswith("gate.yaml")


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.5", "gate.hospital.example", "127.0.0.1.nip.io", ""]
)
def test_nobody_is_served_elsewhere_without_saying_who_calls(tmp_path, host):
    found = refused(tmp_path, f"# first\nhost: '{host}'\n")
    assert found[0].line == 2
    assert found[0].code == ("serve-without-auth" if host else "settings-string-too-short")
    if host:
        with pytest.raises(SettingsError):
            create_app(Settings(host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "::1", "[::1]", "127.9.9.9"])
def test_loopback_needs_no_tokens(tmp_path, host):
    assert load(tmp_path, f"host: '{host}'\n").loopback


def test_elsewhere_with_tokens_is_served_and_shows_no_screen_unless_told(tmp_path):
    assert not load(tmp_path, "host: 0.0.0.0\ntokens: t\n").shows_screen
    assert load(tmp_path, "host: 0.0.0.0\ntokens: t\nscreen: true\n").shows_screen


def test_clients_need_the_address_that_they_call(tmp_path):
    assert [d.code for d in refused(tmp_path, CLIENT)] == ["serve-without-address"]
    assert load(tmp_path, PUBLIC + CLIENT).clients[0].services == (
        "oncogate-order-sign",
        "oncogate-order-select",
    )


def test_hl7_which_has_no_authentication_is_taken_on_loopback_alone(tmp_path):
    assert [d.code for d in refused(tmp_path, "mllp: {host: 0.0.0.0, inbox: i}\n")] == ["serve-mllp-open"]
    assert load(tmp_path, "mllp: {inbox: i}\n").mllp.inbox == tmp_path / "i"


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, "zh"), ("", "zh"), ("en;q=0.2,zh;q=0.1", "en"), ("zh-Hant-TW", "zh"), ("english", "zh"), ("en;q=nan", "zh"), ("en; q=1 , zh", "en")],
)  # fmt: skip
def test_the_language_that_is_accepted(header, expected):
    assert language_of(header, "zh") == expected
