"""Queue disciplines: whom a free server takes next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

__all__ = ["Discipline", "QueueKey"]

Discipline = Literal["fifo", "lifo", "priority", "shortest", "random"]
"""Those built in; `Station` says what each does."""
QueueKey = Callable[[float, float], float]
"""A discipline of one's own: from (priority, service_s) to a key; the smallest goes first."""
