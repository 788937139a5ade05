"""Quantities as people write them: what is read, what is refused and with which words."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from canbao.scenario.quantities import (
    LONGEST_S,
    Amount,
    Count,
    Duration,
    MisfitError,
    PositiveAmount,
    PositiveCount,
    PositiveDuration,
    Share,
    Span,
    WorkingSpan,
    format_duration,
    parse_duration,
    parse_share,
    parse_span,
)

SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "day": 86400, "days": 86400, "week": 604800, "weeks": 604800}


def schema_pattern(kind: Any) -> re.Pattern[str]:
    """Give the pattern that editors check text with."""
    schema = TypeAdapter(kind).json_schema()
    forms = [schema, *schema.get("anyOf", [])]
    (pattern,) = [form["pattern"] for form in forms if "pattern" in form]
    return re.compile(pattern)


# --- Durations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("8 min", 480.0),
        ("30 s", 30.0),
        ("1.5 h", 5400.0),
        ("2 days", 172800.0),
        ("1 day", 86400.0),
        ("1 week", 604800.0),
        ("400 ms", 0.4),
        ("0.1 ms", 0.0001),
        ("90s", 90.0),
        ("1 h 30 min", 5400.0),
        ("1h30min", 5400.0),
        ("  2  weeks 3 days 4 h 5 min 6 s 7 ms ", 1483506.007),
        ("0 s", 0.0),
        ("36500 days", 36500 * 86400.0),
    ],
)
def test_durations_are_read_to_the_nearest_float(text: str, seconds: float) -> None:
    """Decimal text gives the float nearest to the exact value, without errors of multiplication."""
    assert parse_duration(text) == seconds


@given(st.decimals(0, 1000, places=3), st.sampled_from(list(SECONDS)))
def test_a_duration_is_its_number_times_its_unit(number: Any, unit: str) -> None:
    """Any decimal number with any unit, and the pattern of the schema accepts it."""
    text = f"{number:f} {unit}"
    assert math.isclose(parse_duration(text), float(number) * SECONDS[unit], rel_tol=1e-15)
    assert schema_pattern(Duration).search(text)


@given(st.text(alphabet="0123456789. \tmshindaywek-+,", max_size=12) | st.text(max_size=8))
def test_any_text_is_a_duration_or_a_misfit(text: str) -> None:
    """No text brings another error, nor a number out of bounds, nor one that an editor would have refused."""
    try:
        seconds = parse_duration(text)
    except MisfitError:
        return
    assert 0.0 <= seconds <= LONGEST_S
    assert schema_pattern(Duration).search(text)


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        ("8", "has no unit", 'write "8 min"'),
        (" 1.5 ", "has no unit", 'write "1.5 min"'),
        ("8 mni", 'unknown unit "mni"', 'write "8 min"'),
        ("90 seconds", 'unknown unit "seconds"', 'write "90 s"'),
        ("8 MIN", 'unknown unit "MIN"', 'write "8 min"'),
        ("8 分钟", 'unknown unit "分钟"', 'write "8 min"'),
        ("1 h 5 hours", 'unknown unit "hours"', 'write "5 h"'),
        ("3 fortnights", 'unknown unit "fortnights"', ""),
        ("-8 min", "is negative", ""),
        ("−8 min", "is negative", ""),
        ("1,5 h", "comma", 'write "1.5 h"'),
        ("30 min 1 h", "wrong order", ""),
        ("8 min 8 min", "wrong order", ""),
        ("1 day 2 days", "wrong order", ""),
        ("2 working days", "working time", ""),
        ("", "is not a duration", 'write "8 min"'),
        ("soon", "is not a duration", 'write "8 min"'),
        ("nan s", "is not a duration", ""),
        ("inf s", "is not a duration", ""),
        ("1e3 s", 'unknown unit "e"', ""),
        ("+8 min", "is not a duration", ""),
        ("8 min later", "is not a duration", ""),
        ("٣ min", "is not a duration", ""),
        ("36526 days", "is too long", ""),
        ("9" * 90 + " s", "is too long", ""),
        ("9" * 5000 + " s", "is too long", ""),
        ("1 s" * 1000, "is too long", ""),
    ],
)
def test_a_slip_in_a_duration_is_named_with_its_remedy(text: str, problem: str, hint: str) -> None:
    """Missing, unknown and misspelt units, signs, commas, order, size."""
    with pytest.raises(MisfitError) as caught:
        parse_duration(text)
    assert problem in str(caught.value)
    assert hint in caught.value.hint
    assert caught.value.allowed or caught.value.hint


# --- Spans -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("2 working days", Span(2.0, "working days")),
        ("1 working day", Span(1.0, "working days")),
        ("0.5 working days", Span(0.5, "working days")),
        (" 4  working  hours ", Span(14400.0, "working s")),
        ("1 working hour", Span(3600.0, "working s")),
        ("1.5 working h", Span(5400.0, "working s")),
        ("30 working min", Span(1800.0, "working s")),
        ("8 min", Span(480.0, "s")),
        ("1 h 30 min", Span(5400.0, "s")),
    ],
)
def test_spans_keep_working_time_apart_from_clock_time(text: str, span: Span) -> None:
    """Working days stay days, working hours become seconds of working time, and the editor's pattern agrees."""
    assert parse_span(text) == span
    assert schema_pattern(WorkingSpan).search(text)


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        ("2 working dais", 'unknown unit "working dais"', 'write "2 working days"'),
        ("2 working weeks", 'unknown unit "working weeks"', "working"),
        ("working days", "is not a working time", 'write "2 working days"'),
        ("1 working day 2 h", "is not a working time", ""),
        ("-1 working day", "is not a working time", ""),
        ("99999999 working days", "is too long", ""),
        ("9999999999 working hours", "is too long", ""),
        ("8", "has no unit", 'write "8 min"'),
        ("x" * 101, "is too long", ""),
    ],
)
def test_a_slip_in_a_span_is_named_with_its_remedy(text: str, problem: str, hint: str) -> None:
    """As with durations; what is allowed names working time, too."""
    with pytest.raises(MisfitError) as caught:
        parse_span(text)
    assert problem in str(caught.value)
    assert hint in caught.value.hint


