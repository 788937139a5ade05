"""The doors of the load side: what it registers, by its address."""

from __future__ import annotations

from canbao.plugins import by_reference

__all__ = ["loadtests"]

loadtests = by_reference(
    commands={
        "serve": "canbao_loadtests.service.command:command",
        "load": "canbao_loadtests.calibrating.loading:command",
        "target": "canbao_loadtests.targets.command:command",
        "calibrate": "canbao_loadtests.calibrating.command:command",
    }
)
