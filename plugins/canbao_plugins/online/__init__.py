"""Enrolment online: what a portal and an app have in common.

`settings` says what a scenario file may say, `chances` which families have which trouble, `outages` when nothing
works, and `session` puts the journey together.
"""

from __future__ import annotations

from canbao_plugins.online.outages import Outage
from canbao_plugins.online.session import build_online
from canbao_plugins.online.settings import Online

__all__ = ["Online", "Outage", "build_online"]
