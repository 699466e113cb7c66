"""Named checks: what should hold of every rule, whoever wrote it. Each has its heading in `docs/reference/checks.md`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from oncogate.authoring.examples import run_example
from oncogate.authoring.lint import problem_of_sources
from oncogate.explain.findings import obligations_of, remedy_for
from oncogate.explain.way_forward import with_done
from oncogate.model.condition import Supplied
from oncogate.model.record import Entry, Unread
from oncogate.model.request import Request
from oncogate.model.rule import Remedy, Verdict
from oncogate.packs.leaves import leaves
from oncogate.packs.load import load_library
from oncogate.packs.pack import Library, LoadedRule
from oncogate.testing.trying import Failure, Subject, Tried

Check = Callable[[Subject], Iterator[Failure]]

SILENT: frozenset[Verdict] = frozenset({"met", "not_applicable"})

# -- what the examples show ------------------------------------------------------------------------


def examples_hold(subject: Subject) -> Iterator[Failure]:
    """Every example comes out as it expects."""
    for index in range(len(subject.rule.examples)):
        failure = example_failure(subject.library, subject.loaded, index)
        if failure is not None:
            yield failure


def example_failure(library: Library, loaded: LoadedRule, index: int) -> Failure | None:
    """What is wrong with one example of a rule."""
    example = loaded.rule.examples[index]
    result = run_example(library, loaded, index, example)
    if not result.problem:
        return None
    said = f"example `{example.name}`: {result.problem}"
    return Failure(loaded, said, ("examples", index), example.given, result.finding)


def both_sides_of_every_limit(subject: Subject) -> Iterator[Failure]:
    """The examples would come out otherwise with any number at either end of its range."""
    for name, sides in subject.shown.one_sided.items():
        said = f"the examples don't notice a {' or '.join(sides)} `{name}`"
        yield Failure(subject.loaded, said, ("parameters", name))


def every_leaf_seen_true_false_unknown(subject: Subject) -> Iterator[Failure]:
    """The examples show every condition true, false and unknown."""
    for leaf in subject.shown.leaves:
        if leaf.lacking:
            yield Failure(subject.loaded, f"no example shows this leaf {', '.join(leaf.lacking)}", leaf.where)


# -- the unknown -----------------------------------------------------------------------------------

SETTLED = frozenset({"tumour_is_staged", "order_needs_marker", "pathology_excepted"})
"""Formulas that the diagnoses settle otherwise: a tumour that isn't known is taken as the stricter or the usual
kind (docs/decisions/0002)."""


def unknown_speaks(subject: Subject) -> Iterator[Failure]:
    """Whatever can't be judged asks for something, and a section that is hidden is never taken for an empty one."""
    for tried, whole in subject.tried:
        if whole == "unknown":
            finding = subject.finding(tried, tried.request)
            if finding.asks is None or not (finding.reason.zh and finding.reason.en):
                yield subject.failure(tried, tried.request, "it can't be judged, and the rule says nothing")
        for section in tried.supplied:
            if section in _known_without(subject):
                continue
            marks = (*tried.request.record.unread, Unread(section=section, problem="isn't readable"))
            for how, request in (
                (f"without `{section}`", tried.with_record(**{section: None})),
                (f"with something of `{section}` unread", tried.with_record(unread=marks)),
            ):
                hidden = subject.verdict(tried, request)
                if hidden not in _allowed(subject, whole, hidden=how.startswith("without")):
                    said = f"{how} the rule says `{hidden}`, where it said `{whole}` before"
                    yield subject.failure(tried, request, said)


def _known_without(subject: Subject) -> frozenset[str]:
    """Sections without which the facts of a rule are known all the same."""
    settled = {"diagnoses"} if SETTLED & {fact.derive for fact in subject.facts} else set()
    return frozenset(s for fact in subject.facts for s in fact.also) - {"labs"} | settled


def _allowed(subject: Subject, whole: Verdict, *, hidden: bool = False) -> set[Verdict]:
    """What a rule may say of a request of which less is known."""
    allowed: set[Verdict] = {"unknown", whole}
    if whole == "not_applicable":
        allowed.add("met")  # met in any case; whether it concerns the rule at all isn't known then
    if hidden and any(isinstance(leaf, Supplied) for _, leaf in leaves(subject.rule)):
        allowed.add("not_applicable")
    return allowed


