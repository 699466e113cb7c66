"""Reading a cancer stage as hospitals write it: `cT2N1M0 ⅡB期`, `CNLC Ⅱb期`, `Ann Arbor III A`, `局限期`.

`read_stage` gives a `Stage`, or a `StageProblem` that says what is wrong and what to write instead; it
never raises and never guesses. Systems: AJCC/UICC 8 and 9, FIGO, Lugano, CNLC, BCLC, VALG, Binet, Rai,
ISS, Durie-Salmon; what is general knowledge is marked so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from oncogate.base.texts import Text

Kind = Literal["clinical", "pathologic"]

MAX_LENGTH = 200


@dataclass(frozen=True)
class Stage:
    """A stage as read. `text` is its normalised notation, e.g. `cT2N1M0 IIB`.

    `kind` is what the notation itself says (prefix letters first, then labels such as 病理分期); `None`
    means unmarked. `modifiers` holds `y` (after treatment), `r` (recurrence), `a` (autopsy), `m` (multiple).
    Categories come without their letter and bracketed notes: `N0(i+)` has `n == "0"`, `Tis(DCIS)` has
    `t == "is"`. `system` is `""` for a group whose system is not told.
    """

    system: str
    kind: Kind | None
    modifiers: frozenset[str]
    t: str | None
    n: str | None
    m: str | None
    group: str | None
    text: str

    @property
    def form(self) -> Literal["categories", "group", "both"]:
        """Whether T, N and M were written, or a stage group, or both."""
        if self.t is None:
            return "group"
        return "categories" if self.group is None else "both"


@dataclass(frozen=True)
class StageProblem:
    """Why a text is not a usable stage. `code` is stable; `message` is for the clinician."""

    code: str
    message: Text


# --- Systems and their groups -------------------------------------------------------------------------

_FLAGS = re.IGNORECASE | re.ASCII
_BASE = r"I(?:[ABC][123]?)?|II(?:[ABC][12]?)?|III(?:[ABCD][12]?)?|IV(?:[ABC][12]?)?"
_GROUPS = {
    "tnm": re.compile(rf"0(?:a|is)?|IS|{_BASE}", _FLAGS),
    "figo": re.compile(rf"{_BASE}|IIIA1\(ii?\)|IIIC[12]ii?|IIIC[12]?(?:[rp]|\([rp]\))", _FLAGS),
    "lugano": re.compile(r"(?:IV|I{1,3})(?!.*A.*B|.*B.*A|.*([ABEXS]).*\1)[ABEXS]*", _FLAGS),
    "cnlc": re.compile(r"I{1,3}[ab]|IV", _FLAGS),
    "bclc": re.compile(r"[0ABCD]", _FLAGS),
    "valg": re.compile(r"[LE]D", _FLAGS),
    "binet": re.compile(r"[ABC]", _FLAGS),
    "rai": re.compile(r"0|I{1,3}|IV", _FLAGS),
    "iss": re.compile(r"I{1,3}", _FLAGS),
    "durie-salmon": re.compile(r"I{1,3}[AB]?", _FLAGS),
}
SYSTEMS = frozenset(_GROUPS)
_ALIASES = {"ann-arbor": "lugano", "r-iss": "iss", "ajcc": "tnm", "uicc": "tnm"}
_NAMES = {
    "tnm": ("TNM", "0, I–IV (IIB, IIIC1)"),
    "figo": ("FIGO", "I–IV (IB3, IIIC1r)"),
    "lugano": ("Ann Arbor/Lugano", "I–IV + A B E X S"),
    "cnlc": ("CNLC", "Ia Ib IIa IIb IIIa IIIb IV"),
    "bclc": ("BCLC", "0 A B C D"),
    "valg": ("VALG", "LD (局限期), ED (广泛期)"),
    "binet": ("Binet", "A B C"),
    "rai": ("Rai", "0–IV"),
    "iss": ("ISS/R-ISS", "I–III"),
    "durie-salmon": ("Durie-Salmon", "IA–IIIB"),
}
_VALG_WORDS = {
    **dict.fromkeys(("ld", "limited", "limited disease", "ls-sclc", "局限", "局限性"), "LD"),
    **dict.fromkeys(("ed", "extensive", "extensive disease", "es-sclc", "广泛", "广泛性"), "ED"),
}

# --- Normalisation: labels say the system and the kind, then go ---------------------------------------

_EDITION = r"(?:(?:19|20)\d\d\s*年?版?|第\s*[5-9五六七八九]\s*版|[5-9]th(?:\s*ed(?:ition|\.)?)?)"
_LABEL = re.compile(
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
    _FLAGS | re.VERBOSE,
)
_SYSTEM_LABELS = {
    **{name: name for name in ("figo", "lugano", "cnlc", "bclc", "valg", "binet", "rai", "iss", "tnm")},
    "durie": "durie-salmon",
}
_NOT_STAGED = frozenset(
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
class _Labels:
    named: frozenset[str]
    kind: Kind | None
    modifiers: frozenset[str]
    staged: bool  # some label says that what follows is a stage


def _normalise(text: str) -> tuple[str, _Labels]:
    """The notation without labels, and what the labels said."""
    named: set[str] = set()
    kinds: set[Kind] = set()
    modifiers: set[str] = set()
    staged = False

    def take(label: re.Match[str]) -> str:
        nonlocal staged
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
    body = re.sub(r"^([yram]{0,2}[cp]|[yra]) (?=T ?[0-4Xia])", r"\1", body, flags=_FLAGS)
    kind = kinds.pop() if len(kinds) == 1 else None
    return _unwrap(body), _Labels(frozenset(named), kind, frozenset(modifiers), staged)


def _unwrap(text: str) -> str:
    """`text` without a pair of brackets around the whole of it."""
    text = text.strip()
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for char in text[1:-1]:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth < 0:
            return text
    return text[1:-1].strip() if depth == 0 else text


# --- T, N and M ---------------------------------------------------------------------------------------

_PREFIX = r"(?:[yram]{0,2}[cp]|[yram]{1,2})?"
_T = r"X|0|is|a|1(?:mi|[abcd][123]?)?|2(?:[abcd][12]?)?|3[a-e]?|4[a-e]?"
_N = r"X|0[ab]?|1(?:mi|[abc])?|2[abc]?|3[abc]?"
_M = r"0|1(?:[a-e][12]?)?"
_TNM = re.compile(
    rf"(?:^|(?<=[ (]))(?P<pt>{_PREFIX})T ?(?P<t>{_T})(?P<st>\((?:m|s|mi|\d{{1,2}}|[a-z]{{2,6}})\))*"
    rf" ?(?P<pn>{_PREFIX})N ?(?P<n>{_N})(?P<sn>\((?:i[+-]|mol[+-]|sn|f)\))*"
    rf" ?(?P<pm>{_PREFIX})M ?(?P<m>{_M})(?P<sm>\((?:i\+|[01])\))?(?![a-hj-uw-z0-9+?]|[-/~至到或] ?[m0-9])",
    _FLAGS,
)


@dataclass(frozen=True)
class _Part:
    letter: str
    prefix: str
    value: str
    written: str  # with its bracketed notes, e.g. `N0(i+)`


def _value(letter: str, raw: str) -> str:
    return "X" if raw.upper() == "X" else raw.lower()


def _notes(raw: str) -> str:
    """Bracketed notes of a category: the AJCC ones in their letter case, names such as DCIS as written."""
    text = raw.strip()
    return text if re.fullmatch(r"\([A-Za-z]{3,}\)", text) else text.lower()


def _parts(match: re.Match[str]) -> list[_Part]:
    """The three categories, with `c` given to the suffix or to the next prefix.

    `T1cN1cM0` can be read as T1c or T1 cN1. A `c` is the next category's prefix only where the writer
    plainly repeats prefixes (`cT1cN0cM0`) or mixes them (`pT3N1cM0`); else it is the suffix (`cT1cN1M0`).
    """
    values = {letter: _value(letter, match[letter]) for letter in "tnm"}
    prefixes = {letter: match["p" + letter].lower() for letter in "tnm"}
    before_n = values["t"].endswith("c") and match.end("t") == match.start("pn") == match.end("pn")
    before_m = values["n"].endswith("c") and match.end("n") == match.start("pm") == match.end("pm")
    first = prefixes["t"][-1:]
    repeats = first == "c" and before_n and (before_m or prefixes["m"] == "c")
    mixes = before_m and "p" in (prefixes["t"] + prefixes["n"])
    if repeats:
        values["t"], prefixes["n"] = values["t"][:-1], "c"
    if before_m and (repeats or mixes or prefixes["n"].endswith("c")):
        values["n"], prefixes["m"] = values["n"][:-1], "c"
    bounds = {"t": match.end("t"), "n": match.end("n"), "m": match.end("m")}
    ends = {"t": match.start("pn"), "n": match.start("pm"), "m": match.end()}
    return [
        _Part(
            letter.upper(),
            prefixes[letter],
            values[letter],
            letter.upper() + values[letter] + _notes(match.string[bounds[letter] : ends[letter]]),
        )
        for letter in "tnm"
    ]


def _rendered(parts: list[_Part]) -> str:
    plain, spaced = ("".join(gap + p.prefix + p.written for p in parts).strip() for gap in ("", " "))
    again = _TNM.fullmatch(plain)
    same = again is not None and [(p.prefix, p.value) for p in _parts(again)] == [
        (p.prefix, p.value) for p in parts
    ]
    return plain if same else spaced


def _kind_of(parts: list[_Part]) -> Kind | None:
    """p on T or N makes it pathologic; a prefix covers the categories after it that have none."""
    t, n, _ = parts
    letters = t.prefix + n.prefix
    if "p" in letters:
        return "pathologic"
    return "clinical" if "c" in letters else None


# --- Groups -------------------------------------------------------------------------------------------

_GROUP = re.compile(r"(?P<prefix>[yr]{0,2}[cp]|[yra]|yr|ry) ?(?P<group>.+)", _FLAGS | re.DOTALL)
_ROMAN = {"1": "I", "2": "II", "3": "III", "4": "IV"}


@dataclass(frozen=True)
class _Group:
    value: str
    prefix: str
    systems: tuple[str, ...]  # those in which the value is valid


def _valid(group: str, system: str) -> bool:
    return _GROUPS[system].fullmatch(group) is not None


def _read_group(text: str, *, told: str, staged: bool) -> _Group | None:
    """The group in `text`, or `None`. `told` is its system if known; `staged`: a label announced a stage.

    A bare digit other than 0 needs a label or a system, so that a stray `2` is not stage II; short forms
    that mean other things (`R0` margins, `AI`, `PI`) are not a prefix and a group.
    """
    text = _unwrap(text.lstrip("-/:~ "))
    word = _VALG_WORDS.get(" ".join(text.lower().strip(" -").split()))
    if word is not None:
        return _Group(word, "", ("valg",))
    known = staged or bool(told)
    plain = _group_value(text, told)
    if plain is not None and (known or text not in _ROMAN):
        return plain
    match = _GROUP.fullmatch(text)
    after = _group_value(match["group"], told) if match else None
    if match is None or after is None or not {"tnm", "figo"} & set(after.systems):
        return None
    prefix, raw = match["prefix"], match["group"]
    if raw.isdigit() and not (known and prefix[-1] in "cp"):
        return None
    if len(raw) == 1 and not known and not prefix.islower():
        return None
    return _Group(after.value, prefix.lower(), after.systems)


def _group_value(raw: str, told: str) -> _Group | None:
    value = re.sub(r" (?=[ABCDEXS(]|[123]$)", "", raw, flags=_FLAGS).strip()
    if told == "lugano":
        value = re.sub(r"(?: ?bulky| ?大肿块)$", "X", value, flags=_FLAGS)
    value = _ROMAN.get(value[:1], value[:1]) + value[1:]
    systems = tuple(system for system in sorted(_GROUPS) if _valid(value, system))
    return _Group(value, "", systems) if systems else None


def _shaped(group: str, system: str) -> str:
    """`group` in the letter case of its system: `IIB`, CNLC `IIb`, `0is`, `IIIC1r`, `IIIA1(i)`."""
    if system == "cnlc":
        return group[: len(group.rstrip("abAB"))].upper() + group[len(group.rstrip("abAB")) :].lower()
    if group.startswith("0"):
        return group.lower()
    head = re.match(r"[IV]*[A-EXSL]*[123]?", group, _FLAGS)
    cut = head.end() if head else len(group)
    tail = group[cut:].lower()
    return group[:cut].upper() + (tail.strip("()") if tail.strip("()") in ("r", "p") else tail)


# --- Problems -----------------------------------------------------------------------------------------


def _problem(code: str, zh: str, en: str, **values: Text | str) -> StageProblem:
    return StageProblem(code, Text(zh=zh, en=en).fill(**values))


def _quoted(text: str) -> str:
    shown = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return shown if len(shown) <= 40 else shown[:39] + "…"


_TAIL = r"(?:[0-9a-e?+]|mi|x|[-/~,至到或] ?[tnm]?(?=[0-4])|\([^()]{0,6}\))*"
_LOOSE = re.compile(
    rf"(?:{_PREFIX}T ?(?P<t>(?:is|a|x|[0-9?+]|\(\+\)){_TAIL}))? ?"
    rf"(?:{_PREFIX}N ?(?P<n>(?:x|[0-9?+]|\(\+\)){_TAIL}))? ?"
    rf"(?:{_PREFIX}M ?(?P<m>(?:x|[0-9?+]|\(\+\)){_TAIL}))?(?P<rest>.*)",
    _FLAGS | re.DOTALL,
)
_STRICT = {
    "t": re.compile(rf"(?:{_T})(?:\([a-z0-9]{{1,6}}\))*", _FLAGS),
    "n": re.compile(rf"(?:{_N})c?(?:\([a-z+-]{{1,4}}\))*", _FLAGS),
    "m": re.compile(rf"(?:{_M})(?:\((?:i\+|[01])\))?", _FLAGS),
}
_GROUP_RANGE = re.compile(
    r"((?:IV|I{1,3}|[0-4])[A-D]?[123]?)\s?[-/~至到或]\s?(?:(?:IV|I{1,3}|[0-4])[A-D]?[123]?|[A-D][123]?)",
    _FLAGS,
)
_EXAMPLES = {"t": "T2", "n": "N1", "m": "M0"}


def _why_not(body: str, original: str, told: str) -> StageProblem:
    """The most telling reason why `body` was not read."""
    loose = _LOOSE.match(body)
    found = {k: v for k in "tnm" if loose and (v := loose[k])}
    rest = loose["rest"].strip() if loose else ""
    clean = not rest or _read_group(rest, told="", staged=True) is not None
    if found and (clean or len(found) > 1):
        for letter, value in found.items():
            problem = _bad_category(letter, value)
            if problem is not None:
                return problem
    missing = [letter.upper() for letter in "tnm" if letter not in found]
    if found and missing and clean:
        return _problem(
            "category-missing",
            "`{text}` 缺少 {missing} 分期：请把 T、N、M 写全，如 cT2N1M0；确实无法评估的写 TX 或 NX",
            "`{text}` lacks {missing}: write T, N and M, e.g. cT2N1M0; use TX or NX if it cannot be assessed",
            text=_quoted(original),
            missing=Text(zh="、".join(missing), en=" and ".join(missing)),
        )
    words = body.split()
    if len(words) > 1 and all(_read_group(word, told="", staged=True) for word in words):
        return _several(original)
    span = _GROUP_RANGE.fullmatch(body)
    if span:
        return _range(body, _shaped(_ROMAN.get(span[1], span[1]), ""))
    if told and (told != "tnm" or _read_group(body, told="", staged=True) is not None):
        return _group_invalid(original, told)
    return _problem(
        "not-a-stage",
        "`{text}` 不是可识别的分期：请只写分期，如 cT2N1M0、IIB 期或 CNLC IIa 期",
        "`{text}` cannot be read as a stage: write only the stage, e.g. cT2N1M0, IIB or CNLC IIa",
        text=_quoted(original),
    )


def _bad_category(letter: str, value: str) -> StageProblem | None:
    name, example = letter.upper(), _EXAMPLES[letter]
    if letter == "m" and value.lower().startswith("x"):
        return _problem(
            "mx",
            "M 分期写作 MX：自 AJCC 第 7 版起 MX 不再是有效分期，请写 cM0 或 cM1",
            "M is written MX, which has not been a category since AJCC 7th edition: write cM0 or cM1",
        )
    if "?" in value:
        return _problem(
            "uncertain",
            "{name} 分期带问号，未确定：请写一个确定的值，如 {example}；无法评估的 T、N 写 TX、NX",
            "{name} carries a question mark: write one value, e.g. {example} (TX or NX if not assessable)",
            name=name,
            example=example,
        )
    if re.match(r"\d?[a-e]?(?:\+|\(\+\))", value, _FLAGS):
        if letter == "n":
            return _problem(
                "n-plus",
                "N 分期写作 N+：N+ 只说明有淋巴结转移，不是有效分期，请写 N1、N2 或 N3（无法评估写 NX）",
                "N is written N+, which is not a category: write N1, N2 or N3 (NX if it cannot be assessed)",
            )
    elif re.search(r"[-/~至到或]", re.sub(r"\([^()]*\)", "", value)):
        return _range(name + value, name + value[0].upper())
    if _STRICT[letter].fullmatch(value):
        return None
    return _problem(
        "category-invalid",
        "`{written}` 不是有效的 {name} 分期：请按 AJCC/UICC 写，如 {example}",
        "`{written}` is not a valid {name} category: write one of AJCC/UICC, e.g. {example}",
        written=_quoted(name + value),
        name=name,
        example=example,
    )


def _range(written: str, example: str) -> StageProblem:
    return _problem(
        "range",
        "`{written}` 是一个范围：分期只能写一个值，如 {example}（拿不准时按 AJCC 原则取较低者）",
        "`{written}` is a range: write one value, e.g. {example} (AJCC: if in doubt, the lower)",
        written=_quoted(written),
        example=example,
    )


def _several(original: str) -> StageProblem:
    return _problem(
        "several-stages",
        "`{text}` 中写了不止一个分期：请分开填写，每处只写一个",
        "`{text}` holds more than one stage: write them apart, one in each place",
        text=_quoted(original),
    )


def _group_invalid(original: str, system: str) -> StageProblem:
    name, values = _NAMES[system]
    return _problem(
        "group-invalid",
        "`{text}` 不是 {name} 分期的有效值：应为 {values}",
        "`{text}` is not a {name} stage: the values are {values}",
        text=_quoted(original),
        name=name,
        values=values,
    )


def _system_contradicts(named: str, asked: str) -> StageProblem:
    return _problem(
        "system-contradicts",
        "文字写的是 {named} 分期，分期系统却填 {asked}：请统一",
        "the text is a {named} stage, but the system given is {asked}: make them agree",
        named=_NAMES[named][0],
        asked=_NAMES[asked][0],
    )


_FOUR_IS_M1 = frozenset({"lung", "breast", "colorectal", "pancreas"})
"""Tumours whose stage IV is distant metastasis and nothing else (AJCC 8, general knowledge)."""


def _contradiction(parts: list[_Part], group: str, tumour: str | None) -> StageProblem | None:
    """Where a TNM or FIGO group cannot go with its categories.

    Thyroid cancer under 55 is stage I or II whatever M (AJCC 8); testis ends at III; GTN with M1a is III.
    """
    t, n, m = (part.value for part in parts)
    stem = re.sub(r"[^0IV]", "", group.split("(", maxsplit=1)[0].upper())
    free = {"thyroid": ("I", "II"), "testis": ("III",), "gtn": ("III",)}.get((tumour or "").lower(), ())
    shown = "".join(part.letter + part.value for part in parts)
    if m.startswith("1") and stem != "IV" and stem not in free:
        return _problem(
            "group-contradicts-m1",
            "有远处转移（M{m}）却写 {group} 期：M1 应为 IV 期，请核对 M 分期与总分期",
            "distant metastasis (M{m}) stands beside stage {group}: M1 is stage IV; check both",
            m=m,
            group=group,
        )
    if stem == "0" and (t[:1] in "1234" or n[:1] in "123"):
        return _problem(
            "group-contradicts-categories",
            "{shown} 与 0 期不符：0 期只用于原位癌或无淋巴结转移的非浸润癌，请核对",
            "{shown} does not go with stage 0, which is in situ disease without nodes: check both",
            shown=shown,
        )
    if m == "0" and stem == "IV" and (tumour or "").lower() in _FOUR_IS_M1:
        return _problem(
            "group-contradicts-categories",
            "{shown} 没有远处转移，却写 {group} 期：该肿瘤的 IV 期须有 M1，请核对",
            "{shown} has no distant metastasis, yet stage {group} is written, which needs M1 in this tumour: check both",
            shown=shown,
            group=group,
        )
    if t == "is" and n == "0" and m == "0" and stem != "0":
        return _problem(
            "group-contradicts-categories",
            "TisN0M0 是原位癌，应为 0 期，却写 {group} 期：请核对",
            "TisN0M0 is in situ disease, stage 0, but stage {group} is written: check both",
            group=group,
        )
    return None


# --- The two public questions -------------------------------------------------------------------------


def read_stage(text: str, *, system: str | None = None, tumour: str | None = None) -> Stage | StageProblem:
    """The stage written in `text`, or why it cannot be used. Never raises.

    `system` is the id the record gives beside the text (one of `SYSTEMS`, or `ann-arbor`); `tumour` is a
    tumour word such as `thyroid`, used only where M1 does not mean stage IV. Problem codes: `too-long`,
    `not-staged`, `not-a-stage`, `mx`, `n-plus`, `range`, `uncertain`, `category-invalid`,
    `category-missing`, `group-invalid`, `group-contradicts-m1`, `group-contradicts-categories`,
    `kind-contradicts`, `several-stages`, `system-needed`, `system-contradicts`, `system-unknown`.
    """
    asked = _ALIASES.get(system.lower(), system.lower()) if system else ""
    if asked and asked not in SYSTEMS:
        return _problem(
            "system-unknown",
            "不认识分期系统 `{system}`：应为 {known} 之一",
            "the staging system `{system}` is not known: it is one of {known}",
            system=_quoted(asked),
            known=", ".join(sorted(SYSTEMS)),
        )
    if len(text) > MAX_LENGTH:
        return _problem(
            "too-long",
            "分期文字过长（{length} 字，上限 {limit} 字）：请只写分期，如 cT2N1M0 IIB 期",
            "the stage text is too long ({length} characters, at most {limit}): write only the stage",
            length=str(len(text)),
            limit=str(MAX_LENGTH),
        )
    body, labels = _normalise(text)
    compact = "".join(unicodedata.normalize("NFKC", text).lower().split()).strip(".。:")
    if {compact, "".join(body.lower().split())} & _NOT_STAGED:
        return _problem(
            "not-staged",
            "尚未填写分期：请写治疗前分期，如 cT2N1M0 IIB 期",
            "no stage is given: write the stage before treatment, e.g. cT2N1M0 IIB",
        )
    others = sorted(labels.named - {"tnm"})
    match = _TNM.search(body)
    if len(others) > 1 or (others and "tnm" in labels.named and not match):
        return _several(text)
    told = others[0] if others else "tnm" if "tnm" in labels.named else ""
    if match is None:
        return _group_alone(body, text, labels, told, asked)
    return _categories(match, text, labels, told, asked, tumour)


def _group_alone(body: str, text: str, labels: _Labels, told: str, asked: str) -> Stage | StageProblem:
    if told and asked and told != asked:
        return _system_contradicts(told, asked)
    system = told or asked
    group = _read_group(body, told=system, staged=labels.staged)
    if group is None:
        return _why_not(body, text, told=system)
    if group.systems == ("valg",):
        if system not in ("", "valg"):
            return _system_contradicts("valg", system)
        system = "valg"
    elif not system and group.value.upper() in ("A", "B", "C", "D"):
        return _problem(
            "system-needed",
            "只写了 `{group}` 期，不知是哪个分期系统：请写明，如 BCLC {group} 期或 Binet {group} 期",
            "only `{group}` is written, without its staging system: write e.g. BCLC {group} or Binet {group}",
            group=group.value.upper(),
        )
    if (system and system not in group.systems) or (group.prefix and system not in ("", "tnm", "figo")):
        return _group_invalid(text, system)
    kind: Kind | None = {"c": "clinical", "p": "pathologic"}.get(group.prefix[-1:], labels.kind)  # type: ignore[assignment]
    value = _shaped(group.value, system)
    modifiers = labels.modifiers | (set(group.prefix) & set("yram"))
    return Stage(system, kind, modifiers, None, None, None, value, group.prefix + value)


def _categories(
    match: re.Match[str], text: str, labels: _Labels, told: str, asked: str, tumour: str | None
) -> Stage | StageProblem:
    body = match.string
    before, rest = body[: match.start()].strip(), body[match.end() :].strip()
    if before.endswith("(") and rest.startswith(")"):
        before, rest = before[:-1].strip(), rest[1:].strip()
    if _TNM.search(rest):
        return _several(text)
    if before and rest:
        return _why_not(f"{before} {rest}", text, told="")
    group: _Group | None = None
    system = "tnm"
    if before or rest:
        group = _read_group(before or rest, told=told, staged=labels.staged)
        if group is None:
            return _why_not(before or rest, text, told=told if told != "tnm" else "")
        system = told if told not in ("", "tnm") else asked or "tnm"
        if system == "tnm" and group.systems == ("valg",):
            system = "valg"
        if system not in group.systems:
            system = "figo" if system == "tnm" and "figo" in group.systems and not told else system
        if system not in group.systems:
            return _group_invalid(before or rest, system)
    elif told not in ("", "tnm"):
        return _system_contradicts("tnm", told)
    if asked not in ("", "tnm", system):
        return _system_contradicts(system, asked)

    parts = _parts(match)
    kind = _kind_of(parts)
    modifiers = labels.modifiers | (set("".join(part.prefix for part in parts)) & set("yram"))
    if "(m)" in parts[0].written:
        modifiers |= {"m"}
    written = _rendered(parts)
    value: str | None = None
    if group is not None:
        value = _shaped(group.value, system)
        of_group = {"c": "clinical", "p": "pathologic"}.get(group.prefix[-1:])
        if kind and of_group and kind != of_group:
            return _problem(
                "kind-contradicts",
                "`{text}` 中 TNM 与总分期一个是临床分期、一个是病理分期：请统一，治疗前写临床分期",
                "`{text}` mixes a clinical and a pathologic stage: write the clinical one before treatment",
                text=_quoted(text),
            )
        kind = kind or of_group  # type: ignore[assignment]
        modifiers |= set(group.prefix) & set("yram")
        if system in ("tnm", "figo"):
            problem = _contradiction(parts, value, tumour)
            if problem is not None:
                return problem
        written = f"{written} {group.prefix}{value}"
    t, n, m = (part.value for part in parts)
    return Stage(system, kind or labels.kind, frozenset(modifiers), t, n, m, value, written)


def fits(stage: Stage, systems: Collection[str]) -> bool:
    """Whether `stage` is written in one of `systems` (ids of `SYSTEMS`).

    Categories fit TNM. A group fits its own system; one whose system is not told fits wherever its value
    is valid.
    """
    names = {_ALIASES.get(name, name) for name in systems} & SYSTEMS
    if stage.t is not None and "tnm" in names:
        return True
    if stage.group is None:
        return False
    if stage.system:
        return stage.system in names
    return any(_valid(stage.group, name) for name in names)
