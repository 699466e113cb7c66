"""How an order-entry function asks the gate before it saves an order: `python examples/order_entry.py`."""

from pathlib import Path

from oncogate import Decision, Gate, Request

GATE = Gate.load()  # once, when the application starts; safe from all of its threads


def sign(request: Request) -> Decision:
    """Called when the physician presses *sign*: save the order, or show why it is stopped."""
    decision = GATE.decide(request)
    for value in decision.critical_values:
        print(f"危急值 → 闭环：{value.fact} {value.value} {value.unit}")
    for finding in decision.determining:
        print(f"[{finding.asks}] {finding.explain('zh')}\n")
    print("医嘱未保存" if decision.outcome == "block" else "医嘱已保存", end="\n\n")
    return decision


if __name__ == "__main__":
    for name in ("no-consent.json", "allowed.json"):
        sign(Request.load(Path(__file__).parent / name))
