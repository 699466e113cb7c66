"""Draft orders among what was sent: which they are, what their groups hold, and what can't be seen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from oncogate.adapters.fhir.access import Json, items, label, obj, objects, text, words
from oncogate.adapters.fhir.bundles import Found, Pages, identifiers_in, last_part, link_of
from oncogate.adapters.fhir.context import Context, Entry
from oncogate.adapters.fhir.drugs import drug_of, drugs_of, identified
from oncogate.adapters.fhir.treatments import CHEMO_WORDS, GROUPS, MEDICATION_ORDERS
from oncogate.packs.tables import KnownDrug, of_one_drug

_ORDERS = (*GROUPS, *MEDICATION_ORDERS, "ServiceRequest")
_OVER = frozenset(["revoked", "cancelled", "completed", "entered-in-error", "stopped", "ended"])
_NOT_DRAFT = _OVER | {"active", "on-hold", "suspended"}

_NO_DRUG = re.compile(
    r"护理|宣教|教育|评估|会诊|咨询|随访|复诊|门诊|知情同意|检查|检验|化验|检测|监测|监护|常规$|常规[（(]|肝肾?功|肾功|生化|血型|凝血|"
    r"电解质|心电图|超声|[彩Bb]超|心超|影像|置管|穿刺|输液港|病理|活检|采血|抽血|^(?:放疗|手术)$|"
    r"\bcare\b|nursing|educat|counsel|consult|assess|evaluat|monitor|\btests?\b|follow-?up|appointment|visit|\bcbc\b|\bbmp\b|\bcmp\b|"
    r"\bblood (?:counts?|draw)|\blabs?\b|laborator|\bpanel\b|electrolyte|creatinine|\becg\b|\bekg\b|echocardio|ultraso|x-?ray|imaging|"
    r"\bscan\b|\b(?:pet-?)?ct\b|\bmri\b|biops|consent|^(?:surgery|radio-?therapy)$|^(?:预处理|水化|止吐|hydration|pre-?medications?|anti-?emetics?)$|"
    r"^(?:第?\s*[\d一二三四五六七八九十]+\s*(?:天|日|周|周期|疗程)(?:给药|用药)?|周期\s*\d*|(?:d|c|days?|weeks?|cycles?)\s*[\d,–-]+)$",
    re.IGNORECASE | re.ASCII,
)
"""What an action or a link names that is plainly no drug."""


def is_draft(resource: Json, *, among_drafts: bool) -> bool:
    """Whether a resource is a draft: one without a status may be one, among draft orders any that isn't on record or over."""
    status = _status(resource)
    return status in ("", "draft") or (among_drafts and status not in _NOT_DRAFT)


def _status(resource: Json) -> str:
    return (text(resource.get("status")) or "").casefold()


def drafts_among(found: Iterable[Found], context: Context, *, among_drafts: bool) -> list[Found]:
    """The draft orders that count for the order, and what groups hold; what shall *not* be done isn't ordered.

    A draft inside a group is one whatever the group's status; in a bundle, unless the group is over.
    """
    sent = [f for f in found if f.type in _ORDERS]
    drafts = [f for f in sent if is_draft(f.resource, among_drafts=among_drafts)]
    seen, held = {f.pointer for f in drafts}, list(drafts)
    for group in (f for f in sent if f.type in GROUPS):
        if is_draft(group.resource, among_drafts=among_drafts):
            held += _held_by(group, sent, context, seen)
        elif among_drafts or _status(group.resource) not in _OVER:
            held += [
                one for one in _inside(group) if one.type in _ORDERS and _status(one.resource) == "draft"
            ]
    held += _only_named(held, sent, context)
    return [d for d in held if d.resource.get("doNotPerform") is not True]


def _held_by(group: Found, sent: list[Found], context: Context, seen: set[str]) -> Iterator[Found]:
    """The orders that a group contains or refers to, without those seen already."""
    choices = [one for one in _inside(group) if _status(one.resource) not in _OVER]
    for _, action in _actions(group.resource, group.pointer):
        for link in items(action.get("resource")):
            target = _target(link, group, sent, context)
            if target is not None and target.parent is None and is_draft(target.resource, among_drafts=True):
                choices.append(target)
    for one in choices:
        if one.type in _ORDERS and one.pointer not in seen:
            seen.add(one.pointer)
            yield one
            if one.type in GROUPS:
                yield from _held_by(one, sent, context, seen)


def _inside(group: Found) -> list[Found]:
    """What a group contains, for the group's patient where it names none."""
    subject = {"subject": group.resource.get("subject")}
    return [
        Found({**subject, **inner}, f"{group.pointer}/contained/{n}", None, group, str(n))
        for n, inner in enumerate(items(group.resource.get("contained")))
        if isinstance(inner, Mapping)
    ]


def _actions(part: Json, pointer: str) -> Iterator[tuple[str, Json]]:
    """The actions of a group with their places, those within others too."""
    for n, action in enumerate(objects(part.get("action"))):
        place = f"{pointer}/action/{n}"
        yield place, action
        yield from _actions(action, place)


def _target(link: object, group: Found, sent: list[Found], context: Context) -> Found | None:
    """What a link of a group means: as a reference, else the order that has the id, or the draft sent that has the identifier."""
    target = context.index.resolve(link, group)
    if target is not None:
        return target
    path, _, query = (link_of(link) or "").partition("?")
    wanted = [obj(obj(link).get("identifier")), *identifiers_in(query)]
    type = context.index.type_of(link, group)
    for kind in _ORDERS if type is None else (type,):
        target = context.index.resolve(f"{kind}/{last_part(path)}") if path and not query else None
        if target is not None:
            return target
    return next((one for one in sent if type in (None, one.type) and _carries(one, wanted)), None)


