"""What a consent says in words: agreed to, refused, not signed, or unclear.

A negation counts for what it negates: only chemotherapy, the treatment, the consent or the signature matter here;
that someone wants no resuscitation or can't be operated on says nothing of chemotherapy.
"""

from __future__ import annotations

import re

_SIMPLE = str.maketrans(
    "療絕選擇簽棄謝對終銷暫緩願無廢進術決學書為從’‘", "疗绝选择签弃谢对终销暂缓愿无废进术决学书为从''"
)
_CHEMO = r"(?:化疗|化学治疗|化学药物治疗)"
_END = r"\s*(?:$|[，,；;。、)）\]】._])"
_ELSE = r"手术|放疗|放射|输血|输注|复苏|插管|抢救|靶向|免疫|透析|移植|活检|植入|妊娠|同意|选择|先行|告知"
"""Where another treatment stands between a negation and chemotherapy, that one is negated."""
_THIS = (
    rf"(?:(?!{_ELSE})[^\s，,；;。、:：()（）]){{0,14}}?(?:{_CHEMO}|抗肿瘤)"
    rf"|(?:(?:{_ELSE})(?:治疗)?(?:以?及|和|与|或|、|/)+)+{_CHEMO}"
    r"|(?:接受|继续|进行|行|做|任何|一切|本次|此次|上述|以上|该|再|参加|进一步)*(?:治疗|签|同意|方案|知情)"
)
_WORDS_EN = (
    r"(?:\s+(?:surgery|radi\w+|transfusions?|resuscitation)\s+(?:and|or)\b)?"
    r"(?:\s+(?!surg|radi|transfus|blood|resuscit|intubat|but\b|consent|chemo|treat|therap|above|plan)\w+){0,4}"
)
_PEOPLE = r"(?:本人|患者|病人|患方|家属|授权委托人|委托人|代理人|监护人|其)"
_ASIDE = re.compile(
    rf"不同意见|[若如]不同意[^，,；;。)）]*|不(?:会)?(?:放弃|后悔|拒绝|反对|悔)|(?:可以?|有权)(?:随时)?(?:拒绝|终止|中止|撤回|撤销|退出|放弃|停止)[^，,；;。)）]*"
    rf"|(?:既往|从来?|此前|之前|以前)\S{{0,2}}?未(?:曾|经|行|接受|做|进行|过)*{_CHEMO}|未(?:曾|经|行|接受|过)*{_CHEMO}的?(?:患者|病人|者)"
    rf"|(?:终止|中止|停止)(?:{_CHEMO}|治疗)后|同意[/／]不同意[:：]|(?:医师|医生|护士|见证人)(?:尚|暂|均|还)?未签"
    r"|\b(?:right|free|option)\s+to\s+(?:refuse|decline|withdraw|stop|revoke)\w*(?:\s+(?:chemo\w*|consent|treatment))?"
    r"|\b(?:may|can)\s+(?:withdraw|refuse|decline|stop|revoke)\w*(?:\s+(?:chemo\w*|consent|treatment))?|\bdecline\w*\s+in\b",
    re.IGNORECASE,
)
"""Negations that are none of what was agreed to: rights that everyone has, what was never given before."""
_WEIGHED = re.compile(
    rf"(?:拒绝|放弃|暂?不)(?:接受|做|行|进行|选择)?{_CHEMO}(?:的|可能|相关|所致)*(?:后果|风险|危害|利弊|影响|预后)"
    r"|替代方案[:：](?:(?!患者|本人|家属|选择|同意|拒绝)[^；;。…])*"
)
"""What happens without chemotherapy: told before a consent as before a refusal."""
REFUSAL = re.compile(
    r"拒签|已?作废|[:：(（]\s*(?:否|不)\s*(?=$|[)）])"
    rf"|(?:拒\s*绝|谢绝|婉拒|放弃|反对|否决|撤回|撤销|终止|中止|停止|取消|推迟|暂缓|暂停|暂时?不|不\s*同\s*意|不再(?:接受|同意)|不接受|不愿意?|不想|不要|不需要?|不打算|不选择|不考虑|不签)(?={_THIS}|{_END})"
    rf"|不再?(?:做|行|予|进行|使用|用|打|上)?(?=(?:全身|静脉|辅助|任何|本次|此次)*{_CHEMO})|不做(?=治疗)"
    rf"|(?:\b(?:do(?:es)?|did|will|is|are|was)\s+)?(?:\bnot|\b\w+n't|\bnever)\s+(?:\w+\s+)?(?:consent|agree|accept|want|wish|willing)\w*{_WORDS_EN}\s*(?=chemo|treat|therap|procedure|regimen|plan|above|systemic|consent|$|[,;.)])"
    r"|(?:\bnot|\b\w+n't|\bnever)\s+(?:give|gave|given)\w*(?:\s+\w+)?\s+consent|\bconsent(?:\s+(?:to|for)\s+\w+)?(?:\s+(?:was|is|has been))?\s+not\s+(?:\w+\s+)?(?:given|granted)"
    rf"|\b(?:refus|declin|withdr[ae]w|revok|reject|dissent|disagree|oppos|unwilling)\w*{_WORDS_EN}\s*(?=chemo|treat|therap|consent)"
    r"|\b(?:chemo\w*|consent|treatment|patient)[\s:–-]+(?:(?:form|to|was|is|has|been|by|patient)\s+)*(?:refus|declin|withdr[ae]w|revok|reject|den(?=ied|ies))\w*(?=\s*(?:$|[,;.)\d]|by\b|on\b))|^\s*(?:refus|declin|withdrawn|revok|reject)\w*\s*$"
    r"|\bden(?:y|ies|ied)\s+consent|\b(?:no|without|non)[- ](?:(?:more|further|informed|valid)\s+)?(?:consent\b|chemo\w*(?!\S*naive))|\b(?:against|stop(?:ped)?|cancel\w*)\s+(?:the\s+)?(?:chemo\w*|consent)"
    r"|\bno\s+to\s+(?=chemo)|\bopt(?:s|ed)?\s+out\b|\bdo\s+not\s+treat\b|^\s*void\s*$",
    re.IGNORECASE,
)
UNSIGNED = re.compile(
    rf"(?:尚未|还未|未|没有?|待|等待?)(?:经|由)?{_PEOPLE}*(?:代)?\s*签(?:署|字|名)?|未(?:能)?(?:获得?|取得|征得|经|得到)?{_PEOPLE}*的?(?:知情)?同意(?!书)"
    r"|签[名字署][:：]\s*(?:无|否|空)|空白|空表|模板|样张"
    r"|unsigned|not\s+(?:yet\s+)?(?:been\s+)?(?:signed|obtained)|to be signed|\bblank\b|\btemplate\b"
    r"|\b(?:pending|awaiting|await\w*|needs)\s+(?:\w+\s+)?signature|\bsignature\s+(?:is\s+)?(?:pending|missing|awaited)",
    re.IGNORECASE,
)
_UNCLEAR = re.compile(
    rf"(?:不|未|没有?)(?:宜|能|可|适合|耐受|应|予|行|曾|经|再|接受|同意|进行|做|愿|打|需要?|考虑|开始|完成|给予|建议|推荐|决定)*(?:{_CHEMO}|同意(?!书))|(?:患者|家属)考虑中|犹豫"
    r"|\b(?:unable|cannot|not)\s+(?:\w+\s+)?(?:to\s+)?(?:consent|chemo|be treated)",
    re.IGNORECASE,
)
"""A negation close to what was to be agreed to, in words that are no known refusal."""
_AGREED = re.compile(
    rf"(?:同意|选择)(?:接受|行|进行|使用|本次|此次|上述|该|静脉|全身|新?辅助|[A-Za-z0-9-]+方案)*(?:{_CHEMO}|本?治疗)|(?:自愿|愿意)接受\S{{0,4}}{_CHEMO}"
    rf"|(?:{_PEOPLE}|^|[，,；;。])(?:均|已|表示|仍)*同意(?={_END})|\b(?:consent|agree|accept|choose|chose)\w*\s+(?:to\s+|for\s+)?(?:\w+\s+)?chemo",
    re.IGNORECASE,
)
_SIGNED = re.compile(r"(?<!医师)(?<!医生)(?<!护士)已经?代?签|代签|签署完毕|\bsigned\b", re.IGNORECASE)


def plain_text(said: str) -> str:
    """The text in simplified characters, with straight apostrophes."""
    return said.translate(_SIMPLE)


def meant(said: str) -> str:
    """The status of a document in force by its words: a refusal, a form that nobody signed, what isn't clear, else a consent.

    A signature outweighs what says that there is none (a proxy signs, a template was filled in), but not a refusal.
    """
    rest = _ASIDE.sub(" ", plain_text(said))
    rest, weighed = _WEIGHED.subn(" ", rest)
    rest, refused = REFUSAL.subn(" ", rest)
    rest, unsigned = UNSIGNED.subn(" ", rest)
    rest, unclear = _UNCLEAR.subn(" ", rest)
    agreed = _AGREED.search(rest) is not None
    if refused:
        return "unknown" if agreed else "rejected"
    if unsigned and not _SIGNED.search(rest):
        return "draft"
    return "unknown" if (unclear or weighed) and not agreed else "active"