def only_settles(subject: Subject) -> Iterator[Failure]:
    """Learning what wasn't known of an entry settles unknowns and reverses nothing."""
    raising = subject.rule.effect == "critical_value"  # raised where it is in doubt
    for tried, whole in subject.tried:
        for section in tried.supplied:
            entries = tried.entries(section)
            for index, entry in enumerate(entries):
                for what, blank in _blanked(section, entry):
                    less = (*entries[:index], blank, *entries[index + 1 :])
                    request = tried.with_record(**{section: less})
                    before = subject.verdict(tried, request)
                    if before not in _allowed(subject, whole) and not (before == "unmet" and raising):
                        said = f"`{before}` becomes `{whole}` when {what} of `{entry.id}` is learnt"
                        yield subject.failure(tried, request, said)


TIMELESS = frozenset({"diagnoses", "allergies"})
"""Sections whose entries stand without a time."""


def _blanked(section: str, entry: Entry) -> Iterator[tuple[str, Entry]]:
    """The entry with one thing of it that can't be read."""
    value = getattr(entry, "value", None)
    if value is not None:
        yield "the unit", entry.model_copy(update={"value": value.model_copy(update={"unit": "?"})})
    if getattr(entry, "level", None) is not None:
        yield "the level", entry.model_copy(update={"level": "?"})
    if entry.effective is not None and section not in TIMELESS:
        yield "the time", entry.model_copy(update={"effective": None, "recorded": None})


# -- what is said ----------------------------------------------------------------------------------

_CODE = re.compile(r"\b[a-z]+_[a-z_]+\b|\b[a-z]{2,}\.[a-z_]+\b")
_UNFILLED = re.compile(r"[{}]|\bNone\b")
_GAP = re.compile(r"（）|“”|``|：。|：；|、。|  ")
_HAN = re.compile(r"[\u3400-\u9fff]")


def texts_render(subject: Subject) -> Iterator[Failure]:
    """What the rule says is filled in, in Chinese and English, and has no words of code."""
    for tried, _ in subject.tried:
        judgement, case = subject.judgement(tried, tried.request)
        finding = subject.finding(tried, tried.request)
        obliged = [o.text for o in obligations_of(judgement, case) if o.text is not None]
        chinese = "\n".join([finding.explain("zh"), *(text.zh for text in obliged)])
        english = "\n".join([finding.explain("en"), *(text.en for text in obliged)])
        for problem in (*_problems(chinese, gaps=True), *_problems(english)):
            yield subject.failure(tried, tried.request, problem)
        if not (finding.reason.zh.strip() and finding.reason.en.strip() and _HAN.search(chinese)):
            yield subject.failure(tried, tried.request, "there are no words for it in one of the languages")


def _problems(text: str, *, gaps: bool = False) -> Iterator[str]:
    for pattern, said in ((_UNFILLED, "isn't filled in"), (_CODE, "is a word of code")):
        if found := pattern.search(text):
            yield f"`{found[0]}` {said}"
    if gaps and (found := _GAP.search(text)):
        yield f"something is missing at `{found[0]}`"


def remedy_remedies(subject: Subject) -> Iterator[Failure]:
    """After what its remedy adds the rule is never unmet, and in some case of each remedy it is met."""
    idle: dict[str, Failure | None] = {}
    for tried, verdict in subject.tried:
        remedy = remedy_for(subject.rule, verdict)
        if verdict in SILENT or remedy is None or not remedy.adds:
            continue
        after = _remedied(subject, tried, tried.request, remedy)
        now = subject.verdict(tried, after)
        # what was withdrawn at the very moment can be signed only after it
        later = tried.request.model_copy(update={"at": tried.request.at + timedelta(minutes=1)})
        if now in SILENT or subject.verdict(tried, _remedied(subject, tried, later, remedy)) in SILENT:
            idle[remedy.action] = None
            continue
        failure = subject.failure(tried, after, f"it is still `{now}` when `{remedy.action}` is done")
        if now == "unmet":
            yield failure
            idle[remedy.action] = None
        idle.setdefault(
            remedy.action, failure
        )  # what no measurement clears up, such as a drug without a name
    yield from filter(None, idle.values())


def _remedied(subject: Subject, tried: Tried, request: Request, remedy: Remedy) -> Request:
    _, case = subject.judgement(tried, request)
    return with_done(case, [(remedy.action, remedy, subject.finding(tried, request).missing)])


def stable_has_source(subject: Subject) -> Iterator[Failure]:
    """A rule that counts names where it comes from, and that isn't general knowledge alone."""
    problem = problem_of_sources(subject.rule)
    if problem is not None:
        yield Failure(subject.loaded, problem.message, ("sources",))