def test_what_is_allowed_for_a_span_names_working_days() -> None:
    """Even if the fault was found while reading it as clock time."""
    with pytest.raises(MisfitError) as caught:
        parse_span("soon")
    assert "working days" in caught.value.allowed


@given(st.text(alphabet="0123456789. workingdayshmin", max_size=20) | st.text(max_size=8))
def test_any_text_is_a_span_or_a_misfit(text: str) -> None:
    """No text brings another error, and the editor's pattern agrees on what is read."""
    try:
        span = parse_span(text)
    except MisfitError:
        return
    assert 0.0 <= span.amount <= LONGEST_S
    assert schema_pattern(WorkingSpan).search(text)


# --- Shares ----------------------------------------------------------------------------------------------------------


@given(st.decimals(0, 100, places=2))
def test_per_cent_are_hundredths(number: Any) -> None:
    """`73 %` is the float nearest to 0.73, with or without a blank."""
    expected = float(number / 100)
    assert parse_share(f"{number:f} %") == parse_share(f"{number:f}%") == expected
    assert schema_pattern(Share).search(f"{number:f} %")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("73", 'write "73 %"'),
        ("0.73", "write 0.73 without quotes"),
        ("7300", ""),
        ("many", 'write "73 %"'),
        ("-3 %", ""),
        ("101 %", ""),
    ],
)
def test_text_that_is_not_a_share_is_refused(text: str, hint: str) -> None:
    """Without a sign of per cent, negative, or too much."""
    with pytest.raises(MisfitError) as caught:
        parse_share(text)
    assert hint in caught.value.hint
    assert "0.73" in caught.value.allowed


