"""The estimates of a scenario as inputs of a sensitivity analysis: each with a range around what is assumed."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from canbao.errors import Fault, InputError
from canbao.experiments.varying import Input, Levels, Range, Setting, faults_of, plainly
from canbao.scenario.models import Settings
from canbao.scenario.quantities import Span
from canbao.scenario.scenario import ScenarioFile

__all__ = ["Scaled", "Suspects", "estimated_inputs"]

_MEANT = (int, float, Span, Settings, dict)

_ZERO = "is zero, so it has no range of its own"


@dataclass(frozen=True)
class Scaled:
    """A table whose amounts are multiplied by one factor: the durations of a distribution, or numbers by name."""

    path: str
    base: Mapping[str, Any]
    """The table as it is; those of its values that are `Amount`s are multiplied."""
    low: float
    high: float
    unit: str = "×"

    def at(self, share: float) -> Setting:
        """Give the table at a share of the range of the factor."""
        factor = float(f"{self.low + (self.high - self.low) * share:.6g}")
        return Setting(self.path, {name: _times(value, factor) for name, value in self.base.items()}, factor)

    def trials(self) -> tuple[Setting, ...]:
        """Give both ends."""
        return self.at(0.0), self.at(1.0)

    def described(self) -> dict[str, Any]:
        """Say what is varied, as JSON."""
        return {"path": self.path, "unit": self.unit, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Amount:
    """A number that is multiplied, with its unit."""

    number: float
    unit: str = ""
    most: float | None = None


def _times(value: Any, factor: float) -> Any:
    if not isinstance(value, Amount):
        return value
    number = float(f"{value.number * factor:.6g}")
    number = number if value.most is None else min(number, value.most)
    return f"{plainly(number)} {value.unit}" if value.unit else number


@dataclass(frozen=True)
class Suspects:
    """The estimates of a scenario: those that can be varied, and why the others cannot."""

    inputs: tuple[Input, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Why an estimate is not varied, by key."""


_Load = Callable[[Sequence[str]], object]


def estimated_inputs(file: ScenarioFile, load: _Load, within: float = 0.25, among: Sequence[str] = ()) -> Suspects:
    """Give the estimates (grade E) of a scenario, each with a range around its value.

    Numbers, shares, durations and spans range from (1 - within) to (1 + within) times their value, whole numbers at
    least from one less to one more, and never past what the scenario allows. The durations of a distribution are
    multiplied by one factor, so that its shape stays.

    Parameters
    ----------
    file
        The scenario.
    load
        Reads the scenario with some overrides, `path=value`, and raises a ScenarioError where they do not fit.
    within
        Half the width of the ranges, as a share of the value; between 0 and 1.
    among
        Patterns such as `review.*`; an estimate that fits none of them is left aside. All if not given.

    Raises
    ------
    InputError
        When `within` is not between 0 and 1, or there is no estimate that can be varied.
    """
    if not 0 < within < 1:
        raise InputError(f"the range around an estimate is a share of it between 0 and 1, given {within!r}; try 0.25")
    asked = [path for path in file.estimates() if not among or any(fnmatchcase(path, pattern) for pattern in among)]
    found = {path: _input(file, path, within) for path in asked}
    inputs = [one for one in found.values() if not isinstance(one, str)]
    misfits = _misfits(inputs, load)
    left_out = {path: one for path, one in found.items() if isinstance(one, str)} | misfits
    fitting = tuple(one for one in inputs if one.path not in misfits)
    if not fitting:
        where = f" among {', '.join(among)}" if among else ""
        raise InputError(f"no estimate (grade E) of {file.name}{where} can be varied; name an input with --vary")
    return Suspects(fitting, {path: left_out[path] for path in asked if path in left_out})


def _misfits(inputs: Sequence[Input], load: _Load) -> dict[str, str]:
    """Say of which inputs the scenario does not take both ends; nobody named them, so that is no reason to stop.

    All are tried at once, and again without those at fault: to read a scenario for each of them would take seconds.
    """
    problems: dict[str, str] = {}
    for share in (0.0, 1.0):
        faults: list[Fault] = []
        while faults != (faults := faults_of([one.at(share) for one in inputs if one.path not in problems], load)):
            for fault in faults:
                problems |= {one.path: fault.problem for one in inputs if _is_about(fault.key, one.path)}
    return problems


