"""Resources out of bundles, and references to them.

An answer to a search may be one resource, a bundle, a page of a longer one, or a failure; which of these
it is decides whether a section of the record counts as supplied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from oncogate.adapters.fhir.access import Json, items, obj, objects, shortened, text
from oncogate.base.once import once

_DEPTH = 8


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


@dataclass
class Pages:
    """What an answer holds. `failed` says why it is none; `missing` that there is more than was sent."""

    found: list[Found] = field(default_factory=list)
    failed: str | None = None
    missing: str | None = None
    garbled: list[str] = field(default_factory=list)


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
    """Results that a report carries inside itself."""
    if found.type != "DiagnosticReport":
        return
    listed = {text(r.get("reference")) for r in objects(found.resource.get("result"))}
    for n, inner in enumerate(items(found.resource.get("contained"))):
        if not isinstance(inner, Mapping) or text(inner.get("resourceType")) != "Observation":
            continue
        if f"#{text(inner.get('id'))}" in listed or text(inner.get("id")) in listed:
            given = {"subject": found.resource.get("subject"), **inner}
            yield Found(given, f"{found.pointer}/contained/{n}", None, found, str(n))


def _is_error(outcome: Json) -> bool:
    severities = [text(i.get("severity")) for i in objects(outcome.get("issue"))]
    return text(outcome.get("resourceType")) == "OperationOutcome" and (
        not severities or any(s not in ("warning", "information", "success") for s in severities)
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
        link = text(obj(reference).get("reference")) or (
            text(reference) if isinstance(reference, str) else None
        )
        if link is None:
            return None
        if link.startswith("#"):
            return self._inside(link[1:], owner)
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

    def target(self, reference: Any, type: str, owner: Found | None = None) -> str | None:
        """The id of what a reference means, if it can be of that type; contained resources have none."""
        link = text(obj(reference).get("reference")) or (
            text(reference) if isinstance(reference, str) else None
        )
        if link is None or link.startswith("#"):
            return None
        found = self.resolve(reference, owner)
        if found is not None:
            return found.id if found.type == type else None
        said = text(obj(reference).get("type"))
        parts = link.split("/_history/")[0].split("?")[0].rstrip("/").split("/")
        if len(parts) > 1:
            said = parts[-2]
        return shortened(last_part(link), 400) or None if said in (None, type) else None

    def patient(self, resource: Json, owner: Found | None = None) -> str | None:
        """The id of the patient that a resource names, if it names one."""
        named = obj(resource.get("subject")) or obj(resource.get("patient"))
        if not named and text(resource.get("subject")):
            named = {"reference": resource["subject"]}
        found = self.target(named, "Patient", owner)
        if found is not None:
            return found
        given = obj(named.get("identifier"))
        value = text(given.get("value"))
        if value is None or text(named.get("reference")):
            return None
        system = text(given.get("system"))
        known = False
        for patient in self.patients:
            for own in objects(patient.resource.get("identifier")):
                if text(own.get("system")) == system:
                    known = True
                    if text(own.get("value")) == value:
                        return patient.id
        return shortened(f"{system or ''}|{value}", 400) if known else None
