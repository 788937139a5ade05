"""Bad input: whatever stands in a scenario file, `canbao scenario check` ends with 0, or with 2 and the place."""

from __future__ import annotations

import copy
import datetime as dt
import math
import re
import string
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from canbao.cli import program
from canbao.plugins import load_plugins
from canbao.scenario.scenario import scenario_schema
from canbao.scenario.source import to_toml
from canbao.testing import SMALL

SEASON: dict[str, Any] = {
    **copy.deepcopy(dict(SMALL)),
    "calendar": {"open_dates": [dt.date(2025, 12, 6)], "closed_dates": [], "known_years": []},
    "behaviour": {"persist": 0.5, "come_back": {"kind": "gamma", "mean": "2 days", "cv": 1.5}, "tries": 2},
    "objectives": {
        "review": {"kind": "review", "within": 3, "at_least": "95 %", "channels": ["portal"]},
        "wait": {"kind": "wait", "channel": "office", "share": 0.9, "at_most": "30 min"},
    },
}
SEASON["channels"]["office"]["sites"]["hall"]["shifts"] = [
    {"staff": 3, "start": dt.date(2025, 12, 18), "hours": ["09:00-12:00"]}
]
SEASON["review"]["credential"] = "1 working day"
PLUGINS = load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})
SCHEMA = scenario_schema(PLUGINS)


@pytest.fixture(autouse=True, scope="module")
def _schema_made_once() -> Iterator[None]:
    """Save most of the time that a faulty file takes: the schema is the same for all of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("canbao.scenario.scenario.scenario_schema", lambda plugins: SCHEMA)
        yield


def _check(path: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(program, ["scenario", "check", str(path), *arguments], obj=PLUGINS)
    assert "Traceback" not in result.output
    assert "unexpectedly" not in result.output, result.output
    assert result.exit_code in (0, 2), result.output
    if result.exit_code:
        places = [line for line in result.stderr.splitlines() if not line.startswith("    ")]
        named = re.compile(rf"^({re.escape(str(path.parent))}/[^:]*|--set)(:\d+)?: .")
        assert len(places) >= 2
        assert all(named.match(line) for line in places), result.stderr
        assert places[-1].startswith(f"{path}: ")
        assert "fault" in places[-1]
        assert result.stdout == ""
    return result


def _check_text(text: str | bytes, name: str = "a.toml") -> Result:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return _check(path)


# --- values -----------------------------------------------------------------------------------------------------------

_WORDS = st.sampled_from(
    [
        "",
        "8 min",
        "-8 min",
        "8",
        "1e9 days",
        "99999999999999999999 weeks",
        "2 working days",
        "-1 %",
        "1000 %",
        "08:30-12:00",
        "25:00-26:00",
        "12:00-08:30",
        "lognormal",
        "season",
        "office",
        "portal",
        "review",
        "\N{NO-BREAK SPACE}",
        "参保",
        "../../etc/passwd",
        "{}",
        "x" * 5000,
        "\x1b[31m",
        "\u2028",
    ]
) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
_NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([10**9, 10**9 + 1, 2**63, -(2**64), 10**30]),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1e-320, 1e308, math.inf, -math.inf, math.nan, 0.5, 1.0000001]),
)
_DATES = st.one_of(
    st.dates(),
    st.sampled_from([dt.date(2027, 1, 1), dt.date(1999, 12, 31), dt.date(1, 1, 1), dt.date(9999, 12, 31)]),
    st.datetimes(timezones=st.none() | st.just(dt.UTC)),
    st.times(),
)
_SCALARS = st.booleans() | _WORDS | _NUMBERS | _DATES
_ANY = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kind", "staff", "mean", ""]), inner),
    max_leaves=6,
)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in ((*path, key), *_paths(item, (*path, key)))]


@st.composite
def mutants(draw: st.DrawFn) -> dict[str, Any]:
    """Give a good scenario in which some values are replaced, removed, added or renamed."""
    data = copy.deepcopy(SEASON)
    for _ in range(draw(st.integers(1, 3))):
        paths = _paths(data)
        if not paths:
            break
        *above, last = draw(st.sampled_from(paths))
        here: Any = data
        for key in above:
            here = here[key]
        what = draw(st.sampled_from(["replace", "remove", "add", "rename"]))
        if what == "replace":
            here[last] = draw(_ANY)
        elif what == "remove":
            del here[last]
        elif isinstance(here, dict):
            name = draw(st.sampled_from([f"{last}s", "kind", "staf", "", "a.b", "extends "]))
            here[name] = draw(_ANY) if what == "add" else here.pop(last)
    return data


@given(mutants())
@settings(max_examples=250)
def test_mutants_of_a_good_scenario(data: dict[str, Any]) -> None:
    """A good scenario with values replaced, removed, added or renamed is accepted or refused, never more than that."""
    _check_text(tomli_w.dumps(data))


# --- the schema -------------------------------------------------------------------------------------------------------


def _from_schema(node: Mapping[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Give values that fit a JSON Schema about: types fit, limits may not."""
    if "$ref" in node:
        return _from_schema(SCHEMA["$defs"][node["$ref"].removeprefix("#/$defs/")], depth + 1)
    if "const" in node or "enum" in node:
        return st.sampled_from(node.get("enum", [node.get("const")]))
    forms = [form for form in node.get("oneOf", node.get("anyOf", ())) if form.get("type") != "null"]
    if forms:
        return st.one_of([_from_schema(form, depth) for form in forms])
    return _of_type(node, depth)


