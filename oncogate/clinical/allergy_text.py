"""What the text of an allergy names: substances, nothing that is denied, or a drug that isn't said (`药物过敏史不详`)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from oncogate.base import patterns

_OPEN, _CLOSE = "([{【〔「", ")]}】〕」"
_BRACKET = patterns.compile(f"[{re.escape(_OPEN)}][^{re.escape(_OPEN + _CLOSE)}]*[{re.escape(_CLOSE)}]?")
_CLAUSE = patterns.compile(r"[,;。!\n]+|\bbut\b|但")
_NEGATED = patterns.compile(
    r"(?:患者|既往|目前|暂)*\s*(?:否认|无(?!水)|没有|未发现|未见|未诉|排除|no\b|not\b|none\b|nil\b|denies|nkd?a\b)"
)
_NEGATIVE = patterns.compile(r"[^\s、/&+和及与或]*(?:\(-\)|阴性|negative)")
"""A clause of one word that ends in a negative result: `过敏史(-)`, `青霉素皮试阴性`."""
_REACTION = patterns.compile(
    r"过敏|反应|皮疹|瘙痒|休克|不耐受|allerg|hypersensitiv|anaphyla|reaction|rash|intoleran"
)
_JOINED = patterns.compile(r"[、/&+:]|和|及|与|或|\band\b|\bor\b")
_BEFORE = patterns.compile(
    r"(?:患者|既往|曾经?|有|因|对|于|使用|应用|输注|静滴|静脉|注射(?![用液])|服用|口服|疑似|可疑|怀疑|严重|重度|中度|轻度|过敏|"
    r"药物|药品|(?:severe|known|suspected|history of|prior|previous)\s+|"
    r"(?:allerg\w+|hypersensitiv\w*|anaphyla\w*|intoleran\w*|reactions?|infusion reactions?)(?:\s+(?:to|with|after|on))?\s+)+"
)
_AFTER = patterns.compile(
    r"(?:致|引起|导致|所致|后|出现|发生|过敏|不耐受|超敏|输液反应|输注反应|皮疹|皮肤?瘙痒|休克|反应|史(?:$|\s)|"
    r"[\s-]+(?:allerg|hypersensitiv|anaphyla|reaction|infusion|rash|intoleran|induced|causing|\d{4})).*$"
)


_FOOD = patterns.compile(r"食物|食品|花粉|尘螨|foods?|pollen")
_DRUG = patterns.compile(r"药|drug|medic")
_GENERAL = patterns.compile(
    r"药敏|患者|既往|曾经?|有|对|因|系|为|其他|某些?|种|一些|多|几|部分|药物|药品|药|化疗|抗肿瘤|抗癌|西|食物|食品|花粉|尘螨|和|及|与|或|"
    r"过敏|史|原|源|物质?|具体|名称?|名|不[详祥]|不明|不清楚?|未(?:知|明|说明|注明|记录|填写|询问|问及|评估|采集|核实)|记不清|待[查核补]|无法\w{2,4}|病人|家属|昏迷|意识|神志|是|详情|情况|反应|皮疹|瘙痒|休克|严重|可疑|疑似|"
    r"\b(?:patient|has|have|with|history|of|to|an?|the|some|several|multiple|various|not|unspecified|unknown|known|specified|documented|"
    r"recorded|otherwise|unsure|unclear|yes|status|unable|assess(?:ed)?|obtain(?:ed|able)?|asked|available|on file|ut[ao]|drugs?|medications?|medicines?|medicinal|products?|substances?|agents?|allergy|allergies|allergic|"
    r"allergen|hypersensitivity|reactions?|adverse|intolerance|rash|details?|names?|foods?|pollen|and|or|finding|disorder|nos)\b|"
    r"[\s、/:()\[\]【】?.-]"
)
"""A word that names no substance."""
_TOLD = patterns.compile(
    r"过敏|药|不[详祥]|不明|不清|未(?:知|明|说明|询问|问及|评估|采集|核实)|记不清|待[查核补]|无法|^(?:有|是|yes|\?+)$|"
    r"allerg|hypersensitiv|drug|medic|unknown|unspecified|unclear|unsure|unable|not (?:known|assessed|obtained|asked|on file)|\but[ao]\b"
)
"""A text of such words alone says that there is an allergy, or that it isn't known."""
_UNTOLD = patterns.compile(
    r"not (?:known|specified|documented|recorded|assessed|obtain(?:ed|able)|asked|available|on file)\b|无法"
)


def names_no_drug(text: str) -> bool:
    """Whether a text says that there is an allergy, or leaves it open, and not to which drug.

    >>> [names_no_drug(text) for text in ("有药物过敏史，具体不详", "青霉素过敏，反应不详", "否认药物过敏史", "食物过敏，具体不详")]
    [True, False, False, False]
    """
    clauses = [clause.strip() for clause in _CLAUSE.split(_folded(text))]
    said = [clause for clause in clauses if clause and not _denied(clause)]
    general = bool(said) and not any(_GENERAL.sub("", clause) for clause in said)
    whole = " ".join(said)
    return general and bool(_TOLD.search(whole)) and (bool(_DRUG.search(whole)) or not _FOOD.search(whole))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _denied(clause: str) -> bool:
    """Whether a clause, or its answer (`过敏史：无`), denies an allergy; one that can't be told isn't denied."""
    parts = (clause.strip(), clause.rpartition(":")[2].strip())
    return any(
        (_NEGATED.match(part) and not _UNTOLD.match(part)) or _NEGATIVE.fullmatch(part) for part in parts
    )


def words_of(text: str) -> tuple[str, ...]:
    """The words of an allergy's text that may name a substance; none of a clause that denies one.

    >>> "紫杉醇" in words_of("否认青霉素过敏，对紫杉醇过敏"), "青霉素" in words_of("否认青霉素过敏，对紫杉醇过敏")
    (True, False)
    """
    words: list[str] = []
    for clause in _CLAUSE.split(_folded(text)):
        if _denied(clause):
            continue
        # a bracket may be a part of the name (白蛋白结合型); one that tells of the reaction isn't
        plain = _BRACKET.sub(lambda found: " " if _REACTION.search(found[0]) else found[0], clause)
        inside = [one.strip(_OPEN + _CLOSE + " ") for one in _BRACKET.findall(plain)]
        for part in (plain, *_JOINED.split(plain), *inside):
            if _NEGATED.match(part.strip()):
                continue
            words += _bare(part)
    return tuple(dict.fromkeys(word for word in words if word))


def _bare(part: str) -> Iterator[str]:
    """A part of a clause as it is, and without what is said about the reaction."""
    whole = part.strip()
    yield whole
    for start in (whole, _BEFORE.sub("", whole, count=1) if _BEFORE.match(whole) else whole):
        bare = _AFTER.sub("", start).strip()
        yield bare
        yield start.strip()
        if not bare.isascii():
            yield from bare.split()
