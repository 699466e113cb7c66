"""Names as hospitals write them, brought to a form that a table can be asked with.

Everything here is whole-name work. A drug's key is looked up as it is, never searched for inside a longer
text: `恩美曲妥珠单抗` contains `曲妥珠单抗` and is another drug. What can't be read gives keys that no table
has.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from oncogate.base import patterns

_INVISIBLE = {"Cf", "Cc"}
_LONGEST = 300  # a longer text is no name


def _normal(text: str) -> str:
    """NFKC, lower case, without zero-width characters; any white space is one blank."""
    folded = unicodedata.normalize("NFKC", text).replace("\N{RATIO}", ":")
    seen = "".join(
        " " if c.isspace() else c for c in folded if c.isspace() or unicodedata.category(c) not in _INVISIBLE
    )
    return " ".join(seen.casefold().split())


def _squash(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


def name_key(name: str) -> str:
    """One spelling for all spellings of the same words: no case, width, blanks or punctuation.

    >>> name_key("Ｒ－CHOP 14") == name_key("r-chop-14") == "rchop14"
    True
    """
    return _squash(_normal(name))


# ── drugs ──────────────────────────────────────────────────────────────────────────────────────────────────

_OPEN, _CLOSE = "([{【〔「『《〈<", ")]}】〕」』》〉>"
_GROUP = patterns.compile(f"[{re.escape(_OPEN)}]([^{re.escape(_OPEN + _CLOSE)}]*)(?:[{re.escape(_CLOSE)}]|$)")

# Words in brackets that make another product of the same substance, and the one word that stands for each.
_FORMULATIONS = (
    (patterns.compile(r"白蛋白|albumin|protein.?bound|\bnab\b"), "白蛋白结合型"),
    (patterns.compile(r"脂质体|liposom"), "脂质体"),
    (patterns.compile(r"胶束|micell"), "聚合物胶束"),
    (patterns.compile(r"聚乙二醇|\bpeg|pegylated"), "聚乙二醇"),
    (patterns.compile(r"纳米|\bnano"), "纳米"),
)
_FORMULATION_WORDS = "|".join(word for _, word in _FORMULATIONS)
# Words in brackets that make it something else than the drug before them.
_NOT_THE_DRUG = patterns.compile(
    r"类似物|衍生物|杂质|安慰剂|模拟|盲|配套|专用|输液器|试剂|检测|监测|血药|过敏|非聚乙二醇|非脂质体|非白蛋白|"
    r"placebo|blind|analogue?|\bkit\b|\btest|\bnon.?(?:peg|lipo|albumin)|\blevel|\bassay"
)

_MASS = (
    r"(?:mg|μg|µg|ug|mcg|ng|kg|g|ml|l|iu|ku|mu|u|mmol|mol|meq|mbq|gbq|unt|units?|m2|cm2|h|hr|"
    r"毫克|微克|千克|克|毫升|升|万?国际单位|万?单位|万iu|万u)(?![a-z])|%"
)
_COUNT = r"(?:片|粒|支|瓶|盒|袋|丸|板|枚|包|针|s|t|vials?|tabs?|caps?|tablets?|capsules?)(?![a-z])"
_NUMBER = r"\d+(?:[.,]\d+)?"
_STRENGTH = patterns.compile(
    rf"(?<![\d.])(?:{_NUMBER}\s*[*x×]\s*)*{_NUMBER}\s*(?:{_MASS})"
    rf"(?:\s*(?:[/:*x×+]|per(?![a-z]))\s*(?:{_NUMBER})?\s*(?:{_MASS}|{_COUNT})|\s*[*x×:]\s*{_NUMBER})*"
)
_PACKING = patterns.compile(rf"(?:\s|[*x×/])\s*{_NUMBER}\s*{_COUNT}|\s*[*x×/]\s*{_COUNT}")

# What a ward's list says of the item and not of the drug: how it is bought and paid, its batch, its maker.
_SAID = (
    "(?:国家|省级)?(?:集中带量采购|集中采购|带量采购|集采|国采|省采)(?:中选)?|(?:非|未)?中选|国谈|谈判药品?|双通道|"
    "医保|(?:全|部分)?自费|[甲乙丙]类|(?:国家)?基药|国基|省基|进口|国产|合资|原研|仿制|(?:患者)?自备药?|外购|外带|院外|"
    "赠药|慈善|临采|临购|高警示(?:药品?)?|高危(?:药品?)?|冷藏|避光|门诊|住院"
)
_SAID_FIRST = patterns.compile(rf"^(?:{_SAID})[\s\-_:,、/]*")
_SAID_LAST = patterns.compile(
    rf"[\s\-_:,、/;]*(?:(?:{_SAID})|规格|"
    r"(?:生产|产品)?(?:批号|批次|(?<![a-z])(?:lot|batch)(?![a-z]))(?:\s*no\.?)?[\s:.#]*[a-z0-9][a-z0-9\-./]*|"
    r"(?:有效期|效期|失效期|(?<![a-z])exp(?![a-z]))[至到\s:.]*\d[\d\-./年月日]*|"
    r"国药准字[\s:]*[a-z]{1,2}\d+|(?:[\s\-_/])[\u4e00-\u9fff]{2,}(?:公司|药业|制药|药厂|医药|集团))$"
)
_MARKS = patterns.compile(r"^[^\w(\[{【〔「『《〈<]+")

_ZH_PREFIXES = ("静脉注射用", "皮下注射用", "注射用", "吸入用")
_ZH_FORM = patterns.compile(
    "(?:薄膜衣片|口腔崩解片|分散片|肠溶片|缓释片|控释片|咀嚼片|口崩片|泡腾片|含片|片剂?|"
    "肠溶胶囊|缓释胶囊|软胶囊|硬胶囊|胶囊剂?|口服混悬液|口服溶液|口服液|口服乳|干混悬剂|混悬液|颗粒剂?|散剂|"
    "注射用浓溶液|浓溶液|注射用无菌粉末|输注溶液|注射溶液|注射[液剂]|冻干粉针剂?|粉针剂?|冻干粉?|针剂?|溶液|"
    "乳膏|软膏|凝胶|缓释植入剂|植入剂|缓释微球|微球|滴丸|丸|糖浆|栓|"
    "口服常释剂型|缓释控释剂型|口服液体剂)"
)
_ZH_FORM_LAST = patterns.compile(f"{_ZH_FORM.pattern}$")
_ZH_FORM_INSIDE = patterns.compile(f"{_ZH_FORM.pattern}(?={_FORMULATION_WORDS})")
# Forms for the skin or the eye; the same substance against a tumour is another product.
_LOCAL = patterns.compile(
    r"乳膏|软膏|凝胶|滴眼|眼膏|搽剂|洗剂|贴剂|喷雾|"
    r"\b(?:cream|ointment|gel|topical|ophthalmic|eye ?drops?|lotion|patch)\b"
)
_ZH_ACIDS = (
    "二甲苯磺酸|对甲苯磺酸|甲苯磺酸|甲磺酸|苯磺酸|盐酸|重酒石酸|酒石酸|枸橼酸|柠檬酸|硫酸|马来酸|磷酸|醋酸|"
    "乙酸|富马酸|琥珀酸|l-?苹果酸|苹果酸|氢溴酸|乳酸|硝酸|双羟萘酸|羟乙磺酸|乙磺酸|樟脑磺酸"
)
_ZH_SALT_PREFIX = patterns.compile(f"^(?:二|单|一|双)?(?:{_ZH_ACIDS})(?:氢)?")
_ZH_SALT_SUFFIX = patterns.compile(f"(?:(?:{_ZH_ACIDS})(?:盐|酯|二?钠|钾)|二钠|钠)$")
_TAIL = patterns.compile(r"[\s\-_,;:.、,。/*+·]+$")
_ROMAN = patterns.compile(r"(?<=[^\W\d_a-z])[\s\-]*(?:iii|ii|iv|i)$")

# FDA's four letters stand behind the names of biological products only: `paclitaxel-lipo` isn't one.
_PRODUCT_SUFFIX = patterns.compile(
    r"((?:mab|stim|poetin|cept|ase|fusp|cel|govitecan|deruxtecan|emtansine|vedotin|tesirine|ozogamicin|"
    r"soravtansine|mafodotin))-[a-z]{4}$"
)

_EN_FORMS = patterns.compile(
    "tab(?:let)?s?|cap(?:sule)?s?|inj(?:ect(?:ions?|able))?|infusion|solution|concentrate|powder|suspension|syrup|"
    "lyophili[sz](?:ed|ate)|cream|ointment|gel|granules|vials?|ampoules?|syringe|prefilled|pen|kit|film|coated|"
    "filmcoated|extended|delayed|immediate|release|oral|intravenous|iv|subcutaneous|sc|for|of|to|dose|single|use|"
    "depot|implant|pack|pellet|topical"
)
_EN_SALTS = patterns.compile(
    "(?:di|mono)?(?:mesylate|mesilate|hydrochloride|hcl|citrate|sul(?:f|ph)ate|tartrate|maleate|tos[yi]late|"
    "bes[yi]late|phosphate|acetate|fumarate|succinate|malate|hydrobromide|lactate|nitrate|sodium|potassium)|"
    "bitartrate|camsylate|isethionate|esylate|pamoate|anhydrous|(?:mono|di|tri|hemi)?hydrate"
)


def _brackets(text: str) -> tuple[str, str]:
    """The text without its brackets; a formulation stays, once as written and once as its standard word."""

    def kept(inside: str, *, standard: bool) -> str:
        if _NOT_THE_DRUG.search(inside):
            return f"\N{REPLACEMENT CHARACTER}{inside}"
        for pattern, word in _FORMULATIONS:
            if pattern.search(inside):
                return word if standard else inside
        return " "

    written, standard = text, text
    for _ in range(4):
        written = _GROUP.sub(lambda m: kept(m.group(1), standard=False), written)
        standard = _GROUP.sub(lambda m: kept(m.group(1), standard=True), standard)
    return written, _ZH_FORM_INSIDE.sub("", standard)


def _without_strength(text: str) -> str:
    return " ".join(_PACKING.sub(" ", _STRENGTH.sub(" ", f" {text} ")).split())


def _without_said(text: str) -> str:
    """Without marks ahead of a name and without what is said of the item (`△`, `自费`, `批号…`)."""
    while True:
        shorter = _SAID_FIRST.sub("", _MARKS.sub("", _TAIL.sub("", text)))
        shorter = _SAID_LAST.sub("", shorter).strip()
        if shorter == text or not _long_enough(shorter):
            return text
        text = shorter


def _long_enough(text: str, latin: int = 2) -> bool:
    """Two characters, or so many Latin letters: less is not the name of a drug."""
    squashed = _squash(text)
    return len(squashed) >= (latin if squashed.isascii() else 2)


def _without_form(text: str) -> str:
    for prefix in _ZH_PREFIXES:
        if text.startswith(prefix) and _long_enough(text[len(prefix) :]):
            text = text[len(prefix) :]
            break
    while True:
        shorter = _ROMAN.sub("", _TAIL.sub("", text))
        form = _ZH_FORM_LAST.search(shorter)
        if form and _long_enough(shorter[: form.start()]):
            shorter = shorter[: form.start()]
        if shorter == text:
            break
        text = shorter
    return _without_words(text, _EN_FORMS, leading=True)


def _without_words(text: str, words: re.Pattern[str], *, leading: bool) -> str:
    """Drops these words at the end (and the beginning) of a text, as long as something is left."""
    parts = text.replace(",", " ").replace(".", " ").split() if text.isascii() else text.split()
    if not any(words.fullmatch(_squash(p)) for p in parts):
        return text
    while len(parts) > 1 and words.fullmatch(_squash(parts[-1])):
        parts.pop()
    while leading and len(parts) > 1 and words.fullmatch(_squash(parts[0])):
        parts.pop(0)
    return " ".join(parts)


def _without_salts(text: str) -> tuple[str, ...]:
    """Without a salt before the name, and then without one behind it, as far as a name is left."""
    found = []
    for pattern in (_ZH_SALT_PREFIX, _ZH_SALT_SUFFIX):
        shorter = pattern.sub("", text)
        if shorter != text and _long_enough(shorter, latin=4):
            text = shorter
            found.append(text)
    return (*found, _without_words(text, _EN_SALTS, leading=False))


def _without_suffix(text: str) -> str:
    """Without the four letters that tell biological products apart (`trastuzumab-dkst`)."""
    return _PRODUCT_SUFFIX.sub(r"\1", text)


def _distinct(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for key in keys if key))


@lru_cache(maxsize=4096)
def drug_keys(name: str) -> tuple[str, ...]:
    """The normal forms of a drug's name, the most specific first, each to be looked up whole.

    Brackets (brand, maker, batch), strength, dose form and salt fall away one after another. A bracket that
    carries a formulation doesn't: `注射用紫杉醇(白蛋白结合型)` never becomes `紫杉醇`.

    >>> drug_keys("甲磺酸奥希替尼片80mg")[-1]
    '奥希替尼'
    """
    whole = _normal(name)
    keys = [_squash(whole)]
    if len(whole) > _LONGEST:
        return _distinct(keys)
    for text in _brackets(whole):
        if "\N{REPLACEMENT CHARACTER}" in text:
            return _distinct(keys)
        spaced = _without_said(" ".join(text.split()))
        plain = _without_said(_without_strength(spaced))
        # The strength is left on in one branch, for names that end in a number and a form (S-1片).
        for start in (spaced, plain):
            form = _without_form(start)
            keys += map(_squash, (start, form, *_without_salts(form), _without_suffix(form)))
            keys += (_squash(_without_form(salt)) for salt in _without_salts(start) if salt != start)
    return _distinct(keys)


def bracketed(name: str) -> tuple[str, ...]:
    """What stands in a name's brackets; a brand in there may say more than the name before it.

    >>> bracketed("注射用紫杉醇（力扑素）[集采]")
    ('力扑素', '集采')
    """
    return tuple(found for found in _GROUP.findall(_normal(name)) if found.strip())


def is_local_form(name: str) -> bool:
    """Whether a name says a form for the skin or the eye (`氟尿嘧啶乳膏`)."""
    return bool(_LOCAL.search(_normal(name)))


def says_formulation(name: str) -> bool:
    """Whether a name says anywhere that it is a product of its own (liposome, albumin-bound, micelle …)."""
    return any(pattern.search(_normal(name)) for pattern, _ in _FORMULATIONS)


# ── examinations ───────────────────────────────────────────────────────────────────────────────────────────


def _any(*words: str) -> re.Pattern[str]:
    """Any of these; a pattern that begins and ends with `.` stands for a Latin word by itself."""
    alone = (rf"(?<![a-z])(?:{p[1:-1]})(?![a-z])" if p[0] == p[-1] == "." else p for p in words)
    return patterns.compile("|".join(alone))


_UNDONE = _any(
    *(
        "拒绝",
        "拒查",
        "取消",
        "未做",
        "未行",
        "未查",
        "暂缓",
        "暂不",
        "预约",
        "建议",
        "会诊",
        "读片",
        "阅片",
        "胶片",
    ),
    *("引流", "定位", "模拟", "refus", "declin", "cancel", "not done", "planned"),
)

_PET_MR = _any(r"pet\s*[-/ ]?\s*mri?(?![a-z])")
_PET_CT = _any(r"pet\s*[-/ ]?\s*(?:ct|电子计算机断层)", "派特ct", "正电子发射")
_PSMA = _any(".psma.")
_WHOLE_BODY = _any("全身", "躯干", r"whole.?body", "颅底至")
_HEAD_ONLY = _any("颅脑", "头颅", "脑", "头部", "心肌", "心脏", "brain", "cardiac")
_GUIDED = _any("引导", "guided", "guidance")
_EUS = _any("超声(?:胃镜|内镜|肠镜)", "内镜超声", r"endoscopic ultraso\w*", r".eus(?:[\s\-]?fna)?.")

# Examinations known by one word; what is found is cut out before regions are read. Without an id: another.
_BY_WORD = (
    (_any(r"psma[\s\-/]*pet(?:[\s\-/]*ct)?", r"psma\s*显像"), ("PSMA_PET",)),
    (
        _any(
            r"骨髓(?:穿刺|活检|涂片|检查|象|细胞学)[^,;+]*(?:\s*\+\s*活检)?",
            *(r"骨穿(?:\s*\+\s*活检)?", r"bone marrow[^,;+]*"),
        ),
        ("bone_marrow",),
    ),
    (
        _any("骨显像", "骨扫描", "骨ect", "ect骨", "骨闪烁", r"bone ?scan", "bone scintigraphy"),
        ("bone_scan",),
    ),
    (_any("钼靶", "乳腺x线", "乳腺x光", r"mammogra\w*"), ("mammography",)),
    (_EUS, ("EUS",)),
    (_any("超声支气管镜", r".ebus(?:[\s\-]?tbna)?."), ()),
    (
        _any(
            "胶囊(?:内镜|胃镜|肠镜)",
            "小肠镜",
            "乙状结肠镜",
            "直肠镜",
            r"sigmoidoscop\w*",
            r"capsule endosc\w*",
        ),
        (),
    ),
    (_any("胃镜", "上消化道内镜", r"gastroscop\w*", r"o?esophagogastroduodenoscop\w*", ".egd."), ("EGD",)),
    (_any("结肠镜", "肠镜", r"colonoscop\w*"), ("colonoscopy",)),
    (_any(".turbt.", "经尿道膀胱肿瘤(?:电切|切除)术?"), ("cystoscopy", "biopsy")),
    (_any("膀胱镜", r"cystoscop\w*"), ("cystoscopy",)),
    (_any("支气管镜", "气管镜", "纤支镜", r"bronchoscop\w*"), ("bronchoscopy",)),
    (_any("喉镜", r"laryngoscop\w*"), ("laryngoscopy",)),
    (
        _any("妇科(?:专科)?检查", "妇检", "三合诊", r"gyna?ecologic(?:al)? exam", "pelvic exam"),
        ("gynaecological_exam",),
    ),
    (_any("细针穿刺", "细针抽吸", r"fine.?needle aspirat\w*", ".fnab?."), ("FNA",)),
    (_any("前哨淋巴结活检", r"sentinel (?:lymph )?node biops\w*", ".slnb."), ()),
    (_any("活检", "活组织检查", r"biops\w*"), ("biopsy",)),
    (_any("ct尿路(?:造影|成像)", "泌尿系统?ct(?:造影|成像|u)", r"ct urogra\w*", ".ctu."), ("CTU",)),
    (_any("甲胎蛋白", "alpha.?fetoprotein", ".afp."), ("AFP",)),
    (_any(r"(?<![a-z])ca[\s\-]?125(?!\d)", "糖类抗原125", "癌抗原125"), ("CA125",)),
    (_any("游离(?:前列腺特异性?抗原|psa)", r".f\-?psa."), ()),
    (_any("前列腺特异性?抗原", "prostate.?specific antigen", r".t?\-?psa."), ("PSA",)),
    (_any("eb病毒(?:dna|核酸|脱氧核糖核酸)[^,;+]*", r".ebv[\s\-]*dna."), ("EBV_DNA",)),
    (_any(r"child[\s\-]*(?:pugh|turcotte)[^,;+]*"), ("child_pugh",)),
    (_any(".ecog."), ("ECOG",)),
)

_ANGIOGRAPHY = _any(
    *(".(?:ct|mr)(?:a|v|p|pa).", "血管", "动脉(?!期)", "静脉(?!期)", "冠脉", r"angiogra\w*"),
    *("灌注", "perfusion", "mrcp"),
)
_LOW_DOSE = _any("低剂量", ".ldct.", "low.?dose")
_MODALITIES = (
    ("CT", _any(".(?:ce|ld)?ct.", "计算机断层", r"computed tomograph\w*", "cat scan")),
    ("MRI", _any(".(?:mp|ce)?mri?.", "磁共振", "核磁", "magnetic resonance")),
    ("US", _any(".us.", "超声", "彩超", "b超", r"ultraso\w*", r"sonogra\w*")),
)
_WITHOUT_CONTRAST = _any(
    *(r"(?:非|不|未|无)\s*做?(?:增强|造影)", "without(?: iv| intravenous)? contrast"),
    *(r"non.?(?:contrast|enhanced)\w*", "unenhanced", "w/o(?: iv)? contrast"),
)
_WITH_CONTRAST = _any("增强", "强化", "造影", "contrast", "enhanced", ".cect.", "三期", "动态扫描")
_PLAIN = _any("without", "non.?contrast", "unenhanced", "plain", "w/o")
_BOTH = _any("with(?:out)? and with(?:out)?(?: iv)? contrast", "w/?wo contrast")

# Places that only look like a region, cut out first.
_LOOKALIKES = _any(
    *(
        "颈椎",
        "颈髓",
        "胸椎",
        "胸骨",
        "胸腰椎",
        "胸髓",
        "骨盆",
        "下腹",
        "腹股沟",
        "腹壁",
        "颈动脉",
        "脑脊液",
        "脑垂体",
    ),
    *("cervical spine", "thoracic spine", "c-?spine", "t-?spine", "bony pelvis", "neck of femur"),
)
_BRAIN = _any("颅脑", "头颅", "脑", "头部", "brain", ".head(?! (?:and|&) neck).")
_NECK = _any("(?<!宫)颈", "喉", "neck")
# The more particular regions stand first: a word once read is not read again as a part of another.
_REGIONS = {
    "CT": (
        (_any("胸", "肺", "纵隔", "chest", r"thora\w*", ".lungs?."), "chest"),
        (
            _any(*"腹肝胆胰脾肾", ".abd(?:omen|ominal)?.", "liver", r"pancrea\w*", "kidney", "renal"),
            "abdomen",
        ),
        (_any("盆", "子宫", "卵巢", "前列腺", "膀胱", "直肠", r"pelvi\w*"), "pelvis"),
        (_NECK, "neck"),
        (_BRAIN, "brain"),
    ),
    "MRI": (
        (_BRAIN, "brain"),
        (_any("肝", "liver", "hepatic"), "liver"),
        (_any("直肠", "rectum", "rectal"), "rectum"),
        (_any("盆", "前列腺", "宫颈", "子宫", r"pelvi\w*", "prostate", r"uter\w*", "cervix"), "pelvis"),
        (_any("腹", ".abd(?:omen|ominal)?."), "abdomen"),
        (_any("乳腺", "乳房", "breast"), "breast"),
        (_any("鼻咽", r"nasopharyn\w*"), "nasopharynx"),
        (_NECK, "neck"),
    ),
    "US": (
        (
            _any("(?:颈部?|腋窝?|腋下|锁骨上|腹股沟|区域|浅表)*淋巴结", ".(?:lymph )?nodes?."),
            "nodes",
        ),
        (_any(*"腹肝胆胰脾", ".abd(?:omen|ominal)?.", "liver"), "abdomen"),
        (_any("乳腺", "乳房", "breast"), "breast"),
        (_any("甲状腺", "(?<!宫)颈", "thyroid", "neck"), "neck"),
    ),
}


def _segments(text: str) -> list[str]:
    """Cuts at `+ , ; 、 和 及` outside brackets."""
    parts, depth = [""], 0
    for c in text:
        depth += (c in _OPEN) - (c in _CLOSE)
        if c in "+,;、。和及与&" and depth <= 0:
            parts.append("")
        else:
            parts[-1] += c
    return [p.strip() for p in parts if p.strip()]


def _modality(text: str) -> str | None:
    found = [name for name, pattern in _MODALITIES if pattern.search(text)]
    return found[0] if len(found) == 1 else None


def _contrast(text: str) -> bool:
    if _BOTH.search(text):
        return True
    return bool(_WITH_CONTRAST.search(_WITHOUT_CONTRAST.sub(" ", text)))


def _regions(modality: str, text: str) -> list[str]:
    """The regions read in the text, each word once."""
    rest = text if modality == "US" and "淋巴结" in text else _LOOKALIKES.sub(" ", text)
    found = []
    for pattern, region in _REGIONS[modality]:
        rest, n = pattern.subn(" ", rest)
        if n:
            found.append(region)
    return found


def _imaging(text: str) -> set[str]:
    """CT, MRI and ultrasound by segment; a region waits for its modality, contrast follows its scan."""
    scans: list[tuple[str, list[str], bool, bool]] = []
    waiting: list[str] = []
    for part in _segments(text):
        if _ANGIOGRAPHY.search(part):
            waiting = []
            continue
        modality = _modality(part)
        if modality is None:
            if scans and not waiting and any(_regions(m, part) for m in _REGIONS) and _follows(text, part):
                last = scans[-1][0]
                if text.isascii() and _contrast(part):  # "CT chest, abdomen and pelvis with contrast"
                    scans = [(m, regions, c or not _PLAIN.search(text), low) for m, regions, c, low in scans]
                scans.append((last, _regions(last, part), _contrast(part), bool(_LOW_DOSE.search(part))))
            elif scans and not waiting and _contrast(part):
                last, regions, _, low = scans[-1]
                scans[-1] = (last, regions, True, low)
            else:
                waiting.append(part)
            continue
        regions = _regions(modality, " ".join([*waiting, part]))
        scans.append((modality, regions, _contrast(part), bool(_LOW_DOSE.search(part))))
        waiting = []
    ids: set[str] = set()
    for modality, regions, contrast, low in scans:
        for region in regions:
            if modality == "CT" and low:
                ids |= {"LDCT_chest"} if region == "chest" else set()
            elif modality == "CT" and contrast and region != "brain":
                ids.add(f"CECT_{region}")
            else:
                ids.add(f"{modality}_{region}")
    return ids


def _follows(text: str, part: str) -> bool:
    """Whether no other scan comes after this part, so that it belongs to the scan before it."""
    return _modality(text[text.rfind(part) + len(part) :]) is None


@lru_cache(maxsize=4096)
def exam_ids(name: str) -> frozenset[str]:
    """The examinations that a free name speaks of (ids of `exams.csv`); empty when it isn't understood.

    >>> sorted(exam_ids("胸腹盆增强CT"))
    ['CECT_abdomen', 'CECT_chest', 'CECT_pelvis']
    """
    text = _normal(name).replace("_", " ")
    if not text or len(text) > _LONGEST or _UNDONE.search(text):
        return frozenset()
    ids: set[str] = set()
    if _PET_MR.search(text):
        return frozenset()
    for pattern, found in _BY_WORD:
        text, n = pattern.subn(" ", text)
        if n:
            ids.update(found)
    if _PET_CT.search(text):
        if _PSMA.search(text):
            ids.add("PSMA_PET")
        elif _WHOLE_BODY.search(text) or not _HEAD_ONLY.search(_PET_CT.split(text)[0]):
            ids.add("PET_CT")
        text = _PET_CT.sub(" ", text)
    if _GUIDED.search(text):  # the scan only led the needle
        return frozenset(ids)
    return frozenset(ids | _imaging(text))