def _of_type(node: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
    kind = node.get("type")
    if kind == "object":
        return _object(node, depth)
    if kind == "array":
        inner = _from_schema(node.get("items", {}), depth + 1)
        return st.lists(inner, min_size=min(node.get("minItems", 0), 24), max_size=node.get("maxItems", 3))
    if node.get("format") == "date":
        return st.dates(dt.date(2025, 1, 1), dt.date(2026, 12, 31))
    texts = st.sampled_from([*node.get("examples", []), "a", "73 %", "8 min", "2 working days"])
    least, most = node.get("minimum", node.get("exclusiveMinimum", -1)), node.get("maximum", 10)
    return {
        "string": texts,
        "integer": st.integers(int(least), int(most)),
        "number": st.floats(float(least), float(most)),
        "boolean": st.booleans(),
    }.get(str(kind), _SCALARS)


def _later(node: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
    def make() -> st.SearchStrategy[Any]:
        return _from_schema(node, depth)

    return st.deferred(make)


def _object(node: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
    free = node.get("additionalProperties")
    if isinstance(free, Mapping):
        names = st.text(string.ascii_lowercase, min_size=1, max_size=4)
        return st.dictionaries(names, _from_schema(free, depth + 1), max_size=2)
    parts = {name: _later(part, depth + 1) for name, part in node.get("properties", {}).items() if name != "extends"}
    needed = {name: part for name, part in parts.items() if name in node.get("required", [])}
    others = {name: part for name, part in parts.items() if name not in needed and depth < 6}
    return st.fixed_dictionaries(needed, optional=others)


@given(_from_schema(SCHEMA))
@settings(max_examples=60)
def test_scenarios_drawn_from_the_schema(data: dict[str, Any]) -> None:
    """What the JSON Schema describes is accepted or refused with its places."""
    _check_text(tomli_w.dumps(data))


# --- text -------------------------------------------------------------------------------------------------------------

_GOOD = to_toml(SEASON)


@given(
    st.integers(0, len(_GOOD)),
    st.integers(0, 5),
    st.sampled_from([*"[]{}\"'=#.,\n\t\r\0\x07é参", '"""', "[[", "'''", "\\u", "= =", "\n[", ""]),
)
@settings(max_examples=200)
def test_broken_toml(where: int, cut: int, put: str) -> None:
    """A file with a few characters cut out or put in is accepted or refused with its line."""
    _check_text(_GOOD[:where] + put + _GOOD[where + cut :])


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(max_examples=100)
def test_files_that_are_no_scenario(content: bytes) -> None:
    """Any bytes at all are refused with the file's name, unless they happen to be a scenario."""
    _check_text(content)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "gbk", "cp037", "shift-jis"])
def test_wrong_encodings(encoding: str) -> None:
    """A file that is not UTF-8 is refused, and the message says so or names the line that makes no sense."""
    text = _GOOD.replace("A small district", "É" if encoding == "cp037" else "区")
    result = _check_text(text.encode(encoding))
    assert result.exit_code == 2
    assert re.search(r"UTF|byte order mark|NUL", result.stderr)


@pytest.mark.parametrize(
    "text",
    ["[" * 50_000, "a = " + "[" * 50_000, "a" * 100_000, "a." * 10_000 + "b = 1", "a = " + "9" * 10_000],
    ids=["headers", "lists", "a word", "a path", "a number"],
)
def test_files_made_to_break_a_parser(text: str) -> None:
    """Nesting without end, endless words and endless numbers are refused like anything else."""
    assert _check_text(text).exit_code == 2


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12), min_size=1, max_size=3))
@settings(max_examples=80)
def test_overrides_of_any_kind(texts: list[str]) -> None:
    """Whatever follows --set is accepted or refused as such."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.toml"
        path.write_text(_GOOD, encoding="utf-8")
        _check(path, *(f"--set={text}" for text in texts))


@given(st.sampled_from([".".join(map(str, path)) for path in _paths(SEASON)]), _WORDS | _NUMBERS.map(str))
@settings(max_examples=120)
def test_overrides_of_known_keys(key: str, value: str) -> None:
    """Whatever is given for a key that is there is accepted or refused as such."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.toml"
        path.write_text(_GOOD, encoding="utf-8")
        _check(path, f"--set={key}={value}")


