"""What stands around a stage: labels that say its system and its kind. They are noted and taken off."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from oncogate.base import patterns
from oncogate.clinical.stage_systems import FLAGS, unwrap

Kind = Literal["clinical", "pathologic"]

_EDITION = r"(?:(?:19|20)\d\d\s*年?版?|第\s*[5-9五六七八九]\s*版|[5-9]th(?:\s*ed(?:ition|\.)?)?)"
_VERBOSE = FLAGS | re.VERBOSE
_LABEL = patterns.compile(
    rf"""(?:(?:
      (?P<figo>figo|international\ federation\ of\ gyna?ecology\ and\ obstetrics|国际妇产科联盟)
    | (?P<lugano>ann[\ -]?arbor|lugano)
    | (?P<cnlc>cnlc|中国肝癌(?=分期)) | (?P<bclc>bclc|巴塞罗那)
    | (?P<valg>valg|(?:veterans'?\ administration|va)\ lung\ (?:cancer\ )?study\ group)
    | (?P<durie>(?<![a-z])(?:durie[\ -]?salmon|d-?s(?=分期|\ ?[i1-3])))
    | (?P<binet>(?<![a-z])binet) | (?P<rai>(?<![a-z])rai(?![a-hj-z]))
    | (?P<iss>(?<![a-z])(?:r-?)?iss(?![a-hj-z]))
    | (?P<tnm>(?:ajcc(?:\s*/\s*uicc)?|uicc(?:\s*/\s*ajcc)?)(?:\s*v?[5-9](?!th|[0-9])\s*版?)?
      |american\ joint\ committ?ee\ on\ cancer|union\ for\ international\ cancer\ control
      |(?<![a-z])(?P<prefix>[yra]{{0,2}}[cp])?tnm))
      (?:\s*(?:\({_EDITION}\)|{_EDITION}))?
    | (?P<clinical>临床|(?<![a-z])clinical) | (?P<pathologic>病理|术后|(?<![a-z])pathologic(?:al)?)
    | (?P<stage>stag(?:e|ing)(?![a-hj-z])(?:\ group)?|分期|期别?)
    | 组|治疗前|初诊|术前|解剖|预后|anatomic|prognostic|\((?:qualifier\ value|finding|disorder)\)
    | {_EDITION}
    )(?:\s*[:-]+)?""",
    _VERBOSE,
)
_SYSTEM_LABELS = {
    **{name: name for name in ("figo", "lugano", "cnlc", "bclc", "valg", "binet", "rai", "iss", "tnm")},
    "durie": "durie-salmon",
}
_NUMBER = patterns.compile(
    r"""第\s*(?P<a>\d{1,2}|[五六七八九十])\s*版 | (?<!\d)(?P<b>\d{1,2})\s*(?:版|th|ed(?![a-z])|edition)
    | (?:version|ver\.?|(?<![a-z])v|ajcc|uicc|tnm)\s*(?P<c>\d{1,2})(?!\d) | (?P<d>eighth|ninth|seventh)\s+ed
    | (?P<e>897275008|1269566009)""",
    _VERBOSE,
)
_NUMBER_WORDS = {
    **dict(zip("五六七八九十", ("5", "6", "7", "8", "9", "10"), strict=True)),
    **{"seventh": "7", "eighth": "8", "ninth": "9"},
    # SNOMED CT codes of the AJCC editions that mCODE lists
    **{"897275008": "8", "1269566009": "9"},
}
_YEAR = patterns.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


@lru_cache(maxsize=1024)
def read_edition(text: str) -> str | None:
    """The edition that a text names: its number (`8`) or, where it has none, its year (`2018`); else `None`."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if re.fullmatch(r"\d{1,2}", plain):
        return plain
    number = _NUMBER.search(plain)
    if number is not None:
        said = next(group for group in number.groups() if group).lower()
        return _NUMBER_WORDS.get(said, said)
    year = _YEAR.search(plain)
    return year[0] if year else None


NOT_STAGED = frozenset(
    """
    - -- / ? 无 未 不详 不明 不清 待定 待查 待 待评估 未知 未评估 未明确 未行 暂无 暂未 无法 无法评估 无法明确
    不能 不能评估 不适用 未分期 无法分期 分期不明 unknown notstaged unstaged notavailable notapplicable none
    n/a na nil tbd pending undetermined notdone notassessed cannotbeassessed
    """.split()
) | {""}
_TRANSLATE: dict[int, str | None] = {
    **dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"), None),
    **{ord(char): " " for char in ",;、，；|"},
    **{ord(char): "(" for char in "【[〔"},
    **{ord(char): ")" for char in "】]〕"},
    **{ord(char): "-" for char in "–—‐‑−"},
}


@dataclass(frozen=True)
class Labels:
    """What the labels around a stage say: its systems, kind, modifiers and edition."""

    named: frozenset[str]
    kind: Kind | None
    modifiers: frozenset[str]
    staged: bool  # some label says that what follows is a stage
    edition: str  # `""` where none is said, or several


def normalise(text: str) -> tuple[str, Labels]:
    """The notation without labels, and what the labels said."""
    named: set[str] = set()
    kinds: set[Kind] = set()
    modifiers: set[str] = set()
    editions: set[str] = set()
    staged = False

    def take(label: re.Match[str]) -> str:
        nonlocal staged
        # a year alone may be a date (`2023年 cT2N1M0`): it is an edition beside a system, or as `2023版`
        if label.lastgroup is not None or not re.fullmatch(r"\d{4}\s*年?[\s:-]*", label[0]):
            editions.update(filter(None, [read_edition(label[0])]))
        found = label.lastgroup if label.lastgroup != "prefix" else "tnm"
        if found in _SYSTEM_LABELS:
            named.add(_SYSTEM_LABELS[found])
        prefix = (label["prefix"] or "").lower()
        if found == "clinical" or prefix.endswith("c"):
            kinds.add("clinical")
        if found == "pathologic" or prefix.endswith("p"):
            kinds.add("pathologic")
        modifiers.update(set(prefix) & set("yra"))
        staged = staged or found is not None
        return " "

    body = _LABEL.sub(take, unicodedata.normalize("NFKC", text).translate(_TRANSLATE))
    body = re.sub(r"\(\s*\)", " ", body)
    body = " ".join(body.split()).replace("( ", "(").replace(" )", ")").strip(" :.。-")
    body = re.sub(r"^([yram]{0,2}[cp]|[yra]) (?=T ?[0-4Xia])", r"\1", body, flags=FLAGS)
    kind = kinds.pop() if len(kinds) == 1 else None
    return unwrap(body), Labels(
        frozenset(named), kind, frozenset(modifiers), staged, editions.pop() if len(editions) == 1 else ""
    )
