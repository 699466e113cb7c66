"""Resources out of bundles, and references to them.

An answer to a search may be one resource, a bundle, a page of a longer one, or a failure; which of these
it is decides whether a section of the record counts as supplied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from oncogate.adapters.fhir.access import Json, items, obj, objects, shortened, text
from oncogate.base.once import once

_DEPTH = 8
_PEOPLE = frozenset(["Group", "RelatedPerson"])
"""Whom an observation can be about, beside a patient: a place or a physician is never examined."""
_OTHERS = _PEOPLE | frozenset(["Device", "Location", "Organization", "Practitioner", "PractitionerRole"])
"""What an entry can be about instead of a patient."""
_CALLED_OFF = frozenset({"entered-in-error", "cancelled", "canceled"})
_MILD = frozenset({"warning", "information", "success"})
_CUT_SHORT = frozenset({"incomplete", "timeout", "throttled", "too-costly", "forbidden"})
"""Kinds of issues by which an answer isn't whole, however mildly they are put."""


@dataclass(frozen=True)
class Found:
    """A resource, where it stands (a JSON pointer), its `fullUrl`, and the resource that contains it."""

    resource: Json
    pointer: str
    url: str | None = None
    parent: Found | None = None
    unnamed: str = ""

    @once
    def type(self) -> str:
        """The resource's type; empty if it doesn't say."""
        return text(self.resource.get("resourceType")) or ""

    @once
    def id(self) -> str:
        """The resource's id, else one made of its address or place."""
        own = text(self.resource.get("id"))
        if own is None and self.url:
            own = last_part(self.url)
        own = own or f"{self.type}-{self.unnamed or 'x'}"
        if self.parent is not None:
            own = f"{self.parent.id}.{own}"
        return shortened(own, 400)

    @once
    def source(self) -> str:
        """`Type/id`, as it comes back in evidence."""
        return f"{self.type}/{self.id}"

    @once
    def modifier(self) -> str | None:
        """The address of an extension that changes what the resource means, in it or in a part of it."""
        return _modifier(self.resource)


@dataclass
class Pages:
    """What an answer holds. `failed` says why it is none; `missing` that there is more than was sent."""

    found: list[Found] = field(default_factory=list)
    failed: str | None = None
    missing: str | None = None
    garbled: list[str] = field(default_factory=list)


def _modifier(part: Json) -> str | None:
    for name, value in part.items():
        if name == "modifierExtension" and items(value):
            return text(obj(value).get("url")) or "without an address"
        # every part of every resource is walked; a contained resource has its own
        if type(value) not in (dict, list) or name == "contained":
            continue
        for one in value if type(value) is list else (value,):
            found = _modifier(one) if type(one) is dict else None
            if found is not None:
                return found
    return None


def last_part(reference: str) -> str:
    """The id at the end of a reference, an address or a URN."""
    plain = reference.split("/_history/", maxsplit=1)[0].split("?", maxsplit=1)[0].rstrip("/")
    return plain.rsplit("/", 1)[-1].rsplit(":", 1)[-1].lstrip("#")


def read_pages(value: Any, pointer: str) -> Pages:
    """Read what a host sent for one question: bundle, resource, list of resources, or a failure."""
    pages = Pages()
    if (
        isinstance(value, Mapping)
        and "resourceType" not in value
        and isinstance(value.get("resource"), Mapping)
    ):
        status = text(obj(value.get("response")).get("status"))
        if status and not status.startswith("2"):
            pages.failed = f"the host's answer was `{shortened(status, 60)}`"
            return pages
        value, pointer = value["resource"], f"{pointer}/resource"
    if isinstance(value, list):
        for n, item in enumerate(value):
            _entry(item, f"{pointer}/{n}", None, pages, 0)
    elif isinstance(value, Mapping) and text(value.get("resourceType")) == "Bundle":
        _bundle(value, pointer, pages, 0)
    elif isinstance(value, Mapping) and text(value.get("resourceType")) == "OperationOutcome":
        pages.failed = _outcome(value)
    elif isinstance(value, Mapping) and text(value.get("resourceType")):
        pages.found.append(Found(value, pointer, None, None, "1"))
        pages.found += _contained(pages.found[0])
    else:
        pages.failed = "isn't a FHIR resource"
    outcomes = [f for f in pages.found if f.type == "OperationOutcome"]
    errors = [f for f in outcomes if _is_error(f.resource)]
    if errors and len(outcomes) == len(pages.found):
        pages.failed = _outcome(errors[0].resource)
    elif errors:
        pages.missing = pages.missing or _outcome(errors[0].resource)
    pages.found = [f for f in pages.found if f.type != "OperationOutcome"]
    return pages