# --- files that extend others -----------------------------------------------------------------------------------------


@given(st.lists(st.integers(-1, 9), min_size=1, max_size=10))
@settings(max_examples=60)
def test_chains_and_circles_of_files(links: list[int]) -> None:
    """Files that extend one another give a scenario or a fault: circles, long chains and missing files included."""
    with tempfile.TemporaryDirectory() as folder:
        for number, link in enumerate(links):
            extends = f'extends = "{link}.toml"\n' if link >= 0 else ""
            (Path(folder) / f"{number}.toml").write_text(extends + (_GOOD if link < 0 else ""), encoding="utf-8")
        _check(Path(folder) / "0.toml")


def test_a_circle_is_shown_whole() -> None:
    """A circle of three files is told with the line of the link and the way round."""
    with tempfile.TemporaryDirectory() as folder:
        for name, other in ("ab", "bc", "ca"):
            (Path(folder) / f"{name}.toml").write_text(f'# a\nextends = "{other}.toml"\n')
        result = _check(Path(folder) / "a.toml")
        assert result.exit_code == 2
        assert "/c.toml:2: extends: the files extend one another in a circle: " in result.stderr
        assert all(f"{name}.toml" in result.stderr for name in "abc")


# --- a CSV of arrivals ------------------------------------------------------------------------------------------------

_CELLS = st.one_of(
    st.datetimes(dt.datetime(2025, 12, 1), dt.datetime(2026, 1, 31)).map(str),
    st.dates().map(str),
    st.sampled_from(
        ["", " ", "2025-12-01T25:00", "2025-13-01", "1.12.2025", "0001-01-01", "9999-12-31 23:59:59", '"', "\0", "，"]
    ),
    st.text(max_size=4),
)


@given(
    st.lists(st.lists(_CELLS, max_size=3), max_size=5),
    st.sampled_from(["arrival", "arrival,other", "other", "", '"arrival', "arrival,arrival", "\ufeffarrival"]),
    st.sampled_from(["utf-8", "utf-16", "gbk"]),
)
@settings(max_examples=150)
def test_a_csv_with_holes(rows: list[list[str]], head: str, encoding: str) -> None:
    """Arrivals in a CSV with holes, in another encoding or without the column are accepted, or refused in place."""
    text = "\n".join([head, *(",".join(row) for row in rows)])
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "arrivals.csv").write_bytes(text.encode(encoding, "replace"))
        path = Path(folder) / "a.toml"
        path.write_text(to_toml({**SEASON, "demand": {"kind": "replay", "file": "arrivals.csv"}}), encoding="utf-8")
        _check(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("arrival\n2025-12-01 09:00:00\n\n2025-12-01 09:01:00\n", None),
        ("arrival,name\n2025-12-01 09:00:00,a\n,b\n", "arrivals.csv line 3: arrival is ''"),
        ("name\na\n", "without a column 'arrival'; arrivals.csv has: name"),
        ("", "without a column 'arrival'; arrivals.csv has: none"),
        ("arrival\n", "names a file without rows"),
    ],
)
def test_a_hole_in_a_csv_is_named(content: str, said: str | None) -> None:
    """The message about a CSV names the key in the scenario, and the line and column in the CSV."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "arrivals.csv").write_text(content)
        path = Path(folder) / "a.toml"
        text = to_toml({**SEASON, "demand": {"kind": "replay", "file": "arrivals.csv"}})
        path.write_text(text, encoding="utf-8")
        line = text.splitlines().index('file = "arrivals.csv"') + 1
        result = _check(path)
        assert result.exit_code == (0 if said is None else 2)
        assert said is None or f"{path}:{line}: demand.file: " in result.stderr
        assert said is None or said in result.stderr


def test_the_good_scenario_is_good() -> None:
    """What all mutants come from has no fault, so that a fault is the mutation's."""
    assert tomllib.loads(_GOOD) == SEASON
    assert _check_text(_GOOD).exit_code == 0
