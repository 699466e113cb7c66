"""Consents and signed documents → consents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from oncogate.adapters.fhir.access import (
    LOINC,
    SCT,
    Json,
    codings,
    has_code,
    items,
    obj,
    objects,
    shortened,
    text,
    texts,
    words,
)
from oncogate.adapters.fhir.bundles import Found
from oncogate.adapters.fhir.consent_words import REFUSAL, UNSIGNED, meant, plain_text
from oncogate.adapters.fhir.context import Context, Entry, Unreadable, is_before

_CHEMOTHERAPY = {(SCT, "367336001")}
_CONSENT_DOCUMENT = {(LOINC, "59284-0")}
_STATUSES = frozenset(
    {"active", "inactive", "rejected", "draft", "proposed", "superseded", "entered-in-error"}
)

_MONTH = re.compile(r"\d{4}(?:-\d{2})?", re.ASCII)

_CHEMO_WORDS = re.compile(
    r"化疗|化学治疗|化学药物治疗|chemo-?therap|chemo-?radi|抗肿瘤药物治疗", re.IGNORECASE
)
_NOT_CHEMO = re.compile(r"输液港|植入|置管|picc|\bports?\b|port-?a-?cath|catheter|化疗泵", re.IGNORECASE)
_OTHERS = (
    (re.compile(r"靶向|targeted", re.IGNORECASE), "targeted"),
    (re.compile(r"免疫|immuno", re.IGNORECASE), "immunotherapy"),
    (re.compile(r"手术|surg", re.IGNORECASE), "surgery"),
)
_TUMOUR = re.compile(
    r"(?:(?:非?小细胞)?肺|三阴性?乳腺|乳腺|胃|肝(?:细胞|胆管)?|食管|结直肠|结肠|直肠|肠|宫颈|子宫内膜|卵巢|肾|前列腺|胰腺|胆管|"
    r"甲状腺|膀胱|鼻咽|喉|头颈部?|皮肤|骨|软组织|恶性|实体|黑色素|(?:非?霍奇金)?淋巴)(?:恶性)?(?:癌|肿瘤|瘤|肉瘤)|急性\w{0,4}白血病|白血病|"
    r"\b(?:(?:non-)?small[- ]cell|breast|lung|gastric|stomach|liver|hepatocellular|o?esophageal|colorectal|colon|rectal|"
    r"cervical|ovarian|renal|prostate|pancreatic|thyroid|bladder|nasopharyngeal|malignant|solid|advanced|metastatic)\b|"
    r"\b(?:carcinoma|cancers?|tumou?rs?|neoplasms?|lymphoma|leuka?emia|malignanc(?:y|ies)|disease)\b",
    re.IGNORECASE | re.ASCII,
)
_GENERIC_ZH = re.compile(
    r"抗肿瘤(?:药物)?治疗|抗肿瘤|化学药物治疗|化学治疗|化疗|知情同意书|知情同意|知情告知书|知情书|同意书|同意|告知书|签字书|方案|治疗|全身|系统性|"
    r"新辅助|辅助|姑息性?|一线|二线|三线|术前|术后|静脉|药物|第\s*\d+\s*(?:个)?周期|患者|本人|家属|已签署?|代签"
)
_GENERIC_EN = re.compile(
    r"\b(?:informed|consent(?:ed)?|chemo(?:-?therap(?:y|ies|eutic))?|treatments?|regimens?|procedure|systemic|anti-?neoplastic|"
    r"anti-?cancer|cancer|therapy|combination|combined|neo-?adjuvant|adjuvant|palliative|intravenous|protocol|form|signed|"
    r"agents?|drugs?|administration|first-line|second-line|cycle\s*\d+|patient|written|we|she|he|they)\b",
    re.IGNORECASE | re.ASCII,
)
_EDGES = re.compile(
    r"^(?:[\s\W_]|(?:to|for|of|with|the|by|in|on|and)\b)+|(?:[\s\W_]|\b(?:to|for|of|with|the|by|in|on|and)\b)+$",
    re.IGNORECASE,
)
_ABBREVIATION = re.compile(r"[A-Z0-9]{2}")
"""A regimen by its letters. Other words left over in a refusal are no regimen, and must not confine it to one."""
_BRACKETS = re.compile(r"[(（\[【]\s*[)）\]】]")


def read_consent(found: Found, context: Context, *, lenient: bool = False) -> list[Entry] | None:
    """A consent, refusal or withdrawal, as a Consent or as a signed document."""
    if found.type == "DocumentReference":
        return _document(found, context, lenient)
    if found.type != "Consent":
        return None
    resource = found.resource
    provisions = list(_provisions(resource.get("provision"), "permit", 0))
    own = [(depth, kind, p) for depth, kind, p in provisions if has_code(p.get("code"), _CHEMOTHERAPY)]
    said = _said(resource, provisions)
    kind = _kind(resource, provisions, said)
    status = (text(resource.get("status")) or "").casefold()
    if not status:
        raise Unreadable("says no status")
    status = status if status in _STATUSES else "unknown"
    decided = own or provisions[:1]
    deepest = max((depth for depth, _, _ in decided), default=0)
    if status == "active":
        denied = any(type == "deny" for depth, type, _ in decided if depth == deepest)
        denied = denied or (text(resource.get("decision")) or "").casefold() == "deny"
        status = "rejected" if denied else meant(said)
    signed = resource.get("dateTime")
    made = context.entry(
        found, signed if signed is not None else resource.get("date"), status=status, lenient=lenient
    )
    made |= {"kind": kind, "status": status}
    if status == "active":
        ruling = [p for depth, _, p in decided if depth == deepest]
        outer = [p for depth, _, p in provisions if depth == 0]
        made["_periods"] = [_periods(parts, context, lenient) for parts in ([resource], outer, ruling)]
    regimen = _regimen(own or provisions)
    refused = status == "rejected" and meant(said) == "rejected"
    if regimen and kind != "other" and (not refused or _ABBREVIATION.search(regimen)):
        made["regimen"] = regimen
    for _, _, provision in provisions:
        for data in objects(provision.get("data")):
            focus = context.index.target(data.get("reference"), "Condition", found)
            if focus is not None:
                made.setdefault("focus", focus)
    return [made]


def _periods(parts: list[Json], context: Context, lenient: bool) -> list[tuple[str | None, str | None]]:
    """Beginning and end of what each part is valid for; `None` is open."""
    found = []
    for part in parts:
        period = obj(part.get("period"))
        start, end = (_edge(period.get(name), context, lenient) for name in ("start", "end"))
        found.append((start, end))
    return found


def _edge(value: Any, context: Context, lenient: bool) -> str | None:
    """A time of a period; without a zone its day tells enough."""
    if value is None or _MONTH.fullmatch(text(value) or ""):
        return text(value)
    told = context.readable(value) or context.readable((text(value) or "")[:10])
    return told if told is not None or lenient else context.when(value)


def in_force(entries: Iterable[Entry], at: str | None, planned: str | None) -> None:
    """Give a consent that isn't valid when it is needed its status: `proposed` before its time, `superseded` after it.

    It is needed when the treatment is planned for, which may be days after the order is written.
    """
    if planned is not None and (at is None or is_before(at, planned)):
        at = planned
    for entry in entries:
        periods = entry.pop("_periods", ())
        for parts in periods:
            if at is None:
                continue
            ahead = [start is not None and is_before(at, start) for start, _ in parts]
            over = [end is not None and is_before(end, at) for _, end in parts]
            if parts and all(one or other for one, other in zip(ahead, over, strict=True)):
                entry["status"] = "proposed" if any(ahead) else "superseded"


def withdrawn_all_the_same(found: Found, context: Context) -> list[Entry] | None:
    """A refusal or withdrawal whose time can't be read: unread, and yet it may be the last word."""
    made = read_consent(found, context, lenient=True) or []
    return [entry for entry in made if entry["status"] in ("inactive", "rejected")] or None


