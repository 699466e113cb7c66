"""What a request for a service orders: chemotherapy, surgery, radiotherapy, or none of them."""

from __future__ import annotations

import re
from typing import Any

from oncogate.adapters.fhir.access import Json, codings, has_code, obj, texts
from oncogate.adapters.fhir.treatments import CHEMO_WORDS, CHEMOTHERAPY, RADIOTHERAPY, SURGERY

_FLAGS = re.IGNORECASE | re.ASCII  # a Chinese character ends a word, as in `TC化疗`

_BRACKETS = re.compile(r"[（(\[【][^（()）\[\]【】]*[）)\]】]")
_NUMBER = r"[\d一二三四五六七八九十]+"
_ACT = re.compile(
    r"(?:化疗|化学治疗)(?:药物?)?"
    rf"(?:方案|治疗|疗程|术|静脉|腹腔|动脉|胸腔|膀胱|鞘内|用药|给药|输注|输液|静滴|滴注|注射|推注|灌注|泵入|口服|栓塞|第?{_NUMBER}(?:周期|疗程|次|程|天|日)?|"
    r"\s*[cd]\d+|\s*q\d+[wd]?)*"
    r"\s*(?:$|[\s:：,，、;；+＋/—–-](?P<rest>.*))",
    _FLAGS,
)
_NAMED_ONLY = re.compile(r"(?:化疗|化学治疗)药物?\s*(?:$|[\s:：,，、;；+＋/—–-])", _FLAGS)
_NOT_DONE = re.compile(r"(?:是否|能否|可否|暂不|不宜|不能|不行|未行|未|拒绝|停止?|暂停|延迟|推迟|终止|中止|取消|既往|无)(?:接受|进行|行|予)?(?:静脉|口服)?(?:化疗|化学治疗)", _FLAGS)  # fmt: skip
_BEFORE = re.compile(
    r"\b(?:for|during|before|after|prior|while|post|pre|due|related|with|without|to|no|not|stop|hold|refus\w+|declin\w+|against|from|on)\b",
    _FLAGS,
)
_AFTER = re.compile(
    r"\s*(?:$|[:;,+/–—]|-\s|-?\s*(?:infusions?|administrations?|injections?|treatments?|therapy|regimens?|protocols?|cycles?|"
    r"courses?|sessions?|doses?|days?|via|through|by|with|using|for|iv|oral|plus|and|c\d+|d\d+|q\d+|#?\d+)\b|\s(?-i:[A-Z][A-Z\d+-]*)\b)",
    _FLAGS,
)
_AROUND = re.compile(
    r"血常规|尿常规|生化|肝功|肾功|心电|检查|检验|检测|监测|监护|护理|宣教|教育|评估|会诊|咨询|随访|复查|挂号|同意书|止吐|营养|外渗|不良反应|副反应|"
    r"血药浓度|药敏|置管|植入|\bcare\b|educat|counsel|consult|assess|evaluat|monitor|\btests?\b|\bcbc\b|\blabs?\b|blood|planning|"
    r"induced|toxicit|insertion|nausea|emetic|support|clinic|disconnect|\bflush|consent|appointment|class\b|teach",
    _FLAGS,
)
"""What is ordered around a chemotherapy, and is none."""


def service_kind(resource: Json) -> str | None:
    """What a service is by its codes; chemotherapy by its words, too, where they name the act and not what goes with it."""
    category, code = resource.get("category"), resource.get("code")
    code = obj(code).get("concept") or code
    for codes, kind in ((CHEMOTHERAPY, "chemotherapy"), (SURGERY, "surgery"), (RADIOTHERAPY, "radiotherapy")):
        if has_code(category, codes) or has_code(code, codes):
            return kind
    names = _names(code)
    if any(_is_chemotherapy(name) for name in names):
        return "chemotherapy"
    beside = any(CHEMO_WORDS.search(name) or _AROUND.search(name) for name in names)
    by_category = any(_is_chemotherapy(name) for name in _names(category))
    return "chemotherapy" if by_category and not beside else None


def _names(concept: Any) -> list[str]:
    return [*texts(concept), *(c["display"] for c in codings(concept) if "display" in c)]


def _is_chemotherapy(name: str) -> bool:
    """Whether a name, without what stands in brackets, is that of the act: it ends in it, or goes on with a route, regimen or cycle."""
    plain = _BRACKETS.sub(" ", name).strip()
    return _says_it(plain) or (plain.endswith("方案") and any(map(_says_it, _in_brackets(name))))


def _in_brackets(name: str) -> list[str]:
    return [found[0][1:-1].strip() for found in _BRACKETS.finditer(name)]


def _says_it(plain: str) -> bool:
    if _NOT_DONE.search(plain):
        return False
    acts = (act for act in _ACT.finditer(plain) if not _NAMED_ONLY.match(plain, act.start()))
    if any(not _AROUND.search(act["rest"] or "") for act in acts):
        return True
    for found in re.finditer(r"\bchemo-?therap(?:y|ies)\b", plain, _FLAGS):
        before, after = plain[: found.start()], plain[found.end() :]
        around = _AROUND.search(before) or _AROUND.search(after) or _BEFORE.search(before)
        if not around and _AFTER.match(after):
            return True
    return False
