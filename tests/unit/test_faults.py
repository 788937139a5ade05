"""Faults of a scenario, said with the place, the key as it was written, and what to do."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError, core_schema

from canbao.errors import Fault
from canbao.scenario.faults import KeyPath, faults_of, inline, nearest
from canbao.scenario.quantities import Count, Duration, MisfitError, Share, WorkingSpan
from canbao.scenario.source import Source, read_scenario, to_toml

# --- A small scenario ------------------------------------------------------------------------------------------------


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Lognormal(Strict):
    kind: Literal["lognormal"]
    mean: Duration
    cv: Annotated[float, Field(gt=0, le=10)] = 0.5


class Fixed(Strict):
    kind: Literal["fixed"]
    value: Duration
    mean: int = 0


Service = Annotated[Lognormal | Fixed, Field(discriminator="kind")]


class Desk(Strict):
    name: Annotated[str, Field(min_length=2, max_length=5)]
    count: Count = 1


class Office(Strict):
    kind: Literal["office"]
    windows: Annotated[int, Field(ge=1, le=100)]
    service: Service
    desks: list[Desk] = []
    office: int = 0  # a key named like its kind


class Portal(Strict):
    kind: Literal["portal"]
    slots: Count
    share: Share = 0.5
    limits: Service | None = None


class Mode(enum.Enum):
    FAST = "fast"
    SLOW = "slow"


class Window(Strict):
    first: dt.date
    last: dt.date

    @model_validator(mode="after")
    def _in_order(self) -> Window:
        if self.last < self.first:
            raise MisfitError("is before the first", allowed="a later date", hint="swap them", below=("last",))
        if self.first.year < 2000:
            raise ValueError("begins too early.")
        return self


class Point(Strict):
    x: float
    y: float


Name = Annotated[str, Field(pattern="^[a-z]+$")]
ByShape = Annotated[
    Annotated[Point, Tag("point")] | Annotated[int, Tag("number")],
    Discriminator(lambda value: {dict: "point", int: "number"}.get(type(value))),
]


class Model(Strict):
    format: Literal[1] = 1
    channels: dict[Name, Annotated[Office | Portal, Field(discriminator="kind")]] = {}
    start: dt.date | None = None
    opens: dt.time | None = None
    at: dt.datetime | None = None
    mode: Literal["fast", "slow"] | None = None
    pace: Mode | None = None
    weights: Annotated[list[float], Field(min_length=1, max_length=3)] = [1.0]
    limit: Literal["none"] | Count | None = None
    shape: Point | list[Point] | str = "none"
    tagged: ByShape = 0
    window: Window | None = None
    notice: WorkingSpan | None = None
    even: Annotated[int, Field(multiple_of=2)] = 0
    late: Annotated[dt.date | None, Field(ge=dt.date(2020, 1, 1))] = None
    ratio: Annotated[float, Field(gt=0.5, lt=1e9)] = 0.6
    flag: bool = False
    table: dict[str, int] = {}
    number: float = 0.0
    text: str = ""


def source_of(folder: Path, text: str, *overrides: str) -> Source:
    """Read text as a scenario file."""
    path = folder / "a.toml"
    path.write_text(text, encoding="utf-8")
    return read_scenario(path, overrides)


def faults(source: Source, model: Any = Model, at: KeyPath = ()) -> tuple[Fault, ...]:
    """Give the faults of a scenario that must have some."""
    data: Any = source.data
    for key in at:
        data = data[key]
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(model).validate_python(data)
    return faults_of(caught.value, source, model, at)


def fault(folder: Path, text: str, model: Any = Model) -> Fault:
    """Give the only fault of a text."""
    (only,) = faults(source_of(folder, text), model)
    assert Path(only.file).name == "a.toml"
    return only


OFFICE = '[channels.hall]\nkind = "office"\nwindows = 3\nservice = {kind = "fixed", value = "8 min"}\n'

# --- Keys and lines --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("\nformat = 2", 2, "format"),
        (OFFICE + "windws = 3", 5, "channels.hall.windws"),
        (OFFICE + "office = 1.5", 5, "channels.hall.office"),
        (OFFICE + 'desks = [{name = "one"},\n{name = "two", count = -1}]', 6, "channels.hall.desks.1.count"),
        (OFFICE + '[[channels.hall.desks]]\nname = "one"\ncolour = 1', 7, "channels.hall.desks.0.colour"),
        (OFFICE.replace("8 min", "8"), 4, "channels.hall.service.value"),
        (OFFICE.replace("windows = 3", "windows = 0"), 3, "channels.hall.windows"),
        (OFFICE.replace("windows = 3", ""), 1, "channels.hall.windows"),
        (OFFICE.replace('kind = "office"', ""), 1, "channels.hall.kind"),
        (OFFICE.replace('"office"', '"ofice"'), 2, "channels.hall.kind"),
        (OFFICE.replace('"fixed"', '"portal"'), 4, "channels.hall.service.kind"),
        (OFFICE.replace('kind = "fixed", ', ""), 4, "channels.hall.service.kind"),
        (OFFICE.replace("hall", "Hall"), 1, "channels.Hall"),
        (OFFICE.replace("hall", "'a b'"), 1, 'channels."a b"'),
        (
            "[channels.app]\nkind = 'portal'\nslots = 1\n[channels.app.limits]\nkind = 'fixed'",
            4,
            "channels.app.limits.value",
        ),
        ("channels.hall = 3", 1, "channels.hall"),
        ("[window]\nfirst = 2025-01-02\nlast = 2025-01-01", 3, "window.last"),
        ("[window]\nfirst = 1999-01-02\nlast = 2025-01-01", 1, "window"),
        ("shape = {x = 1, y = 'no'}", 1, "shape.y"),
        ("shape = {x = 1}", 1, "shape.y"),
        ("shape = [{x = 1, y = 2},\n{x = true, y = 1}]", 2, "shape.1.x"),
        ("tagged = {x = 1, y = 'no'}", 1, "tagged.y"),
        ("weights = [1,\n2, 'x']", 2, "weights.2"),
        ("[table]\na = 1\nb = 'x'", 3, "table.b"),
    ],
)
def test_a_fault_names_the_key_and_the_line_that_the_user_wrote(tmp_path: Path, text: str, line: int, key: str) -> None:
    """Names of kinds and labels of alternatives, which pydantic puts into locations, are not part of the key."""
    found = fault(tmp_path, text)
    assert (found.line, found.key) == (line, key)


def test_a_key_that_is_missing_everywhere_has_no_line(tmp_path: Path) -> None:
    """At the top of a file no line says it."""
    found = fault(tmp_path, "x = 1.0\n", Point)
    assert (found.line, found.key, found.problem, found.given) == (None, "y", "is missing", "")


def test_all_faults_are_given_at_once_by_line(tmp_path: Path) -> None:
    """Faults of a file and its base, and of the command line last, each in its own file, ordered by line."""
    (tmp_path / "base.toml").write_text("even = 3\nflag = 1\n", encoding="utf-8")
    text = 'extends = "base.toml"\ntext = 1\nformat = 2\n'
    found = faults(source_of(tmp_path, text, "number=x"))
    places = [(Path(one.file).name, one.line, one.key) for one in found]
    assert places == [
        ("a.toml", 2, "text"),
        ("a.toml", 3, "format"),
        ("base.toml", 1, "even"),
        ("base.toml", 2, "flag"),
        ("--set", None, "number"),
    ]


def test_a_part_of_a_scenario_can_be_checked_on_its_own(tmp_path: Path) -> None:
    """With the path of the part, keys and lines are those of the whole file."""
    (found,) = faults(source_of(tmp_path, OFFICE + "windws = 1"), Office, ("channels", "hall"))
    assert (found.key, found.line, found.hint) == ("channels.hall.windws", 5, "did you mean windows?")


# --- Words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem", "given_text", "allowed", "hint"),
    [
        ("format = 2", "not one of the allowed", "2", "1", ""),
        ("mode = 'fasst'", "not one of the allowed", '"fasst"', '"fast" or "slow"', 'did you mean "fast"?'),
        ("pace = 'slw'", "", '"slw"', '"fast" or "slow"', ""),
        ("modus = 'fast'", "no such key", "", "format, channels, start", "did you mean mode?"),
        ("qqq = 1", "no such key", "", "format", ""),
        ("start = '2025-12-31'", "text where a date is needed", '"2025-12-31"', "2025-12-31", "without quotes"),
        ("start = 08:30:00", "a time of day where a date", "08:30:00", "a date such as", ""),
        ("opens = '08:30'", "text where a time of day is needed", '"08:30"', "08:30:00", ""),
        ("at = 2025-12-31", "a date where a date with a time", "2025-12-31", "T08:30:00", ""),
        ("even = '2'", "text where a whole number is needed", '"2"', "a whole number", "without quotes"),
        ("even = 2.0", "a decimal number where a whole number", "2.0", "a whole number", ""),
        ("even = 3", "not a multiple", "3", "multiple of 2", ""),
        ("late = 2019-12-31", "too small", "2019-12-31", "at least 2020-01-01", ""),
        ("ratio = 0.5", "too small", "0.5", "a number, more than 0.5 and less than 1000000000", ""),
        ("even = true", "true or false where a whole number", "true", "a whole number", ""),
        ("number = '2'", "text where a number", '"2"', "a number", "without quotes"),
        ("number = '2.5'", "text where a number", '"2.5"', "a number", "without quotes"),
        ("flag = 'yes'", "text where true or false", '"yes"', "true or false", ""),
        ("flag = 'true'", "text where true or false", '"true"', "true or false", "without quotes"),
        ("text = 8", "a whole number where text", "8", "text", "in quotes"),
        ("text = []", "a list where text", "[]", "text", ""),
        ("weights = 1", "a whole number where a list", "1", "a list", ""),
        ("weights = []", "too few", "[]", "at least 1", ""),
        ("weights = [1, 2, 3, 4]", "too many", "[1, 2, 3, 4]", "at most 3", ""),
        ("table = 'x'", "text where a table", '"x"', "a table", ""),
        ("limit = 'all'", "none of the forms", '"all"', '"none" or a whole number', ""),
        ("limit = -1", "none of the forms", "-1", "at least 0", ""),
        ("shape = 3", "none of the forms", "3", "a table, a list or text", ""),
        ("tagged = 'x'", "none of the forms", '"x"', "", ""),
        ("window = {first = 2025-01-02, last = 2025-01-01}", "is before", "2025-01-01", "a later date", "swap them"),
        ("window = {first = 1999-01-02, last = 2025-01-01}", "begins too early", "", "", ""),
        ("notice = '2 working dais'", "unknown unit", '"2 working dais"', "units", 'write "2 working days"'),
        ("notice = 3", "has no unit", "3", '"2 working days"', 'write "3 min"'),
        ("channels.hall = 3", "a whole number where a table", "3", '"office" or "portal"', ""),
        (
            "channels.hall = {kind = 'portl'}",
            "no such kind",
            '"portl"',
            '"office" or "portal"',
            'did you mean "portal"?',
        ),
        ("channels.hall = {kind = 3}", "no such kind", "3", '"office" or "portal"', ""),
        ("channels.hall = {}", "is missing", "", '"office" or "portal"', ""),
        ("channels.Hall = {kind = 'portal', slots = 1}", "not written as", '"Hall"', "^[a-z]+$", ""),
        ("channels.app = {kind = 'portal', slots = 1, share = 73}", "not between", "73", "0.73", 'write "73 %"'),
        ("channels.app = {kind = 'portal', slots = 1, limits = {}}", "is missing", "", '"fixed" or "lognormal"', ""),
        (
            "channels.app = {kind = 'portal', slots = 9_999_999_999}",
            "too large",
            "9999999999",
            "at most 1000000000",
            "",
        ),
        (OFFICE + "desks = [{name = 'x'}]", "too short", '"x"', "at least 2", ""),
        (OFFICE + "desks = [{name = 'xxxxxx'}]", "too long", '"xxxxxx"', "at most 5", ""),
        (OFFICE.replace("3", "101"), "too large", "101", "a whole number, at least 1 and at most 100", ""),
    ],
)
def test_a_fault_says_what_is_wrong_what_was_given_and_what_is_allowed(
    tmp_path: Path, text: str, problem: str, given_text: str, allowed: str, hint: str
) -> None:
    """In the words of TOML, with the nearest known name or an example where there is one."""
    found = fault(tmp_path, text)
    assert problem in found.problem
    assert found.given == given_text
    assert allowed in found.allowed
    assert hint in found.hint
    assert "nput" not in str(found)


def test_a_table_that_fits_no_alternative_is_held_against_the_nearest(tmp_path: Path) -> None:
    """Of the alternatives of a value, the faults of that one are given which has the fewest."""

    class Line(Strict):
        start: Point
        end: Point
        width: float

    class Drawing(Strict):
        item: Line | Point

    assert fault(tmp_path, "item = {x = 1, y = 2, z = 3}", Drawing).key == "item.z"


def test_a_message_of_pydantic_that_is_not_known_is_passed_on(tmp_path: Path) -> None:
    """Without its beginning and its full stop."""

    class Odd(Strict):
        path: Annotated[bytes, Field(max_length=3)]

    found = fault(tmp_path, "path = 3", Odd)
    assert found.problem == "should be a valid bytes"
    assert found.given == "3"


def test_a_model_without_a_schema_still_gives_keys_and_lines(tmp_path: Path) -> None:
    """A plugin's type may have no JSON Schema; then the file tells keys from labels."""

    class Opaque:
        @classmethod
        def __get_pydantic_core_schema__(cls, *_: object) -> core_schema.CoreSchema:
            return core_schema.no_info_plain_validator_function(lambda value: value)

    class Odd(Strict):
        opaque: Opaque
        nested: dict[str, Annotated[Office | Portal, Field(discriminator="kind")]]

    text = "opaque = 1\n[nested.x]\nkind = 'portal'\nslots = -1\nslot = 2\n[nested.y]\nkind = 'portal'"
    found = faults(source_of(tmp_path, text), Odd)
    assert [(one.key, one.line) for one in found] == [
        ("nested.x.slots", 4),
        ("nested.x.slot", 5),
        ("nested.y.slots", 6),
    ]


