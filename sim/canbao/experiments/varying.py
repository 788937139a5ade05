"""What a sweep varies: keys of a scenario file, each with the values that it takes.

An input knows its values as a function of a share from 0 to 1, which is how designs of experiments speak: a grid takes
its levels, a Latin hypercube and the designs of a sensitivity analysis take shares.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Protocol

from canbao.errors import Fault, InputError, ScenarioError
from canbao.scenario.faults import inline

__all__ = [
    "MOST_LEVELS",
    "Input",
    "Levels",
    "Range",
    "Setting",
    "check_inputs",
    "column",
    "faults_of",
    "plainly",
    "read_vary",
    "spelled",
]

MOST_LEVELS = 10_000
"""How many values one input may take."""

_DIGITS = 6
"""Significant digits of a value that a design chooses: more would only be harder to read."""


@dataclass(frozen=True)
class Setting:
    """One value of one input."""

    path: str
    """The dotted key in the scenario file."""
    value: Any
    """As the scenario file would have it: a number, a text such as `8 min`, a table."""
    number: float | None
    """The value as a number in the input's unit, for tables and charts; None where it is none."""

    @property
    def override(self) -> str:
        """The setting as `--set` takes it."""
        return f"{self.path}={spelled(self.value)}"

    @property
    def data(self) -> Any:
        """The value as JSON has it; dates and tables as text."""
        return self.value if isinstance(self.value, str | int | float) else spelled(self.value)

    @property
    def label(self) -> str:
        """The value in a table: text without its quotes."""
        return self.value if isinstance(self.value, str) else inline(self.value)


class Input(Protocol):
    """One key of a scenario file that is varied."""

    @property
    def path(self) -> str:
        """The dotted key."""
        ...

    @property
    def unit(self) -> str:
        """What its numbers are counted in: `min`, `%`; empty for plain numbers."""
        ...

    def at(self, share: float) -> Setting:
        """Give the value at a share from 0 (the lowest) to 1 (the highest)."""
        ...

    def trials(self) -> tuple[Setting, ...]:
        """Give the values of which, if each of them fits, all do."""
        ...

    def described(self) -> dict[str, Any]:
        """Say what is varied, as JSON."""
        ...


@dataclass(frozen=True)
class Levels:
    """Some values, each as likely as the others where a design draws."""

    path: str
    settings: tuple[Setting, ...]
    unit: str = ""

    def at(self, share: float) -> Setting:
        """Give the value at a share: the interval from 0 to 1 is cut into as many equal parts as there are values."""
        return self.settings[min(int(share * len(self.settings)), len(self.settings) - 1)]

    def trials(self) -> tuple[Setting, ...]:
        """Give all values."""
        return self.settings

    def described(self) -> dict[str, Any]:
        """Say what is varied, as JSON."""
        numbers = [setting.number for setting in self.settings]
        return {
            "path": self.path,
            "unit": self.unit,
            "levels": [setting.label for setting in self.settings],
            "numbers": None if None in numbers else numbers,
        }


@dataclass(frozen=True)
class Range:
    """Every value between two."""

    path: str
    low: float
    high: float
    unit: str = ""

    def at(self, share: float) -> Setting:
        """Give the value at a share, rounded to six significant digits."""
        number = float(f"{self.low + (self.high - self.low) * share:.{_DIGITS}g}")
        return _setting(self.path, number, self.unit)

    def trials(self) -> tuple[Setting, ...]:
        """Give both ends, as numbers that need not be whole."""
        return self.at(0.0), self.at(1.0)

    def described(self) -> dict[str, Any]:
        """Say what is varied, as JSON."""
        return {"path": self.path, "unit": self.unit, "low": self.low, "high": self.high}


def column(one: Input) -> str:
    """Give the name of the input's column in a table: its key, and its unit where it has one."""
    return f"{one.path} ({one.unit})" if one.unit else one.path


def _setting(path: str, number: float, unit: str) -> Setting:
    """Write a number with its unit; a text of a scenario file takes no exponent."""
    return Setting(path, f"{plainly(number)} {unit}" if unit else number, float(number))


def plainly(number: float) -> str:
    """Write a number without exponent and without zeros that say nothing."""
    return f"{Decimal(repr(number)).normalize():f}"


def spelled(value: Any) -> str:
    """Write a value as TOML on one line."""
    import tomli_w

    if isinstance(value, Mapping):
        pairs = (f"{tomli_w.dumps({key: 0}).removesuffix(' = 0' + chr(10))} = {spelled(v)}" for key, v in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(spelled, value))}]"
    return tomli_w.dumps({"v": value}).removeprefix("v = ").rstrip("\n")


# --- what a user writes -----------------------------------------------------------------------------------------------

_FORMS = (
    "a range of whole numbers (6..20, 6..20:2), evenly spaced values (0.3:0.9:7), a range for --lhs and --sensitivity "
    '(0.3:0.9), or a list (4,8,16); units as in the file ("2 min":"6 min":5)'
)

_END = r"""["']?\s*([-+]?[0-9]+(?:\.[0-9]+)?)\s*([^\W\d_][^\d.:,"']*|%)?\s*["']?"""
_WHOLE = re.compile(rf"\s*{_END}\s*\.\.\s*{_END}\s*(?::\s*{_END}\s*)?")
_EVEN = re.compile(rf"\s*{_END}\s*:\s*{_END}\s*(?::\s*([0-9]+)\s*)?")


