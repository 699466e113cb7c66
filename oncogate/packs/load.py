"""Loading: folders of rules, facts and tables → a `Library`, or every problem at once as a `PackError`.

A rules folder holds `facts.yaml`, `tables/` and one folder per pack with a `pack.yaml` and, if it needs facts of
its own, a `facts.yaml`. A folder of a site's own rules may hold packs only: it then speaks of the shipped facts and
tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from oncogate.base.errors import Diagnostic, PackError, did_you_mean
from oncogate.base.garbage import uncollected
from oncogate.base.texts import Text
from oncogate.model.facts import Fact, FactsFile
from oncogate.model.overlay import BeyondRange, OverlayFile, RuleSetting
from oncogate.model.parameter import Parameter
from oncogate.model.rule import PackFile, Rule
from oncogate.packs.check import check_fact, check_rule
from oncogate.packs.digest import digest_of
from oncogate.packs.document import Document, check_against, read_document
from oncogate.packs.overlay import read_layers
from oncogate.packs.pack import Library, LoadedRule, RulePack
from oncogate.packs.read_tables import TableReader
from oncogate.packs.rule_files import rule_folders, shipped_rules
from oncogate.packs.tables import Tables

NOT_RULES = frozenset({"pack.yaml", "facts.yaml"})
PROOF = {"examples", "equivalent"}
"""What proves a rule or a fact and decides nothing."""

# Here, since modules are imported by one thread: pydantic before 2.14 didn't build a validator safely when two ask for it.
for _model in (Rule, Fact, Parameter, FactsFile, PackFile, OverlayFile, RuleSetting, BeyondRange):
    _model.model_rebuild()


@uncollected()
def load_library(
    folders: Sequence[str | Path] = (), site: str | Path | Sequence[str | Path] | None = None
) -> Library:
    """Load the rules of `folders` (the shipped ones for `shipped`, and if there are none), with what the layers of `site` set over them.

    Raises `PackError` with every problem of every file.
    """
    roots = rule_folders(folders)
    problems: list[Diagnostic] = []
    vocabulary = list(dict.fromkeys([shipped_rules(), *roots]))
    tables, table_files = _tables(vocabulary, problems)
    facts, fact_files = _facts(vocabulary, tables, problems)
    documents = [d for root in roots for d in _documents(root, problems)]
    rules = _rules(documents, facts, tables, problems)
    packs = _packs(rules, documents, _vocabulary_digest(facts, table_files), problems)
    if not packs and not problems:
        problems += [
            Diagnostic(
                str(root), 0, 0, "pack-empty", "holds no rules", "name a folder with rule files (*.yaml)"
            )
            for root in roots
        ]
    files = [site] if isinstance(site, (str, Path)) else site or ()
    layers = read_layers([Path(f) for f in files], [r.rule for r in rules], facts, tables, problems)
    if problems:
        raise PackError(problems)
    return Library(packs, facts, tables, layers, fact_files)


def _facts(
    roots: Iterable[Path], tables: Tables, problems: list[Diagnostic]
) -> tuple[dict[str, Fact], dict[str, Document]]:
    facts: dict[str, Fact] = {}
    places: dict[str, Document] = {}
    documents = []
    read: set[Path] = set()
    for root in roots:
        for path in sorted(root.rglob("facts.yaml")) if root.is_dir() else ():
            if path.resolve() in read:
                continue  # a pack of the shipped folder, named by itself
            read.add(path.resolve())
            document = read_document(path)
            documents.append(document)
            file = check_against(FactsFile, document)
            own = file.facts if isinstance(file, FactsFile) else {}
            for name in own:
                # a folder of a site's own may declare a shipped fact anew, one and the same folder may not
                if name in places and places[name].path.is_relative_to(root):
                    document.report(
                        ("facts", name),
                        "fact-duplicate",
                        f"`{name}` is declared in {places[name].path}",
                        key=True,
                    )
                places[name] = document
            facts |= own
    unread = [problem for document in documents for problem in document.problems]
    if unread:  # a fact that isn't read, or of which there are two, would be missed all over the rules
        raise PackError([*problems, *unread])
    problems += _coded(facts, tables)
    for name, document in places.items():
        check_fact(name, document, facts, tables)
    problems += [problem for document in documents for problem in document.problems]
    return facts, places


def _coded(facts: dict[str, Fact], tables: Tables) -> Iterable[Diagnostic]:
    """Give the facts their codes of the table."""
    for name, codes in tables.codes.items():
        where = (str(tables.files["laboratory-codes.csv"]), tables.code_lines[name], 1)
        if name not in facts:
            said = f"the table of codes speaks of `{name}`, which isn't declared"
            yield Diagnostic(*where, "fact-unknown", said, did_you_mean(name, facts))
        elif facts[name].derived:
            yield Diagnostic(*where, "fact-derived", f"`{name}` is derived; it has no codes")
        else:
            facts[name] = facts[name].model_copy(update={"codes": (*codes, *facts[name].codes)})


def _tables(roots: Iterable[Path], problems: list[Diagnostic]) -> tuple[Tables, list[Path]]:
    tables = Tables()
    files: dict[str, Path] = {}
    for root in roots:
        folder = root / "tables"
        if folder.is_dir():
            files |= {path.name: path for path in folder.iterdir() if path.is_file()}
    reader = TableReader(files, tables)
    reader.read()
    for name in reader.absent:  # without the table of codes, say, every laboratory result would be absent
        said = f"there is no table `{name}`"
        reader.problems.append(Diagnostic(str(shipped_rules() / "tables"), 0, 0, "table-absent", said))
    if reader.broken or reader.absent:
        raise PackError(reader.problems)
    problems += reader.problems
    return tables, list(tables.files.values())


def _documents(root: Path, problems: list[Diagnostic]) -> list[Document]:
    if not root.exists():
        problems.append(Diagnostic(str(root), 0, 0, "pack-absent", "there is no such file or folder"))
        return []
    paths = (
        [root]
        if root.is_file()
        else sorted(p for pattern in ("*.yaml", "*.yml") for p in root.rglob(pattern))
    )
    wanted = [p for p in paths if p.name != "facts.yaml" and "tables" not in p.relative_to(root).parts[:-1]]
    return [read_document(path) for path in wanted]


def _rules(
    documents: Iterable[Document], facts: Mapping[str, Fact], tables: Tables, problems: list[Diagnostic]
) -> list[LoadedRule]:
    found: dict[str, LoadedRule] = {}
    for document in documents:
        if document.path.name in NOT_RULES:
            continue
        rule = check_against(Rule, document)
        if isinstance(rule, Rule):
            check_rule(rule, document, facts, tables)
            if rule.id in found:
                document.report(
                    ("id",),
                    "rule-duplicate",
                    f"the id `{rule.id}` is taken by {found[rule.id].path}",
                    "ids are never reused",
                )
            found[rule.id] = LoadedRule(rule, document)
        problems += document.problems
    return list(found.values())


def _packs(
    rules: Iterable[LoadedRule], documents: Iterable[Document], vocabulary: str, problems: list[Diagnostic]
) -> tuple[RulePack, ...]:
    headers = _headers(documents, problems)
    by_pack: dict[str, list[LoadedRule]] = {}
    for loaded in rules:
        by_pack.setdefault(loaded.rule.id.split("/")[0], []).append(loaded)
    packs = []
    for id, members in sorted(by_pack.items()):
        header = headers.get(id) or PackFile(id=id, version="0.0.0", title=Text(zh=id, en=id))
        members.sort(key=lambda r: r.rule.id)
        content = [r.rule.model_dump(mode="json", by_alias=True, exclude=PROOF) for r in members]
        packs.append(
            RulePack(
                id,
                header.version,
                header.title,
                tuple(members),
                digest_of([header.version, vocabulary, content]),
            )
        )
    return tuple(packs)


def _headers(documents: Iterable[Document], problems: list[Diagnostic]) -> dict[str, PackFile]:
    headers: dict[str, PackFile] = {}
    places: dict[str, Path] = {}
    for document in documents:
        if document.path.name != "pack.yaml":
            continue
        header = check_against(PackFile, document)
        if isinstance(header, PackFile):
            if header.id != document.path.parent.resolve().name:
                said = f"the id `{header.id}` isn't the name of the pack's folder"
                document.report(("id",), "pack-path", said, "the rules of the folder would have no version")
            elif header.id in headers:
                said = f"the pack `{header.id}` has a version already, of {places[header.id]}"
                document.report(("id",), "pack-duplicate", said, "keep a pack in one folder")
            headers.setdefault(header.id, header)
            places.setdefault(header.id, document.path)
        problems += document.problems
    return headers


def _vocabulary_digest(facts: Mapping[str, Fact], files: Iterable[Path]) -> str:
    said = {name: fact.model_dump(mode="json", exclude=PROOF) for name, fact in sorted(facts.items())}
    tables = {
        path.name: path.read_bytes().decode("utf-8-sig", "replace").replace("\r\n", "\n")
        for path in sorted(files, key=lambda p: p.name)
    }
    return digest_of([said, tables])
