"""Sibling rules that band one value: what falls between two bands, and what falls into both.

Siblings are rules of one pack that require the same and apply by the same conditions, but for comparisons of one value with
limits of their own. The values that a rule speaks of are its band.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from oncogate.authoring.examples import judge_alone
from oncogate.authoring.prove.one import walks_of, written
from oncogate.authoring.prove.search import Fold, Situation
from oncogate.authoring.prove.shown import example_of
from oncogate.authoring.prove.sources import Numbers
from oncogate.base.errors import Diagnostic
from oncogate.engine.values import compare
from oncogate.model.condition import Condition, Latest, Value
from oncogate.model.request import Request
from oncogate.model.rule import Rule
from oncogate.packs.pack import Library, LoadedRule, RulePack


@dataclass(frozen=True)
class Band:
    """The comparisons by which a rule bands the value `of`, and the conditions that it shares with its siblings."""

    loaded: LoadedRule
    of: str
    comparisons: tuple[tuple[int, str, Decimal], ...]
    shared: tuple[str, ...]

    def holds(self, number: Decimal) -> bool:
        """Whether the band holds the number."""
        return all(compare(number, operator, limit) is True for _, operator, limit in self.comparisons)


def prove_bands(library: Library, pack: RulePack) -> Iterator[Diagnostic]:
    """The gaps and overlaps between the bands of a pack's rules."""
    families: dict[tuple[str, tuple[str, ...]], list[Band]] = defaultdict(list)
    for loaded in pack.rules:
        for band in _bands(loaded):
            families[band.of, band.shared].append(band)
    for family in families.values():
        if len(family) > 1:
            yield from _prove(library, family)


def _bands(loaded: LoadedRule) -> Iterator[Band]:
    rule = loaded.rule
    compared: dict[str, list[tuple[int, str, Decimal]]] = defaultdict(list)
    for index, condition in enumerate(rule.when):
        if isinstance(condition, Latest | Value) and condition.comparison[1] in rule.parameters:
            operator, ref = condition.comparison
            limit = rule.parameters[ref].value
            if isinstance(limit, Decimal):
                compared[_value(condition, rule)].append((index, operator, limit))
    for of, comparisons in compared.items():
        others = [c for i, c in enumerate(rule.when) if i not in [at for at, _, _ in comparisons]]
        shared = (
            *sorted(_spelled(c, rule) for c in others),
            "requires",
            *sorted(_spelled(c, rule) for c in rule.require or ()),
        )
        yield Band(loaded, of, tuple(comparisons), shared)


def _value(leaf: Latest | Value, rule: Rule) -> str:
    """The value that a leaf compares, whatever it is compared with."""
    return _spelled(leaf.model_copy(update={leaf.comparison[0]: None}), rule)


def _spelled(condition: Condition, rule: Rule) -> str:
    """A condition with the values of its parameters in place of their names."""
    text = written(condition)
    for name, parameter in sorted(rule.parameters.items(), key=lambda item: -len(item[0])):
        for before in (": ", "[", ", "):
            for after in (",", "}", "]"):
                text = text.replace(
                    f"{before}{name}{after}", f"{before}={parameter.value} {parameter.unit}{after}"
                )
    return text


def _prove(library: Library, family: Sequence[Band]) -> Iterator[Diagnostic]:
    line = Numbers("")
    line.limits = {limit for band in family for _, _, limit in band.comparisons}
    samples = [line.sample(region) for region in line.regions]
    holding = [[band for band in family if band.holds(number)] for number in samples]
    covered = [region for region in line.regions if holding[region]]
    holes = [r for r in line.regions if not holding[r] and covered and covered[0] < r < covered[-1]]
    for hole in _runs(holes):
        after = holding[hole[-1] + 1][0]
        if not _meant(library, after, holding[hole[0] - 1], holding[hole[-1] + 1], line, hole):
            yield _gap(library, family, after, line, hole)
    for one, other in combinations(family, 2):
        mine, yours = ({r for r in line.regions if band in holding[r]} for band in (one, other))
        if mine & yours and not (mine <= yours or yours <= mine):
            yield _overlap(library, (one, other), line, sorted(mine & yours))


