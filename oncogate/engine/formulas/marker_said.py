"""What a drug asks of a marker, and what a result says, in words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from oncogate.base.texts import Text
from oncogate.clinical.marker_tests import MarkerTest
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


def asked_of(test: MarkerTest, limits: Mapping[str, Decimal]) -> Text:
    """A test in words: `EGFR 为 L858R、19 外显子缺失之一`."""
    zh, en = "、".join(test.markers), "/".join(test.markers)
    if test.sign == "-":
        both = "均" if len(test.markers) > 1 else ""
        return Text(zh=f"{zh} {both}为阴性或野生型", en=f"{en} negative or wild type")
    one = "任一项" if len(test.markers) > 1 else ""
    if test.sign == "?":
        return Text(zh=f"{zh} {one}有检测结果", en=f"a result of {en}")
    if test.sign == "@":
        limit = f"{limits[test.limit].normalize():f}" if test.limit in limits else ""
        if test.scale == "IHC":
            return Text(zh=f"{zh} 免疫组化不低于 {limit}+", en=f"{en} IHC {limit}+ or more")
        unit = "%" if test.scale in ("TPS", "percent") else ""
        scale = "" if test.scale == "percent" else f"{test.scale} "
        return Text(zh=f"{zh} {scale}不低于 {limit}{unit}", en=f"{en} {scale}at least {limit}{unit}")
    if not test.found:
        return Text(zh=f"{zh} {one}阳性", en=f"{en} positive")
    named = [_ALTERATIONS.get(f, Text(zh=f, en=f)) for f in sorted(test.found, key=lambda f: (f not in _ORDER, f))]
    some = "之一" if len(named) > 1 else ""
    return Text(
        zh=f"{zh} {one}为{'、'.join(x.zh for x in named)}{some}", en=f"{en} {' or '.join(x.en for x in named)}"
    )


def result_said(entry: MarkerResult) -> str:
    """A result as recorded, with its markers where the text doesn't name them."""
    result = entry.result or ""
    plain = result.casefold()
    named = [m for m in entry.markers if m.casefold() not in plain]
    return " ".join(part for part in ("/".join(named), result) if part)
