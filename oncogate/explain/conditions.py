"""What a condition asks, in words: a leaf as a clinician reads it, with the values of its parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from oncogate.base.texts import Text, spaced
from oncogate.engine.values import written
from oncogate.engine.wording import section_label
from oncogate.explain.words import CODES, quantity_said
from oncogate.model.condition import Compared, Drugs, Exists, Holds, Latest, Leaf, Supplied, Value
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.packs.leaves import classes_of_leaf
from oncogate.packs.pack import Library
from oncogate.packs.tables import Tables

MOST_LISTED = 3
"""Words of a list that are written out; a list of spellings has dozens."""

SHOWN_PLACES = 3
"""Decimal places of a quantity that was worked out: enough to see on which side of a limit it is."""

CLASSES: Mapping[str, Text] = {
    "anti_tumour": Text(zh="抗肿瘤药物", en="anti-tumour drug"), "cytotoxic": Text(zh="细胞毒药物", en="cytotoxic drug"),
    "targeted": Text(zh="靶向药物", en="targeted drug"), "immunotherapy": Text(zh="免疫治疗药物", en="immunotherapy drug"),
    "endocrine": Text(zh="内分泌治疗药物", en="endocrine drug"),
    "myelosuppressive": Text(zh="骨髓抑制性药物", en="myelosuppressive drug"), "gcsf": Text(zh="G-CSF", en="G-CSF"),
}  # fmt: skip
"""What the classes of the table of drugs are called."""

_SIGNS = {"below": "<", "at_most": "≤", "above": ">", "at_least": "≥"}


def leaf_text(leaf: Leaf, parameters: Mapping[str, Parameter], library: Library) -> Text:
    """What the leaf asks, with its parameters' values: `最近一次 ANC（7 天内）< 1.5 ×10⁹/L`.

    `parameters` are those of the rule or fact that the leaf stands in, as the layers leave them.
    """
    text = _leaf_text(leaf, parameters, library)
    return Text(zh=spaced(text.zh), en=text.en)


def _leaf_text(leaf: Leaf, parameters: Mapping[str, Parameter], library: Library) -> Text:
    facts = library.facts
    if isinstance(leaf, Exists):
        return _exists(leaf, parameters, library)
    if isinstance(leaf, (Latest, Value)):
        return _compared(leaf, parameters, library)
    if isinstance(leaf, Holds):
        return facts[leaf.holds].label
    if isinstance(leaf, Drugs):
        return _drugs(leaf, parameters, library)
    assert isinstance(leaf, Supplied)
    label = section_label(leaf.supplied)
    return Text(zh=f"系统提供了“{label.zh}”资料", en=f"the host system supplied the {label.en}")


def parameter_value(parameter: Parameter, tables: Tables, *, whole: bool = False) -> Text:
    """A parameter's value with its unit; of a long list only the beginning, unless `whole`."""
    value = parameter.value
    if isinstance(value, (Decimal, bool)):
        said, label = written(parameter), parameter.label
        of_age = parameter.unit == "a" and label is not None and "龄" in label.zh  # years of age, not of time
        return _as_age(said) if of_age else said
    words = [class_label(one, tables) for one in (value if isinstance(value, tuple) else (value,))]
    if not words:
        return Text(zh="未设定", en="none set")
    return _listed(words, MOST_LISTED if not whole else len(words))


def _as_age(said: Text) -> Text:
    """Years as an age; what is one already stays."""
    return Text(zh=f"{said.zh.removesuffix('年')}岁", en=said.en) if said.zh.endswith("年") else said


def class_label(name: str, tables: Tables) -> Text:
    """What a class, group, drug or tumour that a rule asks for is called, or another code of a parameter."""
    known = tables.groups.get(name) or tables.drugs.get(name) or tables.tumours.get(name)
    return known.label if known is not None else CLASSES.get(name) or CODES.get(name) or _as_is(name)


def value_label(value: object, fact: Fact) -> Text:
    """A value of a derived fact in words: a level by its name, a quantity with its unit, a truth as yes or no."""
    if isinstance(value, Decimal):
        if not value.is_finite():  # a limit that nothing goes beyond
            return Text(zh="无", en="none")
        number = f"{round(value, SHOWN_PLACES).normalize():f}"
        if fact.unit == "a":  # a quantity of years is an age
            return Text(zh=f"{number} 岁", en=f"{number} years")
        return quantity_said(f"{number} {fact.unit or ''}")
    if isinstance(value, bool):
        return Text(zh="是", en="yes") if value else Text(zh="否", en="no")
    level = str(value)
    return fact.levels.get(level) or CODES.get(level) or _as_is(level)


def _exists(leaf: Exists, parameters: Mapping[str, Parameter], library: Library) -> Text:
    facts = library.facts
    label = facts[leaf.exists].label
    zh, en, first = [], [], ""
    if leaf.within is not None:
        span = parameter_value(parameters[leaf.within], library.tables)
        first = f"{span.zh}内"
        en.append(f"within {span.en}")
    if leaf.older_than is not None:
        span = parameter_value(parameters[leaf.older_than], library.tables)
        zh.append(f"已满 {span.zh}")
        en.append(f"{span.en} old or older")
    if leaf.due_within is not None:
        span = parameter_value(parameters[leaf.due_within], library.tables)
        zh.append(f"计划在 {span.zh}内进行")
        en.append(f"planned within {span.en}")
    if leaf.since is not None:
        since = facts[leaf.since].label
        zh.append(f"不早于最近一次{since.zh}")
        en.append(f"not before the latest {since.en}")
    return Text(
        zh=f"{first}有{label.zh}记录{_bracketed_zh(zh)}", en=f"{label.en} on record{_bracketed_en(en)}"
    )


