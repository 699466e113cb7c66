"""What the service counts: decisions by outcome, what was not checked and why, how long it took, the rules in use.

With several workers the counts of all of them are added up (prometheus-client does so where `PROMETHEUS_MULTIPROC_DIR` is set).
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from oncogate.server.rules_in_use import RulesInUse

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Measures:
    """The counts of one app, in a registry of its own."""

    def __init__(self, rules: RulesInUse) -> None:
        self._own = CollectorRegistry()
        self._rules = _Rules(rules)
        self.decisions = Counter(
            "oncogate_decisions", "Decisions, by the face that was called and the outcome.", ["face", "outcome"],
            registry=self._own,
        )  # fmt: skip
        self.not_checked = Counter(
            "oncogate_not_checked", "Calls that were not judged, by the code of the first reason.", ["face", "reason"],
            registry=self._own,
        )  # fmt: skip
        self.feedback = Counter(
            "oncogate_feedback", "What became of cards, by rule.", ["rule", "outcome"], registry=self._own
        )
        self.seconds = Histogram(
            "oncogate_request_seconds", "Seconds from a whole request head to the answer.", ["face"], buckets=_SECONDS,
            registry=self._own,
        )  # fmt: skip

    def text(self) -> bytes:
        """Everything in the text format of Prometheus."""
        counted = self._own
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
        state = CollectorRegistry()
        state.register(self._rules)
        return generate_latest(counted) + generate_latest(state)


class _Rules(Collector):
    """The rules in use, as they are at the moment of asking."""

    def __init__(self, rules: RulesInUse) -> None:
        self.rules = rules

    def collect(self) -> Iterable[Metric]:
        current = self.rules.current
        info = GaugeMetricFamily(
            "oncogate_rules_info",
            "The rules in use: 1 for each pack and layer.",
            labels=["pack", "version", "digest"],
        )
        library = current.gate.library
        for pack in library.packs:
            info.add_metric([pack.id, pack.version, pack.digest], 1)
        for layer in library.layers:
            info.add_metric([layer.id, layer.kind, layer.digest], 1)
        yield info
        yield GaugeMetricFamily(
            "oncogate_rules_stale", "1 while the files of the rules are broken and older ones are in use.",
            value=1 if self.rules.problems else 0,
        )  # fmt: skip
