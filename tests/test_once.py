"""A property worked out once, that never makes two threads wait for each other."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from oncogate.base.once import once


class Counted:
    """Counts how often its property is worked out."""

    times = 0

    @once
    def value(self) -> list[int]:
        """What it is."""
        self.times += 1
        return [self.times]


def test_it_is_worked_out_once_for_each_object():
    one, other = Counted(), Counted()

    assert one.value is one.value
    assert one.times == 1
    assert other.value is not one.value
    assert Counted.value.__doc__ == "What it is."


@dataclass
class Node:
    """Its `left` asks for another node's `right`, and the other way round."""

    below: Node | None = None
    reached: threading.Barrier = field(default_factory=lambda: threading.Barrier(1))

    @once
    def left(self) -> int:
        self.reached.wait(timeout=10)
        return self.below.right if self.below else 1

    @once
    def right(self) -> int:
        self.reached.wait(timeout=10)
        return self.below.left if self.below else 1


def test_two_threads_that_need_each_others_properties_both_go_on():
    both = threading.Barrier(2)
    one, other = Node(Node(), both), Node(Node(), both)
    threads = [
        threading.Thread(target=lambda: one.left, daemon=True),
        threading.Thread(target=lambda: other.right, daemon=True),
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)

    assert not any(thread.is_alive() for thread in threads)
