"""The formulas of derived facts, by what they are about; each under the name by which `facts.yaml` asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import getmembers, isfunction
from types import ModuleType

from oncogate.engine.derived import Formula
from oncogate.engine.formulas import (
    allergy,
    body,
    companions,
    cycle,
    doses,
    fever,
    genes,
    heart,
    marker_fit,
    markers,
    order,
    people,
    regimens,
    repeats,
    risk,
    staging,
    timing,
)
from oncogate.model.formulas import FORMS


def _of(module: ModuleType) -> Mapping[str, Formula]:
    return {
        name: f
        for name, f in getmembers(module, isfunction)
        if name in FORMS and f.__module__ == module.__name__
    }


FORMULAS: Mapping[str, Formula] = {
    **_of(allergy), **_of(body), **_of(companions), **_of(cycle), **_of(doses), **_of(fever), **_of(genes), **_of(heart), **_of(marker_fit), **_of(markers), **_of(order), **_of(people), **_of(regimens), **_of(repeats), **_of(risk), **_of(staging), **_of(timing),
}  # fmt: skip
