"""Arrays of the kernel that grow with the families inside."""

from __future__ import annotations

from typing import Any

import numpy as np

from canbao.kernel.state import World, records

__all__ = ["with_more_slots", "with_slots"]


def with_more_slots(world: World) -> World:
    """Give the same world with room for more families inside."""
    return with_slots(world, 4 * len(world.slots))


def with_slots(world: World, count: int) -> World:
    """Give the same world with `count` slots, and room for their tickets and events."""
    events = 4 * count + len(world.stations) + 128
    return world._replace(
        slots=_longer(world.slots, count),
        tickets=_longer(world.tickets, 2 * count),
        counts=_longer(world.counts, count),
        marks=_longer(world.marks, count),
        queues=_longer_rows(world.queues, count),
        frames=_longer(world.frames, count + 128),
        times=_longer(world.times, events),
        orders=_longer(world.orders, events),
        what=_longer(world.what, events),
        distant=_longer(world.distant, events),
    )


def _longer(array: Any, count: int) -> Any:
    count = max(count, len(array))
    made = records(count, array.dtype) if array.dtype.names else np.zeros((count, *array.shape[1:]), dtype=array.dtype)
    made[: len(array)] = array
    return made


def _longer_rows(array: Any, count: int) -> Any:
    made = records(len(array) * count, array.dtype).reshape(len(array), count)
    made[:, : array.shape[1]] = array
    return made
