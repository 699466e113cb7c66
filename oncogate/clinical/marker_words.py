"""The closed vocabulary of marker results: every word that a result text may hold, and what it says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from oncogate.base import patterns
from oncogate.base.logic import Truth

GENE_START = r"(?<![A-Za-z0-9])"
GENE_END = r"(?:(?![A-Za-z0-9])|(?=ex(?:on)?\s?\d)|(?=\d\d(?:del|ins|号|外显子)))"
"""A gene's name ends with the word; only an exon may be written right after it (`EGFR19del`, `METex14`)."""


@dataclass(frozen=True)
class Level:
    """A number as reported, as the interval that it stands for; an `open` end isn't part of it."""

    low: Decimal | None
    high: Decimal | None
    low_open: bool = False
    high_open: bool = False

    def at_least(self, limit: Decimal) -> Truth:
        """Whether the number is `limit` or more; unknown where only part of the interval is."""
        if self.low is not None and self.low >= limit:
            return True
        below = self.high is not None and (self.high < limit or (self.high == limit and self.high_open))
        return False if below else None

    def at_most(self, limit: Decimal) -> Truth:
        """Whether the number is `limit` or less."""
        if self.high is not None and self.high <= limit:
            return True
        above = self.low is not None and (self.low > limit or (self.low == limit and self.low_open))
        return False if above else None


@dataclass(frozen=True)
class Word:
    """A word of a result: its kind, what it stands for, the genes that it names or the level that it gives."""

    kind: str
    text: str = ""
    ids: frozenset[str] = frozenset()
    level: Level | None = None


@dataclass(frozen=True)
class _Pattern:
    kind: str
    expression: re.Pattern[str]
    text: str | None = None

    def read(self, text: str, place: int) -> tuple[Word, int] | None:
        """The word at `place` and where it ends."""
        found = self.expression.match(text, place)
        if found is None or found.end() == place:
            return None
        if self.kind == "level":
            scale = found["scale"].upper() if found["scale"] else "percent"
            return Word("level", scale, level=_level(found)), found.end()
        if self.kind == "ihc":
            said = (
                found["n"] or found.groupdict().get("zero") or str(len(found.groupdict().get("plus") or ""))
            )
            return Word("ihc", "IHC", level=_exactly(said)), found.end()
        if self.kind == "exon":
            numbers = re.findall(r"\d+", found[0])
            return Word("exon", " ".join(numbers)), found.end()
        if self.kind == "gene":
            return Word("gene", found[0], frozenset({f"?{found[0]}"})), found.end()
        said = self.text if self.text is not None else found[0]
        if self.kind == "var" and self.text is None:
            said = _protein(found[0])
            if said[0] == said[-1]:
                return Word("unsure", said), found.end()  # the protein isn't changed
        return Word(self.kind, said), found.end()


def _protein(said: str) -> str:
    """A changed protein in one spelling: `p.L858R`, `l858r` are `L858R`; exon 19 deletions are `ex19del`."""
    plain = re.sub(r"^p\.?\s*|[()\s]", "", said, flags=re.IGNORECASE)
    head, tail = (
        (plain[:-3], plain[-3:].lower()) if plain[-3:].lower() in ("del", "dup", "ins") else (plain, "")
    )
    return head.upper() + tail


def _exactly(said: str) -> Level:
    return Level(Decimal(said), Decimal(said))


def _level(found: re.Match[str]) -> Level:
    number, sign = Decimal(found["number"]), found["sign"] or ""
    if found["to"]:
        return Level(number, Decimal(found["to"]))
    if sign in ("≥", ">=", "大于等于", "不低于"):
        return Level(number, None)
    if sign in (">", "大于", "高于"):
        return Level(number, None, low_open=True)
    if sign in ("≤", "<=", "小于等于"):
        return Level(None, number)
    if sign in ("<", "小于", "低于", "不足"):
        return Level(None, number, high_open=True)
    return Level(number, number)


def _made(kind: str, expression: str, text: str | None = None) -> _Pattern:
    return _Pattern(kind, patterns.compile(expression, re.IGNORECASE), text)


_B, _E = r"(?<![a-z0-9])", r"(?![a-z0-9])"
_AMINO = "ARNDCQEGHILKMFPSTWYV"
_SIGN = r"(?P<sign>≥|>=|≤|<=|>|<|大于等于|小于等于|不低于|大于|高于|小于|低于|不足)?"
_UNSURE = "".join(
    (
        r"意义(?:不明|未明|不确定)\w{0,4}|可疑|疑似|临界|弱阳性|不典型|详见|见附件|见报告|另附|",
        rf"{_B}(?:vus|equivocal|suspicious|borderline|possibl[ey]|probabl[ey]|see|attached){_E}",
    )
)
_FAILED = "".join(
    (
        r"待报告|待出|待报|待回|待检|待查|待定|结果未回|未回报|检测中|送检中|进行中|",
        r"(?:标本|样本|组织|肿瘤细胞|dna|rna|核酸)?(?:含量|数量|比例|质量|量|浓度)?不(?:足|合格)(?:以\w{0,4})?|",
        r"(?:检测|扩增|提取|建库|质控)?失败|",
        r"(?:无法|不能|未能)(?:判定|判断|评估|检测|分析|判读|检出|扩增|明确)|未做|未行|未送检|未检测(?![到出])|未进行|",
        r"拒收|退检|无效|作废|",
        rf"{_B}(?:pending|awaiting|awaited|in progress|qns|quantity not sufficient|insufficient(?: \w+)*|inadequate"
        rf"(?: \w+)*|fail(?:ed|ure)?|invalid|indeterminate|inconclusive|cancell?ed|rejected|"
        rf"not (?:performed|done|tested|evaluable|assessable|available|interpretable)|cannot be \w+|unable to \w+){_E}",
    )
)

