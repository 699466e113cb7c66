"""Static proof: what holds of rules in every request, found by walking all the situations that their conditions tell apart.

A rule compares finitely many facts with finitely many limits, so that what it is asked about falls into finitely many
regions. `docs/how-to/prove.md` says what each finding means, `docs/explanation/proof.md` what is proved and what isn't.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from oncogate.authoring.prove.bands import prove_bands
from oncogate.authoring.prove.one import prove_fact, prove_rule
from oncogate.authoring.prove.pairs import pairs, prove_pair
from oncogate.authoring.prove.search import TooWide
from oncogate.base.errors import Diagnostic
from oncogate.packs.pack import Library


@dataclass(frozen=True)
class Proof:
    """What was found, how many rules, derived facts and pairs of rules were walked, and which were too wide to be."""

    found: tuple[Diagnostic, ...]
    rules: int
    facts: int
    pairs: int
    too_wide: tuple[str, ...]

    @property
    def summary(self) -> str:
        """What was walked, in a line."""
        walked = f"walked {_many(self.rules, 'rule')}, {_many(self.facts, 'derived fact')}, {_many(self.pairs, 'pair of rules')}"
        return (
            f"{walked}; not walked whole: {', '.join(self.too_wide)}"
            if self.too_wide
            else f"{walked}, all whole"
        )


def _many(count: int, what: str) -> str:
    noun, _, more = what.partition(" of ")
    return f"{count} {noun}{'' if count == 1 else 's'}{f' of {more}' if more else ''}"


class _Prover:
    def __init__(self) -> None:
        self.found: list[Diagnostic] = []
        self.too_wide: list[str] = []

    def take(self, name: str, findings: Iterable[Diagnostic]) -> None:
        try:
            self.found += findings
        except TooWide:
            self.too_wide.append(f"`{name}`")


def prove(library: Library) -> Proof:
    """Prove every rule, every fact derived from conditions, every pair of rules and every family of bands."""
    prover = _Prover()
    for loaded in library.rules:
        prover.take(loaded.rule.id, prove_rule(library, loaded))
    roots = {loaded.path.resolve().parents[loaded.rule.id.count("/")] for loaded in library.rules}
    conditional = [
        (name, document) for name, document in library.fact_files.items()
        if library.facts[name].derived and library.facts[name].derive is None
        and roots & {*document.path.resolve().parents}  # not the shipped facts that a hospital's rules rest on
    ]  # fmt: skip
    for name, document in conditional:
        prover.take(name, prove_fact(library, name, document))
    walked = list(pairs(library))
    for one, other in walked:
        prover.take(f"{one.rule.id} with {other.rule.id}", prove_pair(library, one, other))
    for pack in library.packs:
        prover.take(pack.id, prove_bands(library, pack))
    return Proof(
        tuple(sorted(set(prover.found))),
        len(library.rules),
        len(conditional),
        len(walked),
        tuple(prover.too_wide),
    )
