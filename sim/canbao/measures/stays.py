"""Stays: how long visits lasted in all, waiting and service together, as a deployment shows them from outside."""

from __future__ import annotations

from typing import Any

import numpy as np

from canbao.columns import Coded
from canbao.measures.groups import word_is
from canbao.measures.samples import by_group
from canbao.trace import Trace

__all__ = ["stays"]


def stays(trace: Trace) -> dict[str, Any]:
    """Describe the stays of visits that were served, in seconds, by station.

    A load test cannot see when a slot began to work on a request, so that this is what it and a simulation share.
    """
    ended, station = trace.visits["ended"], trace.visits["station"]
    assert isinstance(ended, Coded)
    assert isinstance(station, Coded)
    enter, leave = (np.asarray(trace.visits[name]) for name in ("enter", "leave"))
    return by_group(np.where(word_is(ended, "served"), leave - enter, np.nan), station)
