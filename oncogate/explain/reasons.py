"""Why, in sentences: what is missing or wrong, what was found and why it didn't count.

A reason starts with the rule's own statement, filled with the drugs, values and limits of the case, and
goes on with the near misses and the gaps that the evidence shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from string import Formatter

from oncogate.base.texts import Text, seamed, sewn
from oncogate.base.times import Time
from oncogate.engine.case import Case, OrderedDrug
from oncogate.engine.conditions import LeafOutcome, telling
from oncogate.engine.judge import Judgement
from oncogate.engine.standing import Standing
from oncogate.engine.values import written
from oncogate.engine.wording import minute_text, quantity_words, shown_value, stated
from oncogate.explain.words import OTHER_FACTS, quantity_said
from oncogate.model.decision import Evidence, Why
from oncogate.model.facts import Fact
from oncogate.model.record import Entry
from oncogate.model.values import Quantity

WHY: dict[Why, Text] = {
    "absent": Text(zh="没有记录", en="nothing on record"),
    "not_supplied": Text(zh="系统未提供该项资料", en="not supplied by the host system"),
    "unread": Text(zh="无法读取", en="could not be read"),
    "wrong_patient": Text(zh="属于另一位患者", en="belongs to another patient"),
    "too_old": Text(zh="已超过有效时限", en="too old"),
    "in_the_future": Text(zh="时间晚于本次判定时刻", en="dated after the moment of the decision"),
    "recorded_late": Text(zh="在判定时刻之后才录入", en="recorded after the moment of the decision"),
    "wrong_kind": Text(zh="种类不符", en="of another kind"),
    "wrong_focus": Text(
        zh="不是（或无法确定是）本次治疗的肿瘤", en="not, or not known to be, about the tumour treated"
    ),
    "not_final": Text(zh="尚未完成或未定稿", en="not final"),
    "withdrawn": Text(zh="已撤回或拒绝", en="withdrawn or refused"),
    "superseded": Text(zh="已被更正或取代", en="corrected or replaced since"),
    "invalid": Text(zh="无效", en="not valid"),
    "unreadable_unit": Text(zh="单位无法识别", en="the unit can't be read"),
    "implausible": Text(zh="数值不可信", en="the value isn't plausible"),
    "conflicting": Text(zh="相互矛盾", en="conflicting"),
    "other_regimen": Text(zh="针对的是其他方案", en="for another regimen"),
    "other_cycle": Text(zh="针对的是其他周期", en="for another cycle"),
    "engine_error": Text(zh="规则运行出错", en="the rule failed to run"),
}

MET = Text(zh="已满足要求。", en="The requirement is met.")
NOT_APPLICABLE = Text(zh="本规则不适用于此次请求。", en="The rule doesn't apply to this request.")
NOT_KNOWN = Text(zh="现有资料不足以判定本项要求。", en="What is on record doesn't suffice to judge this.")
NOTHING = Text(zh="", en="")

Both = tuple[str, str]
"""A part of a sentence in Chinese and in English."""

MOST_SHOWN = 4
"""Near misses said in a sentence; all are in the evidence."""


class Fillings:
    """What `{…}` stands for in a rule's texts. Most texts use few of them, so each is worked out when one asks for it.

    `prepared` keeps of the rule's texts, by their `id`, what they are filled to in every case, where they ask for parameters
    alone, and else the names that they ask for.
    """

    def __init__(
        self, judgement: Judgement, case: Case, prepared: dict[int, Text | tuple[str, ...]] | None = None
    ) -> None:
        self.judgement = judgement
        self.case = case
        self._prepared = {} if prepared is None else prepared
        self._known: dict[str, Text] = {}

    def fill(self, text: Text) -> Text:
        """The text with each `{name}` replaced, in either language by its own."""
        prepared = self._prepared.get(id(text))
        if prepared is None:
            prepared = self._prepared[id(text)] = self._prepare(text)
        return self._filled(text, prepared) if isinstance(prepared, tuple) else prepared

    def _prepare(self, text: Text) -> Text | tuple[str, ...]:
        parts = (part for said in (text.zh, text.en) for part in Formatter().parse(said))
        names = tuple(dict.fromkeys(name for _, name, _, _ in parts if name is not None))
        alike = not any(name in _OF_THE_CASE or name in _OF_A_LEAF for name in names)
        return self._filled(text, names) if alike else names

    def _filled(self, text: Text, names: Iterable[str]) -> Text:
        values = {name: self[name] for name in names}
        zh = text.zh.format_map({name: seamed(value.zh) for name, value in values.items()})
        return Text.of(sewn(zh), text.en.format_map({name: value.en for name, value in values.items()}))

    def __getitem__(self, name: str) -> Text:
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._worked_out(name)
        return known

    def _worked_out(self, name: str) -> Text:
        of_the_case = _OF_THE_CASE.get(name)
        if of_the_case is not None:
            return of_the_case(self.judgement, self.case)
        of_a_leaf = _OF_A_LEAF.get(name)
        if of_a_leaf is not None:
            said = [t for leaf in self.judgement.leaves if (t := of_a_leaf(leaf, self.case)) is not None]
            if said:
                return said[-1]
        parameter = self.judgement.rule.parameters.get(name)
        if parameter is not None:
            return written(parameter)
        if of_a_leaf is not None:
            return NOTHING
        raise KeyError(name)


def reason_for(judgement: Judgement, case: Case, values: Fillings) -> Text:
    """The reason of a finding that asks for something, or why the rule is content; `values` are its fillings."""
    if judgement.verdict == "met":
        return MET
    if judgement.verdict == "not_applicable":
        return NOT_APPLICABLE
    said = judgement.rule.reason
    if judgement.verdict == "unmet":
        parts = [values.fill(said.unmet)]
    else:
        parts = [values.fill(said.unknown or NOT_KNOWN), *_gaps(judgement, case)]
    parts += _near_misses(judgement, case)
    english = " ".join([p.en for p in parts])
    begun = english[:1].upper()
    if len(parts) == 1 and english.startswith(begun):
        return parts[0]
    return Text.of("".join([p.zh for p in parts]), begun + english[1:])


def _tumour(_: Judgement, case: Case) -> Text:
    kind = case.tumour.kind
    return kind.label if kind else Text(zh="该肿瘤", en="this tumour")


def _regimen(_: Judgement, case: Case) -> Text:
    regimen = (case.order_row or {}).get("regimen") or ""
    return Text(zh=regimen, en=regimen)


def _value(leaf: LeafOutcome, _: Case) -> Text | None:
    return value_text(leaf.deciding[0].entry) if leaf.deciding else None


def _when(leaf: LeafOutcome, case: Case) -> Text | None:
    if not leaf.deciding:
        return None
    time = leaf.deciding[0].entry.effective
    return time_text(time, case.at) if time else NOTHING


def _used_limit(leaf: LeafOutcome, _: Case) -> Text | None:
    return None if leaf.limit is None else Text(zh=f"{leaf.limit:f}", en=f"{leaf.limit:f}")


def _drugs(judgement: Judgement, case: Case) -> Text:
    """The drugs that the judgement turned on, as the host names them; all of the order's if none stands out.

    A companion drug that is asked for and is there isn't one of them.
    """
    turned_on = (leaf for leaf in judgement.leaves if not (leaf.asked and leaf.truth))
    rows = [row for leaf in turned_on for row in leaf.evidence]
    named = {row.value for row in rows if row.fact.startswith("order.")}
    drugs = {drug.label.zh: drug for drug in case.drugs}
    shown = [label for label in drugs if label in named] or list(drugs)
    en = ", ".join([_in_english(drugs[label]) for label in shown])
    return Text.of("、".join(shown) or "所列药品", en or "the drugs listed")


def _in_english(drug: OrderedDrug) -> str:
    """The host's name, which the physician finds on the screen, behind what it means where it is Chinese."""
    name, known = drug.label.en, drug.known
    return name if known is None or name.isascii() else f"{known.label.en} {name}"