def _bundle(bundle: Json, pointer: str, pages: Pages, depth: int) -> None:
    entries = items(bundle.get("entry"))
    if any(text(link.get("relation")) == "next" for link in objects(bundle.get("link"))):
        pages.missing = "page missing"
    total = bundle.get("total")
    matches = [e for e in objects(entries) if text(obj(e.get("search")).get("mode")) in (None, "match")]
    if isinstance(total, int) and not isinstance(total, bool) and total > len(matches):
        pages.missing = "page missing"
    for n, entry in enumerate(entries):
        at = f"{pointer}/entry/{n}"
        if not isinstance(entry, Mapping):
            pages.garbled.append(at)
            continue
        outcome = obj(obj(entry.get("response")).get("outcome"))
        if "resource" not in entry:
            if _is_error(outcome):
                pages.missing = pages.missing or _outcome(outcome)
            elif not ("request" in entry or "response" in entry):
                pages.garbled.append(at)
            continue
        url = text(entry.get("fullUrl")) or text(entry.get("fullURL"))
        _entry(entry.get("resource"), f"{at}/resource", url, pages, depth)


def _entry(resource: Any, pointer: str, url: str | None, pages: Pages, depth: int) -> None:
    if not isinstance(resource, Mapping) or not text(resource.get("resourceType")):
        pages.garbled.append(pointer)
    elif text(resource["resourceType"]) == "Bundle" and depth < _DEPTH:
        _bundle(resource, pointer, pages, depth + 1)
    else:
        found = Found(resource, pointer, url, None, str(len(pages.found) + 1))
        pages.found.append(found)
        pages.found += _contained(found)


def _contained(found: Found) -> Iterator[Found]:
    """Results that a report or panel carries inside itself; they have no existence apart from it."""
    if found.type not in ("DiagnosticReport", "Observation"):
        return
    inside = {
        f"#{(text(inner.get('id')) or '').removeprefix('#')}": (n, inner)
        for n, inner in enumerate(items(found.resource.get("contained")))
        if isinstance(inner, Mapping) and text(inner.get("resourceType")) == "Observation"
    }
    links = [(link, found.resource) for link in _results(found.resource)]
    while links and inside:
        link, above = links.pop(0)
        n, inner = inside.pop(_local(link, found), (0, None))
        if inner is not None:
            own = _under(above, inner)
            links += [(further, own) for further in _results(inner)]
            yield Found(own, f"{found.pointer}/contained/{n}", None, found, str(n))


def _local(link: str, found: Found) -> str:
    """The fragment by which a link names what its own resource contains, in full (`DiagnosticReport/r#c`) or short."""
    address, _, fragment = link.rpartition("#")
    own = "/".join(address.split("/")[-2:]) == found.source or address == found.url
    return f"#{fragment}" if own or not address else link


def _under(above: Json, inner: Json) -> Json:
    """A contained result as the report or panel that lists it makes it: whose it is, called off, modified."""
    given = {name: above[name] for name in ("subject", "focus") if name in above}
    status = (text(above.get("status")) or "").casefold()
    void = {"status": status} if status in _CALLED_OFF else {}
    modifier = _modifier(above)
    modified = {} if modifier is None else {"modifierExtension": [{"url": modifier}]}
    return {**given, **inner, **void, **modified}


def _results(resource: Json) -> list[str]:
    """References to the results of a report, the members of a panel."""
    links = (*objects(resource.get("result")), *objects(resource.get("hasMember")))
    return [said for said in (text(link.get("reference")) for link in links) if said]


def _is_error(outcome: Json) -> bool:
    issues = objects(outcome.get("issue"))
    return text(outcome.get("resourceType")) == "OperationOutcome" and (
        not issues
        or any((text(i.get("severity")) or "").casefold() not in _MILD for i in issues)
        or any((text(i.get("code")) or "").casefold() in _CUT_SHORT for i in issues)
    )


def _outcome(outcome: Json) -> str:
    issue = obj(outcome.get("issue"))
    said = (
        text(issue.get("diagnostics"))
        or text(obj(issue.get("details")).get("text"))
        or text(issue.get("code"))
    )
    return f"the host's query failed: {shortened(said, 200)}" if said else "the host's query failed"