# --- Words for people ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (480, "8 min"),
        (5400, "1 h 30 min"),
        (45, "45 s"),
        (0.3, "0.3 s"),
        (0, "0 s"),
        (0.04, "40 ms"),
        (0.0004, "0.4 ms"),
        (0.00001, "0 s"),
        (0.0999, "0.1 s"),
        (12.34, "12.3 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min"),
        (61.4, "1 min 1 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h"),
        (86399, "1 day"),
        (86400, "1 day"),
        (2 * 86400 + 3 * 3600 + 1700, "2 days 3 h"),
        (86400 * 400, "400 days"),
        (-480, "−8 min"),
        (math.nan, "–"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_durations_are_written_in_at_most_two_units(seconds: float, text: str) -> None:
    """Short for short times, and never 60 of a unit."""
    assert format_duration(seconds) == text


@given(st.floats(0, LONGEST_S))
def test_a_written_duration_is_near_the_truth_and_never_overfull(seconds: float) -> None:
    """Reading the words back is off by little more than half of their finest unit; no part reaches the next unit."""
    text = format_duration(seconds)
    finest = 0.1 if seconds < 60 else 1.0 if seconds < 3600 else 60.0 if seconds < 86400 else 3600.0
    assert abs(parse_duration(text) - seconds) <= finest / 2 + finest / 60 + 1e-6
    parts = {unit: float(number) for number, unit in re.findall(r"([0-9.]+) (\S+)", text)}
    assert len(parts) <= 2
    assert all(parts.get(unit, 0) < most for unit, most in {"ms": 100, "s": 60, "min": 60, "h": 24}.items())


@given(st.integers(0, 3599), st.integers(0, 1439), st.integers(0, 36499))
def test_round_durations_are_written_exactly(seconds: int, minutes: int, days: int) -> None:
    """Whole seconds below an hour, whole minutes below a day and whole days read back as they were."""
    for length in (seconds, 60 * minutes, 86400 * days):
        assert parse_duration(format_duration(length)) == length


# --- Fields of a model -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "given_value", "value"),
    [
        (Duration, "8 min", 480.0),
        (Duration, "0 s", 0.0),
        (PositiveDuration, "8 min", 480.0),
        (WorkingSpan, "2 working days", Span(2.0, "working days")),
        (Share, 0.73, 0.73),
        (Share, "73 %", 0.73),
        (Share, 1, 1.0),
        (Count, 0, 0),
        (Count, 10**9, 10**9),
        (PositiveCount, 1, 1),
        (Amount, 0, 0.0),
        (Amount, 2, 2.0),
        (PositiveAmount, 0.1, 0.1),
    ],
)
def test_fields_read_what_people_write(kind: Any, given_value: object, value: object) -> None:
    """Numbers come out, in seconds and shares of one."""
    assert TypeAdapter(kind).validate_python(given_value, strict=True) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *[(Duration, value) for value in (8, 8.5, True, None, ["8 min"], {"min": 8}, "8", math.nan, 10**400)],
        (PositiveDuration, "0 s"),
        (PositiveDuration, 8),
        *[(WorkingSpan, span) for span in (2, "2", {"amount": 2.0, "unit": "s"}, ["8 min"])],
        *[(Share, share) for share in (-0.1, 1.1, 73, True, "0.5", None, math.nan, math.inf, 10**400, [0.5])],
        *[(Count, count) for count in (-1, 10**9 + 1, 1.0, True, "1", None)],
        (PositiveCount, 0),
        *[(Amount, amount) for amount in (-1, math.inf, math.nan, 10**10, "1", True)],
        (PositiveAmount, 0),
    ],
)
def test_fields_refuse_what_does_not_fit(kind: Any, value: object) -> None:
    """Wrong types, signs and sizes are validation errors, never anything else."""
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value, strict=True)


def test_a_number_without_unit_gets_an_example() -> None:
    """`8` where a duration is needed: write "8 min"."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Duration).validate_python(8)
    error = caught.value.errors()[0].get("ctx", {})["error"]
    assert (str(error), error.hint) == ("has no unit", 'write "8 min"')


@pytest.mark.parametrize("kind", [Duration, PositiveDuration, WorkingSpan, Share])
def test_the_examples_of_a_schema_are_read_by_its_type(kind: Any) -> None:
    """What an editor proposes is valid, and the pattern refuses a bare number."""
    schema = TypeAdapter(kind).json_schema()
    assert schema["examples"]
    for example in schema["examples"]:
        TypeAdapter(kind).validate_python(example)
    assert not schema_pattern(kind).search("8")


def test_a_field_may_narrow_the_bounds_of_its_type() -> None:
    """Bounds of the field and of the type both hold, and the schema shows the narrower ones."""

    class Desk(BaseModel):
        count: Count = Field(ge=5, le=7)
        many: PositiveCount = Field(1, gt=3)
        cv: PositiveAmount = Field(0.5, lt=10)

    properties = Desk.model_json_schema()["properties"]
    assert (properties["count"]["minimum"], properties["count"]["maximum"]) == (5, 7)
    assert (properties["many"]["exclusiveMinimum"], properties["many"]["maximum"]) == (3, 10**9)
    assert (properties["cv"]["exclusiveMinimum"], properties["cv"]["exclusiveMaximum"]) == (0, 10)
    assert Desk(count=6, many=4, cv=9.9).count == 6
    for wrong in ({"count": 4}, {"count": 8}, {"count": 6, "many": 3}, {"count": 6, "cv": 10}, {"count": 6, "cv": 0}):
        with pytest.raises(ValidationError):
            Desk.model_validate(wrong)
    with pytest.raises(ValidationError):
        Desk(count=6, many=10**9 + 1)