def _because(judgement: Judgement, _: Case) -> Text:
    """What holds in the rule's `when`, in words: the risk factors, the result beyond its limit."""
    leaves = telling(leaf for leaf in judgement.leaves if not leaf.asked)
    said = _once([(t.zh, t.en) for leaf in leaves for t in leaf.holding])
    return Text(zh="、".join([zh for zh, _ in said]), en=", ".join([en for _, en in said]))


def _missing(judgement: Judgement, case: Case) -> Text:
    names = [m for leaf in judgement.leaves if leaf.asked and not leaf.settled for m in leaf.missing]
    labels = [missing_label(name, case) for name in dict.fromkeys(names)]
    return Text(zh="、".join(x.zh for x in labels), en=", ".join(x.en for x in labels))


_OF_THE_CASE: Mapping[str, Callable[[Judgement, Case], Text]] = {
    "drugs": _drugs, "tumour": _tumour, "regimen": _regimen, "missing": _missing, "because": _because,
    "at": lambda _, case: time_text(case.at, case.at),
}  # fmt: skip
"""What is said of any judgement; a parameter of such a name isn't heard."""
_OF_A_LEAF: Mapping[str, Callable[[LeafOutcome, Case], Text | None]] = {
    "value": _value, "when": _when, "used_limit": _used_limit,
}  # fmt: skip
"""What the last leaf says that has something to say of it; after it a parameter of that name, else there is nothing."""


def missing_label(name: str, case: Case) -> Text:
    """The label of a fact, a marker (`marker.EGFR`) or an exam (`exam.CT_chest|MRI_brain`)."""
    kind, _, rest = name.partition(".")
    if name in case.facts:
        return case.facts[name].label
    if name in OTHER_FACTS:
        return OTHER_FACTS[name]
    if kind == "exam":
        return case.tables.exam_label(rest)
    shown = rest if kind == "marker" else name  # genes go by their symbols
    return Text(zh=shown, en=shown)


def _unsettled(judgement: Judgement) -> list[LeafOutcome]:
    """The leaves that a reason speaks of: those that don't hold, of what is asked for, and any that are unknown."""
    everything = judgement.rule.require is None
    return [
        leaf for leaf in judgement.leaves
        if leaf.open or (leaf.failed and (everything or leaf.asked))
    ]  # fmt: skip


