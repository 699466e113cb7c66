"""Why a text is not a usable stage, in words for the clinician, and what to write instead."""

from __future__ import annotations

import re
from dataclasses import dataclass

from oncogate.base import patterns
from oncogate.base.texts import Text
from oncogate.clinical.stage_categories import M_VALUES, N_VALUES, PREFIX, T_VALUES, Part
from oncogate.clinical.stage_systems import FLAGS, ROMAN, SYSTEM_NAMES, read_group, shaped


@dataclass(frozen=True)
class StageProblem:
    """Why a text is not a usable stage. `code` is stable; `message` is for the clinician."""

    code: str
    message: Text


def make_problem(code: str, zh: str, en: str, **values: Text | str) -> StageProblem:
    """A problem whose message has `values` filled in."""
    return StageProblem(code, Text(zh=zh, en=en).fill(**values))


def quoted(text: str) -> str:
    """`text` short enough to be shown in a message."""
    shown = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return shown if len(shown) <= 40 else shown[:39] + "…"


_TAIL = r"(?:[0-9a-e?+]|mi|x|[-/~,至到或] ?[tnm]?(?=[0-4])|\([^()]{0,6}\))*"
_LOOSE = patterns.compile(
    rf"(?:{PREFIX}T ?(?P<t>(?:is|a|x|[0-9?+]|\(\+\)){_TAIL}))? ?"
    rf"(?:{PREFIX}N ?(?P<n>(?:x|[0-9?+]|\(\+\)){_TAIL}))? ?"
    rf"(?:{PREFIX}M ?(?P<m>(?:x|[0-9?+]|\(\+\)){_TAIL}))?(?P<rest>.*)",
    FLAGS | re.DOTALL,
)
_STRICT = {
    "t": patterns.compile(rf"(?:{T_VALUES})(?:\([a-z0-9]{{1,6}}\))*", FLAGS),
    "n": patterns.compile(rf"(?:{N_VALUES})c?(?:\([a-z+-]{{1,4}}\))*", FLAGS),
    "m": patterns.compile(rf"(?:{M_VALUES})(?:\((?:i\+|[01])\))?", FLAGS),
}
_GROUP_RANGE = patterns.compile(
    r"((?:IV|I{1,3}|[0-4])[A-D]?[123]?)\s?[-/~至到或]\s?(?:(?:IV|I{1,3}|[0-4])[A-D]?[123]?|[A-D][123]?)",
    FLAGS,
)
_EXAMPLES = {"t": "T2", "n": "N1", "m": "M0"}


def why_not(body: str, original: str, told: str) -> StageProblem:
    """The most telling reason why `body` was not read."""
    loose = _LOOSE.match(body)
    found = {k: v for k in "tnm" if loose and (v := loose[k])}
    rest = loose["rest"].strip() if loose else ""
    clean = not rest or read_group(rest, told="", staged=True) is not None
    if found and (clean or len(found) > 1):
        for letter, value in found.items():
            problem = _bad_category(letter, value)
            if problem is not None:
                return problem
    missing = [letter.upper() for letter in "tnm" if letter not in found]
    if found and missing and clean:
        return make_problem(
            "category-missing",
            "`{text}` 缺少 {missing} 分期：请把 T、N、M 写全，如 cT2N1M0；确实无法评估的写 TX 或 NX",
            "`{text}` lacks {missing}: write T, N and M, e.g. cT2N1M0; use TX or NX if it cannot be assessed",
            text=quoted(original),
            missing=Text(zh="、".join(missing), en=" and ".join(missing)),
        )
    words = body.split()
    if len(words) > 1 and all(read_group(word, told="", staged=True) for word in words):
        return several_stages(original)
    span = _GROUP_RANGE.fullmatch(body)
    if span:
        return range_problem(body, shaped(ROMAN.get(span[1], span[1]), ""))
    if told and (told != "tnm" or read_group(body, told="", staged=True) is not None):
        return group_invalid(original, told)
    return make_problem(
        "not-a-stage",
        "`{text}` 不是可识别的分期：请只写分期，如 cT2N1M0、IIB 期或 CNLC IIa 期",
        "`{text}` cannot be read as a stage: write only the stage, e.g. cT2N1M0, IIB or CNLC IIa",
        text=quoted(original),
    )


