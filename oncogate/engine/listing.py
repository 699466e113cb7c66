"""The function of a compiled rule as a person reads it: its source, with the lines of the rule file as comments."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from oncogate.engine.compile import UNSET, VERDICTS, Compiler, Function, Lines
from oncogate.model.rule import Rule


def listing(rule: Rule, compiler: Compiler, file: str, line: Lines, text: Sequence[str]) -> str:
    """The source of a rule's function; `text` are the lines of its file."""
    function = compiler.function(rule, line)
    said = ", ".join(f"{number} {verdict}" for number, verdict in enumerate(VERDICTS))
    head = [f"# {rule.id} ({file})", f"# gives {said}", "def judge(v, case):"]
    body = list(_statements(function.blocks[0], 1, text, [0]))
    return "\n".join([*head, *body, "", *_legend(function, compiler)])


def _statements(
    statements: Sequence[ast.stmt], depth: int, text: Sequence[str], last: list[int]
) -> Iterator[str]:
    indent = "    " * depth
    for statement in statements:
        number = statement.lineno
        if number != last[0] and 0 < number <= len(text):
            last[0] = number
            yield f"{indent}# line {number}: {text[number - 1].strip()}"
        if isinstance(statement, ast.If):
            yield f"{indent}if {ast.unparse(statement.test)}:"
            yield from _statements(statement.body, depth + 1, text, last)
            if statement.orelse:
                yield f"{indent}else:"
                yield from _statements(statement.orelse, depth + 1, text, last)
        else:
            yield f"{indent}{ast.unparse(statement)}"


def _legend(function: Function, compiler: Compiler) -> Iterator[str]:
    """What the slots are for, and what the constants are."""
    nodes = [node for statement in function.blocks[0] for node in ast.walk(statement)]
    constants = [n.slice for n in nodes if isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Constant)]
    slots = {constant.value for constant in constants if isinstance(constant.value, int)}
    for slot in sorted(slots):
        filled = " (filled before, by the order's drugs)" if slot in compiler.drugs else ""
        yield f"# v[{slot}]: {_told(compiler.told(slot))}{filled}"
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    for name, value in function.known.items():
        if name in names and value is not UNSET and isinstance(value, (Decimal, tuple)):
            yield f"# {name} = {_told(value)}"


def _told(key: Any) -> str:
    if isinstance(key, tuple):
        return " ".join(filter(None, (_told(part) for part in key)))
    if isinstance(key, type):
        return key.__name__.lower()
    return "" if key is None or key is True or key is False else str(key)
