"""The cache of libraries: what comes from it is what the files say, and nobody else has a say in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from shutil import copytree
from typing import Any

import pydantic
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from oncogate import Gate, PackError, Request
from oncogate.authoring.examples import request_of
from oncogate.packs import cache, rule_files
from oncogate.packs.leaves import every_condition
from oncogate.packs.load import load_library
from oncogate.packs.pack import Library
from oncogate.packs.rule_files import RuleFiles
from oncogate.packs.stored import CLASSES, from_json, to_json

HOSPITAL = ROOT / "examples" / "our-hospital"
LAYERS = sorted((ROOT / "examples").glob("site-*.yaml"))
REQUESTS = sorted(
    path
    for path in (ROOT / "examples").glob("*.json")
    if path.name not in ("cds-hooks-order-sign.json", "fhir-bundle.json")
)


@lru_cache
def from_yaml() -> Library:
    """The shipped rules and a hospital's own, with all layers over them, as the files say."""
    return load_library([ROOT / "rules", HOSPITAL], LAYERS)


@lru_cache
def files() -> RuleFiles:
    """The files of `from_yaml`."""
    return RuleFiles.read([ROOT / "rules", HOSPITAL], LAYERS)


@lru_cache
def from_cache() -> Library:
    """The same library, written and read."""
    return from_json(to_json(from_yaml()), files().content)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the cache; it isn't there yet."""
    place = tmp_path / "cache"
    monkeypatch.setenv("ONCOGATE_CACHE", str(place))
    return place


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A pack that tests may change."""
    return Path(copytree(HOSPITAL, tmp_path / "our-hospital"))


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """One item for each time that YAML was read."""
    seen: list[Any] = []

    def counted(folders: Any = (), site: Any = None) -> Library:
        seen.append(folders)
        return load_library(folders, site)

    monkeypatch.setattr("oncogate.packs.load.load_library", counted)
    return seen


def stored_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*")) if folder.exists() else []


class TestWhatComesFromIt:
    def test_is_the_same_library(self) -> None:
        assert from_cache() == from_yaml()
        assert [p.digest for p in from_cache().packs] == [p.digest for p in from_yaml().packs]
        assert repr(from_cache().rules) == repr(from_yaml().rules)

    def test_is_written_in_the_same_bytes_again(self) -> None:
        assert (
            to_json(from_cache())
            == to_json(from_yaml())
            == to_json(load_library([ROOT / "rules", HOSPITAL], LAYERS))
        )

    def test_is_written_in_the_same_bytes_by_any_process(self) -> None:
        code = "import sys; from oncogate.packs import load, stored; sys.stdout.buffer.write(stored.to_json(load.load_library()))"
        made = {
            subprocess.run(
                [sys.executable, "-c", code],
                cwd=ROOT,
                env={**os.environ, "PYTHONHASHSEED": seed},
                capture_output=True,
                check=True,
            ).stdout
            for seed in ("1", "2", "3")
        }
        assert len(made) == 1

    def test_tells_which_fields_were_set(self) -> None:
        for one, other in zip(from_cache().rules, from_yaml().rules, strict=True):
            assert one.rule.model_fields_set == other.rule.model_fields_set
            assert one.rule.model_dump(exclude_unset=True) == other.rule.model_dump(exclude_unset=True)

    @pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.stem)
    def test_decides_to_the_byte_as_the_files_do(self, path: Path) -> None:
        request = Request.load(path)
        ours, theirs = (Gate(library).decide(request) for library in (from_cache(), from_yaml()))
        assert ours.to_json(everything=True) == theirs.to_json(everything=True)

    def test_decides_so_over_the_rules_own_examples(self) -> None:
        decide_alike(step=53)

    @pytest.mark.longer
    def test_decides_so_over_all_of_them(self) -> None:
        decide_alike(step=1)

    def test_has_every_place_of_its_files(self) -> None:
        for one, other in zip(from_cache().rules, from_yaml().rules, strict=True):
            assert one.document.place(("when", 0)) == other.document.place(("when", 0)) != (1, 1)
            assert (one.document.keys, one.document.values) == (other.document.keys, other.document.values)

    def test_knows_where_conditions_stand_without_yaml(self) -> None:
        library = from_json(to_json(from_yaml()), files().content)
        for one, other in zip(library.rules, from_yaml().rules, strict=True):
            for place, _ in every_condition(other.rule):
                assert one.document.place(place) == other.document.place(place)
            assert "values" not in vars(one.document)
            assert one.document.place(("id",)) == other.document.place(("id",))

    def test_needs_no_file_any_more(self, folder: Path, rules: Path) -> None:
        Gate.load([rules])
        library = Gate.load([rules]).library
        for path in rules.iterdir():
            path.unlink()
        assert all(loaded.document.data["id"] == loaded.rule.id for loaded in library.rules)

    def test_is_made_of_the_known_classes_only(self) -> None:
        class Odd(str):
            __slots__ = ()

        for odd in (
            Odd("x"),
            1.5,
            object(),
            {1: "a"},
            b"x",
            from_yaml().rules[0].document.diagnostic((), "x", "x"),
            Request.load(REQUESTS[0]),
        ):
            library = Library((), {}, from_yaml().tables, fact_files={"x": odd})  # type: ignore[dict-item]
            with pytest.raises(TypeError):
                to_json(library)
        assert all(name.startswith("oncogate.") for name in CLASSES)


def decide_alike(step: int) -> None:
    gates = Gate(from_cache()), Gate(from_yaml())
    given = [example.given for loaded in from_yaml().rules for example in loaded.rule.examples][::step]
    assert len(given) > 30
    for one in given:
        ours, theirs = (gate.decide(request_of(one, from_yaml())).to_json(everything=True) for gate in gates)
        assert ours == theirs


class TestWhenItIsUsed:
    def test_the_second_time(self, folder: Path, rules: Path, loads: list[Any]) -> None:
        first, second = Gate.load([rules]), Gate.load([rules])
        assert len(loads) == 1
        assert first.library == second.library
        assert len(stored_in(folder)) == 1

    def test_folders_and_layers_may_come_from_anything_that_can_be_gone_through(
        self, folder: Path, rules: Path, tmp_path: Path
    ) -> None:
        layer = tmp_path / "site.yaml"
        layer.write_text("id: ours\nlayer: hospital\n", "utf-8")
        for _ in range(2):
            gate = Gate.load(iter([rules]), site=iter([layer]))  # type: ignore[arg-type]
            assert [pack.id for pack in gate.library.packs] == ["our-hospital"]
            assert [one.id for one in gate.library.layers] == ["ours"]

    def test_not_for_a_pack_that_was_broken_meanwhile(self, folder: Path, rules: Path) -> None:
        Gate.load([rules])
        rule = rules / "haemoglobin-too-low.yaml"
        info = rule.stat()
        rule.write_text(rule.read_text("utf-8").replace("effect: ", "efect: ", 1), "utf-8")
        os.utime(rule, ns=(info.st_atime_ns, info.st_mtime_ns))
        with pytest.raises(PackError, match=r"unknown key `efect` \[rule-extra-forbidden\]"):
            Gate.load([rules])
        assert len(stored_in(folder)) == 1

    def test_not_for_another_number_of_the_same_length_and_age(self, folder: Path, rules: Path) -> None:
        rule = rules / "haemoglobin-too-low.yaml"
        info, text = rule.stat(), rule.read_text("utf-8")
        old = Gate.load([rules]).library.rules[0].rule.version
        rule.write_text(text.replace(f"version: {old}", f"version: {old + 1}"), "utf-8")
        os.utime(rule, ns=(info.st_atime_ns, info.st_mtime_ns))
        assert Gate.load([rules]).library.rules[0].rule.version == old + 1

    def test_not_for_what_never_loads(self, folder: Path, tmp_path: Path) -> None:
        for _ in range(2):
            with pytest.raises(PackError, match="pack-absent"):
                Gate.load([tmp_path / "nowhere"])
            with pytest.raises(PackError, match="file-unreadable"):
                Gate.load([HOSPITAL], site=tmp_path / "nowhere.yaml")
        assert stored_in(folder) == []

    def test_not_if_the_files_changed_while_they_were_read(
        self, folder: Path, rules: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def meanwhile(folders: Any, site: Any) -> Library:
            library = load_library(folders, site)
            (rules / "pack.yaml").write_bytes((rules / "pack.yaml").read_bytes() + b"\n")
            return library

        monkeypatch.setattr("oncogate.packs.load.load_library", meanwhile)
        Gate.load([rules])
        assert stored_in(folder) == []

    def test_not_where_the_environment_says_off(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loads: list[Any]
    ) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("ONCOGATE_CACHE", "off")
        for _ in range(2):
            Gate.load([HOSPITAL])
        assert len(loads) == 2
        assert stored_in(tmp_path) == []


class TestWhatItDependsOn:
    """The digest, on which the file's name rests."""

    @settings(max_examples=40, deadline=None)
    @given(data=st.data())
    def test_any_byte_of_any_file(self, copied: tuple[Path, Path], data: st.DataObject) -> None:
        roots, layer = copied
        before = RuleFiles.read([roots], [layer])
        path = data.draw(st.sampled_from(sorted(before.content)).filter(lambda p: ROOT not in p.parents))
        content = path.read_bytes()
        at = data.draw(st.integers(0, max(0, len(content) - 1)))
        changed = bytes([content[at] ^ data.draw(st.integers(1, 255))]) if content else b"x"
        path.write_bytes(content[:at] + changed + content[at + 1 :])
        try:
            assert RuleFiles.read([roots], [layer]).digest != before.digest
        finally:
            path.write_bytes(content)
        assert RuleFiles.read([roots], [layer]) == before

    def test_a_file_more_or_less_or_of_another_name(self, rules: Path) -> None:
        seen = {RuleFiles.read([rules], []).digest}
        steps: list[Callable[[], Any]] = [
            lambda: (rules / "new.yml").write_text("x"),
            lambda: (rules / "new.yml").rename(rules / "newer.yml"),
            (rules / "tables").mkdir,
            lambda: (rules / "tables" / "drugs.csv").write_text(""),
            lambda: (rules / "tables" / "drugs.csv").rename(rules / "tables" / "exams.csv"),
            (rules / "deep").mkdir,
            lambda: (rules / "newer.yml").rename(rules / "deep" / "newer.yml"),
            (rules / "pack.yaml").unlink,
            lambda: (rules / "pack.yaml").symlink_to(HOSPITAL / "pack.yaml"),
        ]
        for step in steps:
            step()
            if step not in (steps[2], steps[5]):  # an empty folder holds nothing
                digest = RuleFiles.read([rules], []).digest
                assert digest not in seen
                seen.add(digest)

    def test_where_a_link_leads(self, rules: Path, tmp_path: Path) -> None:
        seen = set()
        for name in ("one", "other"):
            target = Path(copytree(HOSPITAL, tmp_path / name)) / "pack.yaml"
            (rules / "pack.yaml").unlink()
            (rules / "pack.yaml").symlink_to(target)
            seen.add(RuleFiles.read([rules], []).digest)
        assert len(seen) == 2

    def test_which_folders_and_layers_in_which_order_and_where_they_are(self, tmp_path: Path) -> None:
        one, other = (Path(copytree(HOSPITAL, tmp_path / name)) for name in ("one", "other"))
        asked: list[tuple[list[Path], list[Path]]] = [
            ([], []), ([one], []), ([other], []), ([one, other], []), ([other, one], []), ([one], LAYERS[:1]), ([one], LAYERS[:2]),
            ([one], LAYERS[1::-1]), ([one / "pack.yaml"], []),
        ]  # fmt: skip
        assert len({RuleFiles.read(*both).digest for both in asked}) == len(asked)

    def test_the_versions_of_what_reads_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = RuleFiles.read([], []).digest
        for owner, name in ((rule_files, "__version__"), (pydantic, "VERSION"), (sys, "version")):
            with monkeypatch.context() as patched:
                patched.setattr(owner, name, "another")
                assert RuleFiles.read([], []).digest != before
        assert RuleFiles.read([], []).digest == before

    def test_this_packages_own_source(self, tmp_path: Path) -> None:
        package = copytree(ROOT / "oncogate", tmp_path / "oncogate")
        copytree(ROOT / "rules", package / "rules")
        code = "from oncogate.packs.rule_files import RuleFiles; print(RuleFiles.read([], []).digest)"

        def digest() -> str:
            return subprocess.run(
                [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
            ).stdout

        seen = {digest()}
        for name in ("base/logic.py", "clinical/units.py", "model/rule.py", "packs/read_tables.py"):
            path = package / name
            path.write_bytes(path.read_bytes() + b"\n")
            seen.add(digest())
        assert len(seen) == 5

    def test_every_file_that_loading_opens(self, tmp_path: Path) -> None:
        code = """
import sys
from pathlib import Path
from oncogate.packs.leaves import every_condition
from oncogate.packs.load import load_library
from oncogate.packs.rule_files import RuleFiles
folders, site = [Path(sys.argv[1])], [Path(sys.argv[2])]
opened = []
sys.addaudithook(lambda event, found: opened.append(str(found[0])) if event == "open" else None)
load_library(folders, site)
read = {path for path in opened if path.startswith("/") and path.endswith((".yaml", ".yml", ".csv"))}
assert {Path(path).suffix for path in read} == {".yaml", ".csv"} and len(read) > 20, sorted(read)
print(sorted(read - {str(path) for path in RuleFiles.read(folders, site).content}))
"""
        rules = Path(copytree(HOSPITAL, tmp_path / "our-hospital"))
        elsewhere = Path(copytree(ROOT / "rules" / "tables", tmp_path / "elsewhere"))
        (rules / "tables").symlink_to(elsewhere)
        layer = tmp_path / "site.yaml"
        layer.write_text("id: ours\nlayer: hospital\n")
        command = [sys.executable, "-c", code, str(rules), str(layer)]
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (found.stdout, found.stderr) == ("[]\n", "")


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with rules, facts and tables of every form, and a layer."""
    place = tmp_path_factory.mktemp("rules")
    for name in ("tables", "facts.yaml", "neutropenia"):
        source = ROOT / "rules" / name
        copytree(source, place / name) if source.is_dir() else (place / name).write_bytes(source.read_bytes())
    layer = place.parent / "site.yaml"
    layer.write_bytes(LAYERS[0].read_bytes())
    return place, layer


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RuleFiles, bytes]:
    """A folder with the library of a hospital's pack, the files of that, and what the cache holds."""
    folder = tmp_path_factory.mktemp("cache")
    files = RuleFiles.read([HOSPITAL], [])
    cache.write(folder, files, load_library([HOSPITAL]))
    return folder, files, next(folder.iterdir()).read_bytes()


class TestWhoMayWriteIt:
    @pytest.fixture
    def stored(self, folder: Path, rules: Path) -> Path:
        """The file of a pack that was loaded once."""
        Gate.load([rules])
        return stored_in(folder)[0]

    @pytest.mark.parametrize("mask", [0o000, 0o002, 0o022, 0o077])
    def test_it_is_this_users_alone(self, folder: Path, rules: Path, loads: list[Any], mask: int) -> None:
        before = os.umask(mask)
        try:
            for _ in range(2):
                Gate.load([rules])
        finally:
            os.umask(before)
        assert folder.stat().st_mode & 0o777 == 0o755 & ~mask
        assert stored_in(folder)[0].stat().st_mode & 0o777 == 0o644 & ~mask
        assert len(loads) == 1

    @pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
    def test_a_file_that_others_may_write_is_not_read(
        self, stored: Path, rules: Path, loads: list[Any], mode: int
    ) -> None:
        stored.chmod(mode)
        assert Gate.load([rules]).library.packs
        assert len(loads) == 1
        assert stored.stat().st_mode & 0o777 == 0o644  # it was replaced

    @pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
    def test_nor_one_of_a_folder_that_others_may_write(
        self, folder: Path, stored: Path, rules: Path, loads: list[Any], mode: int
    ) -> None:
        folder.chmod(mode)
        before = stored.stat().st_mtime_ns
        Gate.load([rules])
        assert len(loads) == 1
        assert stored.stat().st_mtime_ns == before  # nor is one put there

    @pytest.mark.parametrize("whose", ["file", "folder"])
    def test_nor_another_users(
        self,
        folder: Path,
        stored: Path,
        rules: Path,
        loads: list[Any],
        whose: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        owned_by_another(stored if whose == "file" else folder, monkeypatch)
        Gate.load([rules])
        assert len(loads) == 1

    def test_no_folder_is_made_in_another_users(
        self, tmp_path: Path, rules: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        theirs = tmp_path / "theirs"
        theirs.mkdir()
        monkeypatch.setenv("ONCOGATE_CACHE", str(theirs / "cache" / "oncogate"))
        owned_by_another(theirs, monkeypatch)
        Gate.load([rules])
        assert stored_in(theirs) == []

    def test_one_that_holds_what_no_library_is_made_of_is_not_read(
        self, folder: Path, stored: Path, rules: Path, loads: list[Any]
    ) -> None:
        asked = RuleFiles.read([rules], [])
        good = stored.read_bytes()
        hostile = [
            b'{"kinds":[["os.system",[],[]]],"of":[0],"made_of":["touch owned"]}',
            b'{"kinds":[["oncogate.packs.cache.cached_library",[],[]]],"of":[0],"made_of":[{}]}',
            b'{"kinds":[["Document",[],[]]],"of":[0],"made_of":["/etc/passwd"]}',
            b'{"kinds":[["tuple",[],[0]]],"of":[0],"made_of":[[7]]}', b'{"kinds":[],"of":[],"made_of":[]}', b"[]", b"",
            b"[" * 100_000, b"\xff\xfe", b"cos\nsystem\n(S'touch owned'\ntR.",
        ]  # fmt: skip
        for content in hostile:
            stored.write_bytes(signed(asked, content))
            assert cache.read(folder, asked) is None
        assert Gate.load([rules]).library.rules
        assert len(loads) == 1
        assert stored.read_bytes() == good  # replaced by what is right
        assert signed(asked, good.split(b"\n", 1)[1]) == good


def signed(files: RuleFiles, content: bytes) -> bytes:
    """The file of a cache with this content, as if it were right."""
    return sha256(files.digest.encode() + content).hexdigest().encode() + b"\n" + content


def owned_by_another(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a path to another user; who may not do that becomes another himself."""
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
    else:
        me = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: me + 1)


class TestWhatCanGoWrong:
    @settings(max_examples=50, deadline=None)
    @given(data=st.data())
    def test_a_file_that_is_cut_or_changed_anywhere_is_not_read(
        self, small: tuple[Path, RuleFiles, bytes], data: st.DataObject
    ) -> None:
        folder, files, good = small
        at = data.draw(st.integers(0, len(good) - 1))
        bad = data.draw(
            st.sampled_from(
                [
                    good[:at],
                    good[:at] + b"\0" + good[at:],
                    good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :],
                    good + b" ",
                ]
            )
        )
        assert bad != good
        next(folder.iterdir()).write_bytes(bad)
        try:
            assert cache.read(folder, files) is None
        finally:
            next(folder.iterdir()).write_bytes(good)

    def test_one_of_other_files_under_its_name_is_not_read(
        self, small: tuple[Path, RuleFiles, bytes], tmp_path: Path
    ) -> None:
        good = small[2]
        other = RuleFiles({}, "sha256:" + "0" * 64)
        (tmp_path / f"{'0' * 64}.library").write_bytes(good)
        assert cache.read(tmp_path, other) is None

    def test_a_folder_that_can_not_be_made(
        self, rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").write_text("")
        for place in (tmp_path / "file" / "cache", Path("/proc/no/such"), Path("x" * 300), Path("a\0b")):
            monkeypatch.setattr(cache, "cache_folder", lambda place=place: place)
            assert Gate.load([rules]).library.rules

    def test_a_full_disk_leaves_nothing_behind(
        self, folder: Path, rules: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "replace", full)
        assert Gate.load([rules]).library.rules
        assert stored_in(folder) == []

    def test_many_that_write_and_read_at_once(
        self, small: tuple[Path, RuleFiles, bytes], tmp_path: Path
    ) -> None:
        _, files, good = small
        library = load_library([HOSPITAL])

        def both(_: int) -> None:
            cache.write(tmp_path, files, library)
            found = cache.read(tmp_path, files)
            assert found is not None
            assert found.packs == library.packs

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(both, range(8)))
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [good]

    def test_the_oldest_go_and_nothing_else(
        self, small: tuple[Path, RuleFiles, bytes], tmp_path: Path
    ) -> None:
        files = small[1]
        for number in range(40):
            path = tmp_path / f"{number:064x}.library"
            path.write_bytes(b"")
            os.utime(path, (number, number))
        (tmp_path / "README").write_text("somebody's own")
        os.utime(tmp_path / "README", (0, 0))
        cache.write(tmp_path, files, load_library([HOSPITAL]))
        left = {path.name for path in tmp_path.iterdir()}
        kept = {f"{number:064x}.library" for number in range(40 - cache.KEPT + 1, 40)}
        assert left == kept | {"README", f"{files.digest.removeprefix('sha256:')}.library"}


class TestWhereItIs:
    @pytest.mark.parametrize(
        ("platform", "environment", "place"),
        [
            ("linux", {"HOME": "/home/li"}, "/home/li/.cache/oncogate"),
            ("linux", {"HOME": "/home/li", "XDG_CACHE_HOME": "/var/li"}, "/var/li/oncogate"),
            ("linux", {"HOME": "/home/li", "XDG_CACHE_HOME": "not/absolute"}, "/home/li/.cache/oncogate"),
            ("darwin", {"HOME": "/Users/li"}, "/Users/li/Library/Caches/oncogate"),
            ("win32", {}, None),
            ("linux", {"HOME": "/home/li", "ONCOGATE_CACHE": "/srv/oncogate"}, "/srv/oncogate"),
            ("linux", {"HOME": "/home/li", "ONCOGATE_CACHE": ""}, "/home/li/.cache/oncogate"),
            ("linux", {"HOME": "/home/li", "ONCOGATE_CACHE": "off"}, None),
        ],
    )
    def test_as_the_environment_says(
        self, platform: str, environment: dict[str, str], place: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "platform", platform)
        for name in ("HOME", "XDG_CACHE_HOME", "ONCOGATE_CACHE", "LOCALAPPDATA"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert cache.cache_folder() == (place if place is None else Path(place))


class TestWhatAStartImports:
    HEAVY = "yaml typer click rich jinja2 fastapi ruamel hypothesis durable pytest"

    def imported(self, code: str, **environment: str) -> str:
        said = f"{code}\nimport sys; print(*[name for name in {self.HEAVY.split()} if name in sys.modules])"
        command = [sys.executable, "-c", said]
        run = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=True
        )
        return run.stdout.strip()

    def test_nothing_heavy_with_the_package(self) -> None:
        assert self.imported("from oncogate import *") == ""

    def test_no_yaml_for_a_decision_by_rules_from_the_cache(self, folder: Path) -> None:
        code = "from oncogate import Gate, Request\nGate.load().decide(Request.load('examples/allowed.json'))"
        assert self.imported(code, ONCOGATE_CACHE=str(folder)) == "yaml"
        assert self.imported(code, ONCOGATE_CACHE=str(folder)) == ""