def read_vary(text: str) -> Levels | Range:
    """Read `path=values` as `--vary` takes it.

    ==========================  =========================================================
    `review.first.staff=6..20`  whole numbers; `6..20:2` takes every second
    `choice.online_share=0.3:0.9:7`  seven values, evenly spaced, both ends among them
    `choice.online_share=0.3:0.9`    a range, for designs that draw from it
    `channels.portal.slots=4,8,16`   these values; anything that TOML can say in a list
    ==========================  =========================================================

    Numbers may have the unit that the scenario file asks for: `2 min:6 min:5`, `20 %:60 %:5`.

    Raises
    ------
    InputError
        When it is none of these, the ends are in the wrong order or have different units, or there are more than
        `MOST_LEVELS` values.
    """
    path, sign, values = text.partition("=")
    path = path.strip()
    if not (sign and path and values.strip()):
        raise _misfit(text, "is not path=values")
    if found := _WHOLE.fullmatch(values):
        return _whole(path, text, *found.groups())
    if found := _EVEN.fullmatch(values):
        return _even(path, text, *found.groups())
    return _list(path, text, values)


def _misfit(text: str, problem: str) -> InputError:
    return InputError(f"--vary {inline(text, 200)[1:-1]}: {problem}; what can be given is {_FORMS}")


def _unit(text: str, units: Iterable[str | None]) -> str:
    """Give the one unit of some numbers; those without one have that of the others."""
    known = {unit.strip() for unit in units if unit}
    if len(known) > 1:
        raise _misfit(text, f"has more than one unit ({', '.join(sorted(known))})")
    return next(iter(known), "")


def _whole(path: str, text: str, *parts: str | None) -> Levels:
    low, first, high, second, step, third = parts
    try:
        start, end, by = (int(part or "1") for part in (low, high, step))
    except ValueError:
        raise _misfit(text, "counts in whole numbers from LOW..HIGH; for others write LOW:HIGH:COUNT") from None
    if by < 1 or end < start:
        raise _misfit(text, "is not in order: the lower end comes first, and a step is at least 1")
    if (end - start) // by >= MOST_LEVELS:
        raise _misfit(text, f"has more than {MOST_LEVELS:,} values")
    unit = _unit(text, (first, second, third))
    return Levels(path, tuple(_whole_setting(path, n, unit) for n in range(start, end + 1, by)), unit)


def _whole_setting(path: str, number: int, unit: str) -> Setting:
    return Setting(path, f"{number} {unit}" if unit else number, float(number))


def _even(path: str, text: str, *parts: str | None) -> Levels | Range:
    low, first, high, second, count = parts
    unit, start, end = _unit(text, (first, second)), Decimal(low or 0), Decimal(high or 0)
    if end <= start:
        raise _misfit(text, "is not in order: the lower end comes first")
    if count is None:
        return Range(path, float(start), float(end), unit)
    if not 2 <= int(count) <= MOST_LEVELS:
        raise _misfit(text, f"asks for {int(count):,} values; from 2 to {MOST_LEVELS:,} can be evenly spaced")
    # In decimals, so that 0.3:0.9:7 has 0.4 in it and not 0.39999999999999997.
    numbers = [start + (end - start) * i / (int(count) - 1) for i in range(int(count))]
    whole = all(number == number.to_integral_value() for number in numbers) and "." not in f"{low}{high}"
    settings = (_whole_setting(path, int(n), unit) if whole else _rounded(path, n, unit) for n in numbers)
    return Levels(path, tuple(settings), unit)


def _rounded(path: str, number: Decimal, unit: str) -> Setting:
    return _setting(path, float(f"{number:.12g}"), unit)


def _list(path: str, text: str, values: str) -> Levels:
    try:
        found = tomllib.loads(f"v = [{values}]")["v"]
    except (tomllib.TOMLDecodeError, RecursionError):
        # Bare words are text, as with --set.
        found = [word.strip() for word in values.split(",")]
        if any(not word or word[0] in "[{\"'" for word in found):
            raise _misfit(text, "is not a list of values") from None
    if not found or len(found) > MOST_LEVELS:
        raise _misfit(text, f"has {len(found):,} values; from 1 to {MOST_LEVELS:,} are allowed")
    settings = tuple(Setting(path, value, _number(value)) for value in found)
    if len({setting.override for setting in settings}) < len(settings):
        raise _misfit(text, "has a value twice")
    return Levels(path, settings)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


# --- whether the scenario takes them ----------------------------------------------------------------------------------

_Load = Callable[[Sequence[str]], object]


def check_inputs(inputs: Sequence[Input], load: _Load) -> None:
    """See that the scenario takes every value of every input, each by itself.

    Parameters
    ----------
    inputs
        What is varied.
    load
        Reads the scenario with some overrides, `path=value`, and raises a ScenarioError where they do not fit.

    Raises
    ------
    InputError
        When a key is varied twice.
    ScenarioError
        With a fault for every value that does not fit.
    """
    paths = [one.path for one in inputs]
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise InputError(f"{twice[0]} is varied twice; give one --vary a key")
    faults = [fault for one in inputs for setting in one.trials() for fault in faults_of([setting], load)]
    if faults:
        raise ScenarioError(list(dict.fromkeys(faults)))


def faults_of(settings: Sequence[Setting], load: _Load) -> list[Fault]:
    """Give the faults of the scenario with some settings; those of the command line are told as of `--vary`."""
    try:
        load([setting.override for setting in settings])
    except ScenarioError as error:
        return [replace(fault, file="--vary") if fault.file == "--set" else fault for fault in error.faults]
    return []
