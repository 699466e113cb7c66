"""The hook for Python hosts: what saves an order runs only under a decision that lets it through."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from loaded import shipped_gate

from oncogate import Decision, Gate, OncogateError, Request, RequestError
from oncogate.adapters.in_process import OrderBlocked, OrderNotChecked, checked, current_decision, gated

ROOT = Path(__file__).resolve().parents[1]
BLOCKED, WARNED, ALLOWED = (
    Request.load(ROOT / "examples" / f"{name}.json")
    for name in ("no-consent", "blood-count-too-old", "allowed")
)


@pytest.fixture(scope="module")
def gate() -> Gate:
    return shipped_gate()


class Standing:
    """Stands for a gate that does as it is told."""

    def __init__(self, does: Any) -> None:
        self.does = does

    def decide(self, request: Request) -> Decision:
        if isinstance(self.does, BaseException):
            raise self.does
        return self.does


class Saved(list):
    """What the host saved, and by which decision."""

    def plain(self, judge, **given):
        @gated(judge, request=lambda request, note="": request, **given)
        def save(request: object, note: str = "") -> str:
            self.append((request, current_decision().outcome))
            return "saved" + note

        return save

    def later(self, judge, **given):
        @gated(judge, request=lambda request, note="": request, **given)
        async def save(request: object, note: str = "") -> str:
            await asyncio.sleep(0)
            self.append((request, current_decision().outcome))
            return "saved" + note

        return lambda *args, **kwargs: asyncio.run(save(*args, **kwargs))

    def with_block(self, judge, **given):
        def save(request: object, note: str = "") -> str:
            with checked(judge, request) as decision:
                assert decision is current_decision()
                self.append((request, decision.outcome))
            return "saved" + note

        return save

    def async_with_block(self, judge, **given):
        async def save(request: object, note: str = "") -> str:
            async with checked(judge, request, **given) as decision:
                await asyncio.sleep(0)
                assert decision is current_decision()
                self.append((request, decision.outcome))
            return "saved" + note

        return lambda *args, **kwargs: asyncio.run(save(*args, **kwargs))


WAYS = {
    "plain": (Saved.plain, {}),
    "async": (Saved.later, {}),
    "async, in a thread": (Saved.later, {"in_thread": True}),
    "with": (Saved.with_block, {}),
    "async with": (Saved.async_with_block, {}),
    "async with, in a thread": (Saved.async_with_block, {"in_thread": True}),
}


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


class TestWhateverTheWay:
    def test_an_order_that_passes_is_saved_under_its_decision(self, way, gate: Gate) -> None:
        saved = Saved()
        save = way[0](saved, gate, **way[1])
        assert (save(ALLOWED), save(WARNED, note="!")) == ("saved", "saved!")
        assert saved == [(ALLOWED, "allow"), (WARNED, "warn")]
        with pytest.raises(LookupError):
            current_decision()

    def test_a_blocked_one_is_not_and_says_why(self, way, gate: Gate) -> None:
        saved = Saved()
        with pytest.raises(OrderBlocked) as blocked:
            way[0](saved, gate, **way[1])(BLOCKED)
        assert saved == []
        assert blocked.value.decision == gate.decide(BLOCKED)
        assert isinstance(blocked.value, OncogateError)
        assert "the order `ord-1` is blocked by `core/consent-missing`" in str(blocked.value)
        assert BLOCKED.record.patient is not None
        assert BLOCKED.record.patient.id not in str(blocked.value)

    @pytest.mark.parametrize("fault", [RuntimeError("p-1"), KeyError("p-1"), MemoryError(), RecursionError()])
    def test_a_gate_that_fails_lets_nothing_through(self, way, fault: Exception) -> None:
        saved = Saved()
        with pytest.raises(OrderNotChecked) as raised:
            way[0](saved, Standing(fault), **way[1])(ALLOWED)
        assert saved == []
        assert raised.value.__cause__ is fault
        assert type(fault).__name__ in str(raised.value)
        assert "p-1" not in str(raised.value)

    @pytest.mark.parametrize("nothing", [None, {"outcome": "allow"}, True])
    def test_nor_one_that_gives_no_decision(self, way, nothing) -> None:
        saved = Saved()
        with pytest.raises(OrderNotChecked, match="not a decision"):
            way[0](saved, Standing(nothing), **way[1])(ALLOWED)
        assert saved == []

    @pytest.mark.parametrize("request_", [None, {}, "allowed.json"])
    def test_nor_a_request_that_is_none(self, way, gate: Gate, request_) -> None:
        saved = Saved()
        with pytest.raises(OrderNotChecked, match="a `Request` is judged"):
            way[0](saved, gate, **way[1])(request_)
        assert saved == []

    def test_what_the_gate_says_on_purpose_stays_what_it_is(self, way) -> None:
        saved, problem = Saved(), RequestError([])
        with pytest.raises(RequestError) as raised:
            way[0](saved, Standing(problem), **way[1])(ALLOWED)
        assert (saved, raised.value) == ([], problem)

    def test_an_interruption_goes_through(self, way) -> None:
        saved = Saved()
        with pytest.raises(KeyboardInterrupt):
            way[0](saved, Standing(KeyboardInterrupt()), **way[1])(ALLOWED)
        assert saved == []


class TestTheDecorator:
    def test_keeps_name_and_signature(self, gate: Gate) -> None:
        @gated(gate, request=lambda order, *, ward="": ALLOWED)
        async def sign(order: int, *, ward: str = "") -> str:
            """Signs."""
            return ward

        assert (sign.__name__, sign.__doc__) == ("sign", "Signs.")
        assert list(inspect.signature(sign).parameters) == ["order", "ward"]
        assert inspect.iscoroutinefunction(sign)

    def test_works_on_methods_and_gives_all_arguments_to_the_request(self, gate: Gate) -> None:
        class Orders:
            def __init__(self) -> None:
                self.known = {"a": ALLOWED, "b": BLOCKED}

            @gated(gate, request=lambda self, key, *, note: self.known[key])
            def sign(self, key: str, *, note: str) -> str:
                return key + note

        assert Orders().sign("a", note="!") == "a!"
        with pytest.raises(OrderBlocked):
            Orders().sign("b", note="!")

    def test_on_block_answers_in_the_function_s_stead(self, gate: Gate) -> None:
        saved = Saved()
        assert saved.plain(gate, on_block=lambda d: (409, d.determining_rules))(BLOCKED) == (
            409, ("core/consent-missing",),
        )  # fmt: skip

        async def refuse(decision: Decision) -> str:
            await asyncio.sleep(0)
            return decision.outcome

        assert saved.later(gate, on_block=refuse)(BLOCKED) == "block"
        assert saved == []

    def test_on_block_isn_t_asked_where_the_gate_fails_or_the_function_does(self, gate: Gate) -> None:
        asked: list[Decision] = []
        with pytest.raises(OrderNotChecked):
            Saved().plain(Standing(ValueError()), on_block=asked.append)(ALLOWED)

        @gated(gate, request=lambda: ALLOWED, on_block=asked.append)
        def outer() -> str:
            return Saved().plain(gate)(BLOCKED)

        with pytest.raises(OrderBlocked):
            outer()
        assert asked == []

    def test_a_host_s_own_error_stays_its_own(self, gate: Gate) -> None:
        class NotFound(Exception):
            pass

        def missing(*_: object) -> Request:
            raise NotFound

        @gated(gate, request=missing)
        def sign(order: str) -> None:
            pytest.fail("it ran")

        with pytest.raises(NotFound):
            sign("o")

    def test_the_request_may_be_fetched_asynchronously(self, gate: Gate) -> None:
        async def fetched(key: str) -> Request:
            await asyncio.sleep(0)
            return {"a": ALLOWED, "b": BLOCKED}[key]

        @gated(gate, request=fetched)
        async def sign(key: str) -> str:
            return current_decision().outcome

        assert asyncio.run(sign("a")) == "allow"
        with pytest.raises(OrderBlocked):
            asyncio.run(sign("b"))

    @pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
    def test_but_not_for_a_plain_function(self, gate: Gate) -> None:
        async def fetched() -> Request:
            return ALLOWED

        @gated(gate, request=fetched)
        def sign() -> None:
            pytest.fail("it ran")

        with pytest.raises(OrderNotChecked, match="`coroutine`"):
            sign()

    def test_refuses_what_it_can_t_guard(self, gate: Gate) -> None:
        def plain() -> None: ...

        def generator():
            yield

        async def later():
            yield

        for function in (generator, later):
            with pytest.raises(TypeError, match="generator"):
                gated(gate, request=lambda: ALLOWED)(function)
        with pytest.raises(TypeError, match="in_thread"):
            gated(gate, request=lambda: ALLOWED, in_thread=True)(plain)


class TestMeanwhile:
    def test_every_task_has_its_own_decision(self, gate: Gate) -> None:
        async def one(request: Request) -> bool:
            async with checked(gate, request, in_thread=True) as decision:
                for _ in range(5):
                    await asyncio.sleep(0)
                    if current_decision() is not decision or decision.order != request.order.id:
                        return False
            return True

        def copy(n: int) -> Request:
            source = WARNED if n % 2 else ALLOWED
            return source.model_copy(update={"order": source.order.model_copy(update={"id": f"o-{n}"})})

        async def all_of_them() -> list[bool]:
            return await asyncio.gather(*(one(copy(n)) for n in range(20)))

        assert all(asyncio.run(all_of_them()))

    def test_every_thread_has_its_own_decision(self, gate: Gate) -> None:
        barrier, seen = threading.Barrier(2, timeout=10), {}

        def one(request: Request) -> None:
            with checked(gate, request):
                barrier.wait()
                seen[current_decision().outcome] = request
                barrier.wait()

        threads = [threading.Thread(target=one, args=(r,)) for r in (ALLOWED, WARNED)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == {"allow": ALLOWED, "warn": WARNED}

    def test_in_thread_leaves_the_loop_to_others_and_otherwise_the_caller_s_thread_is_used(self) -> None:
        where: list[int] = []
        allowed = Gate.load().decide(ALLOWED)

        class Noting:
            def decide(self, request: Request) -> Decision:
                where.append(threading.get_ident())
                return allowed

        async def both() -> None:
            for in_thread in (False, True):
                async with checked(Noting(), ALLOWED, in_thread=in_thread):
                    pass

        asyncio.run(both())
        assert where[0] == threading.get_ident() != where[1]

    def test_a_caller_that_is_cancelled_while_the_gate_judges_saves_nothing(self) -> None:
        release, saved = threading.Event(), Saved()

        class Slow:
            def decide(self, request: Request) -> Decision:
                release.wait(10)
                return Gate.load().decide(request)

        @gated(Slow(), request=lambda: ALLOWED, in_thread=True)
        async def sign() -> None:
            saved.append("saved")

        async def cancelled() -> None:
            task = asyncio.create_task(sign())
            await asyncio.sleep(0.05)
            task.cancel()
            release.set()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(cancelled())
        assert saved == []

    def test_a_block_within_a_block_leaves_the_outer_decision_as_it_was(self, gate: Gate) -> None:
        with checked(gate, WARNED) as outer:
            with checked(gate, ALLOWED):
                assert current_decision().outcome == "allow"
            assert current_decision() is outer

    def test_a_block_may_end_in_another_context_than_it_began_in(self, gate: Gate) -> None:
        import contextvars

        check = checked(gate, ALLOWED)
        contextvars.copy_context().run(check.__enter__)
        contextvars.copy_context().run(check.__exit__, None, None, None)


def test_the_example_saves_what_passes_and_nothing_else() -> None:
    found = subprocess.run(
        [sys.executable, "examples/in_process_hook.py"],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert found.stdout.splitlines()[0] == "allowed：医嘱已保存（allow）"
    assert "is blocked by `core/consent-missing`" in found.stdout
    assert "医嘱未保存\n缺少有效的治疗知情同意" in found.stdout
    assert found.stdout.endswith("blood-count-too-old：医嘱已保存（warn）\n")
    assert "no-consent：医嘱已保存" not in found.stdout


def test_an_order_without_an_id_is_blocked_in_words_too(gate: Gate) -> None:
    nameless = gate.decide(BLOCKED).model_copy(update={"order": None})
    assert str(OrderBlocked(nameless)).startswith("the order is blocked by `core/")


def test_it_needs_no_extra() -> None:
    code = "import sys, oncogate.adapters.in_process; print(sorted({'httpx2', 'anyio', 'fastapi'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