# --- Models that plugins choose --------------------------------------------------------------------------------------


class ByKind:
    """Validates a table with the model of its kind, without the kind in the location."""

    models: Mapping[str, type[BaseModel]] = {"office": Office, "portal": Portal}

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.read)

    @classmethod
    def read(cls, value: Any) -> object:
        if value.get("kind") not in cls.models:
            raise PydanticCustomError("union_tag_invalid", "no", {"discriminator": "'kind'"})
        return cls.models[value["kind"]].model_validate(value)


class Open(Strict):
    channels: dict[str, ByKind]


def open_schema() -> dict[str, Any]:
    """Give the JSON Schema of `Open`, put together by hand as from a registry."""
    schema = Model.model_json_schema()
    channels = schema["properties"]["channels"]
    (choice,) = channels.pop("patternProperties").values()
    schema["$defs"]["choice"] = choice
    schema["properties"] = {"channels": {"type": "object", "additionalProperties": {"$ref": "#/$defs/choice"}}}
    return schema


def test_a_schema_may_be_given_and_locations_need_not_name_the_kind(tmp_path: Path) -> None:
    """A validator that looks at `kind` itself gives locations without it; known names are still those of the kind."""
    text = OFFICE + "windws = 4\noffice = 'x'\n[channels.app]\nkind = 'potal'\n[channels.web]\nkind = 'portal'\n"
    source = source_of(tmp_path, text)
    with pytest.raises(ValidationError) as caught:
        Open.model_validate(source.data)
    found = faults_of(caught.value, source, open_schema())
    assert [(one.key, one.line) for one in found] == [
        ("channels.hall.windws", 5),
        ("channels.hall.office", 6),
        ("channels.app.kind", 8),
        ("channels.web.slots", 9),
    ]
    assert [one.hint for one in found] == ["did you mean windows?", "", 'did you mean "portal"?', ""]
    assert found[0].allowed == "kind, windows, service, desks or office"


