"""An alarm that rings on time, to a tenth of a millisecond.

The timers of gevent's loop end in whole milliseconds, because epoll waits in those: measured, whoever sleeps 3.3 ms
wakes 0.85 ms late. Linux has timers that are files (timerfd); the loop hears of them as of a socket: 0.12 ms late, and
work on the agenda begins after 0.20 ms. Elsewhere the loop's own timer does.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

from gevent.hub import get_hub

__all__ = ["Alarm"]

_MONOTONIC = 1
_FLAGS = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
_READABLE = 1


class _Setting(ctypes.Structure):
    """`struct itimerspec`: how often it rings again (never), and in how long it rings first."""

    _fields_ = (("every", ctypes.c_long * 2), ("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class Alarm:
    """Rings once, some time after it was set.

    Parameters
    ----------
    ring
        What is called then, in the loop; it must not wait.
    precise
        Whether Linux's own timer is used where there is one.
    """

    def __init__(self, ring: Callable[[], object], *, precise: bool = True) -> None:
        self._ring = ring
        self._library = ctypes.CDLL(None, use_errno=True)
        create = getattr(self._library, "timerfd_create", None) if precise else None
        self._file = create(_MONOTONIC, _FLAGS) if create is not None else -1
        self._setting = _Setting()
        self._loop = get_hub().loop
        self._watcher = self._loop.io(self._file, _READABLE) if self._file >= 0 else self._loop.timer(0.0)
        if self._file >= 0:
            self._watcher.start(self._read)

    def set(self, seconds: float) -> None:
        """Let it ring in so many seconds, and not when it was to ring before."""
        if self._file < 0:
            self._watcher.close()
            # The loop keeps the time at which it last looked for events. After work that held the loop that is long
            # ago, and a timer that is counted from there fires early.
            self._loop.update_now()
            self._watcher = self._loop.timer(max(seconds, 0.0))
            self._watcher.start(self._ring)
            return
        whole = int(seconds)
        self._setting.seconds = whole
        self._setting.nanoseconds = max(int((seconds - whole) * 1e9), 1)  # nothing at all would switch it off
        self._library.timerfd_settime(self._file, 0, ctypes.byref(self._setting), None)

    def close(self) -> None:
        """Let it ring no more."""
        self._watcher.stop()
        self._watcher.close()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _read(self) -> None:
        try:
            os.read(self._file, 8)
        except BlockingIOError:
            return  # it was set anew in between
        self._ring()
