"""Live figures for Prometheus, on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from canbao.errors import InputError
from canbao_loadtests.driving.progress import BOUNDS_S, Totals

if TYPE_CHECKING:
    from gevent.pywsgi import WSGIServer
    from prometheus_client.core import Metric

__all__ = ["Figures", "serve_figures"]

_GAUGES = {
    "in_flight": "Journeys under way",
    "waiting": "Families that wait for a place under the limit",
    "in_review": "Applications in review",
    "dispatch_p99_s": "Delay of the generator itself in the last second, 99th percentile, seconds",
    "moment": "Moment of the scenario, seconds since its first midnight",
}
_COUNTERS = {
    "arrived": "Families that have come",
    "finished": "Journeys that are over",
    "dropped": "Families that found no place",
    "submitted": "Applications handed in",
    "decided": "Applications decided",
}


class Figures:
    """What Prometheus reads: a collector of `prometheus_client`.

    Parameters
    ----------
    line
        Gives the figures of the last second.
    totals
        What was counted since the load began.
    """

    def __init__(self, line: Callable[[], Mapping[str, Any]], totals: Totals) -> None:
        self._line, self._totals = line, totals

    def collect(self) -> Iterator[Metric]:
        """Give all figures as they are now."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        line = self._line()
        for name, says in _GAUGES.items():
            if name in line:
                yield GaugeMetricFamily(f"canbao_{name}", says, float(line[name]))
        for name, says in _COUNTERS.items():
            if name in line:
                yield CounterMetricFamily(f"canbao_{name}", says, float(line[name]))
        yield from self._requests()

    def _requests(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        totals = self._totals
        yield CounterMetricFamily(
            "canbao_request_errors", "Requests without an answer, or with 500 or more", totals.errors
        )
        yield CounterMetricFamily("canbao_requests_refused", "Requests answered with 429", totals.refused)
        yield CounterMetricFamily("canbao_sent_bytes", "Bytes sent", totals.sent)
        yield CounterMetricFamily("canbao_received_bytes", "Bytes received", totals.received)
        below, bins = 0, []
        for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), totals.bins, strict=True):
            below += count
            bins.append((bound, below))
        yield HistogramMetricFamily(
            "canbao_request_seconds", "Time of a request", buckets=bins, sum_value=totals.seconds
        )


def serve_figures(figures: Figures, port: int) -> WSGIServer:
    """Serve the figures at `http://127.0.0.1:PORT/metrics`, in the loop of the load; an answer takes a millisecond.

    Raises
    ------
    InputError
        When the port is taken, or `prometheus_client` is not installed.
    """
    from gevent.pywsgi import WSGIServer

    try:
        from prometheus_client import CollectorRegistry, make_wsgi_app
    except ImportError as error:
        raise InputError("--prometheus needs prometheus_client: pip install 'canbao[load]'") from error
    registry = CollectorRegistry()
    registry.register(figures)
    server = WSGIServer(("127.0.0.1", port), make_wsgi_app(registry), log=None)
    try:
        server.start()
    except OSError as error:
        raise InputError(f"port {port} cannot be used for Prometheus: {error.strerror}; name another one") from error
    return server