def _gaps(judgement: Judgement, case: Case) -> list[Text]:
    open_leaves = [leaf for leaf in judgement.leaves if leaf.open]
    rows = [
        e
        for leaf in open_leaves
        for e in leaf.evidence
        if e.counted is None or (e.counted and e.why is not None)
    ]
    said = _once([_gap(e, case) for e in rows])
    said = said or _once([_bounded(s) for leaf in open_leaves for s in leaf.deciding if _censored(s.entry)])
    if not said:
        return []
    zh, en = _listed(said)
    return [Text(zh=f"无法判定的原因：{zh}。", en=f"Not known because: {en}.")]


def _listed(said: Sequence[Both]) -> Both:
    shown = said[:MOST_SHOWN]
    return "；".join([zh for zh, _ in shown]), "; ".join([en for _, en in shown])


def _censored(entry: Entry) -> bool:
    quantity = stated(entry, "value")
    return isinstance(quantity, Quantity) and quantity.comparator is not None


def _bounded(standing: Standing) -> Both:
    value = value_text(standing.entry)
    return (
        f"结果只报告为 {value.zh}，无法与限值比较",
        f"the result is only reported as {value.en}, which can't be compared with the limit",
    )


def _gap(row: Evidence, case: Case) -> Both:
    if row.entry is None and row.detail is not None and not row.value:
        return row.detail.zh, row.detail.en
    return _row(row, case)


def _near_misses(judgement: Judgement, case: Case) -> list[Text]:
    rows = [
        e for leaf in _unsettled(judgement) for e in leaf.evidence
        if e.counted is False and e.entry is not None and e.why is not None
    ]  # fmt: skip
    # of two tests that are asked for, the one that is there isn't the other
    if any(e.why == "wrong_kind" for e in rows):
        asked = (e for leaf in judgement.leaves if leaf.asked for e in leaf.evidence)
        counted = {(e.fact, e.entry) for e in asked if e.counted}
        rows = [e for e in rows if e.why != "wrong_kind" or (e.fact, e.entry) not in counted]
    if not rows:
        return []
    alike = len(rows) > 1 and len({e.fact for e in rows}) == 1
    said = _once([_row(e, case, labelled=not alike) for e in rows])
    more = len(said) - MOST_SHOWN
    zh, en = _listed(said)
    if more > 0:
        zh, en = f"{zh}；另有 {more} 项", f"{en}; and {more} more"
    label = _row_label(rows[0], case.facts) if alike else None
    what_zh, what_en = (sewn(f"的{seamed(label.zh)}均"), f" ({label.en})") if label else ("但", "")
    return [Text.of(f"已查到{what_zh}不能采用：{zh}。", f"Found but not counted{what_en}: {en}.")]


def _row(row: Evidence, case: Case, *, labelled: bool = True) -> Both:
    why = row.detail or WHY[row.why or "invalid"]
    value_zh, value_en = _shown(row, case.facts)
    value_zh = f"“{value_zh}”" if value_zh else ""
    value_en = f" `{value_en}`" if value_en else ""
    when = time_said(row.time, case.at) if row.time is not None else ""
    if not labelled:
        return f"{when or '时间不明'}{value_zh}（{why.zh}）", f"{when or 'undated'}{value_en} ({why.en})"
    label = _row_label(row, case.facts)
    zh = sewn((f"{when} 的" if when else "") + f"{seamed(label.zh)}{value_zh}（{why.zh}）")
    en = f"{label.en}{value_en}" + (f" of {when}" if when else "") + f" ({why.en})"
    return zh, en


def _shown(row: Evidence, facts: Mapping[str, Fact]) -> Both:
    value, fact = row.value or "", facts.get(row.fact)
    vocabulary = fact.vocabulary if fact is not None else None
    if vocabulary and value in vocabulary.values:
        word = vocabulary.values[value]
        return word.zh, word.en
    if not value or row.why == "unreadable_unit":
        return value, value  # shown as it came
    said = quantity_said(value)
    return said.zh, said.en


def value_text(entry: Entry) -> Text:
    """An entry's value as a clinician reads it."""
    quantity = stated(entry, "value")
    if isinstance(quantity, Quantity):
        return quantity_words(quantity)
    shown = shown_value(entry) or ""
    return Text(zh=shown, en=shown)


def _row_label(row: Evidence, facts: Mapping[str, Fact]) -> Text:
    return facts[row.fact].label if row.fact in facts else Text(zh=row.fact, en=row.fact)


def _once(said: Iterable[Both]) -> list[Both]:
    return list({zh: (zh, en) for zh, en in said}.values())


def time_said(time: Time, at: datetime) -> str:
    """A time as a clinician reads it, in the zone of the decision moment."""
    return minute_text(time, at) if isinstance(time, datetime) else time.isoformat()


def time_text(time: Time, at: datetime) -> Text:
    """`time_said`, which is the same in both languages."""
    said = time_said(time, at)
    return Text.of(said, said)
