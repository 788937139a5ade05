"""Checks of channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from canbao.assembly import assemble
from canbao.assembly.review import INTAKE
from canbao.columns import Coded
from canbao.district import CORRECT, GIVE_UP, HAND_IN, RESUBMIT, Channel, District, Part
from canbao.network import End
from canbao.plugins import Plugins
from canbao.testing.findings import is_array, same_values
from canbao.testing.trial import ALONE, PURE, Trial, begin, first_of
from canbao.trace import INSIDE, Trace

__all__ = ["check_channel"]


def check_channel(
    model: type[Any], settings: Mapping[str, Any] | None = None, *, plugins: Plugins | None = None
) -> Trace:
    """Check a channel: two channels of its kind serve the small district.

    Parameters
    ----------
    model
        The settings class that the plugin registers.
    settings
        What a scenario file says besides `kind`.
    plugins
        What else is registered; all that are installed if not given.

    Raises
    ------
    AssertionError
        With everything that must change.
    """
    trial = begin("channels", model, settings, plugins, lambda table: {"channels": {"one": table, "two": table}})
    channel, district = trial.file().scenario.channels["one"], trial.district()
    trial.behaves(channel, Channel)
    with trial.findings.calling("build(name, district)"):
        one, again, two = (channel.build(name, district) for name in ("one", "one", "two"))
        smaller = channel.build("one", trial.smaller())
    built: Any = one
    trial.insist(isinstance(built, Part), f"build() must give a canbao.district.Part, not {type(one).__name__}")
    trial.insist(one.steps, "build() must give steps: the way through the channel")
    _expect_own_names(trial, one, two)
    _expect_columns(trial, (one, again, smaller), district)
    _expect_days(trial, channel, district)
    queues = [station.name for station in one.stations]
    trial.expect(one.queue in ("", *queues), f"Part.queue is {one.queue!r}, which is none of its stations {queues}")
    trace = trial.season()
    _expect_way_through(trial, one, trace)
    trial.findings.settle()
    return trace


def _names(part: Part) -> dict[str, set[str]]:
    return {
        "station": {station.name for station in part.stations},
        "calendar": set(part.calendars),
        "column": set(part.columns),
        "batch": {batch.name for batch in part.batches},
        "book": {book.name for book in part.books},
    }


def _expect_own_names(trial: Trial, one: Part, two: Part) -> None:
    others = _names(two)
    for word, names in _names(one).items():
        shared = ", ".join(sorted(names & others[word]))
        trial.expect(not shared, f"two channels of its kind would share {word} {shared}: put the channel's name in it")


def _expect_columns(trial: Trial, parts: tuple[Part, Part, Part], district: District) -> None:
    one, again, smaller = parts
    for name, column in one.columns.items():
        count, other, fewer = len(column), again.columns.get(name), smaller.columns.get(name)
        trial.expect(name not in district.columns, f"column {name!r} is there already: population or policy has it")
        trial.expect(other is not None and same_values(column, other), f"column {name!r} {PURE}")
        if trial.expect(
            count == district.families, f"column {name!r} has {count} values for {district.families} families"
        ):
            alone = fewer is not None and same_values(first_of(column, len(fewer)), fewer)
            trial.expect(alone, f"column {name!r} {ALONE}")


def _expect_days(trial: Trial, channel: Any, district: District) -> None:
    online = getattr(channel, "online", False)
    trial.expect(isinstance(online, bool), f"`online` must be True or False, not {online!r}")
    if hasattr(channel, "open_days"):
        with trial.findings.calling("open_days(district)"):
            days = channel.open_days(district)
        right = is_array(days, (district.horizon.days,)) and days.dtype == bool
        trial.expect(right, "open_days(district) must give True or False for each date, as an array of shape (days,)")


def _expect_way_through(trial: Trial, part: Part, trace: Trace) -> None:
    """See that families hand in, and come back with corrections, and that no way ends by falling off its end."""
    submitted = np.asarray(trace.families["submitted"])
    onward = f"the way through it must lead to {HAND_IN!r} (HAND_IN)"
    trial.expect((~np.isnan(submitted)).any(), f"nobody handed in: {onward}")
    station: Any = trace.visits["station"]
    rounds = np.bincount(np.asarray(trace.visits["family"])[station.has(INTAKE)], minlength=1)
    back = f"a way from the step named {CORRECT!r} must lead to {RESUBMIT!r} (RESUBMIT)"
    trial.expect(rounds.max() > 1, f"no returned application came back corrected: {back}")
    fallen = ", ".join(sorted(_outcomes(trace) - _stated(trial, part) - {INSIDE}))
    ways = f"each exit must lead to a step, to {HAND_IN!r} (HAND_IN), to {GIVE_UP!r} (GIVE_UP) or to an End"
    trial.expect(not fallen, f"families left through an exit that leads nowhere, as {fallen}: {ways}")


def _outcomes(trace: Trace) -> set[str]:
    outcome = trace.families["outcome"]
    assert isinstance(outcome, Coded)
    return {outcome.labels[code] for code in np.unique(outcome.codes)}


def _stated(trial: Trial, part: Part) -> set[str]:
    """Give the outcomes that an End states, in the channel or in what all channels share."""
    shared = [journey for journey in assemble(trial.file(), 1).journeys if not journey.channel]
    steps = [step for journey in shared for step in journey.steps] + list(part.steps)
    return {step.outcome for step in steps if isinstance(step, End)}