def consent_kind(found: Found) -> str | None:
    """What kind of consent a resource is, where that can be read."""
    if found.type == "Consent":
        provisions = list(_provisions(found.resource.get("provision"), "permit", 0))
        said = _said(found.resource, provisions)
        kind = _kind(found.resource, provisions, said)
        return kind if said or kind != "other" else None
    return None


def _provisions(value: Any, inherited: str, depth: int) -> Iterator[tuple[int, str, Json]]:
    """All provisions, nested ones too, each with its depth and whether it permits or denies."""
    for provision in objects(value):
        type = (text(provision.get("type")) or inherited).casefold()
        yield depth, type, provision
        if depth < 8:
            yield from _provisions(provision.get("provision"), type, depth + 1)


def _said(resource: Json, provisions: list[tuple[int, str, Json]]) -> str:
    parts = [words(resource.get("category"))]
    parts += [words(p.get("code")) for _, _, p in provisions]
    for attachment in objects(resource.get("sourceAttachment")):
        parts += [text(attachment.get("title")) or ""]
    return " ; ".join(part for part in parts if part)


def _kind(resource: Json, provisions: list[tuple[int, str, Json]], said: str) -> str:
    coded = [resource.get("category"), *(p.get("code") for _, _, p in provisions)]
    if any(has_code(concept, _CHEMOTHERAPY) for concept in coded):
        return "chemotherapy"
    if any(has_code(concept, _CONSENT_DOCUMENT) for concept in coded):
        return _kind_of(said)
    return "other"


