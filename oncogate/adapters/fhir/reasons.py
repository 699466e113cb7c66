"""Why something was ordered or done: the conditions that it names, and its reasons as codes."""

from __future__ import annotations

import re
from typing import Any

from oncogate.adapters.fhir.access import Json, codings, obj, objects
from oncogate.adapters.fhir.bundles import Found
from oncogate.adapters.fhir.context import Context
from oncogate.adapters.fhir.diagnoses import NO_CONDITION, status_of
from oncogate.model.values import Code
from oncogate.packs.codes import icd10


def reasons_of(found: Found, context: Context) -> tuple[list[str], list[Json]]:
    """The ids of the conditions that a resource names as its reason, and its reasons as concepts.

    A condition that doesn't stand gives no code, and its id only where no other is named: what it was for isn't known
    then. A contained one that stands has no id: nothing else knows it.
    """
    given = objects(found.resource.get("reason"))
    concepts = [*objects(found.resource.get("reasonCode")), *(obj(r.get("concept")) for r in given)]
    ids, fallen = [], []
    for link in [*objects(found.resource.get("reasonReference")), *(r.get("reference") for r in given)]:
        condition = context.index.resolve(link, found)
        if condition is not None and condition.type == "Condition":
            if not _stands(condition, found.pointer, context):
                fallen.append(condition.id)
                continue
            concepts.append(obj(condition.resource.get("code")))
            ids += [condition.id] if condition.parent is None else []
        elif (target := context.index.target(link, "Condition", found)) is not None:
            ids.append(target)
    return ids or fallen, concepts


def _stands(condition: Found, named_at: str, context: Context) -> bool:
    """Whether a condition is one of the patient: not another's, not refuted, not entered in error."""
    owner = context.whose(condition)
    if owner != context.patient:
        problem = f"the reason `{condition.source}` is a condition of patient `{owner}`, and doesn't count"
        context.say(named_at, "wrong-patient", problem)
        return False
    return status_of(condition.resource) not in NO_CONDITION


def matching_conditions(concept: Any, context: Context) -> list[str]:
    """The ids of the patient's conditions on record that carry one of the concept's codes.

    ICD-10 codes match where one is the other with more characters (`C34.1` and `C34.100x001`).
    """
    wanted = [key for key in map(_key, codings(concept)) if key is not None]
    found = []
    for condition in (c for c in context.conditions if context.whose(c) == context.patient):
        own = [key for key in map(_key, codings(condition.resource.get("code"))) if key is not None]
        if condition.id not in found and any(_same(one, other) for one in wanted for other in own):
            found.append(condition.id)
    return found


def _key(coding: dict[str, str]) -> tuple[str, str] | None:
    system, code = coding.get("system"), coding.get("code")
    if system is None or code is None:
        return None
    plain = icd10(Code(system=system, code=code))
    return (system, code) if plain is None else ("icd10", plain)


def _same(one: tuple[str, str], other: tuple[str, str]) -> bool:
    if one[0] != "icd10" or min(len(one[1]), len(other[1])) < 3:
        return one == other
    return other[0] == "icd10" and (one[1].startswith(other[1]) or other[1].startswith(one[1]))


def reason_focus(found: Found, context: Context) -> str | None:
    """Which condition something was done for: the one referred to, else the one that its reason code is.

    Where several conditions have that code, or none, the code of a malignancy stands for itself
    (`system|code`), so that a treatment of another tumour isn't taken for one of this.
    """
    ids, reasons = reasons_of(found, context)
    if ids:
        return ids[0]
    matches = matching_conditions(reasons, context)
    if len(matches) == 1:
        return matches[0]
    for coding in codings(reasons):
        key = _key(coding)
        if key is not None and key[0] == "icd10" and re.match(r"C\d\d", key[1]):
            return f"{coding['system']}|{coding['code']}"
    return None
