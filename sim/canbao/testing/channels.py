"""Checks of channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from canbao.arrays import BoolArray
from canbao.assembly import assemble
from canbao.assembly.review import INTAKE
from canbao.columns import Coded
from canbao.district import APPROVED, CORRECT, ELSEWHERE, GIVE_UP, HAND_IN, RESUBMIT, Channel, District, Part
from canbao.network import End
from canbao.plugins import Plugins
from canbao.testing.district import SMALL
from canbao.testing.findings import is_array, same_values
from canbao.testing.trial import ALONE, PURE, Trial, begin, first_of
from canbao.trace import INSIDE, Trace

__all__ = ["check_channel", "expect_part", "outcomes", "stated"]


def check_channel(
    model: type[Any], settings: Mapping[str, Any] | None = None, *, plugins: Plugins | None = None
) -> Trace:
    """Check a channel: two channels of its kind serve the small district.

    A channel that not all can use, or with `hands_in` False, which only helps, stands beside an office in which
    families can hand in; and the district has many newborns.

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
    hands_in = getattr(model, "hands_in", True)
    trial = begin("channels", model, settings, plugins, lambda table: _beside_others(model, table))
    channel, district = trial.file().scenario.channels["one"], trial.district()
    trial.behaves(channel, Channel)
    one = expect_part(trial, "channel", "build(name, district)", channel.build)
    _expect_days(trial, channel, district)
    _expect_serves(trial, channel, district)
    queues = [station.name for station in one.stations]
    trial.expect(one.queue in ("", *queues), f"Part.queue is {one.queue!r}, which is none of its stations {queues}")
    trace = trial.season()
    if hands_in:
        _expect_way_through(trial, trace)
    else:
        _expect_way_elsewhere(trial, trace)
    _expect_stated_ends(trial, one, trace)
    trial.findings.settle()
    return trace


