"""Kiosks in shopping malls: a channel, a policy, a demand, a reporter and a command for canbao."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import click
import numpy as np
from pydantic import Field

import canbao
from canbao.district import GIVE_UP, HAND_IN, District, Part
from canbao.plugins import hookimpl
from canbao.scenario.models import Settings

Register = Callable[[str, Any], None]
DAY_S = 86_400.0


class Kiosk(Settings):
    """Machines that take an application."""

    kind: Literal["kiosk"]
    machines: int = Field(description="How many machines.", ge=1)

    def build(self, name: str, district: District) -> Part:
        """Stand in the queue of the machines, and hand in."""
        visit = canbao.Visit(name, 300.0, patience=900.0, abandoned=GIVE_UP)
        return Part([canbao.Station(name, servers=self.machines)], [visit, canbao.Go(HAND_IN)], queue=name)


class OneDay(Settings):
    """A collection period of one day, a fee for all alike."""

    kind: Literal["one day"]
    date: dt.date = Field(description="The day.")
    fee: float = Field(100.0, description="What a family pays, in yuan.")

    def period_s(self, horizon: canbao.Horizon) -> tuple[float, float]:
        """Give the day."""
        return horizon.seconds(self.date), horizon.seconds(self.date) + DAY_S

    def deadline_s(self, columns: Mapping[str, Any], horizon: canbao.Horizon) -> Any:
        """Give the end of the day to everybody."""
        return np.full(_families(columns), self.period_s(horizon)[1])

    def insured_from_birth_until_s(self, columns: Mapping[str, Any], horizon: canbao.Horizon) -> Any:
        """Know nothing of newborns."""
        return np.full(_families(columns), np.nan)

    def fee_yuan(self, columns: Mapping[str, Any], horizon: canbao.Horizon) -> Any:
        """Give the fee of each family."""
        return np.full(_families(columns), self.fee)


def _families(columns: Mapping[str, Any]) -> int:
    return len(next(iter(columns.values())))


class AtNoon(Settings):
    """Everybody comes in the hour before noon of the first day of the collection period."""

    kind: Literal["at noon"]

    def families(self, expected: int) -> int:
        """Let all come."""
        return expected

    def arrivals(self, district: District, preferred: canbao.Coded, channels: Mapping[str, Any]) -> Any:
        """Spread them over the hour."""
        start, _ = district.policy.period_s(district.horizon)
        return start + 11 * 3600.0 + 3600.0 * district.luck.uniforms("noon", district.families)


def count_families(summary: Mapping[str, Any], folder: Path) -> Path:
    """Write down how many families came."""
    path = folder / "count.txt"
    path.write_text(f"{summary['families']['arrived']}\n")
    return path


@click.command("kiosks")
def kiosks() -> None:
    """Say how many kiosks a mall needs."""
    click.echo("Two for each entrance.")


@hookimpl
def register_channels(register: Register) -> None:
    """Register the channel."""
    register("kiosk", Kiosk)


@hookimpl
def register_policies(register: Register) -> None:
    """Register the policy."""
    register("one day", OneDay)


@hookimpl
def register_demands(register: Register) -> None:
    """Register the demand by its address: it is imported when a scenario asks for it."""
    register("at noon", "kiosk_for_canbao:AtNoon")


@hookimpl
def register_reporters(register: Register) -> None:
    """Register the reporter."""
    register("count", count_families)


@hookimpl
def register_commands(register: Register) -> None:
    """Register the command."""
    register("kiosks", kiosks)
