"""What a drug asks of a marker, and what a result says, in words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from oncogate.base.texts import Text
from oncogate.clinical.marker_tests import MarkerScale, MarkerTest
from oncogate.model.record import MarkerResult

_ALTERATIONS = {
    "ex19del": Text(zh="19 外显子缺失", en="exon 19 deletion"), "ex20ins": Text(zh="20 外显子插入", en="exon 20 insertion"),
    "ex14skip": Text(zh="14 外显子跳跃突变", en="exon 14 skipping"), "fusion": Text(zh="融合/重排", en="fusion or rearrangement"),
    "mutation": Text(zh="突变", en="mutation"), "amplification": Text(zh="扩增", en="amplification"),
    "low": Text(zh="低表达", en="low expression"), "ultralow": Text(zh="超低表达", en="ultralow expression"),
    "V600*": Text(zh="V600 突变", en="V600 mutation"), "G719*": Text(zh="G719X", en="G719X"),
}  # fmt: skip
_ORDER = ("L858R", "ex19del")
"""What a clinician looks for first."""


def asked_of(test: MarkerTest, limits: Mapping[str, Decimal], scales: Mapping[str, MarkerScale]) -> Text:
    """A test in words: `EGFR 为 L858R、19 外显子缺失之一`."""
    zh, en = "、".join(test.markers), "/".join(test.markers)
    graded = any(m in scales for m in test.markers)
    if test.sign == "-":
        both, wild = "均" if len(test.markers) > 1 else "", "" if graded else "或野生型"
        return Text(zh=f"{zh} {both}为阴性{wild}", en=f"{en} negative" + ("" if graded else " or wild type"))
    one = "任一项" if len(test.markers) > 1 else ""
    if test.sign == "?":
        return Text(zh=f"{zh} {one}有检测结果", en=f"a result of {en}")
    if test.sign == "@":
        level = _least(test.scale, limits.get(test.limit))
        return Text(zh=f"{zh} {level.zh}", en=f"{en} {level.en}")
    if not test.found:
        scale = scales.get(test.markers[0])
        least = _least("percent", limits.get(scale.positive)) if scale and scale.scale == "percent" else None
        return Text(
            zh=f"{zh} {one}阳性" + (f"，{least.zh}" if least else ""), en=f"{en} positive" + (f", {least.en}" if least else "")
        )  # fmt: skip
    named = [
        _ALTERATIONS.get(f, Text(zh=f, en=f)) for f in sorted(test.found, key=lambda f: (f not in _ORDER, f))
    ]
    some = " 之一" if len(named) > 1 else ""
    return Text(
        zh=f"{zh} {one}为 {'、'.join(x.zh for x in named)}{some}",
        en=f"{en} {' or '.join(x.en for x in named)}",
    )


def _least(scale: str, limit: Decimal | None) -> Text:
    """A level asked, with its scale and unit: `TPS 不低于 1%`."""
    number = f"{limit.normalize():f}" if limit is not None else ""
    if scale == "IHC":
        return Text(zh=f"免疫组化不低于 {number}+", en=f"IHC {number}+ or more")
    unit = "%" if scale in ("TPS", "percent") else ""
    named = "" if scale == "percent" else f"{scale} "
    return Text(zh=f"{named}不低于 {number}{unit}", en=f"{named}at least {number}{unit}")


def result_said(entry: MarkerResult, names: Mapping[str, frozenset[str]]) -> str:
    """A result as recorded, with its markers where the text doesn't name them."""
    result = entry.result or ""
    plain = result.casefold()
    said = {id for name, ids in names.items() if len(name) > 1 and name.casefold() in plain for id in ids}
    unsaid = [m for m in entry.markers if m not in said]
    return " ".join(part for part in ("/".join(unsaid), result) if part)