def _bad_category(letter: str, value: str) -> StageProblem | None:
    name, example = letter.upper(), _EXAMPLES[letter]
    if letter == "m" and value.lower().startswith("x"):
        return make_problem(
            "mx",
            "M 分期写作 MX：自 AJCC 第 7 版起 MX 不再是有效分期，请写 cM0 或 cM1",
            "M is written MX, which has not been a category since AJCC 7th edition: write cM0 or cM1",
        )
    if "?" in value:
        return make_problem(
            "uncertain",
            "{name} 分期带问号，未确定：请写一个确定的值，如 {example}；无法评估的 T、N 写 TX、NX",
            "{name} carries a question mark: write one value, e.g. {example} (TX or NX if not assessable)",
            name=name,
            example=example,
        )
    if re.match(r"\d?[a-e]?(?:\+|\(\+\))", value, FLAGS):
        if letter == "n":
            return make_problem(
                "n-plus",
                "N 分期写作 N+：N+ 只说明有淋巴结转移，不是有效分期，请写 N1、N2 或 N3（无法评估写 NX）",
                "N is written N+, which is not a category: write N1, N2 or N3 (NX if it cannot be assessed)",
            )
    elif re.search(r"[-/~至到或]", re.sub(r"\([^()]*\)", "", value)):
        return range_problem(name + value, name + value[0].upper())
    if _STRICT[letter].fullmatch(value):
        return None
    return make_problem(
        "category-invalid",
        "`{written}` 不是有效的 {name} 分期：请按 AJCC/UICC 写，如 {example}",
        "`{written}` is not a valid {name} category: write one of AJCC/UICC, e.g. {example}",
        written=quoted(name + value),
        name=name,
        example=example,
    )


def range_problem(written: str, example: str) -> StageProblem:
    """A range where one value is asked for."""
    return make_problem(
        "range",
        "`{written}` 是一个范围：分期只能写一个值，如 {example}（拿不准时按 AJCC 原则取较低者）",
        "`{written}` is a range: write one value, e.g. {example} (AJCC: if in doubt, the lower)",
        written=quoted(written),
        example=example,
    )


def several_stages(original: str) -> StageProblem:
    """More than one stage in one text."""
    return make_problem(
        "several-stages",
        "`{text}` 中写了不止一个分期：请分开填写，每处只写一个",
        "`{text}` holds more than one stage: write them apart, one in each place",
        text=quoted(original),
    )


def group_invalid(original: str, system: str) -> StageProblem:
    """A group that the system doesn't have."""
    name, values = SYSTEM_NAMES[system]
    return make_problem(
        "group-invalid",
        "`{text}` 不是 {name} 分期的有效值：应为 {values}",
        "`{text}` is not a {name} stage: the values are {values}",
        text=quoted(original),
        name=name,
        values=values,
    )


def system_contradicts(named: str, asked: str) -> StageProblem:
    """The text names one system, the record another."""
    return make_problem(
        "system-contradicts",
        "文字写的是 {named} 分期，分期系统却填 {asked}：请统一",
        "the text is a {named} stage, but the system given is {asked}: make them agree",
        named=SYSTEM_NAMES[named][0],
        asked=SYSTEM_NAMES[asked][0],
    )


_FOUR_IS_M1 = frozenset({"lung", "breast", "colorectal", "pancreas"})
"""Tumours whose stage IV is distant metastasis and nothing else (AJCC 8, general knowledge)."""


def contradiction(parts: list[Part], group: str, tumour: str | None) -> StageProblem | None:
    """Where a TNM or FIGO group cannot go with its categories.

    Thyroid cancer under 55 is stage I or II whatever M (AJCC 8); testis ends at III; GTN with M1a is III.
    """
    t, n, m = (part.value for part in parts)
    stem = re.sub(r"[^0IV]", "", group.split("(", maxsplit=1)[0].upper())
    free = {"thyroid": ("I", "II"), "testis": ("III",), "gtn": ("III",)}.get((tumour or "").lower(), ())
    shown = "".join(part.letter + part.value for part in parts)
    if m.startswith("1") and stem != "IV" and stem not in free:
        return make_problem(
            "group-contradicts-m1",
            "有远处转移（M{m}）却写 {group} 期：M1 应为 IV 期，请核对 M 分期与总分期",
            "distant metastasis (M{m}) stands beside stage {group}: M1 is stage IV; check both",
            m=m,
            group=group,
        )
    if stem == "0" and (t[:1] in "1234" or n[:1] in "123"):
        return make_problem(
            "group-contradicts-categories",
            "{shown} 与 0 期不符：0 期只用于原位癌或无淋巴结转移的非浸润癌，请核对",
            "{shown} does not go with stage 0, which is in situ disease without nodes: check both",
            shown=shown,
        )
    if m == "0" and stem == "IV" and (tumour or "").lower() in _FOUR_IS_M1:
        return make_problem(
            "group-contradicts-categories",
            "{shown} 没有远处转移，却写 {group} 期：该肿瘤的 IV 期须有 M1，请核对",
            "{shown} has no distant metastasis, yet stage {group} is written, which needs M1 in this tumour: check both",
            shown=shown,
            group=group,
        )
    if t == "is" and n == "0" and m == "0" and stem != "0":
        return make_problem(
            "group-contradicts-categories",
            "TisN0M0 是原位癌，应为 0 期，却写 {group} 期：请核对",
            "TisN0M0 is in situ disease, stage 0, but stage {group} is written: check both",
            group=group,
        )
    return None
