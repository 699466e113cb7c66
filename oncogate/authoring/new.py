"""A new rule: a file with everything to fill in, that loads and whose examples hold from the start."""

from __future__ import annotations

import re
from pathlib import Path

from oncogate.base.errors import Diagnostic, PackError
from oncogate.model.rule import RULE_ID
from oncogate.packs.load import NOT_RULES
from oncogate.packs.rule_files import shipped_rules
from oncogate.packs.schema import schema_text

_TEMPLATE = Path(__file__).with_name("new_rule.yaml")
_PACK = """\
id: {pack}
version: 0.1.0
title: {{zh: 待填写：规则包名称, en: "to fill in: what the pack is called"}}
"""


def new_rule(id: str, folder: Path) -> tuple[Path, ...]:
    """Write the file of the rule `id` below the rules folder, and what the folder lacks; returns what was written.

    What may be lacking is the pack's `pack.yaml`, and the schema by which an editor completes rules. Raises `PackError`
    for an id that can't be one or is taken, and where a file can't be written; no file is written over.
    """
    path = folder / f"{id}.yaml"
    if not re.fullmatch(RULE_ID, id) or path.name in NOT_RULES or "tables" in id.split("/")[:-1]:
        said = "name it `pack/hazard` in lower case, with digits and hyphens, as in `my-hospital/anc-missing`; `pack` and `facts` are other files, `tables` another folder"
        raise PackError([Diagnostic("", 0, 0, "new-id", f"`{id}` can't be the id of a rule", said)])
    if path.exists() or (shipped_rules() / f"{id}.yaml").exists():
        where = path if path.exists() else shipped_rules() / f"{id}.yaml"
        raise PackError([Diagnostic(str(where), 0, 0, "new-taken", f"there is a rule `{id}` already", "ids are never reused")])  # fmt: skip
    schema = "../" * id.count("/") + "rule.schema.json"
    text = _TEMPLATE.read_text("utf-8").replace("@schema@", schema).replace("@id@", id)
    pack = id.partition("/")[0]
    wanted = {
        path: text,
        folder / pack / "pack.yaml": _PACK.format(pack=pack),
        folder / "rule.schema.json": schema_text("rule"),
    }
    return tuple(file for file, content in wanted.items() if _written(file, content))


def _written(path: Path, content: str) -> bool:
    """Whether the file wasn't there and now is."""
    if path.exists():
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    except OSError as error:
        said = f"can't be written: {error.strerror or error}"
        raise PackError([Diagnostic(str(path), 0, 0, "file-unwritable", said)]) from None
    return True