def _is_about(key: str, path: str) -> bool:
    return f"{key}.".startswith(f"{path}.") or f"{path}.".startswith(f"{key}.")


def _input(file: ScenarioFile, path: str, within: float) -> Input | str:
    """Give the input of an estimate, or say why there is none."""
    *above, last = _keys(path)
    try:
        parent = _at(file.scenario, above)
        value = _at(parent, [last])
    except (KeyError, IndexError, AttributeError):
        return "is in a file of its own"  # as what a region file says
    if isinstance(value, bool) or not isinstance(value, _MEANT):
        return "is not a number"
    if isinstance(value, int):
        return _whole(path, value, within)
    if isinstance(value, Settings | dict):
        amounts = _amounts(value)
        return Scaled(path, amounts, 1 - within, 1 + within) if amounts else "is a table without amounts"
    return _range(path, _amount(value, _schema(parent, last)), within)


def _range(path: str, amount: Amount, within: float) -> Range | str:
    if amount.number <= 0:
        return _ZERO
    low, high = amount.number * (1 - within), amount.number * (1 + within)
    return Range(path, low, high if amount.most is None else min(high, amount.most), amount.unit)


def _whole(path: str, value: int, within: float) -> Levels | str:
    if value <= 0:
        return _ZERO
    low = max(1, min(value - 1, round(value * (1 - within))))
    high = max(value + 1, round(value * (1 + within)))
    return Levels(path, tuple(Setting(path, number, float(number)) for number in range(low, high + 1)))


def _amounts(table: Settings | Mapping[str, Any]) -> dict[str, Any]:
    """Give a table with what is multiplied as Amounts: durations where there are some, else all numbers."""
    if isinstance(table, Mapping):
        numbers = {name: value for name, value in table.items() if isinstance(value, float) and value > 0}
        # What is a share in the table cannot be more than 1, and no more is known of it here.
        return {**table, **{name: Amount(value) for name, value in numbers.items()}} if numbers else {}
    known = {name: getattr(table, name) for name in type(table).model_fields}
    given = {name: value for name, value in known.items() if value is not None}
    durations = {
        name: amount
        for name, value in given.items()
        if isinstance(value, float) and (amount := _amount(value, _schema(table, name))).unit and value > 0
    }
    return {**given, **durations} if durations else {}


def _amount(value: float | Span, schema: Mapping[str, Any]) -> Amount:
    """Give a number with the unit in which a scenario file would write it."""
    if isinstance(value, Span):
        unit = {"s": "s", "working s": "working hours", "working days": "working days"}[value.unit]
        return Amount(value.amount / 3_600 if value.unit == "working s" else value.amount, unit)
    options = list(_options(schema))
    number = next((option for option in options if option.get("type") in ("number", "integer")), None)
    if number is None and any(option.get("type") == "string" for option in options):
        return Amount(value, "s")  # a duration, which the model keeps in seconds
    return Amount(value, "", None if number is None else number.get("maximum"))


def _options(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    yield from schema.get("anyOf", ())


def _schema(parent: object, name: str) -> Mapping[str, Any]:
    """Give the JSON Schema of a field; that of what a table holds by name is the same for all names."""
    if not isinstance(parent, Settings):
        return {}
    found: Mapping[str, Any] = type(parent).model_json_schema()["properties"].get(name, {})
    return found


def _keys(path: str) -> list[str]:
    """Take a dotted key apart, as TOML would."""
    inner: Any = tomllib.loads(f"{path} = 0")
    keys = []
    while isinstance(inner, dict):
        ((key, inner),) = inner.items()
        keys.append(key)
    return keys


def _at(here: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        here = (
            here[key] if isinstance(here, Mapping) else here[int(key)] if isinstance(here, list) else getattr(here, key)
        )
    return here
