"""The finding that holds an order up because the second engine didn't confirm the decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oncogate.base.texts import Text
from oncogate.engine.durable import SecondEngineError, Trouble
from oncogate.model.decision import Advice, Evidence, Finding
from oncogate.model.rule import Override, Rule

SECOND_OPINION = "engine/second-opinion"
"""The name under which the finding stands where others name their rule."""

_TITLE = Text(zh="第二引擎未能确认本次判定", en="The second engine didn't confirm this decision")
_TROUBLE: Mapping[Trouble, Text] = {
    "dead": Text(zh="第二引擎中途退出，没有给出判定", en="the second engine ended before it answered"),
    "late": Text(zh="第二引擎未在规定时间内给出判定", en="the second engine didn't answer in time"),
    "wrong": Text(zh="第二引擎的应答无法使用", en="what the second engine answered can't be used"),
}


def unconfirmed(error: Exception) -> Finding:
    """The finding where the second engine gave no opinion."""
    return _finding(_TROUBLE[error.trouble if isinstance(error, SecondEngineError) else "wrong"])


def disagreed(rules: Sequence[Rule]) -> Finding:
    """The finding where it judges some rules otherwise."""
    zh, en = "、".join(rule.title.zh for rule in rules), ", ".join(rule.title.en for rule in rules)
    return _finding(Text(zh=f"两个引擎对以下各项的判定不一致：{zh}", en=f"the two engines disagree on: {en}"))


def _finding(trouble: Text) -> Finding:
    return Finding(
        rule=SECOND_OPINION, version=1, effect="block", verdict="unknown", asks="block", why="engine_error",
        title=_TITLE,
        reason=Text(zh=f"{trouble.zh}，医嘱因此暂不放行。", en=f"The order is held, since {trouble.en}."),
        evidence=(Evidence(fact="engine", counted=None, why="engine_error"),),
        remedy=Advice(
            action="check-by-hand",
            zh="请重新提交一次；如仍出现，请人工逐条核对用药前要求，并通知信息科。",
            en="Submit the order once more; if this comes again, check the requirements by hand and tell the IT department.",
        ),
        override=Override(allowed="with_second_signature", by=("attending",), reasons=("checked_by_hand",)),
    )  # fmt: skip
