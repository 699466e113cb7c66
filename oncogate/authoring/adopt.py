"""Adopting rules on trial: written into a layer's file, which keeps its comments and its order.

Nothing is written unless the file, with the adoption in it, loads.
"""

from __future__ import annotations

import io
import secrets
from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from oncogate.base.errors import Diagnostic, PackError, did_you_mean
from oncogate.model.overlay import RuleSetting
from oncogate.packs.document import Document, read_document
from oncogate.packs.load import load_library


@dataclass(frozen=True)
class Review:
    """Who reviewed the rules, by which source, and when."""

    reviewed_by: str
    source: str
    date: date


def adopt(
    rules: Sequence[str],
    site: Path,
    review: Review,
    folders: Sequence[Path] = (),
    *,
    replace_review: bool = False,
) -> None:
    """Write into the layer's file `site` that the rules are adopted; a file that isn't there is made.

    Raises `PackError` for a rule that doesn't exist or isn't on trial, for one that the file adopts already by
    another review (unless `replace_review`), and where the file can't be used.
    """
    _check(rules, site, folders, None if replace_review else review)
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.representer.ignore_aliases = lambda *_: True  # one day for several rules is written out each time
    before = site.read_bytes() if site.exists() else b""
    # a comment would keep the first half of its line end
    plain = before.decode("utf-8-sig").replace("\r\n", "\n")
    data = yaml.load(plain) if before else CommentedMap(id=site.stem, layer="hospital")
    settings = data.setdefault("rules", CommentedMap())
    for id in rules:
        row = settings.setdefault(id, CommentedMap())
        row.update(status="stable", reviewed_by=review.reviewed_by, source=review.source, date=review.date)
    text = io.StringIO()
    yaml.dump(data, text)
    _replace(site.resolve() if site.is_symlink() else site, _encoded(text.getvalue(), before), folders)


def _encoded(text: str, before: bytes) -> bytes:
    """The text in the form of the file as it was: with its byte order mark and its line ends, if it had such."""
    mark = BOM_UTF8 if before.startswith(BOM_UTF8) else b""
    return mark + text.replace("\n", "\r\n" if b"\r\n" in before else "\n").encode()


def _check(rules: Sequence[str], site: Path, folders: Sequence[Path], review: Review | None) -> None:
    """Check that the rules can be adopted; with a `review`, that no other would be overwritten."""
    document = read_document(site) if site.exists() else Document(site)
    library = load_library(folders, site if site.exists() else ())
    known = {loaded.rule.id: loaded.rule for loaded in library.rules}
    settings = {
        c.owner: c.setting for layer in library.layers for c in layer.changes if c.setting is not None
    }
    for id in rules:
        rule, setting, where = known.get(id), settings.get(id), ("rules", id)
        if rule is None:
            help = did_you_mean(id, known)
            document.report(where, "site-unknown-rule", f"there is no rule `{id}`", help, key=True)
        elif rule.status != "trial":
            help = "only a rule on trial can be adopted"
            document.report(where, "site-not-ready", f"`{id}` is {rule.status}", help, key=True)
        elif review is not None and setting is not None and _other(setting, review):
            said = f"`{id}` was adopted on {setting.date}, reviewed by `{setting.reviewed_by}`"
            help = "`--replace` puts the new review in its place"
            document.report(where, "site-adopted", said, help, key=True)
    if document.problems:
        raise PackError(document.problems)


def _other(setting: RuleSetting, review: Review) -> bool:
    """Whether the rule is adopted already, by another review."""
    before = (setting.reviewed_by, setting.source, setting.date)
    return setting.status == "stable" and before != (review.reviewed_by, review.source, review.date)


def _replace(site: Path, content: bytes, folders: Sequence[Path]) -> None:
    """Write the file beside itself, load it, and only then put it in its place."""
    made = site.with_name(f".{site.name}.{secrets.token_hex(4)}.yaml")
    try:
        made.write_bytes(content)  # with the rights of any new file: others' gates read it
        load_library(folders, made)
        if site.exists():
            made.chmod(site.stat().st_mode)
        made.replace(site)
    except OSError as error:
        said = f"can't be written: {error.strerror or error}"
        raise PackError([Diagnostic(str(site), 0, 0, "file-unwritable", said)]) from None
    except PackError as error:
        raise PackError(
            [replace(one, path=str(site)) if one.path == str(made) else one for one in error.diagnostics]
        ) from None
    finally:
        made.unlink(missing_ok=True)
