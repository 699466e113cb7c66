"""Units of laboratory values and body measures: one closed table, nothing guessed.

A unit that is not in the table gives `None`, and `help_for` says what to write instead. Source of the
cell-count spellings: collected from real messages. `10*9/L` is the canonical cell count. Factors of
creatinine and bilirubin: collected facts; of glucose, hormones and blood pressure: general knowledge.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from functools import lru_cache
from types import MappingProxyType

from oncogate.base import patterns
from oncogate.base.texts import Text


@dataclass(frozen=True)
class Measure:
    """A kind of quantity: its canonical unit, and each accepted spelling with its factor to that unit.

    `spellings` are read in any letter case; those in `cased` only as written (`G/L` is giga per litre,
    `g/L` is grams per litre).
    """

    name: Text
    unit: str
    spellings: Mapping[str, Decimal]
    cased: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))


def _spell(*rows: tuple[str, Iterable[str]]) -> Mapping[str, Decimal]:
    return MappingProxyType({spelling: Decimal(factor) for factor, row in rows for spelling in row})


_MICROLITRE = ("uL", "mcL", "mm3", "cumm", "cmm")
_THOUSAND = ("10*3", "K", "Thousand", "thou", "千")

MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "cell-count": Measure(
            Text(zh="细胞计数", en="cell count"),
            "10*9/L",
            _spell(
                ("1", ("10*9/L", "10*9个/L", "giga.l-1")),
                ("1", (f"{many}/{volume}" for many in _THOUSAND for volume in _MICROLITRE)),
                ("0.001", (f"{c}/{volume}" for c in ("", "{cells}", "cells") for volume in _MICROLITRE)),
                ("100", ("lakh/cumm",)),
            ),
            _spell(("1", ("G/L", "G/l", "Gpt/L", "Gpt/l"))),
        ),
        "haemoglobin": Measure(
            Text(zh="血红蛋白", en="haemoglobin"), "g/L", _spell(("1", ("g/L",)), ("10", ("g/dL",)))
        ),
        "creatinine": Measure(
            Text(zh="肌酐", en="creatinine"),
            "umol/L",
            _spell(("1", ("umol/L", "UMOLL")), ("88.42", ("mg/dL",))),
        ),
        "bilirubin": Measure(
            Text(zh="胆红素", en="bilirubin"),
            "umol/L",
            _spell(("1", ("umol/L", "UMOLL")), ("17.1", ("mg/dL",))),
        ),
        "percent": Measure(Text(zh="百分比", en="percentage"), "%", _spell(("1", ("%", "percent")))),
        "temperature": Measure(
            Text(zh="体温", en="temperature"), "Cel", _spell(("1", ("Cel", "°C", "degC", "摄氏度")))
        ),
        "mass": Measure(
            Text(zh="质量", en="mass"),
            "kg",
            _spell(("1", ("kg", "千克", "公斤")), ("0.001", ("g", "克"))),
        ),
        "length": Measure(
            Text(zh="长度", en="length"),
            "cm",
            _spell(("1", ("cm", "厘米", "公分")), ("100", ("m", "米"))),
        ),
        "area": Measure(Text(zh="面积", en="area"), "m2", _spell(("1", ("m2", "平方米")))),
        "enzyme": Measure(
            Text(zh="酶活性", en="enzyme activity"), "U/L", _spell(("1", ("U/L", "IU/L", "[iU]/L")))
        ),
        "clearance": Measure(
            Text(zh="清除率", en="clearance"),
            "mL/min",
            _spell(("1", ("mL/min", "毫升/分", "毫升/分钟", "ml/分"))),
        ),
        "albumin": Measure(
            Text(zh="白蛋白", en="albumin"), "g/L", _spell(("1", ("g/L", "克/升")), ("10", ("g/dL",)))
        ),
        "glucose": Measure(  # 1 mmol/L is 18.02 mg/dL
            Text(zh="葡萄糖", en="glucose"),
            "mmol/L",
            _spell(("1", ("mmol/L", "毫摩尔/升")), ("0.0554939", ("mg/dL",))),
        ),
        "potassium": Measure(  # an ion of one charge: an equivalent is a mole
            Text(zh="血钾", en="potassium"), "mmol/L", _spell(("1", ("mmol/L", "mEq/L", "毫摩尔/升")))
        ),
        # Copies aren't here: how many of them make a unit differs from assay to assay.
        "international-units": Measure(
            Text(zh="国际单位浓度", en="concentration in international units"),
            "[IU]/mL",
            _spell(
                ("1", ("[IU]/mL", "[iU]/mL", "IU/mL", "国际单位/毫升")),
                ("0.001", ("[IU]/L", "IU/L", "m[IU]/mL", "mIU/mL")),
            ),
        ),
        "milli-international-units": Measure(
            Text(zh="毫国际单位浓度", en="concentration in thousandths of an international unit"),
            "m[IU]/mL",
            _spell(
                ("1", ("m[IU]/mL", "mIU/mL", "mU/mL", "[IU]/L", "IU/L", "U/L")),
                ("1000", ("[IU]/mL", "IU/mL")),
            ),
        ),
        "thyrotropin": Measure(
            Text(zh="促甲状腺激素", en="thyrotropin"),
            "m[IU]/L",
            _spell(("1", ("m[IU]/L", "mIU/L", "mU/L", "u[IU]/mL", "uIU/mL", "uU/mL", "mcIU/mL"))),
        ),
        "free-thyroxine": Measure(
            Text(zh="游离甲状腺素", en="free thyroxine"),
            "pmol/L",
            _spell(("1", ("pmol/L",)), ("12.87", ("ng/dL",)), ("1.287", ("pg/mL", "ng/L"))),
        ),
        "cortisol": Measure(
            Text(zh="皮质醇", en="cortisol"),
            "nmol/L",
            _spell(
                ("1", ("nmol/L",)),
                ("27.59", ("ug/dL", "mcg/dL")),
                ("2.759", ("ug/L", "mcg/L", "ng/mL")),
            ),
        ),
        "blood-pressure": Measure(
            Text(zh="血压", en="blood pressure"),
            "mm[Hg]",
            _spell(("1", ("mm[Hg]", "mmHg", "毫米汞柱")), ("7.50062", ("kPa", "千帕"))),
        ),
        "interval": Measure(
            Text(zh="时间间期", en="interval"),
            "ms",
            _spell(("1", ("ms", "msec", "毫秒")), ("1000", ("s", "sec", "秒"))),
        ),
        # What has no unit is often sent without one.
        "ph": Measure(Text(zh="pH 值", en="pH"), "[pH]", _spell(("1", ("[pH]", "pH", "1", "")))),
        "score": Measure(
            Text(zh="评分", en="score"), "1", _spell(("1", ("1", "{score}", "score", "分", "")))
        ),
    }
)

# NFKC would turn `10⁹/L` into `109/L`, which means nothing; superscripts become `^9` before it runs.
_RAISED = patterns.compile("[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_SIGNS = str.maketrans(
    {**dict.fromkeys("×xX·⋅∙∗✕✖・", "*"), "μ": "u", "µ": "u", "ˆ": "^", "∕": "/", "⁄": "/"}
)
# A power of ten as instruments and interfaces write it, always in front: 10*9, 10^9, 10~9, 10`9,
# 10\S\9 (HL7 v2 escape), 10E9, 1E03, E+9, x10 9 (the blank only behind a multiplication sign).
_POWER = patterns.compile(r"^(?:\*? *10 *(?:[*^~`]|\\S\\) *|\*? *(?:10?)?[eE]\+?0?|\* *10 +)(?=[39](?!\d))")
_LOST_SUPERSCRIPT = patterns.compile(r"^\*?10(?:9|3|\W{0,2})(?:个)?/(?:l|ul|mcl|mm3|cumm|cmm)$")


@lru_cache(maxsize=4096)  # a record has many results and few units
def _fold(unit: str) -> str:
    """`unit` with its signs, superscripts, powers of ten and blanks written one way; letter case stays."""
    text = _RAISED.sub(lambda raised: "^" + raised[0].translate(_LOWERED), unit.replace("º", "°"))
    text = unicodedata.normalize("NFKC", text).translate(_SIGNS).strip()
    text = "".join(_POWER.sub("10*", text).split())
    return re.sub(r"m\^([23])(?!\d)", r"m\1", text)


_ANY_CASE = {
    name: {_fold(spelling).lower(): factor for spelling, factor in measure.spellings.items()}
    for name, measure in MEASURES.items()
}
_CASED = {
    name: {_fold(spelling): factor for spelling, factor in measure.cased.items()}
    for name, measure in MEASURES.items()
}


def canonical_unit(measure: str) -> str:
    """The UCUM unit in which `measure` is compared. `KeyError` if there is no such measure."""
    return MEASURES[measure].unit


def factor(measure: str, unit: str) -> Decimal | None:
    """What a value in `unit` is multiplied by to stand in the canonical unit; `None` if unreadable.

    `KeyError` if there is no such measure.
    """
    folded = _fold(unit)
    found = _CASED[measure].get(folded)
    return found if found is not None else _ANY_CASE[measure].get(folded.lower())


def to_canonical(measure: str, value: Decimal, unit: str) -> Decimal | None:
    """`value` in the canonical unit of `measure`; `None` if the unit is unreadable or the value no number.

    The result does not depend on the caller's decimal context. `KeyError` if there is no such measure.
    """
    by = factor(measure, unit)
    if by is None or not value.is_finite():
        return None
    result = Context(prec=60, traps=[]).multiply(value, by)
    return result if result.is_finite() else None


def help_for(measure: str, unit: str) -> Text:
    """What is wrong with `unit` for `measure`, and what to write. `KeyError` if there is no such measure."""
    kind = MEASURES[measure]
    folded = _fold(unit)
    if factor(measure, unit) is not None:
        text = Text(
            zh="单位 `{unit}` 可以识别，换算为 `{write}`",
            en="unit `{unit}` is readable and is converted to `{write}`",
        )
    elif not folded:
        text = Text(
            zh="{name}没有写单位：请核对原报告，系统应传 `{write}`",
            en="the {name} has no unit: check the original report; the system should send `{write}`",
        )
    elif measure == "cell-count" and folded == "%":
        text = Text(
            zh="`%` 是百分比，不是{name}：请传绝对值（如中性粒细胞绝对值），单位写 `{write}`",
            en="`%` is a share of the cells, not a {name}: send the absolute count in `{write}`",
        )
    elif measure == "cell-count" and _LOST_SUPERSCRIPT.match(folded.lower()):
        text = Text(
            zh="单位 `{unit}` 丢失了上标，无法确定是 10 的几次方：请核对原报告，系统应传 `{write}`",
            en="unit `{unit}` has lost its superscript, so the power of ten is not known: check the original report; the system should send `{write}`",
        )
    elif measure == "cell-count" and folded in ("g/L", "g/l"):
        text = Text(
            zh="`{unit}` 是克每升，不是{name}：请核对原报告，系统应传 `{write}`（或大写的 `G/L`）",
            en="`{unit}` is grams per litre, not a {name}: check the original report; the system should send `{write}` (or `G/L` with a capital)",
        )
    else:
        text = Text(
            zh="单位 `{unit}` 不在{name}的单位表中：请核对原报告，系统应传 `{write}`",
            en="unit `{unit}` is not in the table for {name}: check the original report; the system should send `{write}`",
        )
    return text.fill(unit=_quoted(unit), name=kind.name, write=kind.unit)


def _quoted(unit: str) -> str:
    shown = unit.strip().encode("utf-8", "replace").decode("utf-8")
    return shown if len(shown) <= 40 else shown[:39] + "…"