# --- Whatever the file -----------------------------------------------------------------------------------------------

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-5, 5),
        st.floats(-5, 5),
        st.sampled_from(["office", "portal", "fixed", "lognormal", "8 min", "none", "fast", "", "73 %"]),
        st.dates(),
        st.times(),
    ),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["kind", "windows", "service", "desks", "slots", "mean", "value", "name", "count", "x", "y", "office"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
FILES = st.dictionaries(st.sampled_from([*Model.model_fields, "other"]), VALUES, max_size=6)
CHANNELS = st.dictionaries(st.sampled_from(["hall", "app", "Bad", "office"]), VALUES, max_size=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give one folder to all drawn files."""
    return tmp_path_factory.mktemp("drawn")


@settings(max_examples=400)
@given(FILES, CHANNELS)
def test_any_data_that_a_model_refuses_gives_faults_at_keys_that_exist_or_are_missing(
    folder: Path, data: dict[str, Any], channels: dict[str, Any]
) -> None:
    """Every fault names a key of the file, or one that is missing in a table of the file, and can be printed."""
    source = source_of(folder, to_toml({**data, "channels": channels}))
    try:
        Model.model_validate(source.data)
    except ValidationError as error:
        caught = error
    else:
        return
    found = faults_of(caught, source, Model)
    assert found
    known = {joined(path) for path in source.places}
    for one in found:
        assert one.problem
        assert one.file
        assert one.key in known or (one.problem == "is missing" and one.key.rpartition(".")[0] in known)


def joined(path: KeyPath) -> str:
    """Join a path of plain names."""
    return ".".join(map(str, path))


# --- Names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("windws", ["windows", "service"], "windows"),
        ("Working-Days", ["working_days"], "working_days"),
        ("hall", ["Hall", "HALL"], "Hall"),
        ("xyz", ["windows"], None),
        ("", ["windows"], None),
        ("a", [], None),
    ],
)
def test_the_nearest_name_is_the_one_that_a_slip_of_the_hand_meant(
    word: str, known: list[str], expected: str | None
) -> None:
    """Case and hyphens do not count; what is not similar is not proposed."""
    assert nearest(word, known) == expected


@given(st.text(), st.lists(st.text(max_size=10)))
def test_the_nearest_name_is_known_and_an_exact_one_is_found(word: str, known: list[str]) -> None:
    """A proposal is one of the names, and a word that is a short known name is proposed itself or its like."""
    close = nearest(word, known)
    assert close is None or close in known
    for name in filter(None, known):
        assert plain(nearest(name, known) or "") == plain(name)


def plain(name: str) -> str:
    """Forget what does not count."""
    return name.casefold().replace("-", "_")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (10**30, hex(10**30)),
        ('a\n"b"', '"a\\n\\"b\\""'),
        ([1, {"a b": 2.5}], '[1, { "a b" = 2.5 }]'),
        ({}, "{}"),
        (dt.time(8, 30), "08:30:00"),
        ("x" * 1000, '"' + "x" * 58 + "…"),
    ],
)
def test_values_in_messages_look_as_in_toml_and_stay_short(value: object, text: str) -> None:
    """At most 60 signs, also for what no file can hold."""
    assert inline(value) == text


def test_numbers_of_thousands_of_digits_can_be_shown() -> None:
    """Python refuses to write them in decimal."""
    assert len(inline(10**6000)) == 60