def _kind_of(said: str) -> str:
    said = plain_text(said)
    if _CHEMO_WORDS.search(said) and not _NOT_CHEMO.search(said):
        return "chemotherapy"
    return next((kind for pattern, kind in _OTHERS if pattern.search(said)), "other")


def _regimen(provisions: list[tuple[int, str, Json]]) -> str | None:
    for _, _, provision in provisions:
        for concept in objects(provision.get("code")):
            if has_code(concept, _CHEMOTHERAPY | _CONSENT_DOCUMENT) or not codings(concept):
                for said in texts(concept):
                    regimen = regimen_in(said)
                    if regimen:
                        return regimen
    return None


def regimen_in(said: str) -> str | None:
    """The regimen that a consent's text names beside the words that every such text has."""
    plain = _TUMOUR.sub(" ", UNSIGNED.sub(" ", REFUSAL.sub(" ", plain_text(said))))
    plain = _GENERIC_EN.sub(" ", _GENERIC_ZH.sub(" ", plain))
    for _ in range(3):
        plain = _EDGES.sub("", _BRACKETS.sub(" ", plain))
    plain = " ".join(plain.split())
    if plain.count("(") + plain.count("（") > plain.count(")") + plain.count("）"):
        plain += ")"
    return shortened(plain) if any(c.isalnum() for c in plain) else None


def _document(found: Found, context: Context, lenient: bool) -> list[Entry] | None:
    resource = found.resource
    if not has_code(resource.get("type"), _CONSENT_DOCUMENT) and not has_code(
        resource.get("category"), _CONSENT_DOCUMENT
    ):
        return None
    titles = [text(obj(c.get("attachment")).get("title")) or "" for c in objects(resource.get("content"))]
    said = " ; ".join(
        part
        for part in (words(resource.get("type")), *items(text(resource.get("description"))), *titles)
        if part
    )
    status = (text(resource.get("status")) or "").casefold()
    if not status:
        raise Unreadable("says no status")
    status = {"current": "active"}.get(status, status)
    status = status if status in _STATUSES else "unknown"
    drafted = (text(resource.get("docStatus")) or "").casefold()
    if drafted == "entered-in-error":
        status = drafted
    elif status == "active" and drafted in ("preliminary", "registered"):
        status = "draft"
    elif status == "active":
        status = "rejected" if drafted in ("cancelled", "deprecated") else meant(said)
    made = context.entry(found, resource.get("date"), status=status, lenient=lenient)
    made |= {"kind": _kind_of(said), "status": status}
    regimen = next(
        (r for r in map(regimen_in, texts(resource.get("type"))) if r and re.search(r"[A-Z0-9]", r)), None
    )
    if regimen:
        made["regimen"] = regimen
    return [made]
