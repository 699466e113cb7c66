"""The gate inside a Python host, plain and asynchronous: `python examples/in_process_hook.py`."""

import asyncio
from pathlib import Path

from oncogate import Decision, Gate, Request
from oncogate.adapters.in_process import OrderBlocked, current_decision, gated

GATE = Gate.load()  # once, when the application starts


def request_of(order: str) -> Request:
    """What the host knows of order and patient: here a file, in a hospital its tables."""
    return Request.load(Path(__file__).parent / f"{order}.json")


@gated(GATE, request=request_of)
def sign(order: str) -> str:
    """A view of Flask or Django: it runs only if the gate lets the order through."""
    return f"{order}：医嘱已保存（{current_decision().outcome}）"


def refuse(decision: Decision) -> str:
    """What the physician is shown instead."""
    return "医嘱未保存\n" + "\n".join(finding.explain("zh") for finding in decision.determining)


@gated(GATE, request=request_of, on_block=refuse, in_thread=True)
async def sign_later(order: str) -> str:
    """A route of FastAPI: the event loop serves others while the gate judges."""
    return f"{order}：医嘱已保存（{current_decision().outcome}）"


if __name__ == "__main__":
    print(sign("allowed"))
    try:
        sign("no-consent")
    except OrderBlocked as blocked:
        print(blocked)
    print(asyncio.run(sign_later("no-consent")))
    print(asyncio.run(sign_later("blood-count-too-old")))
