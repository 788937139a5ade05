"""Quantities as people write them in a scenario file: `"8 min"`, `"2 working days"`, `"73 %"`.

The functions turn text into numbers and know nothing of pydantic; the types below them make fields of a model out of
them. A model keeps numbers only: a `Duration` is seconds. Give defaults as text and let pydantic read them too
(`validate_default=True`), so that the JSON Schema shows what a user would write.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from canbao.errors import Fault

__all__ = [
    "Amount",
    "Count",
    "Duration",
    "MisfitError",
    "PositiveAmount",
    "PositiveCount",
    "PositiveDuration",
    "Share",
    "Span",
    "WorkingSpan",
    "format_duration",
    "parse_duration",
    "parse_share",
    "parse_span",
]

LONGEST_S = 100 * 365.25 * 86_400.0
"""No duration is longer than a hundred years."""

MOST = 10**9
"""No count and no amount is larger."""

_LONGEST_TEXT = 100
_UNITS = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "min": Decimal(60),
    "h": Decimal(3_600),
    "day": Decimal(86_400),
    "days": Decimal(86_400),
    "week": Decimal(604_800),
    "weeks": Decimal(604_800),
}
_WORKING_HOURS = {"hour": Decimal(3_600), "hours": Decimal(3_600), "h": Decimal(3_600), "min": Decimal(60)}
_MEANT = {
    **dict.fromkeys(["msec", "millisecond", "milliseconds", "毫秒"], "ms"),
    **dict.fromkeys(["sec", "secs", "second", "seconds", "秒"], "s"),
    **dict.fromkeys(["m", "mins", "minute", "minutes", "分", "分钟"], "min"),
    **dict.fromkeys(["hr", "hrs", "hour", "hours", "小时"], "h"),
    **dict.fromkeys(["d", "天", "日"], "days"),
    **dict.fromkeys(["w", "wk", "周"], "weeks"),
}

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_PART = re.compile(rf"\s*({_NUMBER})\s*([^\s0-9.,+-]+)\s*")
_WORKING = re.compile(rf"({_NUMBER})\s*working\s+(\S+)")
_PER_CENT = re.compile(rf"({_NUMBER})\s*%")

_DURATION_ALLOWED = 'a duration such as "8 min", "1 h 30 min" or "2 days" (units: ms, s, min, h, days, weeks)'
_SPAN_ALLOWED = 'a time such as "2 working days", "4 working hours" or "8 min"'
_SHARE_ALLOWED = 'a share from 0 to 1, such as 0.73 or "73 %"'


class MisfitError(ValueError):
    """A value that does not fit, with what is allowed and what to do; any validator of a model may raise it.

    Parameters
    ----------
    problem
        What is wrong, in a sentence without a full stop.
    allowed, hint
        As in `canbao.errors.Fault`.
    below
        Where the fault stands, as keys below the value that is validated: a check of a whole table names the key.
    faults
        The faults of another file that the value names; they are told in place of this one.
    """

    def __init__(
        self,
        problem: str,
        *,
        allowed: str = "",
        hint: str = "",
        below: tuple[str | int, ...] = (),
        faults: Sequence[Fault] = (),
    ) -> None:
        super().__init__(problem)
        self.allowed = allowed
        self.hint = hint
        self.below = below
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Span:
    """A stretch of clock time, of working time, or of working days."""

    amount: float
    """Seconds for `s` and `working s`, a number of days for `working days`."""
    unit: Literal["s", "working s", "working days"]


def parse_duration(text: str) -> float:
    """Give the seconds of `8 min`, `1 h 30 min`, `400 ms` or `2 days`.

    Raises
    ------
    MisfitError
        If the text is not one or more numbers, each with its unit, from the largest unit to the smallest, or if it is
        longer than a hundred years.
    """
    _check_text(text, _DURATION_ALLOWED)
    if "working" in text:
        raise MisfitError("is working time where clock time is needed", allowed=_DURATION_ALLOWED)
    total, last, pos = Decimal(0), Decimal("inf"), 0
    while pos < len(text) or pos == 0:
        part = _PART.match(text, pos)
        unit = _unit(part[2], _UNITS, part[1]) if part else None
        if part is None or unit is None:
            raise _misfit(text)
        if unit >= last:
            raise MisfitError("has its units in the wrong order", allowed="larger units first, each of them once")
        total, last, pos = total + Decimal(part[1]) * unit, unit, part.end()
    return _checked_length(float(total))


def _check_text(text: str, allowed: str) -> None:
    if len(text) > _LONGEST_TEXT:
        raise MisfitError("is too long a text", allowed=allowed)


def _unit(name: str, units: dict[str, Decimal], number: str) -> Decimal:
    if name in units:
        return units[name]
    meant = _MEANT.get(name.lower(), name.lower())
    close = [meant] if meant in units else get_close_matches(meant, units, n=1)
    hint = f'write "{number} {close[0]}"' if close else ""
    raise MisfitError(f'has an unknown unit "{name}"', allowed=f"units: {', '.join(units)}", hint=hint)


def _misfit(text: str) -> MisfitError:
    """Say why a text is not a duration, for the slips that people make."""
    bare = text.strip()
    if re.fullmatch(_NUMBER, bare):
        return MisfitError("has no unit", allowed=_DURATION_ALLOWED, hint=f'write "{bare} min"')
    if re.match(r"[-−]\s*[0-9]", bare):
        return MisfitError("is negative", allowed=_DURATION_ALLOWED)
    if re.search(r"[0-9],[0-9]", bare):
        return MisfitError("has a comma in a number", hint=f'write "{bare.replace(",", ".")}"')
    return MisfitError("is not a duration", allowed=_DURATION_ALLOWED, hint='write "8 min"')


def _checked_length(seconds: float) -> float:
    if seconds > LONGEST_S:
        raise MisfitError("is too long", allowed="at most a hundred years")
    return seconds


def parse_span(text: str) -> Span:
    """Give the span of `2 working days`, `4 working hours`, or a duration of clock time such as `8 min`.

    Raises
    ------
    MisfitError
        If the text is neither, or mixes working time with another unit.
    """
    _check_text(text, _SPAN_ALLOWED)
    if "working" not in text:
        return _clock_span(text)
    found = _WORKING.fullmatch(text.strip())
    if found is None:
        raise MisfitError("is not a working time", allowed=_SPAN_ALLOWED, hint='write "2 working days"')
    number = Decimal(found[1])
    if found[2] in ("day", "days"):
        _checked_length(float(number * _UNITS["day"]))
        return Span(float(number), "working days")
    units = {f"working {name}": seconds for name, seconds in _WORKING_HOURS.items()}
    units |= {"working days": Decimal(0)}  # for the nearest name
    return Span(_checked_length(float(number * _unit(f"working {found[2]}", units, found[1]))), "working s")


def _clock_span(text: str) -> Span:
    try:
        return Span(parse_duration(text), "s")
    except MisfitError as error:
        allowed = _SPAN_ALLOWED if error.allowed == _DURATION_ALLOWED else error.allowed
        raise MisfitError(str(error), allowed=allowed, hint=error.hint) from None


def parse_share(text: str) -> float:
    """Give the share of `73 %`, 0.73.

    Raises
    ------
    MisfitError
        If the text is not a number with a per cent sign, or is more than 100 %.
    """
    _check_text(text, _SHARE_ALLOWED)
    found = _PER_CENT.fullmatch(text.strip())
    if found is None:
        number = re.fullmatch(_NUMBER, text.strip())
        hint = _share_hint(float(number[0])) if number else 'write "73 %"'
        raise MisfitError("is not a share", allowed=_SHARE_ALLOWED, hint=hint)
    share = Decimal(found[1]) / 100
    if share > 1:
        raise MisfitError("is more than 100 %", allowed=_SHARE_ALLOWED)
    return float(share)


def _share_hint(number: float) -> str:
    if number <= 1:
        return f"write {number:g} without quotes"
    return f'write "{number:g} %"' if number <= 100 else ""


def format_duration(seconds: float) -> str:
    """Write seconds for people, in at most two units: `8 min`, `1 h 30 min`, `45 s`, `0.3 s`; `–` for no value."""
    if math.isnan(seconds):
        return "–"
    if seconds < 0:
        return f"−{format_duration(-seconds)}"
    if math.isinf(seconds):
        return "∞"
    tenths = round(seconds, 1)
    if tenths >= 60.0:
        return _format_long(max(seconds, 60.0))
    if seconds < 0.0995 and (tenths_ms := round(seconds * 1_000, 1)):
        return f"{tenths_ms:g} ms"
    return f"{tenths:g} s"


def _format_long(seconds: float) -> str:
    # Rounding may lift a length to the next unit, 59 min 59.7 s to 1 h: so the finest unit first, then look again.
    for length, step in ((60.0, 1.0), (3_600.0, 60.0), (86_400.0, 3_600.0)):
        if seconds >= length:
            seconds = math.floor(seconds / step + 0.5) * step
    days, rest = divmod(seconds, 86_400)
    parts = {"day" if days == 1 else "days": days, "h": rest // 3_600, "min": rest % 3_600 // 60, "s": rest % 60}
    return " ".join(f"{count:.0f} {unit}" for unit, count in parts.items() if count)


# ---------------------------------------------------------------------------------------------------------------------
# Fields of a model
# ---------------------------------------------------------------------------------------------------------------------


def _read_text(parse: Callable[[str], Any], allowed: str) -> Callable[[object], Any]:
    def read(value: object) -> Any:
        if isinstance(value, str):
            return parse(value)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        hint = f'write "{value:g} min"' if number and abs(value) <= MOST else ""  # type: ignore[arg-type]
        raise MisfitError("has no unit" if number else "is not text", allowed=allowed, hint=hint)

    return read


def _positive_duration(text: str) -> float:
    seconds = parse_duration(text)
    if seconds == 0.0:
        raise MisfitError("is zero", allowed='a duration longer than zero, such as "8 min"')
    return seconds


def _read_share(value: object) -> float:
    if isinstance(value, str):
        return parse_share(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MisfitError("is not a share", allowed=_SHARE_ALLOWED)
    if not 0 <= value <= 1:
        hint = f'write "{value:g} %"' if 1 < value <= 100 else ""
        raise MisfitError("is not between 0 and 1", allowed=_SHARE_ALLOWED, hint=hint)
    return float(value)


@dataclass(frozen=True)
class _Within:
    """Bounds from `low` to `MOST`, which a field may narrow by `ge`, `le` and so on.

    Bounds of pydantic's own would replace those of the field, without a word: in `count: Annotated[int, Field(le=9)] =
    Field(le=5)` the 9 holds.
    """

    low: int
    above: bool = False
    """Whether `low` itself is too small."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        found = handler(schema)
        if "minimum" not in found and "exclusiveMinimum" not in found:
            found["exclusiveMinimum" if self.above else "minimum"] = self.low
        if "exclusiveMaximum" not in found:
            found.setdefault("maximum", MOST)
        return found

    def _check(self, value: float) -> float:
        if self.above and value <= self.low:
            raise PydanticKnownError("greater_than", {"gt": self.low})
        if value < self.low:
            raise PydanticKnownError("greater_than_equal", {"ge": self.low})
        if value > MOST:
            raise PydanticKnownError("less_than_equal", {"le": MOST})
        return value


_DURATION_PATTERN = rf"^\s*({_NUMBER}\s*(ms|s|min|h|days?|weeks?)\s*)+$"
_WORKING_PATTERN = rf"^\s*{_NUMBER}\s*working\s+(days?|hours?|h|min)\s*$"
_DURATION_SCHEMA = {"type": "string", "pattern": _DURATION_PATTERN, "examples": ["8 min", "1 h 30 min", "2 days"]}
_SPAN_SCHEMA = {
    "type": "string",
    "pattern": f"({_WORKING_PATTERN})|({_DURATION_PATTERN})",
    "examples": ["2 working days", "4 working hours", "8 min"],
}
_SHARE_SCHEMA = {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": 1},
        {"type": "string", "pattern": rf"^\s*{_NUMBER}\s*%\s*$"},
    ],
    "examples": [0.73, "73 %"],
}

Duration = Annotated[
    float, BeforeValidator(_read_text(parse_duration, _DURATION_ALLOWED)), WithJsonSchema(_DURATION_SCHEMA)
]
"""Seconds, written as text with units; zero is allowed."""

PositiveDuration = Annotated[
    float, BeforeValidator(_read_text(_positive_duration, _DURATION_ALLOWED)), WithJsonSchema(_DURATION_SCHEMA)
]
"""Seconds, written as text with units; more than zero."""

WorkingSpan = Annotated[Span, BeforeValidator(_read_text(parse_span, _SPAN_ALLOWED)), WithJsonSchema(_SPAN_SCHEMA)]
"""A `Span`: clock time, working time or working days."""

Share = Annotated[float, BeforeValidator(_read_share), WithJsonSchema(_SHARE_SCHEMA)]
"""A number from 0 to 1, written so or in per cent."""

Count = Annotated[int, Field(strict=True), _Within(0)]
"""A whole number from 0 to 10^9."""

PositiveCount = Annotated[int, Field(strict=True), _Within(1)]
"""A whole number from 1 to 10^9."""

Amount = Annotated[float, Field(strict=True, allow_inf_nan=False), _Within(0)]
"""A number from 0 to 10^9, whole or not."""

PositiveAmount = Annotated[float, Field(strict=True, allow_inf_nan=False), _Within(0, above=True)]
"""A number above 0 and up to 10^9, whole or not."""