def _runs(regions: Sequence[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for region in regions:
        if runs and runs[-1][-1] == region - 1:
            runs[-1].append(region)
        else:
            runs.append([region])
    return runs


def _meant(
    library: Library,
    band: Band,
    before: Sequence[Band],
    after: Sequence[Band],
    line: Numbers,
    hole: Sequence[int],
) -> bool:
    """Whether nothing is meant to be said there: unremarkable values, between a band of low and one of high ones."""
    if len(hole) == 1 and hole[0] % 2:
        return False  # a single number is forgotten, not meant
    leaf = band.loaded.rule.when[band.comparisons[0][0]]
    measured = library.facts[leaf.latest].measured if isinstance(leaf, Latest) else None
    low, high = hole[0], hole[-1]
    if measured is not None:
        return any(_region(line, measured.typical) == region for region in range(low, high + 1))
    return not any(len(one.comparisons) > 1 for one in (*before, *after))


def _region(line: Numbers, number: Decimal) -> int:
    below = sum(cut < number for cut in line.cuts)
    return 2 * below + (number in line.cuts)


def _gap(
    library: Library, family: Sequence[Band], band: Band, line: Numbers, hole: Sequence[int]
) -> Diagnostic:
    shown = _shown(library, family, line, hole[len(hole) // 2], "not_applicable")
    said = f"{_where(line, hole)} falls between the bands of {_names(family)}"
    return _at(band, "prove-gap", said, f"{shown}: no rule speaks; let one band begin where the other ends")


def _overlap(library: Library, both: tuple[Band, Band], line: Numbers, shared: Sequence[int]) -> Diagnostic:
    shown = _shown(library, both, line, shared[0], "unmet")
    said = f"{_where(line, shared)} falls into the bands of {_names(both)}"
    return _at(
        both[1], "prove-gap", said, f"{shown}: both are unmet; let one band begin where the other ends"
    )


def _shown(library: Library, family: Sequence[Band], line: Numbers, region: int, verdict: str) -> str:
    """A request with the number in that region and everything else that the siblings ask for."""
    rules = [band.loaded.rule for band in family]
    best: Situation | None = None
    for walk in walks_of(library, lambda scope: [scope.rule(rule) for rule in rules]):
        band = family[0]
        at = [i for i, _, _ in band.comparisons]
        shared = [
            walk.scope.nodes[rules[0].id, ("when", i)] for i in range(len(rules[0].when)) if i not in at
        ]
        wanted = Fold(
            [
                *shared,
                *(
                    walk.scope.nodes[r.id, ("when", i)]
                    for b, r in zip(family, rules, strict=True)
                    for i, _, _ in b.comparisons
                ),
            ],
            tuple,
        )
        goal = tuple(
            [True] * len(shared)
            + [
                compare(line.sample(region), operator, limit)
                for b in family
                for _, operator, limit in b.comparisons
            ]
        )
        found = walk.outcomes([wanted]).get((goal,))
        best = found if best is None or (found is not None and found.cost < best.cost) else best
    if best is None:
        return f"where it is {line.sample(region)}"

    def claim(request: Request) -> bool:
        return all(judge_alone(rule, request, library).verdict == verdict for rule in rules)

    return example_of(best, library, claim)


def _where(line: Numbers, regions: Sequence[int]) -> str:
    first, last = regions[0], regions[-1]
    if first == last and first % 2:
        return f"exactly {line.cuts[first // 2]}"
    parts = [
        f"{'from' if first % 2 else 'above'} {line.cuts[(first - 1) // 2]}" if first else "",
        f"{'up to' if last % 2 else 'below'} {line.cuts[last // 2]}" if last // 2 < len(line.cuts) else "",
    ]
    return "what is " + " and ".join(part for part in parts if part)


def _names(family: Sequence[Band]) -> str:
    return " and ".join(f"`{band.loaded.rule.id}`" for band in family)


def _at(band: Band, code: str, message: str, help: str) -> Diagnostic:
    return band.loaded.document.diagnostic(("when", band.comparisons[0][0]), code, message, help)