# -- which entries count ---------------------------------------------------------------------------


def evidence_suffices(subject: Subject) -> Iterator[Failure]:
    """Judged on the entries that its finding names, and the diagnoses, the rule says the same again."""
    for tried, verdict in subject.tried:
        named = {row.entry for row in subject.finding(tried, tried.request).evidence}
        less = {
            section: tuple(e for e in tried.entries(section) if e.id in named)
            for section in tried.supplied
            if section != "diagnoses"
        }
        yield from _same(subject, tried, verdict, less, "on the evidence alone")


def another_patient_never_counts(subject: Subject) -> Iterator[Failure]:
    """With a section's entries another patient's, the rule says what it says without them."""
    for tried, _ in subject.tried:
        patient = tried.request.record.patient
        if patient is not None:
            yield from _as_without(subject, tried, "another patient's", {"patient": f"not-{patient.id}"})


def recorded_late_never_counts(subject: Subject) -> Iterator[Failure]:
    """With a section's entries recorded after the moment, the rule says what it says without them."""
    for tried, _ in subject.tried:
        late = {"recorded": tried.request.at + timedelta(minutes=1)}
        yield from _as_without(subject, tried, "recorded a minute after the moment", late)


def order_of_entries_never_matters(subject: Subject) -> Iterator[Failure]:
    """With the entries of each section turned round, the rule says the same in the same words."""
    for tried, _ in subject.tried:
        turned = tried.with_record(**{s: tuple(reversed(tried.entries(s))) for s in tried.supplied})
        one, other = subject.finding(tried, tried.request), subject.finding(tried, turned)
        if (one.verdict, one.reason) != (other.verdict, other.reason):
            said = (
                f"`{one.verdict}` becomes `{other.verdict}`"
                if one.verdict != other.verdict
                else "the words change"
            )
            yield subject.failure(tried, turned, f"{said} when the entries are turned round")


def _as_without(subject: Subject, tried: Tried, how: str, change: Mapping[str, Any]) -> Iterator[Failure]:
    """Failures of sections whose entries, changed so, aren't the same to the rule as no entries."""
    for section in filter(tried.entries, tried.supplied):
        without = subject.verdict(tried, tried.with_record(**{section: ()}))
        changed = tuple(entry.model_copy(update=change) for entry in tried.entries(section))
        said = f"with `{section}` {how}"
        yield from _same(subject, tried, without, {section: changed}, said)


def _same(
    subject: Subject, tried: Tried, verdict: Verdict, sections: Mapping[str, Any], how: str
) -> Iterator[Failure]:
    request = tried.with_record(**sections)
    now = subject.verdict(tried, request)
    if now != verdict:
        yield subject.failure(tried, request, f"{how} the rule says `{now}`, not `{verdict}`")


# -- running them ----------------------------------------------------------------------------------

CHECKS: tuple[Check, ...] = (
    examples_hold, both_sides_of_every_limit, every_leaf_seen_true_false_unknown, unknown_speaks, only_settles,
    texts_render, remedy_remedies, stable_has_source, evidence_suffices, another_patient_never_counts,
    recorded_late_never_counts, order_of_entries_never_matters,
)  # fmt: skip


class ChecksFailed(AssertionError):
    """Some checks have failed; `failures` says which, on what, and what the rules themselves say of it."""

    def __init__(self, failures: Iterable[Failure]) -> None:
        self.failures = tuple(failures)
        super().__init__("\n".join(str(failure) for failure in self.failures))


def check_pack(pack: str | Path | Library, *, checks: Iterable[Check] = CHECKS, probes: int = 0) -> None:
    """Run checks on every rule of a folder, a pack, a rule file or a loaded library.

    Each rule is tried with its examples and with up to so many `probes` around its limits (a rule has about
    a thousand). Raises `ChecksFailed`, an `AssertionError`, with every failure, and `PackError` if the rules can't be loaded.
    """
    library = pack if isinstance(pack, Library) else load_library([pack])
    checks = tuple(checks)
    failures = [
        failure
        for loaded in library.rules
        for subject in [Subject(loaded, library, probes)]
        for check in checks
        for failure in run_check(check, subject)
    ]
    if failures:
        raise ChecksFailed(failures)


def run_check(check: Check, subject: Subject) -> Iterator[Failure]:
    """What one check finds in one rule, each failure under the check's name."""
    for failure in check(subject):
        yield replace(failure, check=check.__name__)
