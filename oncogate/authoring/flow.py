"""Plain data as one line of YAML, as it stands in a rule file."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import yaml

_LIKE_A_NUMBER = re.compile(r"[-+]?\.?[0-9]\S*")


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        """What stands twice is written twice: aliases aren't allowed."""
        return True


def _number(dumper: _Dumper, value: Decimal) -> yaml.Node:
    text = f"{value:f}"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{'float' if '.' in text else 'int'}", text)


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    # what reads as a number in YAML 1.2 but not in 1.1, as `1e3`, must be quoted too
    style = '"' if _LIKE_A_NUMBER.fullmatch(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(Decimal, _number)
_Dumper.add_representer(str, _text)


def flow(data: Any) -> str:
    """`data` as a flow mapping or list on one line; read back it is equal."""
    text: str = yaml.dump(
        data, Dumper=_Dumper, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**9
    )
    return text.removesuffix("\n").removesuffix("\n...")
