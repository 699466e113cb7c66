"""Loading: folders of rules, facts and tables → a `Library`, or every problem at once as a `PackError`.

A rules folder holds `facts.yaml`, `tables/` and one folder per pack with a `pack.yaml`. A folder of a
site's own rules may hold packs only: it then speaks of the shipped facts and tables.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from oncogate.base.errors import Diagnostic, PackError, did_you_mean
from oncogate.base.texts import Text
from oncogate.model.facts import Fact, FactsFile
from oncogate.model.rule import PackFile, Parameter, Rule, SiteFile
from oncogate.packs.check import check_facts, check_rule
from oncogate.packs.document import Document, check_against, read_document
from oncogate.packs.pack import Library, LoadedRule, RulePack, Site
from oncogate.packs.tables import TableReader, Tables, regimen_key

NOT_RULES = frozenset({"pack.yaml", "facts.yaml"})


def shipped_rules() -> Path:
    """The folder of the rules that ship: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "rules"
    return inside if inside.is_dir() else package.parent / "rules"


def load_library(folders: Sequence[str | Path] = (), site: str | Path | None = None) -> Library:
    """Load the rules of `folders` (the shipped ones if there are none), with what `site` sets over them.

    Raises `PackError` with every problem of every file.
    """
    roots = [Path(f) for f in folders] or [shipped_rules()]
    problems: list[Diagnostic] = []
    vocabulary = list(dict.fromkeys([shipped_rules(), *roots]))
    facts = _facts(vocabulary, problems)
    tables, table_files = _tables(vocabulary, problems)
    problems += check_facts(facts)
    documents = [d for root in roots for d in _documents(root, problems)]
    rules = _rules(documents, facts, problems)
    packs = _packs(rules, documents, _vocabulary_digest(facts, table_files), problems)
    if not packs and not problems:
        problems += [
            Diagnostic(
                str(root), 0, 0, "pack-empty", "holds no rules", "name a folder with rule files (*.yaml)"
            )
            for root in roots
        ]
    loaded_site = _site(Path(site), rules, tables, problems) if site is not None else None
    if problems:
        raise PackError(problems)
    return Library(packs, facts, tables, loaded_site)


def _facts(roots: Iterable[Path], problems: list[Diagnostic]) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    for root in roots:
        path = root / "facts.yaml"
        if path.is_file():
            document = read_document(path)
            file = check_against(FactsFile, document)
            problems += document.problems
            facts |= file.facts if isinstance(file, FactsFile) else {}
    return facts


def _tables(roots: Iterable[Path], problems: list[Diagnostic]) -> tuple[Tables, list[Path]]:
    tables = Tables()
    files: dict[str, Path] = {}
    for root in roots:
        folder = root / "tables"
        if folder.is_dir():
            files |= {path.name: path for path in folder.iterdir() if path.is_file()}
    reader = TableReader(files, tables)
    reader.read()
    problems += reader.problems
    return tables, reader.read_files


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
    documents: Iterable[Document], facts: dict[str, Fact], problems: list[Diagnostic]
) -> list[LoadedRule]:
    found: dict[str, LoadedRule] = {}
    for document in documents:
        if document.path.name in NOT_RULES:
            continue
        rule = check_against(Rule, document)
        if isinstance(rule, Rule):
            check_rule(rule, document, facts)
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
    headers: dict[str, PackFile] = {}
    for document in documents:
        if document.path.name == "pack.yaml":
            header = check_against(PackFile, document)
            problems += document.problems
            if isinstance(header, PackFile):
                headers[header.id] = header
    by_pack: dict[str, list[LoadedRule]] = {}
    for loaded in rules:
        by_pack.setdefault(loaded.rule.id.split("/")[0], []).append(loaded)
    packs = []
    for id, members in sorted(by_pack.items()):
        header = headers.get(id) or PackFile(id=id, version="0.0.0", title=Text(zh=id, en=id))
        members.sort(key=lambda r: r.rule.id)
        content = [r.rule.model_dump(mode="json", by_alias=True, exclude={"examples"}) for r in members]
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


def _vocabulary_digest(facts: dict[str, Fact], files: Iterable[Path]) -> str:
    said = {name: fact.model_dump(mode="json") for name, fact in sorted(facts.items())}
    tables = {
        path.name: path.read_text("utf-8").replace("\r\n", "\n")
        for path in sorted(files, key=lambda p: p.name)
    }
    return digest_of([said, tables])


def digest_of(content: Any) -> str:
    """`sha256:…` over canonical JSON."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _site(path: Path, rules: Iterable[LoadedRule], tables: Tables, problems: list[Diagnostic]) -> Site | None:
    document = read_document(path)
    file = check_against(SiteFile, document)
    by_id = {r.rule.id: r.rule for r in rules}
    parameters: dict[str, dict[str, Parameter]] = {}
    if isinstance(file, SiteFile):
        for id, values in file.parameters.items():
            rule = by_id.get(id)
            if rule is None:
                document.report(
                    ("parameters", id),
                    "site-unknown-rule",
                    f"there is no rule `{id}`",
                    did_you_mean(id, by_id),
                    key=True,
                )
                continue
            for name, value in values.items():
                parameter = _set(document, rule, name, value)
                if parameter is not None:
                    parameters.setdefault(id, {})[name] = parameter
        for tumour, regimens in file.first_line.items():
            if tumour not in tables.tumours:
                document.report(
                    ("first_line", tumour),
                    "site-unknown-tumour",
                    f"there is no tumour `{tumour}`",
                    did_you_mean(tumour, tables.tumours),
                    key=True,
                )
            tables.first_line[tumour] = frozenset(regimen_key(r) for r in regimens)
    problems += document.problems
    if not isinstance(file, SiteFile):
        return None
    return Site(file.id, digest_of(file.model_dump(mode="json")), parameters)


def _set(document: Document, rule: Rule, name: str, value: Any) -> Parameter | None:
    where = ("parameters", rule.id, name)
    old = rule.parameters.get(name)
    if old is None:
        document.report(
            where,
            "site-unknown-parameter",
            f"`{rule.id}` has no parameter `{name}`",
            did_you_mean(name, rule.parameters),
            key=True,
        )
        return None
    if not old.tunable:
        document.report(
            where, "site-not-tunable", f"the parameter `{name}` of `{rule.id}` isn't tunable", key=True
        )
        return None
    try:
        made = Parameter.model_validate({**old.model_dump(exclude={"value"}), "value": value})
    except ValidationError as error:
        message = str(error.errors(include_url=False)[0]["msg"]).removeprefix("Value error, ")
        document.report(where, "site-out-of-range", f"`{name}` can't be `{value}`: {message}")
        return None
    if type(made.value) is not type(old.value):
        document.report(where, "site-type", f"`{name}` can't be `{value}`: it should be like `{old.value}`")
        return None
    return made
