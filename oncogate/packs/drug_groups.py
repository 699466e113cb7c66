"""The groups of drugs (`drug-groups.yaml`), and what is wrong with one: a group that nothing is in asks for nothing."""

from __future__ import annotations

import re
from pathlib import Path

from oncogate.base.errors import did_you_mean
from oncogate.base.texts import Text
from oncogate.packs.document import Document, read_document
from oncogate.packs.tables import DRUG_CLASSES, DrugGroup, Tables

_ATC = re.compile(r"[A-V](\d\d([A-Z]([A-Z](\d\d)?)?)?)?")


def read_groups(path: Path, tables: Tables) -> Document:
    """Read the groups into `tables`; the document holds their places."""
    document = read_document(path)
    for id, row in document.data.items() if not document.problems else ():
        tables.groups[id] = DrugGroup(
            id, Text(**row["label"]), frozenset(row.get("drugs", ())), tuple(row.get("atc", ()))
        )
    return document


def check_groups(document: Document, tables: Tables) -> None:
    """Report into `document` what is wrong with the groups, once the drugs are known."""
    for id, group in tables.groups.items():
        if id in tables.drugs or id in DRUG_CLASSES:
            what = "drug" if id in tables.drugs else "class of drugs"
            document.report((id,), "table-name", f"the group `{id}` is named like a {what}", key=True)
        if not (group.drugs or group.atc):
            said = f"the group `{id}` has no members"
            document.report((id,), "table-value", said, "list `drugs` or `atc`", key=True)
        for index, drug in enumerate(document.data[id].get("drugs", ())):
            if drug not in tables.drugs:
                said, help = (
                    f"the drug `{drug}` of `{id}` isn't in drugs.csv",
                    did_you_mean(drug, tables.drugs),
                )
                document.report((id, "drugs", index), "table-unknown-drug", said, help)
        for index, prefix in enumerate(group.atc):
            if not _ATC.fullmatch(prefix):
                said = f"`{prefix}` isn't the code of an ATC class"
                document.report((id, "atc", index), "table-value", said, "such as `L01XX`")
