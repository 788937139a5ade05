"""Requests and journeys: how long they took, what failed, and whether the load was what it was meant to be."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from canbao.arrays import BoolArray, FloatArray, IntArray
from canbao.columns import Coded, Column, numbers_of
from canbao.trace import Table, Trace
from canbao_loadtests.driving.latency import percentiles_s
from canbao_loadtests.driving.parts import Parts
from canbao_loadtests.driving.progress import failed
from canbao_loadtests.driving.recorder import HOW
from canbao_loadtests.load.measures.period import Period

__all__ = ["IN_TIME_S", "arrivals", "errors", "journeys", "operations", "over_time", "requests", "times"]

_SHARES = (50.0, 90.0, 95.0, 99.0)
_KINDS = ("first_channel", "kind", "residence", "skill")
"""The words by which journeys are told apart, where the population knows them."""
_TOO_MANY = 429

IN_TIME_S = 1.0
"""A request in time takes no longer: after that a train of thought breaks (Nielsen, Usability Engineering, 1993)."""


def times(seconds: FloatArray) -> dict[str, float | int | None]:
    """Describe times in seconds: count, mean, percentiles to three digits of a HDR histogram, and the longest."""
    known = seconds[np.isfinite(seconds)]
    found = percentiles_s(known, _SHARES)
    return {
        "count": len(known),
        "mean_s": float(known.mean()) if len(known) else None,
        **{f"p{share:g}_s": _number(value) for share, value in zip(_SHARES, found, strict=True)},
        "max_s": float(known.max()) if len(known) else None,
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


# --- journeys ---------------------------------------------------------------------------------------------------------


def arrivals(parts: Parts, period: Period, scheduled: int) -> dict[str, Any]:
    """Tell how many families were to come and how many did; intended and started by bin of real time.

    Parameters
    ----------
    parts
        What the processes recorded. Of one that was killed, what it had not written down yet is missing: `missing_s`
        seconds at most, and the families that came in them are `unrecorded`.
    period
        When they were to come.
    scheduled
        How many were to come.
    """
    how, intended, started = _how(parts), *(_numbers(parts.journeys, name) for name in ("intended", "started"))
    edges = period.reals()
    real_s = (period.end_s - period.start_s) / period.clock.speed
    return {
        "intended": scheduled,
        "unrecorded": max(scheduled - len(np.unique(_numbers(parts.journeys, "family"))), 0),
        "missing_s": sum(float(end.get("missing_s", 0.0)) for end in parts.ends),
        "started": int(np.isfinite(started).sum()),
        **{word.replace(" ", "_"): int((how == code).sum()) for code, word in enumerate(HOW)},
        "a_second": scheduled / real_s,
        "dispatch": times(_numbers(parts.delays, "delay")),
        "bins": {
            "width_s": period.bin_s,
            "intended": _counted(intended, edges),
            "started": _counted(started, edges),
        },
    }


def journeys(parts: Parts, trace: Trace) -> dict[str, Any]:
    """Describe the first session of families: service time, and response time from the moment they were to come.

    All together and by channel and kind of family. Those that were cut or never started have no time.
    """
    intended, started, finished = (_numbers(parts.journeys, name) for name in ("intended", "started", "finished"))
    service, response = finished - started, finished - intended
    family = _numbers(parts.journeys, "family").astype(np.int64)
    return {
        "service": times(service),
        "response": times(response),
        "by": {name: _by(column, family, service, response) for name, column in _words(trace).items()},
    }


def _words(trace: Trace) -> dict[str, tuple[IntArray, Coded]]:
    """Give the words of each family in the trace."""
    family = numbers_of(trace.families["family"]).astype(np.int64)
    columns = {name: trace.families[name] for name in _KINDS if name in trace.families}
    return {name: (family, column) for name, column in columns.items() if isinstance(column, Coded)}


def _by(
    column: tuple[IntArray, Coded], family: IntArray, service: FloatArray, response: FloatArray
) -> dict[str, dict[str, Any]]:
    known, words = column
    code_of = dict(zip(known.tolist(), words.codes.tolist(), strict=True))
    codes = np.array([code_of.get(number, -1) for number in family.tolist()], dtype=np.int64)
    return {
        label: {"service": times(service[codes == code]), "response": times(response[codes == code])}
        for code, label in enumerate(words.labels)
        if (codes == code).any()
    }


def _how(parts: Parts) -> IntArray:
    column = parts.journeys["how"]
    assert isinstance(column, Coded)
    places = np.array([HOW.index(label) for label in column.labels] or [0], dtype=np.int64)
    return np.asarray(places[column.codes], dtype=np.int64)


# --- requests ---------------------------------------------------------------------------------------------------------


def requests(parts: Parts) -> dict[str, Any]:
    """Count requests, those that ask how an application stands apart; failures, refusals, bytes."""
    looks = _looks(parts.requests)
    return {"all": _counts(parts.requests, ~looks), "looks": _counts(parts.requests, looks)}


def _counts(table: Table, chosen: BoolArray) -> dict[str, Any]:
    wrong = failed(table) & chosen
    status, took = _numbers(table, "status"), _took(table)
    return {
        **times(took[chosen & ~wrong]),  # of the good ones
        "count": int(chosen.sum()),
        "failed": int(wrong.sum()),
        "failed_share": float(wrong.sum() / chosen.sum()) if chosen.any() else None,
        "in_time_share": float((took <= IN_TIME_S)[chosen & ~wrong].sum() / chosen.sum()) if chosen.any() else None,
        "throttled": int((chosen & (status == _TOO_MANY)).sum()),
        "logged_out": int((chosen & (status == 401)).sum()),
        "sent_bytes": int(_numbers(table, "sent")[chosen].sum()),
        "received_bytes": int(_numbers(table, "received")[chosen].sum()),
    }


def operations(parts: Parts) -> list[dict[str, Any]]:
    """Describe each operation of the deployment, in the order in which they were first asked for."""
    table, looks = parts.requests, _looks(parts.requests)
    operation = table["operation"]
    assert isinstance(operation, Coded)
    rows = []
    for polling in (False, True):
        for code, name in enumerate(operation.labels):
            mine = (operation.codes == code) & (looks == polling)
            if mine.any():
                rows.append({"operation": name, "looks": polling, **_counts(table, mine)})
    return rows


def errors(parts: Parts) -> list[dict[str, Any]]:
    """Count what failed or was refused, by operation and kind, the most frequent first."""
    table = parts.requests
    operation, trouble = table["operation"], table["trouble"]
    assert isinstance(operation, Coded)
    assert isinstance(trouble, Coded)
    status, wrong = _numbers(table, "status").astype(np.int64), failed(table)
    rows = np.flatnonzero(wrong | (status >= 400))
    kinds = Counter(
        (operation.labels[operation.codes[row]], _kind(int(status[row]), trouble.labels[trouble.codes[row]]), bool(bad))
        for row, bad in zip(rows.tolist(), wrong[rows].tolist(), strict=True)
    )
    return [
        {"operation": name, "kind": kind, "failed": bad, "count": count}
        for (name, kind, bad), count in kinds.most_common()
    ]


def _kind(status: int, trouble: str) -> str:
    return f"status {status}" if status else trouble


def over_time(parts: Parts, period: Period) -> dict[str, Any]:
    """Give, by bin of real time, requests that ended, those that failed, and the 50th and 95th percentile of times."""
    table, looks = parts.requests, _looks(parts.requests)
    ended, took, wrong = _numbers(table, "ended")[~looks], _took(table)[~looks], failed(table)[~looks]
    place = np.digitize(ended, period.reals()) - 1
    found = [percentiles_s(took[(place == number) & ~wrong], (50.0, 95.0)) for number in range(period.bins)]
    return {
        "width_s": period.bin_s,
        "requests": np.bincount(place[_inside(place, period)], minlength=period.bins).tolist(),
        "failed": np.bincount(place[_inside(place, period) & wrong], minlength=period.bins).tolist(),
        "p50_s": [_number(median) for median, _ in found],
        "p95_s": [_number(late) for _, late in found],
    }


def _inside(place: IntArray, period: Period) -> BoolArray:
    return (place >= 0) & (place < period.bins)


def _took(table: Table) -> FloatArray:
    return _numbers(table, "ended") - _numbers(table, "began")


def _looks(table: Table) -> BoolArray:
    return np.asarray(table["polling"], dtype=np.bool_)


def _numbers(table: Mapping[str, Column], name: str) -> FloatArray:
    return numbers_of(table[name])


def _counted(moments: FloatArray, edges: FloatArray) -> list[int]:
    counts: list[int] = np.histogram(moments[np.isfinite(moments)], edges)[0].tolist()
    return counts
