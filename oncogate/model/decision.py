"""The decision: findings with their evidence, and what follows. Everything shown to anyone is made from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import (
    ConfigDict,
    Field,
    Strict,
)
from pydantic_core import PydanticSerializationError, SchemaSerializer

from oncogate.base.made import made
from oncogate.base.texts import Language, Text
from oncogate.base.written import json_bytes
from oncogate.model.later import Later, without_serializer
from oncogate.model.rule import Effect, Outcome, Override, Verdict
from oncogate.model.values import Day, Model, Moment, When

Why = Literal[
    "absent", "not_supplied", "unread", "wrong_patient", "too_old", "in_the_future", "recorded_late", "wrong_kind",
    "wrong_focus", "not_final", "withdrawn", "superseded", "invalid", "unreadable_unit", "implausible", "conflicting",
    "other_regimen", "other_cycle", "engine_error",
]  # fmt: skip
"""Why an entry doesn't count, or why a thing isn't known."""

Asked = Literal["block", "warn", "inform"]


class Evidence(Model):
    """One thing looked at: an entry of the record, or that there is none (`entry` is null).

    `label` is what clinicians call the fact; `counted` is null where it can't be told whether the entry counts. `value` is as recorded; `detail`
    says what a physician needs to understand `why`.
    """

    fact: str
    label: Text | None = None
    entry: str | None = None
    source: str | None = None
    counted: bool | None
    why: Why | None = None
    value: str | None = None
    time: When | None = None
    precision: Literal["day"] | None = None
    detail: Text | None = None

    @classmethod
    def made(cls, **fields: Any) -> Evidence:
        """Evidence of fields that are known to be right: a record of many years has thousands of rows."""
        return made(cls, {**_NO_EVIDENCE, **fields})

    def labelled(self, label: Text) -> Evidence:
        """The same with what clinicians call the fact."""
        return made(Evidence, {**self.__dict__, "label": label})


_NO_EVIDENCE = dict.fromkeys(Evidence.model_fields)


class Used(Model):
    """A parameter as used, and who set it: a pack's id or a site's. `said` is the value with its unit, as a clinician reads it."""

    value: str
    unit: str | None = None
    set_by: str
    label: Text | None = None
    said: Text | None = None


class Advice(Text):
    """What to do now, under the name that `way_forward` uses."""

    action: str


class Finding(Model):
    """What one rule says of the request; `layer` is the one that set its status or effect, if one did."""

    rule: str
    version: int
    layer: str | None = None
    effect: Effect
    verdict: Verdict
    asks: Asked | None
    why: Why | None = None
    title: Text
    reason: Text
    evidence: Annotated[tuple[Evidence, ...], Strict(False)] = ()
    missing: Annotated[tuple[str, ...], Strict(False)] = ()
    parameters: Mapping[str, Used] = Field(default_factory=dict)
    remedy: Advice | None = None
    override: Override | None = None

    def explain(self, language: Language = "zh") -> str:
        """The finding as sentences: what is wrong, what was found, what to do now."""
        lines = [self.title.in_(language), self.reason.in_(language)]
        if self.remedy is not None and self.verdict in ("unmet", "unknown"):
            lines.append(("处理：" if language == "zh" else "What to do: ") + self.remedy.in_(language))
        return "\n".join(lines)


class CriticalValue(Model):
    """A critical value (危急值): it starts a closed loop, whether or not an order is pending."""

    rule: str
    fact: str
    label: Text | None = None
    value: str
    unit: str
    limit: str
    entry: str
    source: str | None = None
    effective: When | None = None


class Obligation(Model):
    """What must happen for the outcome to stand, or follows from it. The host acts."""

    kind: str
    level: str | None = None
    text: Text | None = None
    rule: str


class Loosening(Model):
    """Something that a layer loosened: it shows in every decision and ends by itself after `until`."""

    rule: str
    layer: str
    what: Text
    reason: str
    approved_by: str
    until: Day


class PackUsed(Model):
    """A pack that judged, to the byte."""

    id: str
    version: str
    digest: str


class Notice(Model):
    """A problem of the input that isn't a clinical finding."""

    code: str
    path: str
    message: Text