def _compared(leaf: Latest | Value, parameters: Mapping[str, Parameter], library: Library) -> Text:
    facts = library.facts
    name = leaf.latest if isinstance(leaf, Latest) else leaf.value
    label, with_what = facts[name].label, _right_side(leaf, parameters, facts[name], library)
    zh, en, first = [], [], ""
    if isinstance(leaf, Latest):
        if leaf.within is not None:
            span = parameter_value(parameters[leaf.within], library.tables)
            first = f"{span.zh}内"
            en.append(f"within {span.en}")
        if leaf.repeats is not None and leaf.quiet is not None:
            policy, quiet = (
                parameter_value(parameters[leaf.repeats], library.tables),
                parameter_value(parameters[leaf.quiet], library.tables),
            )
            zh.append(f"{quiet.zh}内重复出现时{policy.zh}")
            en.append(f"repeated within {quiet.en}: {policy.en}")
        label = Text(zh=f"{first}最近一次{label.zh}", en=f"latest {label.en}")
    return Text(
        zh=f"{label.zh}{_bracketed_zh(zh)}{with_what.zh}", en=f"{label.en}{_bracketed_en(en)} {with_what.en}"
    )


def _right_side(leaf: Compared, parameters: Mapping[str, Parameter], fact: Fact, library: Library) -> Text:
    operator, ref = leaf.comparison
    if operator == "in_":
        value = parameters[ref].value
        levels = value if isinstance(value, tuple) else (str(value),)
        said = [_level(one, fact, library) for one in levels]
        if len(said) > MOST_LISTED:
            listed = _listed(said, MOST_LISTED)
            return Text(zh=f"为{listed.zh}", en=f"is {listed.en}")
        return Text(zh=f"为{'或'.join(t.zh for t in said)}", en=f"is {' or '.join(t.en for t in said)}")
    sign = _SIGNS[operator]
    if ref not in parameters:
        limit = library.facts[ref].label
        return Text(zh=f" {sign} {limit.zh}", en=f"{sign} {limit.en}")
    limit = parameter_value(parameters[ref], library.tables)
    years = fact.derived and parameters[ref].unit == "a"  # a quantity of years is an age
    limit = _as_age(limit) if years else limit
    return Text(zh=f" {sign} {limit.zh}", en=f"{sign} {limit.en}")


def _level(value: str, fact: Fact, library: Library) -> Text:
    known = dict(fact.levels) | dict(fact.vocabulary.values if fact.vocabulary else {})
    tumour = library.tables.tumours.get(value)
    return known.get(value) or CODES.get(value) or (tumour.label if tumour else _as_is(value))


def _drugs(leaf: Drugs, parameters: Mapping[str, Parameter], library: Library) -> Text:
    classes = [class_label(name, library.tables) for name in classes_of_leaf(leaf, parameters)]
    zh = "、".join(one.zh for one in classes)
    en = ", ".join(one.en for one in classes)
    given_zh, given_en = [], []
    for ref, said in (
        (leaf.route, Text(zh="给药途径为 ", en="route ")),
        (leaf.route_other_than, Text(zh="给药途径不是 ", en="route other than ")),
        (leaf.dose_above, Text(zh="剂量 > ", en="dose > ")),
        (leaf.dose_at_least, Text(zh="剂量 ≥ ", en="dose ≥ ")),
    ):
        if ref is not None:
            value = parameter_value(parameters[ref], library.tables)
            given_zh.append(said.zh + value.zh)
            given_en.append(said.en + value.en)
    several = len(classes) > 1
    if leaf.all_of is not None:
        text = Text(zh=f"医嘱药品均属于：{zh}", en=f"all drugs of the order are of: {en}")
    elif leaf.none_of is not None:
        text = Text(zh=f"医嘱不含：{zh}", en=f"the order includes none of: {en}")
    elif several:
        text = Text(zh=f"医嘱含下列任一类药品：{zh}", en=f"the order includes any of: {en}")
    else:
        text = Text(zh=f"医嘱含{zh}", en=f"the order includes: {en}")
    return Text(zh=text.zh + _bracketed_zh(given_zh), en=text.en + _bracketed_en(given_en))


def _listed(words: list[Text], most: int) -> Text:
    zh = "、".join(one.zh for one in words[:most])
    en = ", ".join(one.en for one in words[:most])
    if len(words) <= most:
        return Text(zh=zh, en=en)
    return Text(zh=f"{zh} 等 {len(words)} 项", en=f"{en} and {len(words) - most} more")


def _as_is(word: str) -> Text:
    said = word.replace("_", " ")
    return Text(zh=said, en=said)


def _bracketed_zh(parts: Iterable[str]) -> str:
    said = "，".join(parts)
    return f"（{said}）" if said else ""


def _bracketed_en(parts: Iterable[str]) -> str:
    said = ", ".join(parts)
    return f" ({said})" if said else ""
