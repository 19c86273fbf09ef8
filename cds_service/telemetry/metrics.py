"""
Counters in Prometheus's format.

Names follow its conventions: ``cds_`` before, the unit behind (seconds, bytes), ``_total`` for what only grows. A
label takes few values, all of them our own words or the site's: never an id, a URL, a free text.

To count something new, add a line to ``Metrics``, or ask it for a ``counter`` or a ``gauge`` where things are wired;
what can be read when somebody looks is a ``gauge`` with a ``read``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.metrics import disable_created_metrics
from prometheus_client.registry import Collector

from cds_service import __version__

CALLS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
LOOKUPS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 1, 2.5, 10)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a start time for each line, which nobody asks for

_Made = TypeVar("_Made", Counter, Gauge, Histogram)


class Metrics:
    """
    The counters of one app, in a registry of their own, so that two apps in a process never mix.

    >>> metrics = Metrics()
    >>> metrics.counter("cds_visits", "Visits.", "kind").labels("short").inc()
    >>> _ = metrics.gauge("cds_waiting_records", "Records that wait.", read=lambda: 3)
    >>> [line for line in metrics.text().decode().splitlines() if line.startswith(("cds_visits", "cds_wait"))]
    ['cds_visits_total{kind="short"} 1.0', 'cds_waiting_records 3.0']
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._made: dict[str, Any] = {}
        self._cards: dict[tuple[str, str], Counter] = {}
        ProcessCollector(registry=self.registry)
        self.gauge("cds_build", "1, with the version that runs.", "version").labels(__version__).set(1)

        self.requests = self.counter("cds_requests", "Calls answered.", "service", "status")
        self.seconds = self.histogram("cds_request_seconds", "Time to answer a call.", "service", buckets=CALLS)
        self.faults = self.counter("cds_faults", "Faults of ours, answered without advice.", "kind")
        self.shed = self.counter("cds_shed", "Calls told to come back, by what was full.", "reason")
        self.timeouts = self.counter("cds_timeouts", "What took longer than it may.", "stage")
        self.tokens_refused = self.counter("cds_tokens_refused", "Calls refused with 401.", "client", "reason")
        self.key_fetches = self.counter("cds_key_fetches", "Fetches of a client's keys.", "client", "outcome")

        self.cards = self.counter("cds_cards", "Cards shown.", "rule", "indicator")
        self.incomplete = self.counter("cds_incomplete", "Answers given with part of the record unread.", "reason")
        self.unrecognised = self.counter(
            "cds_unrecognised_orders", "Orders of which no exam was recognised, by what they name it with.", "kind"
        )
        self.damaged = self.counter("cds_damaged_codes", "Orders whose code of the exam fails its check digit.")
        self.feedback = self.counter("cds_feedback", "Feedback taken in.", "outcome")

        self.outbound = self.counter("cds_outbound_requests", "Requests to other servers.", "server", "outcome")
        self.outbound_seconds = self.histogram(
            "cds_outbound_request_seconds", "Time of requests to other servers.", "server", buckets=LOOKUPS
        )
        self.breaker_open = self.gauge("cds_breaker_open", "1 while nothing is asked of that server.", "server")

        self.content = self.counter("cds_content", "What happened to content.", "event")
        self.ready = self.gauge("cds_ready", "1 when there is content in force.")

    def counter(self, name: str, about: str, *labels: str) -> Counter:
        """What only grows; ``_total`` is put behind its name. Asked for again it is the same one."""
        return self._kept(Counter, name, about, labels)

    def gauge(self, name: str, about: str, *labels: str, read: Callable[[], float] | None = None) -> Gauge:
        """What goes up and down; with *read* it is asked whenever somebody looks."""
        made = self._kept(Gauge, name, about, labels)
        if read is not None:
            made.set_function(read)
        return made

    def total(self, name: str, about: str, read: Callable[[], float]) -> None:
        """What only grows and is counted elsewhere: *read* is asked whenever somebody looks."""
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = _Read(name, about)
            self.registry.register(made)
        made.read = read

    def histogram(self, name: str, about: str, *labels: str, buckets: Iterable[float]) -> Histogram:
        """How values are spread over *buckets*."""
        return self._kept(Histogram, name, about, labels, buckets=tuple(buckets))

    def _kept(self, kind: type[_Made], name: str, about: str, labels: tuple[str, ...], **more: Any) -> _Made:
        if name not in self._made:
            self._made[name] = kind(name, about, labels, registry=self.registry, **more)
        made: _Made = self._made[name]
        return made

    def card(self, rule: str, indicator: str) -> None:
        """Count a card shown."""
        counter = self._cards.get((rule, indicator))
        if counter is None:
            counter = self._cards[rule, indicator] = self.cards.labels(rule, indicator)
        counter.inc()

    def names(self) -> frozenset[str]:
        """The name of every series there is or may be, as queries name them."""
        return frozenset(name for family in self.registry.collect() for name in _series(family.name, family.type))

    def text(self) -> bytes:
        """Everything in Prometheus's text format."""
        return generate_latest(self.registry)


class _Read(Collector):
    """A counter whose value is asked for."""

    def __init__(self, name: str, about: str) -> None:
        self._of = name, about
        self.read: Callable[[], float] = lambda: 0

    def collect(self) -> Iterable[Metric]:
        """The counter as it stands."""
        name, about = self._of
        yield CounterMetricFamily(name, about, value=self.read())


def _series(name: str, kind: str) -> tuple[str, ...]:
    """
    The series of one family.

    >>> _series("cds_requests", "counter"), _series("cds_ready", "gauge")
    (('cds_requests_total',), ('cds_ready',))
    """
    if kind == "counter":
        return (f"{name}_total",)
    return (f"{name}_bucket", f"{name}_count", f"{name}_sum") if kind == "histogram" else (name,)