_ACCOUNT = "_account"


class Decision(Later):
    """The answer to a request. `findings` holds what asked for something and what was unknown.

    The outcome and what determined it are there at once; evidence, sentences and the way forward are worked out when
    someone looks at them, from the frozen request, so they are the same whenever that is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)

    outcome: Outcome
    at: Moment
    order: str | None
    patient: str | None
    findings: Annotated[tuple[Finding, ...], Strict(False)]
    determining_rules: Annotated[tuple[str, ...], Strict(False)] = Field(alias="determining")
    critical_values: Annotated[tuple[CriticalValue, ...], Strict(False)] = ()
    obligations: Annotated[tuple[Obligation, ...], Strict(False)] = ()
    way_forward: Annotated[tuple[Annotated[tuple[str, ...], Strict(False)], ...], Strict(False)] = ()
    not_remediable: Annotated[tuple[str, ...], Strict(False)] = ()
    shadow: Annotated[tuple[Finding, ...], Strict(False)] = ()
    notices: Annotated[tuple[Notice, ...], Strict(False)] = ()
    loosened: Annotated[tuple[Loosening, ...], Strict(False)] = ()
    packs: Annotated[tuple[PackUsed, ...], Strict(False)] = ()
    engine: str

    @classmethod
    def told_by(
        cls, account: object, *, outcome: Outcome, determining_rules: tuple[str, ...], packs: tuple[PackUsed, ...], engine: str,
    ) -> Decision:  # fmt: skip
        """A decision of which `account` tells the rest when it is asked: the other fields, and `all_findings`."""
        fields = {
            "outcome": outcome, "determining_rules": determining_rules, "packs": packs, "engine": engine, _ACCOUNT: account,
        }  # fmt: skip
        return made(cls, fields)

    def work_out(self, name: str) -> Any:
        """What the account tells."""
        return getattr(self.__dict__[_ACCOUNT], name)

    def __copy__(self) -> Decision:
        copied = super().__copy__()
        if _ACCOUNT in self.__dict__:
            copied.__dict__[_ACCOUNT] = self.__dict__[_ACCOUNT]
        return copied

    __hash__ = None  # type: ignore[assignment]

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """Every rule's finding, those that are met or don't apply too; only `findings` after a round trip."""
        account: Any = self.__dict__.get(_ACCOUNT)
        every: tuple[Finding, ...] = self.findings if account is None else account.all_findings
        return every

    @property
    def determining(self) -> tuple[Finding, ...]:
        """The findings that asked for the outcome."""
        return tuple(f for f in self.findings if f.rule in self.determining_rules)

    def finding(self, rule: str) -> Finding | None:
        """The finding of a rule, if it is among `all_findings`."""
        return next((f for f in self.all_findings if f.rule == rule), None)

    def to_dict(self, *, everything: bool = False) -> dict[str, Any]:
        """The decision as plain data, in the order of the Contract; `everything` adds met and not applicable."""
        data = self.model_dump(mode="json", by_alias=True)
        if everything:
            data["findings"] = [f.model_dump(mode="json") for f in self.all_findings]
        return data

    def to_json(self, *, everything: bool = False) -> str:
        """Canonical JSON: the same request gives the same bytes. `Decision.load` reads back an equal decision."""
        if not everything:
            try:
                return _writer().to_json(self.whole(), by_alias=True).decode()
            except PydanticSerializationError:
                pass  # half a surrogate pair, which UTF-8 doesn't have
        return json_bytes(self.to_dict(everything=everything)).decode()

    @classmethod
    def load(cls, source: str | bytes | Mapping[str, Any]) -> Decision:
        """A decision from its JSON or its data; raises pydantic's `ValidationError` for anything else."""
        return cls.model_validate(json.loads(source) if isinstance(source, (str, bytes)) else source)


@cache
def _writer() -> SchemaSerializer:
    """Writes a decision that has told everything straight from its fields."""
    return SchemaSerializer(without_serializer(Decision.__pydantic_core_schema__))
