"""What the server counts, for Prometheus. Labels are routes, deeds, steps, codes: nothing of documents or people."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._deeds = self._counter("qujat_deeds", "What clients did, and how it ended", "deed", "outcome")
        self._requests = self._counter("qujat_requests", "Requests answered", "method", "route", "status")
        self._duration = self._histogram("qujat_request_seconds", "From request to answer", "method", "route")
        self._steps = self._histogram("qujat_step_seconds", "The steps of issuing", "step")

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(name, words, labels, registry=self.registry)

    def _histogram(self, name: str, words: str, *labels: str) -> Histogram:
        return Histogram(name, words, labels, buckets=_SECONDS, registry=self.registry)

    def gauge(self, name: str, words: str, asked: Callable[[], float]) -> None:
        """A number that is asked for whenever somebody looks."""
        Gauge(name, words, registry=self.registry).set_function(asked)

    def deed(self, deed: str, outcome: str) -> None:
        """A client did this, and it ended so: "ok" or the code of an error."""
        self._deeds.labels(deed, outcome).inc()

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered. `route` is the pattern of its path, not the path."""
        self._requests.labels(method, route, str(status)).inc()
        self._duration.labels(method, route).observe(seconds)

    def steps(self, seconds: Mapping[str, float]) -> None:
        """How long each step of one issuing took."""
        for step, taken in seconds.items():
            self._steps.labels(step).observe(taken)

    def text(self) -> bytes:
        """Everything in the text format of Prometheus."""
        return generate_latest(self.registry)
