"""The words of the screen that aren't a decision's own."""

from __future__ import annotations

from collections.abc import Mapping

from oncogate.base.texts import Language, Text


def _t(zh: str, en: str) -> Text:
    return Text(zh=zh, en=en)


WORDS: Mapping[str, Text] = {
    # -- around every page
    "tagline": _t("抗肿瘤医嘱审核", "checks of oncology orders"),
    "orders": _t("开单演示", "Order entry"),
    "rules": _t("规则库", "Rules"),
    "privacy": _t("演示页面 · 不保存任何患者资料", "A demo · keeps no patient data"),
    "language": _t("语言", "Language"),
    "main_menu": _t("主导航", "Main menu"),
    "skip.main": _t("跳到正文", "Skip to the content"),
    "skip.order": _t("跳到医嘱单", "Skip to the order"),
    "skip.answer": _t("跳到审核结论", "Skip to the answer"),
    "disclaimer": _t(
        "本系统仅供临床决策参考，不能替代医师的判断。示例患者均为虚构。",
        "This supports clinical judgement; it doesn't replace it. The example patients are made up.",
    ),
    # -- picking a request
    "patients": _t("示例患者", "Example patients"),
    "paste": _t("粘贴或上传病历", "Paste or upload a record"),
    "paste.help": _t(
        "支持 oncogate 请求、FHIR Bundle、CDS Hooks 请求（JSON），自动识别格式，最大 2 MB。内容只用于本次审核，不写入磁盘和日志。",
        "An oncogate request, a FHIR bundle or a CDS Hooks request (JSON, told apart by itself), 2 MB at most. It serves this check only; nothing is written to disk or logs.",
    ),
    "paste.label": _t("请求内容（JSON）", "The request (JSON)"),
    "paste.file": _t("从文件读入", "Read from a file"),
    "check": _t("审核", "Check it"),
    "paste.edit": _t("查看或修改粘贴的内容", "See or change what was pasted"),
    "pasted": _t("粘贴的病历", "Pasted record"),
    "file.too_large": _t("文件超过 2 MB，未读入", "the file is larger than 2 MB; it wasn't read"),
    "file.encoding": _t("文件不是 UTF-8 编码，未读入", "the file isn't UTF-8; it wasn't read"),
    # -- the order sheet
    "order": _t("医嘱单", "Order"),
    "order.none": _t("没有待开医嘱，仅核查病历", "No order; the record alone is checked"),
    "sign": _t("签署医嘱", "Sign the order"),
    "sign.again": _t("重新审核", "Check again"),
    "sign.record": _t("核查病历", "Check the record"),
    "drugs": _t("医嘱药品", "Drugs ordered"),
    "drug": _t("药品", "Drug"),
    "dose": _t("剂量", "Dose"),
    "route": _t("途径", "Route"),
    "at": _t("判定时刻", "As of"),
    "at.optional": _t("判定时刻（可不填）", "As of (optional)"),
    "at.help": _t("按该时刻病历中已有的资料判定，可修改", "judged by what was on record then; may be changed"),
    "record": _t("病历资料", "On record"),
    "record.none": _t("无记录", "Asked, nothing there"),
    "record.missing": _t("系统未提供", "Not supplied by the host"),
    "more": _t("另有 {n} 项", "and {n} more"),
    "new": _t("新", "new"),
    # -- the answer
    "answer": _t("审核结论", "Answer of the gate"),
    "answer.waiting": _t("尚未签署", "Not signed yet"),
    "answer.how": _t(
        "点击“{sign}”，规则会逐条核对左侧病历，并给出拦截、警示或放行的结论和依据。",
        "Press “{sign}”: the rules are checked against the record, and the answer is block, warn or allow, with reasons.",
    ),
    "block": _t("拦截", "Block"), "warn": _t("警示", "Warn"), "allow": _t("放行", "Allow"),
    "block.is": _t("缺少必备条件，医嘱不能执行；写明缺什么、怎么补", "something required is missing: the order can't go on; what to do is said"),
    "warn.is": _t("可以继续，但请先核对", "the order may go on after a look"),
    "allow.is": _t("未发现问题，医嘱可以继续", "nothing stands in the way"),
    "try": _t("试一试：点击按钮，模拟完成该项，结论随即更新。", "Try it: press a button to have it done, and see the answer change."),
    "done": _t("已模拟完成", "Done so far"),
    "undo": _t("撤销", "undo"),
    "picture": _t("查看判定逻辑", "see the logic"),
    "findings": _t("审核意见", "Findings"),
    "refused": _t("未作审核：这份资料无法读取", "Not checked: this can't be read"),
    "refused.means": _t("没有得出任何结论，请按下列提示修正后重试。", "Nothing was decided. Correct it as said below, then try again."),
    "refused.help": _t("怎么办", "What to do"),
    "notes": _t("读入时的提示", "Notes on the input"),
    "print": _t("打印结论", "Print"),
    # -- the rules
    "rules.intro": _t("共 {n} 条，当前显示 {shown} 条", "{shown} of {n} shown"),
    "search": _t("搜索规则", "Search the rules"),
    "search.hint": _t("名称、药品、来源……", "a name, a drug, a source …"),
    "pack": _t("规则包", "Pack"),
    "state": _t("状态", "Status"),
    "every": _t("全部", "all"),
    "filter": _t("筛选", "Filter"),
    "none": _t("没有符合条件的规则。", "No rule fits."),
    "rule": _t("规则", "Rule"),
    "effect": _t("作用", "Effect"),
    "sources.state": _t("来源核实", "Sources"),
    "here": _t("当前病例", "This case"),
    "unknown.rule": _t("没有规则“{rule}”", "There is no rule “{rule}”"),
    "back.rules": _t("返回规则库", "Back to the rules"),
    "back.order": _t("返回医嘱", "Back to the order"),
    "rationale": _t("为什么有这条规则", "Why there is this rule"),
    "logic": _t("判定逻辑", "Logic"),
    "logic.pick": _t("对照病例", "Case to compare with"),
    "logic.show": _t("标出各条件", "Show it"),
    "logic.none": _t("（不对照病例）", "(none)"),
    "logic.plain": _t("选择一个病例，图中会标出每个条件是否成立，以及依据的资料。", "Pick a case to see which conditions hold in it, and by what."),
    "logic.failed": _t("本条规则运行出错，无法判定，请联系信息科。", "This rule failed to run and could not be judged: tell the IT department."),
    "when": _t("当", "When"),
    "when.all": _t("同时满足", "all of these hold"),
    "require": _t("要求", "Require"),
    "result": _t("结论", "Result"),
    "all": _t("以下全部成立", "all of"), "any": _t("以下任一成立", "any of"), "not": _t("以下条件不成立", "not"),
    "at_least": _t("以下至少 {n} 项成立", "at least {n} of"),
    "case": _t("“{n}”：满足下列条件", "“{n}” if"), "case.else": _t("“{n}”：其余情况", "“{n}” otherwise"),
    "points": _t("计 {n} 分：满足下列条件", "{n} points if"),
    "comes_to": _t("实际：{value}", "here: {value}"),
    "looked.at": _t("依据 {n} 项资料", "by {n} pieces of evidence"),
    "basis": _t("查看推导过程", "how it is worked out"),
    "true": _t("成立", "true"), "false": _t("不成立", "false"), "unknown": _t("未知", "unknown"),
    "verdict.not_applicable": _t("不适用", "doesn't apply"), "verdict.met": _t("满足", "met"),
    "verdict.unmet": _t("未满足", "not met"), "verdict.unknown": _t("无法判定", "can't be judged"),
    "hazard.unmet": _t("成立", "holds"), "hazard.not_applicable": _t("不成立", "doesn't hold"),
    "passes": _t("通过", "passes"), "silent": _t("不提示", "no finding"),
    "effect.block": _t("拦截", "block"), "effect.warn": _t("警示", "warn"), "effect.inform": _t("提示", "inform"),
    "effect.critical_value": _t("上报危急值", "critical value raised"),
    "parameters": _t("参数", "Parameters"),
    "parameter": _t("参数", "Parameter"), "value": _t("取值", "Value"), "range": _t("可调范围", "May be set to"),
    "whole": _t("全部", "all of them"), "fixed": _t("不可调", "fixed"), "any_value": _t("可自定", "anything"), "set_by": _t("设定方", "Set by"), "source": _t("依据", "Source"),
    "sources": _t("来源", "Sources"),
    "checked": _t("{day} 核对", "checked {day}"),
    "of": _t("用于“{fact}”", "for “{fact}”"),
    "doing": _t("处理与例外", "What to do, and overrides"),
    "remedy": _t("处理", "What to do"), "remedy.unknown": _t("无法判定时", "If it can't be judged"), "override": _t("例外放行", "Override"), "obligations": _t("须落实", "To be carried out"),
    "version": _t("版本 {n}", "version {n}"),
    "examples": _t("附 {n} 个验证用例", "{n} proving examples of its own"),
}  # fmt: skip


def say(key: str, language: Language, **values: object) -> str:
    """A word of the screen in a language; `{…}` in it is filled in."""
    text = WORDS[key].in_(language)
    return text.format(**values) if values else text