def _beside_others(model: type[Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """Give the changes of the small scenario: two of the kind, and an office where not everybody can use them."""
    if getattr(model, "hands_in", True) and not hasattr(model, "serves"):
        return {"channels": {"one": table, "two": table}}
    channels = {"one": table, "two": table, "office": SMALL["channels"]["office"]}
    return {"channels": channels, "population": {**SMALL["population"], "births_per_thousand": 100.0}}


def _names(part: Part) -> dict[str, set[str]]:
    return {
        "station": {station.name for station in part.stations},
        "calendar": set(part.calendars),
        "column": set(part.columns),
        "batch": {batch.name for batch in part.batches},
        "book": {book.name for book in part.books},
    }


def expect_part(trial: Trial, what: str, call: str, build: Callable[[str, District], Part]) -> Part:
    """See that a part is built with steps, names of its own, and columns that are functions of the family; give it.

    Parameters
    ----------
    trial
        What is under test.
    what
        What it is part of: a channel or a formality.
    call
        How its method is called, for messages.
    build
        Builds it by its name, for a district.
    """
    district = trial.district()
    with trial.findings.calling(call):
        one, again, two = (build(name, district) for name in ("one", "one", "two"))
        smaller = build("one", trial.smaller())
    built: Any = one
    trial.insist(isinstance(built, Part), f"build() must give a canbao.district.Part, not {type(one).__name__}")
    trial.insist(one.steps, f"build() must give steps: the way through the {what}")
    _expect_own_names(trial, one, two)
    _expect_columns(trial, (one, again, smaller), district)
    return one


def _expect_own_names(trial: Trial, one: Part, two: Part) -> None:
    """See that two parts of one kind share no name, and that no step hides a label."""
    others = _names(two)
    for word, names in _names(one).items():
        shared = ", ".join(sorted(names & others[word]))
        trial.expect(not shared, f"two of its kind would share {word} {shared}: put its own name in it")
    for step in one.steps:
        hides = step.name in (HAND_IN, APPROVED, GIVE_UP)
        trial.expect(not hides, f"its step {step.name!r} hides the label of that name: call the step something else")


def _expect_columns(trial: Trial, parts: tuple[Part, Part, Part], district: District) -> None:
    """See that the columns of a part are functions of the seed and the family alone.

    Parameters
    ----------
    trial
        What is under test.
    parts
        The part, the same built again, and the same in a smaller district.
    district
        The district for which the first was built.
    """
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
    for name, otherwise in (("online", False), ("hands_in", True)):
        value = getattr(channel, name, otherwise)
        trial.expect(isinstance(value, bool), f"`{name}` must be True or False, not {value!r}")
    if hasattr(channel, "open_days"):
        with trial.findings.calling("open_days(district)"):
            days = channel.open_days(district)
        right = is_array(days, (district.horizon.days,)) and days.dtype == bool
        trial.expect(right, "open_days(district) must give True or False for each date, as an array of shape (days,)")


def _expect_serves(trial: Trial, channel: Any, district: District) -> None:
    if hasattr(channel, "serves"):
        with trial.findings.calling("serves(district)"):
            served = channel.serves(district)
        right = is_array(served, (district.families,)) and served.dtype == bool
        trial.expect(right, "serves(district) must give True or False for each family, an array of shape (families,)")


def _expect_way_through(trial: Trial, trace: Trace) -> None:
    """See that families hand in, and come back with corrections."""
    here = _is_under_test(trace.families["last_channel"])
    submitted = np.asarray(trace.families["submitted"])[here]
    onward = f"the way through it must lead to {HAND_IN!r} (HAND_IN)"
    trial.expect((~np.isnan(submitted)).any(), f"nobody handed in: {onward}")
    station: Any = trace.visits["station"]
    family = np.asarray(trace.visits["family"])[station.has(INTAKE)]
    rounds = np.bincount(family[np.isin(family, np.asarray(trace.families["family"])[here])], minlength=1)
    back = f"a way from the step named {CORRECT!r} must lead to {RESUBMIT!r} (RESUBMIT)"
    trial.expect(rounds.max() > 1, f"no returned application came back corrected: {back}")


def _expect_way_elsewhere(trial: Trial, trace: Trace) -> None:
    """See that a channel that only helps lets families go on to one in which they hand in."""
    first, last = (_is_under_test(trace.families[f"{which}_channel"]) for which in ("first", "last"))
    handed_in = ~np.isnan(np.asarray(trace.families["submitted"]))
    onward = f"a way through it must lead to {ELSEWHERE!r} (ELSEWHERE) or to a channel by its name"
    trial.expect((first & handed_in).any(), f"nobody who came to it handed in later: {onward}")
    trial.expect(not (last & handed_in).any(), "families hand in there: take `hands_in = False` away")


def _is_under_test(channel: Any) -> BoolArray:
    return np.asarray(channel.has(*({"one", "two"} & set(channel.labels))))


def _expect_stated_ends(trial: Trial, part: Part, trace: Trace) -> None:
    """See that no way ends by falling off its end."""
    fallen = ", ".join(sorted(outcomes(trace) - stated(trial, part) - {INSIDE}))
    ways = f"each exit must lead to a step, to {HAND_IN!r} (HAND_IN), to {GIVE_UP!r} (GIVE_UP) or to an End"
    trial.expect(not fallen, f"families left through an exit that leads nowhere, as {fallen}: {ways}")


def outcomes(trace: Trace) -> set[str]:
    """Give how families ended."""
    outcome = trace.families["outcome"]
    assert isinstance(outcome, Coded)
    return {outcome.labels[code] for code in np.unique(outcome.codes)}


def stated(trial: Trial, part: Part) -> set[str]:
    """Give the outcomes that an End states, in the channel or in what all channels share."""
    shared = [journey for journey in assemble(trial.file(), 1).journeys if not journey.channel]
    steps = [step for journey in shared for step in journey.steps] + list(part.steps)
    return {step.outcome for step in steps if isinstance(step, End)}