class Index:
    """Finds the resource that a reference means."""

    def __init__(self, found: Iterable[Found]) -> None:
        self._by_url: dict[str, Found] = {}
        self._by_name: dict[str, Found] = {}
        self.patients: list[Found] = []
        for one in found:
            if one.url:
                self._by_url.setdefault(one.url, one)
            self._by_name.setdefault(one.source, one)
            if one.type == "Patient":
                self.patients.append(one)

    def resolve(self, reference: Any, owner: Found | None = None) -> Found | None:
        """The resource that a Reference means, if it was sent."""
        link = link_of(reference)
        if link is None:
            return None
        if link.startswith("#"):
            return self._inside(link[1:], owner)
        address, _, fragment = link.partition("#")
        outer = self.resolve({"reference": address}) if fragment else None
        if outer is not None:
            return self._inside(fragment, outer)
        plain = link.split("/_history/")[0]
        if plain in self._by_url:
            return self._by_url[plain]
        name = "/".join(plain.split("/")[-2:])
        return self._by_name.get(name) or self._by_name.get(
            f"{text(obj(reference).get('type'))}/{last_part(plain)}"
        )

    def _inside(self, id: str, owner: Found | None) -> Found | None:
        if owner is None:
            return None
        outer = owner.parent or owner
        for n, inner in enumerate(items(outer.resource.get("contained"))):
            if isinstance(inner, Mapping) and text(inner.get("id")) in (id, f"#{id}"):
                return Found(inner, f"{outer.pointer}/contained/{n}", None, outer, str(n))
        return None

    def type_of(self, reference: Any, owner: Found | None = None) -> str | None:
        """The type of what a reference means, where it was sent or the reference tells."""
        found = self.resolve(reference, owner)
        if found is not None:
            return found.type
        path, _, query = (link_of(reference) or "").split("/_history/")[0].partition("?")
        parts = path.rstrip("/").split("/")
        if query:
            return parts[-1]
        return parts[-2] if len(parts) > 1 else text(obj(reference).get("type"))

    def target(self, reference: Any, type: str, owner: Found | None = None) -> str | None:
        """The id of what a reference means, if it can be of that type; contained resources have none."""
        link = link_of(reference)
        if link is None or link.startswith("#") or "?" in link:
            return None
        found = self.resolve(reference, owner)
        if found is not None:
            return found.id if found.type == type else None
        return shortened(last_part(link), 400) or None if self.type_of(reference) in (None, type) else None

    def patient(self, resource: Json, owner: Found | None = None) -> str | None:
        """The id of the patient that a resource names, if it names one."""
        return self._person(_subject(resource), owner)

    def about(self, found: Found) -> str | None:
        """Whom an entry is about: the patient that it names, or whom or what it names instead.

        The focus of an observation goes before its subject, where it is certainly another person: in a
        mother's record it may be the child.
        """
        patient = self.patient(found.resource, found)
        for link in objects(found.resource.get("focus")) if found.type == "Observation" else ():
            type = self.type_of(link, found)
            if type in _PEOPLE:
                return _shown(link)
            focus = self._person(link, found) if type == "Patient" else None
            if focus not in (None, patient):
                return focus
        if patient is None and self.type_of(_subject(found.resource), found) in _OTHERS:
            return _shown(_subject(found.resource))
        return patient

    def _person(self, reference: Json, owner: Found | None) -> str | None:
        link = text(reference.get("reference"))
        if link is None:
            return self._identified([obj(reference.get("identifier"))])
        if link.startswith("#"):
            inner = self._inside(link[1:], owner)
            person = inner is not None and inner.type == "Patient"
            return self._identified(objects(inner.resource.get("identifier"))) if inner and person else None
        if "?" in link:
            return self._searched(link)
        return self.target(reference, "Patient", owner)

    def _searched(self, link: str) -> str | None:
        """The patient that a conditional reference names (`Patient?identifier=urn:mrn|111`)."""
        if self.type_of({"reference": link}) != "Patient":
            return None
        query = link.partition("?")[2]
        return next(iter(parse_qs(query).get("_id", ())), None) or self._identified(identifiers_in(query))

    def _identified(self, given: Iterable[Json]) -> str | None:
        """The patient who has one of the identifiers; where those who were sent have others of its system, someone else."""
        other = None
        for one in given:
            system, value = text(one.get("system")), text(one.get("value"))
            owned = [
                (patient.id, text(own.get("value")))
                for patient in self.patients
                for own in objects(patient.resource.get("identifier"))
                if text(own.get("system")) == system
            ]
            if value is None or not owned:
                continue
            mine = next((id for id, known in owned if known == value), None)
            if mine is not None:
                return mine
            other = other or shortened(f"{system or ''}|{value}", 400)
        return other


def identifiers_in(query: str) -> list[Json]:
    """The identifiers that a conditional reference asks for (`identifier=urn:mrn|111`)."""
    parts = [token.rpartition("|") for token in parse_qs(query).get("identifier", ())]
    return [{"system": system, "value": value} for system, _, value in parts]


def link_of(reference: Any) -> str | None:
    """Where a Reference, or a plain text in the place of one, points to."""
    return text(reference) if isinstance(reference, str) else text(obj(reference).get("reference"))


def _subject(resource: Json) -> Json:
    named = obj(resource.get("subject")) or obj(resource.get("patient"))
    return named or {"reference": text(resource.get("subject"))}


def _shown(reference: Json) -> str:
    said = text(reference.get("reference")) or text(reference.get("display")) or text(reference.get("type"))
    return shortened(said or "someone else", 400)