_UNSTABLE = rf"{_B}(?:msi[- ]?h(?:igh)?|dmmr){_E}|高度?微卫星(?:高度)?不稳定|微卫星高度不稳定|错配修复(?:功能|蛋白)?缺陷"
_STABLE = rf"{_B}(?:mss|pmmr|msi[- ]?l(?:ow)?){_E}|微卫星稳定|微卫星低度不稳定|错配修复(?:功能)?(?:完整|正常)"
MSI_STATE = patterns.compile(f"{_UNSTABLE}|{_STABLE}", re.IGNORECASE)
"""Words that are a marker and its result at once; they go before the gene's name."""

WORDS: tuple[_Pattern, ...] = (
    # what goes on as if it were something else stands first
    _made("fill", r"(?:其余|其它|其他|余)(?:位点|基因|外显子|突变|靶点|热点|所检)*(?:均|皆|都)?(?:为)?(?:未检出|未检测到|未见|未发现)?"
                  r"(?:阴性|野生型|突变|变异|异常)+"),
    _made("fill", r"(?:基因)?(?:突变|融合|扩增|重排|变异|缺失)(?:基因)?(?:检测|分析|位点|类型|状态)(?:结果|报告|项目)?"),
    _made("fill", r"(?:突变|等位基因)?(?:丰度|频率|突变率|拷贝数|vaf|af|maf|allele frequency)\s*[:=为约]*\s*[<>≥≤]?\s*\d+(?:\.\d+)?\s*%?"),
    _made("fill", r"(?:请结合临床|建议结合临床|供临床参考)\w{0,6}"),
    _made("unsure", _UNSURE),
    _made("failed", _FAILED),
    # microsatellites: the word is marker and result at once
    _made("state_msi", _UNSTABLE, "+"),
    _made("state_msi", _STABLE, "-"),
    # numbers on a scale
    _made("level", rf"{_B}(?P<scale>tps|cps|tc|ic)\s*(?:评分|分值|score)?\s*\)?\s*[:=为约是]*\s*{_SIGN}\s*(?P<number>\d+(?:\.\d+)?)\s*%?"
                   r"(?:\s*[-~—–至到]\s*(?P<to>\d+(?:\.\d+)?)\s*%?)?\s*分?"),
    _made("level", rf"(?P<scale>(?!))?{_SIGN}\s*(?P<number>\d+(?:\.\d+)?)\s*%(?:\s*[-~—–至到]\s*(?P<to>\d+(?:\.\d+)?)\s*%)?"),
    _made("level", rf"(?P<scale>(?!))?{_SIGN}\s*(?P<number>\d+(?:\.\d+)?)\s*[-~—–至到]\s*(?P<to>\d+(?:\.\d+)?)\s*%"),
    _made("ihc", r"\(?\s*(?:(?P<n>[0-3])\s*\+|(?P<plus>\+{2,3}))\s*\)?"),
    _made("ihc", rf"(?:{_B}ihc|免疫组化)\s*[:=为]?\s*\(?(?P<n>0)(?![0-9.%+])\)?"),
    _made("ihc", r"\((?P<n>0)\)|(?<=[\s:])(?P<zero>0)(?=$|[\s,)])"),
    # alterations
    _made("var", rf"(?:met)?ex14(?:\s*(?:跳跃(?:缺失)?|skip(?:ping)?))?(?:突变)?{_E}|(?:第?\s*14\s*号?\s*外显子|exon\s*14)\s*(?:跳跃|skip(?:ping)?)"
                 r"(?:缺失|剪接)?(?:突变)?|外显子\s*14\s*跳跃(?:缺失)?(?:突变)?", "ex14skip"),
    _made("var", rf"(?:p\.)?\(?e746_a750del\)?{_E}|(?:del\s*19|19\s*-?\s*del|ex(?:on)?\s*19\s*-?\s*del(?:etions?)?){_E}", "ex19del"),
    _made("var", rf"(?:20\s*-?\s*ins|ex(?:on)?\s*20\s*-?\s*ins(?:ertions?)?){_E}", "ex20ins"),
    _made("var", rf"{_B}(?:p\.)?\(?[{_AMINO}]\d{{1,4}}(?:_[{_AMINO}]\d{{1,4}})?(?:[{_AMINO}X*]|del|dup|ins[{_AMINO}]*)\)?{_E}"),
    _made("var", rf"{_B}v600{_E}", "V600"),
    _made("var", r"c\.\d+[\d_+*-]*(?:[acgt]+>[acgt]+|(?:delins|del|dup|ins)[acgt]*)", "mutation"),
    _made("var", rf"{_B}itd{_E}|内部串联重复", "ITD"),
    _made("var", rf"{_B}tkd{_E}", "TKD"),
    _made("exon", r"第?\s*\d{1,2}\s*号?(?:\s*[-~至到,、/]\s*第?\s*\d{1,2}\s*号?)*\s*(?:号\s*)?外显子|外显子\s*\d{1,2}(?:\s*[-~至到,、/]\s*\d{1,2})*"
                  rf"|{_B}exons?\s*\d{{1,2}}(?:\s*[-~,/]\s*\d{{1,2}})*{_E}"),
    _made("change", rf"(?:非移码|框内)?缺失(?:突变)?|{_B}del(?:etions?)?{_E}", "del"),
    _made("change", rf"插入(?:突变)?|{_B}ins(?:ertions?)?{_E}", "ins"),
    # negations: before what they deny, or after it
    _made("neg_before", r"未(?:检测到|检测出|检出|检到|查到|查见|见到|见|发现|显示)|没有(?:检出|检测到|发现)?|无(?![法效])|不存在"
                        r"|未(?=突变|扩增|重排|融合|缺失|表达|断裂)"
                        rf"|{_B}(?:no evidence of|negative for|without|no){_E}|{_B}not? (?:detected|found|identified|seen){_E}"),
    _made("neg", rf"阴性|阴|野生型|野生|{_B}(?:wild[- ]?type|wt|negative|neg|absent|unmutated|non-?amplified){_E}\.?|\(\s*[-－—–]\s*\)|非突变型?|非扩增"
                 r"|(?<=[A-Za-z0-9])-(?=$|[,、/)])"),
    _made("low", r"超低表达", "ultralow"),
    _made("low", rf"低表达|{_B}low{_E}", "low"),
    _made("var", rf"融合|重排|易位|断裂|{_B}(?:rearrange(?:d|ments?)|fusions?|translocations?){_E}", "fusion"),
    _made("var", rf"扩增|{_B}(?:amplified|amplifications?){_E}", "amplification"),
    _made("var", rf"突变型|突变|变异|{_B}(?:mutations?|mutated|mutant|variants?){_E}", "mutation"),
    _made("pos", rf"(?:强|中等强度|中等|中)?阳性|高表达|过表达|{_B}(?:positive|pos|overexpress(?:ed|ion)){_E}\.?"),
    _made("plus", r"\(\s*\+\s*\)|(?<=[A-Za-z0-9])\+(?=$|[\s,、/)(])|(?<=\()\+(?=[,\s)])"),
    _made("det", rf"检测到|检出|发现|查见|可见|存在|{_B}(?:detected|found|identified|present|seen){_E}"),
    # how it was done, and words that say nothing of the result
    _made("ish", rf"{_B}(?:d?ish|fish|cish){_E}|荧光原位杂交|原位杂交"),
    _made("scale", rf"{_B}(?:tps|cps|tc|ic){_E}"),
    _made("both", r"均|皆|都"),
    _made("comma", r",|(?<=[\u4e00-\u9fff])、(?=第?\d{1,2}号?外显子)"),
    _made("fill", rf"{_B}(?:ihc|ngs|q?rt-?pcr|q?pcr|arms|ddpcr|sanger|ctdna|cfdna|dna|rna|22c3|sp263|sp142|28-8|73-10|e1l3n|d5f3|4b5|d4d6|43-14a"
                  r"|in|of|the|gene|genes|result|results|status|tumou?r|cells?|test(?:ed)?|by|sample|plasma|blood|tissue|for|an?|was|were|is|and|with|exon"
                  rf"|somatic|germline|pathogenic|likely|sensiti[sz]ing|activating|any|type|positivity|expression|score){_E}"),
    _made("fill", r"免疫组化|二代测序|高通量测序|测序|外周血|血浆|血液|胸水|胸腔积液|脑脊液|组织|标本|样本|检测|基因|结果|报告|提示|显示|状态|蛋白|表达"
                  r"|肿瘤细胞|肿瘤|细胞|方法|项目|分子病理|诊断|错义|框内|非移码|移码|无义|可能致病性?|致病性?|胚系|体系|体细胞|激活|敏感|热点|位点|点(?=突变)"
                  r"|评分|比例|信号|膜|核|约|型|法|为|是|有|的|和|及|与|或|第|号|于|其"),
    _made("fill", r"[:=()\[\]{}/、.·\"'“”*]|(?<=\s)[-—–](?=\s)|[-—–](?=[A-Za-z\u4e00-\u9fff0-9])"),
    # another gene, of which nothing is asked: what follows is about it
    _Pattern("gene", patterns.compile(r"(?<![A-Za-z0-9])(?=[A-Z]+[0-9])[A-Z][A-Z0-9]{2,8}(?![A-Za-z0-9])")),
)  # fmt: skip