def _carries(order: Found, wanted: list[Json]) -> bool:
    """Whether an order has one of the identifiers; one that is asked for without a system may be of any."""
    return any(
        text(own.get("value")) == value and system in (None, text(own.get("system")))
        for own in objects(order.resource.get("identifier"))
        for one in wanted
        if (system := text(one.get("system")), value := text(one.get("value")))[1] is not None
    )


# -- what is named, and wasn't sent ----------------------------------------------------------------


def _only_named(read: list[Found], sent: list[Found], context: Context) -> list[Found]:
    """A drug for whatever the groups' actions name or refer to and no draft was read for: nobody knows what it orders.

    A name alone fulfils nothing: that of a companion makes an order that wasn't sent no better known. A title that names
    one, or what a draft orders (`静脉化疗` beside a drug against tumours), orders no more.
    """
    ordered = [drug for draft in read if draft.type in MEDICATION_ORDERS for drug in _known(draft, context)]
    made: list[Found] = []
    for group in (one for one in read if one.type in GROUPS):
        for place, action in _actions(group.resource, group.pointer):
            named = _named_by(action, group, sent, context)
            if named is None:
                continue
            known = identified(drug_of(named, context), context)
            tells = known is None or known.anti_tumour
            said = CHEMO_WORDS.search(words(named)) is not None
            again = any(of_one_drug(known, one) if known else said and one.anti_tumour for one in ordered)
            if (again or not tells) and not _refers_to_order(action, group, context):
                continue
            drug = {
                "resourceType": MEDICATION_ORDERS[0],
                "subject": group.resource.get("subject"),
                "medicationCodeableConcept": named if tells else None,
            }
            made.append(Found(drug, place, None, group, f"action-{len(made)}"))
    return made


def _known(draft: Found, context: Context) -> list[KnownDrug]:
    try:
        drugs = drugs_of(draft, context)
    except Exception:  # it is said where the order is read
        return []
    return [known for drug in drugs if (known := identified(drug, context)) is not None]


def _named_by(action: Json, group: Found, sent: list[Found], context: Context) -> list[Json] | None:
    """What names the drug of an action of which no order was sent; `None` if it has none.

    A link to an order of drugs has one. Any other link has one unless it is plainly to something else; a title, a code or
    a definition, which may head other actions, only in a regimen or where it is a drug's.
    """
    link = next(iter(items(action.get("resource"))), None)
    target = _target(link, group, sent, context)
    linked = context.index.type_of(link, group) if target is None else target.type
    definition = _definition(action, group, context)
    if linked == "ActivityDefinition":
        definition = {} if target is None else target.resource
    elif target is not None:
        return None
    elif linked in (*GROUPS, *MEDICATION_ORDERS):
        return _names(link, action, {})
    if link is None and objects(action.get("action")):
        return None
    names = _names(link, action, definition or {})
    if identified(drug_of(names, context), context) is not None:
        return names
    elsewhere = linked not in (None, "ActivityDefinition") or _is_of_another_kind(definition)
    if elsewhere or _NO_DRUG.search(words(names)):
        return None
    if _refers_to_order(action, group, context):
        return names
    regimen = label(group.resource.get("code")) or ""
    is_regimen = bool(regimen) and not _NO_DRUG.search(regimen)
    return names if is_regimen and (words(names) or definition is not None) else None


def _refers_to_order(action: Json, group: Found, context: Context) -> bool:
    """Whether an action has a link that may be one to an order of drugs."""
    types = (None, *GROUPS, *MEDICATION_ORDERS)
    return any(context.index.type_of(link, group) in types for link in items(action.get("resource")))


def _names(link: object, action: Json, definition: Json) -> list[Json]:
    titles = (obj(link).get("display"), action.get("title"), definition.get("title"))
    codes = [*objects(action.get("code")), *objects(definition.get("productCodeableConcept"))]
    return [*codes, *({"text": one} for title in titles if (one := text(title)) is not None)]


def _definition(action: Json, group: Found, context: Context) -> Json | None:
    """What defines an action: empty if it wasn't sent, `None` if nothing does."""
    given = [value for key, value in action.items() if key.startswith("definition") and text(value)]
    found = context.index.resolve(given[0], group) if given else None
    return None if not given else {} if found is None else found.resource


def _is_of_another_kind(definition: Json | None) -> bool:
    kind = text((definition or {}).get("kind"))
    return kind is not None and kind not in (*GROUPS, *MEDICATION_ORDERS)


def with_unseen(order: Entry | None, sent: Pages, pointer: str, context: Context) -> Entry | None:
    """The order with an unknown drug for every draft that can't be read: what isn't seen isn't harmless."""
    unseen = [(place, "what may be a draft order can't be read") for place in sent.garbled]
    if sent.missing is not None:
        unseen.append((pointer, f"not all draft orders may have been sent: {sent.missing}"))
    for place, problem in unseen:
        context.say(place, "order-drug-unknown", problem, "send every draft order as a resource")
    if not unseen:
        return order
    made = order or {"id": "draft-order", "drugs": []}
    return {**made, "drugs": [*made["drugs"], *({} for _ in unseen)]}
