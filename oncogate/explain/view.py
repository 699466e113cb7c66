"""What a page about a decision shows, in one language and in reading order: text and HTML are made from this."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from oncogate.base.texts import Language
from oncogate.engine.values import unit_text
from oncogate.engine.wording import before_number
from oncogate.explain.reasons import time_text
from oncogate.explain.rows import Row, label_of, rows_of
from oncogate.explain.words import ALLOWED, code_text, one_line, word
from oncogate.model.decision import CriticalValue, Decision, Finding, Loosening, Obligation, Used
from oncogate.model.rule import Override

MOST_WORDS = 12
"""Words of a parameter that are shown; a list of spellings has more."""
_STRICTEST_FIRST = {"block": 0, "warn": 1, "inform": 2, None: 3}


@dataclass(frozen=True)
class Step:
    """Something to do, under the name of its action."""

    action: str
    text: str


@dataclass(frozen=True)
class Section:
    """One finding as shown. `tone` is `critical`, `block`, `warn` or `inform`.

    `title` is the rule's; it says what is wrong, which isn't known where `unsure`: `heading` says so.
    """

    tone: str
    tag: str
    rule: str
    verdict: str
    unsure: bool
    title: str
    heading: str
    reason: str
    values: tuple[str, ...]
    remedy: str
    override: str
    evidence: tuple[Row, ...]
    limits: tuple[str, ...]


@dataclass(frozen=True)
class Forward:
    """The way forward: `first` are actions of every set, `sets` the alternatives beside them."""

    intro: str
    first: tuple[Step, ...] = ()
    either: str = ""
    sets: tuple[tuple[str, tuple[Step, ...]], ...] = ()
    left_intro: str = ""
    left: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """A decision as shown."""

    outcome: str
    banner: str
    means: str
    alarm: str
    counts: str
    about: tuple[tuple[str, str], ...]
    critical: tuple[Section, ...]
    findings: tuple[Section, ...]
    forward: Forward | None
    obligations: tuple[str, ...]
    others: tuple[tuple[str, str, str], ...]
    shadow: tuple[tuple[str, str, str], ...]
    notices: tuple[str, ...]
    loosened: tuple[str, ...]
    packs: str


def view_of(decision: Decision, language: Language, *, everything: bool = False) -> View:
    """The decision in words; `everything` names the rules that ask for nothing, or are on trial, too."""
    return _Viewer(decision, language).view(everything)


def override_said(override: Override, language: Language) -> str:
    """Who may go on in spite of a finding, and for which reasons."""
    by = ("或" if language == "zh" else " or ").join(code_text(one, language) for one in override.by)
    said = ALLOWED[override.allowed].in_(language).format(by=by or code_text("anyone", language))
    if override.allowed != "never" and override.reasons:
        reasons = ("、" if language == "zh" else ", ").join(
            code_text(one, language) for one in override.reasons
        )
        said += f"（可用理由：{reasons}）" if language == "zh" else f" ({reasons})"
    return one_line(said)


class _Viewer:
    def __init__(self, decision: Decision, language: Language) -> None:
        self.decision = decision
        self.language = language
        self.comma = "、" if language == "zh" else ", "
        self.colon = "：" if language == "zh" else ": "
        self.semicolon = "；" if language == "zh" else "; "

    def view(self, everything: bool) -> View:
        decision = self.decision
        asking = sorted(
            (f for f in decision.findings if f.asks),
            key=lambda f: (_STRICTEST_FIRST[f.asks], f.verdict == "unknown", f.rule),
        )
        raised = {v.rule for v in decision.critical_values}
        about = [
            (self.word("order"), one_line(decision.order) if decision.order else self.word("no_order")),
            (
                self.word("patient"),
                one_line(decision.patient) if decision.patient else self.word("unknown_patient"),
            ),
            (self.word("at"), _exact(decision.at)),
        ]
        counts = [
            f"{self.word(a)} {n}"
            for a in ("block", "warn", "inform")
            if (n := sum(f.asks == a and f.rule not in raised for f in asking))
        ]
        rest = [f for f in decision.all_findings if f.asks is None] if everything else []
        trial = decision.shadow if everything else ()  # at an order screen a rule that doesn't count is noise
        return View(
            outcome=decision.outcome, banner=self._banner(), means=self._means(),
            alarm=f"{self.word('critical')} {len(decision.critical_values)}" if decision.critical_values else "",
            counts=" · ".join(counts), about=tuple(about), critical=self._critical(asking, raised),
            findings=tuple(self._section(f, f.asks or "inform") for f in asking if f.rule not in raised),
            forward=self._forward(asking), obligations=tuple(self._obligation(o) for o in decision.obligations),
            others=tuple((self.word(f.verdict), one_line(f.title.in_(self.language)), f.rule) for f in rest),
            shadow=tuple((self.word(f.asks or f.verdict), one_line(f.title.in_(self.language)), f.rule) for f in trial),
            notices=tuple(one_line(f"{n.message.in_(self.language)} ({n.path}) [{n.code}]") for n in decision.notices),
            loosened=tuple(self._loosened(one) for one in decision.loosened), packs=self._packs(),
        )  # fmt: skip

    @property
    def _allows_nothing(self) -> bool:
        return self.decision.order is None and self.decision.outcome == "allow"

    def _banner(self) -> str:
        return self.word("allow.nothing" if self._allows_nothing else self.decision.outcome)

    def _means(self) -> str:
        if self._allows_nothing:
            return self.word("allow.no_order")
        return self.word(f"{self.decision.outcome}.means")

    def word(self, key: str, **values: str) -> str:
        return word(key, self.language, **values)

    def _critical(self, asking: Iterable[Finding], raised: set[str]) -> tuple[Section, ...]:
        by_rule = {f.rule: f for f in asking if f.rule in raised}
        made = []
        for rule in sorted(raised):
            values = tuple(self._value(v) for v in self.decision.critical_values if v.rule == rule)
            made.append(
                self._section(by_rule[rule], "critical", values)
                if rule in by_rule
                else self._bare(rule, values)
            )
        return tuple(made)

    def _bare(self, rule: str, values: tuple[str, ...]) -> Section:
        return Section(
            "critical", self.word("critical"), rule, "", False, rule, rule, "", values, "", "", (), ()
        )

    def _value(self, value: CriticalValue) -> str:
        unit = unit_text(value.unit).in_(self.language)
        when = time_text(value.effective, self.decision.at).in_(self.language) if value.effective else ""
        parts = [
            f"{before_number(label_of(value, self.language))}{value.value} {unit}", f"{self.word('limit')} {value.limit} {unit}", when,
            f"{self.word('source')} {value.source or value.entry}",
        ]  # fmt: skip
        return one_line(" · ".join(p for p in parts if p))

    def _section(self, finding: Finding, tone: str, values: tuple[str, ...] = ()) -> Section:
        title, unsure = one_line(finding.title.in_(self.language)), finding.verdict == "unknown"
        return Section(
            tone=tone, tag=self.word(tone), rule=finding.rule, verdict=self.word(finding.verdict),
            unsure=unsure, title=title, heading=self.word("unsure.title", title=title) if unsure else title, reason=one_line(finding.reason.in_(self.language)), values=values,
            remedy=one_line(finding.remedy.in_(self.language)) if finding.remedy else "", override=self._override(finding),
            evidence=tuple(rows_of(finding.evidence, self.decision.at, self.language)),
            limits=tuple(self._limits(finding)),
        )  # fmt: skip

    def _override(self, finding: Finding) -> str:
        override = finding.override
        if override is None or finding.asks not in ("block", "warn"):
            return ""
        if override.allowed == "never" and finding.asks == "warn":
            return ""  # a warning stops nobody
        return override_said(override, self.language)

    def _code(self, code: str) -> str:
        return code_text(code, self.language)

    def _limits(self, finding: Finding) -> Iterable[str]:
        """One line for each layer that set some of them; that of the rule's own pack is the usual one.

        What has no label is no limit (`high` in a rule on high risk), nor is a list of spellings.
        """
        parameters = {
            name: used for name, used in finding.parameters.items()
            if used.label is not None and used.value.count(", ") < MOST_WORDS
        }  # fmt: skip
        for layer in dict.fromkeys(used.set_by for used in parameters.values()):
            said = self.semicolon.join(
                self._limit(name, used) for name, used in parameters.items() if used.set_by == layer
            )
            by = "" if layer == finding.rule.partition("/")[0] else self.word("set_by", by=layer)
            yield one_line(said + (by and (f"（{by}）" if self.language == "zh" else f" ({by})")))

    def _limit(self, name: str, used: Used) -> str:
        label = used.label.in_(self.language) if used.label else name
        said = used.said.in_(self.language) if used.said else f"{used.value} {used.unit or ''}".strip()
        return f"{label}{self.colon}{said}"

    def _forward(self, asking: Sequence[Finding]) -> Forward | None:
        decision = self.decision
        if decision.outcome == "allow":
            return None
        said = {
            f.remedy.action: f.remedy.in_(self.language) for f in reversed(asking) if f.remedy is not None
        }
        by_rule = {f.rule: f for f in asking}
        stuck = [by_rule[r] for r in decision.not_remediable if r in by_rule]
        left = tuple(self._stuck(f) for f in stuck)
        if not decision.way_forward:
            return Forward(self.word("next.nothing"), left=left) if left else None
        sets = [tuple(actions) for actions in decision.way_forward]
        common = [a for a in sets[0] if all(a in s for s in sets)]
        rests = [tuple(Step(a, one_line(said.get(a, a))) for a in s if a not in common) for s in sets]
        tail = ".warn" if stuck else ""
        done = "next.warn" if stuck else "next.clear" if decision.outcome == "warn" else "next.allow"
        numbered = (
            tuple((self.word("next.set", n=str(i)), rest) for i, rest in enumerate(rests, 1))
            if len(sets) > 1
            else ()
        )
        return Forward(
            intro=self.word(f"next.one_of{tail}") if numbered and not common else self.word(done),
            first=tuple(Step(a, one_line(said.get(a, a))) for a in common),
            either=self.word("next.either") if numbered and common else "", sets=numbered,
            left_intro=self.word("next.left") if left else "", left=left,
        )  # fmt: skip

    def _stuck(self, finding: Finding) -> str:
        title = finding.title.in_(self.language)
        remedy = finding.remedy.in_(self.language) if finding.remedy else ""
        return one_line(f"{title}{self.colon}{remedy}" if remedy else title)

    def _obligation(self, obligation: Obligation) -> str:
        if obligation.text is not None:
            return one_line(obligation.text.in_(self.language))
        level = f" · {self._code(obligation.level)}" if obligation.level else ""
        return one_line(f"{self._code(obligation.kind)}{level} ({obligation.rule})")

    def _loosened(self, one: Loosening) -> str:
        what = f"{one.rule} {one.what.in_(self.language)}"
        return one_line(
            self.word(
                "loosened.one",
                what=what,
                layer=one.layer,
                reason=one.reason,
                by=one.approved_by,
                until=str(one.until),
            )
        )

    def _packs(self) -> str:
        packs = [f"{p.id} {p.version} ({p.digest.removeprefix('sha256:')[:8]})" for p in self.decision.packs]
        return one_line(" · ".join([*packs, self.decision.engine]))


def _exact(moment: datetime) -> str:
    """The moment with its zone: `2026-03-02 09:30 +08:00`."""
    text = moment.isoformat(" ", "minutes" if not moment.second and not moment.microsecond else "auto")
    zone = text[-6:] if moment.utcoffset() is not None else ""
    return f"{text.removesuffix(zone)} {zone}"
