"""Reading scenario files: what is merged, where it came from, and that no file can make the reader stumble."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tomlkit.items import AoT, InlineTable, Table

from canbao.errors import Fault, ScenarioError
from canbao.scenario.faults import KeyPath, dotted, inline
from canbao.scenario.source import (
    MAX_BYTES,
    MAX_CHAIN,
    MAX_DEPTH,
    Source,
    grade,
    locate,
    read_scenario,
    to_toml,
)

# --- Tools -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give one folder to tests that write many files over one another."""
    return tmp_path_factory.mktemp("scenarios")


def write(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a file with the line ends it was given."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def faults(path: Path | str, *overrides: str) -> tuple[Fault, ...]:
    """Give the faults of a file that must have some."""
    with pytest.raises(ScenarioError) as caught:
        read_scenario(path, overrides)
    assert caught.value.faults
    assert all(fault.file and fault.problem for fault in caught.value.faults)
    return caught.value.faults


def fault(path: Path | str, *overrides: str) -> Fault:
    """Give the only fault of a file."""
    (only,) = faults(path, *overrides)
    return only


def walk(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Give the path of every table, key and element."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from walk(item, (*path, key))


TOKEN = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")


def names_on(line: str) -> set[str]:
    """Give every name that a line could spell, as tomllib reads it."""
    tokens = {token[0] for start in range(len(line)) if (token := TOKEN.match(line, start))}
    return set().union(*map(names_in, tokens))


@cache
def names_in(token: str) -> frozenset[str]:
    """Give the name that a token spells, if it does."""
    with suppress(tomllib.TOMLDecodeError):
        return frozenset(tomllib.loads(f"{token} = 1"))
    return frozenset()


def same(left: object, right: object) -> bool:
    """Compare with types, as 1 == True == 1.0 in Python."""
    return repr(left) == repr(right)


# --- Drawn documents -------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
    st.dates(),
    st.times().map(lambda at: at.replace(fold=0)),
    st.datetimes().map(lambda at: at.replace(fold=0)),
)
DATA: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    TEXT,
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8
    ),
    max_size=5,
)
COMMENTS = st.sampled_from(["", "", "B: Guangyuan 2023", "E: ours [not] a = 'table'", "# twice", "中文 \" '"])
STRANGE = st.sampled_from(["", "", "", " ", ".", "a.b", '"', "'", "#", "=", "]", "é", "中", "\t", "\\", "\x7f"])
FORMS = st.sampled_from(["scalar", "scalar", "array", "inline"])


class Maker:
    """Makes tomlkit documents, every key of which occurs once."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.count = 0

    def key(self) -> tomlkit.items.SingleKey:
        self.count += 1
        strange = self.draw(STRANGE)
        return tomlkit.items.SingleKey(f"k{self.count}{strange}k")

    def scalar(self) -> Any:
        value = self.draw(SCALARS)
        if not isinstance(value, str) or not value.isprintable() or "'" in value:
            return tomlkit.item(value)
        multiline, literal = self.draw(st.booleans()), self.draw(st.booleans())
        text = f"{value}\n{value}" if multiline else value
        return tomlkit.string(text, literal=literal, multiline=multiline)

    def value(self, depth: int) -> Any:
        form = self.draw(FORMS) if depth else "scalar"
        if form == "scalar":
            return self.scalar()
        if form == "inline":
            return self.inline(depth)
        array = tomlkit.array()
        for _ in range(self.draw(st.integers(0, 3))):
            array.append(self.value(depth - 1))
        return array.multiline(self.draw(st.booleans()))

    def inline(self, depth: int) -> InlineTable:
        table = tomlkit.inline_table()
        for _ in range(self.draw(st.integers(0, 3))):
            table.append(self.key(), self.value(depth - 1))
        return table

    def fill(self, table: Any, depth: int) -> Any:
        for _ in range(self.draw(st.integers(0, 3))):
            self.pair(table)
        for _ in range(self.draw(st.integers(0, 2)) if depth else 0):
            aot = self.draw(st.booleans())
            table.append(self.key(), self.tables(depth) if aot else self.table(depth))
        return table

    def pair(self, table: Any) -> None:
        if self.draw(st.integers(0, 4)) == 0:
            table.append(None, tomlkit.comment("alone = 1"))
        value = self.value(2)
        if comment := self.draw(COMMENTS):
            value.comment(comment)
        name: Any = self.key()
        if self.draw(st.integers(0, 3)) == 0:
            name = tomlkit.items.DottedKey([name, self.key()])
        table.append(name, value)

    def table(self, depth: int) -> Table:
        table: Table = self.fill(tomlkit.table(self.draw(st.booleans())), depth - 1)
        return table

    def tables(self, depth: int) -> AoT:
        tables = tomlkit.aot()
        for _ in range(self.draw(st.integers(1, 2))):
            tables.append(self.fill(tomlkit.table(), depth - 1))
        return tables


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Draw TOML text with all the ways to write tables, arrays, text and keys."""
    text = tomlkit.dumps(Maker(draw).fill(tomlkit.document(), 3))
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


EXAMPLE = '''\
# A file with everything
title = "a # b"  # A: official text
"odd key" = 'C:\\path'
'' = 1
a."b.c".d = 2 # E: dotted

[fruit.apple] # C: header
colours = [
  "red",    # B: first
  ["green", { shade = 1, tone.deep = [2] }],  # D: second
] # V: closing
text = """
[not.a.table] # no comment
x = 1\\
  """"" # B: after text
literal = \'\'\'
y = 'z' # still text\'\'\'\'
when = 2025-12-31 08:30:00 # A: with a blank

[[stations]]
name = "one"
[[stations.desks]]
n = 1
[[stations.desks]]
n = 2 # E: guess
[stations.desks.hours]
mon = 08:30:00
[[stations]]
name = "two" ; extra
'''.replace(" ; extra", "")


# --- Places ----------------------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(documents())
def test_the_locator_finds_every_key_of_a_document_and_no_other(text: str) -> None:
    """Documents made by tomlkit: the paths found are those of tomllib, and the line found spells the key."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assume(False)  # tomlkit can put a dotted key behind a table of its name
    places = locate(text, "file.toml")
    assert set(places) == set(walk(data))
    lines = text.split("\n")
    for path, place in places.items():
        if path and isinstance(path[-1], str):
            assert place.line is not None
            assert path[-1] in names_on(lines[place.line - 1])


def test_most_drawn_documents_are_toml() -> None:
    """The property above says something: nearly all documents that it draws are read by tomllib."""
    outcomes: list[bool] = []

    @settings(max_examples=100, database=None)
    @given(documents())
    def read(text: str) -> None:
        try:
            outcomes.append(len(list(walk(tomllib.loads(text)))) >= 0)
        except tomllib.TOMLDecodeError:
            outcomes.append(False)

    read()
    assert sum(outcomes) > 0.8 * len(outcomes)


Changes = list[tuple[int, int, str]]
MUTATIONS = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(0, 3), st.text("[]{}\"'#=.,\n\\ \tab10-:_é\r", max_size=3)),
    max_size=6,
)


def mutate(text: str, changes: Changes) -> str:
    """Cut a few signs out of a text and put others in."""
    for where, cut, new in changes:
        at = where % (len(text) + 1)
        text = text[:at] + new + text[at + cut :]
    return text


@settings(max_examples=400)
@given(documents() | st.just(EXAMPLE), MUTATIONS)
def test_the_locator_agrees_with_tomllib_on_mutated_documents(text: str, changes: Changes) -> None:
    """Whatever tomllib still reads after random cuts, the locator reads in the same way."""
    text = mutate(text, changes)
    places = locate(text, "file.toml")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assert () in places
    else:
        assert set(places) == set(walk(data))


def test_places_of_the_example_are_those_that_a_reader_would_name() -> None:
    """Lines and comments of a file with everything, counted by hand."""
    places = locate(EXAMPLE, "x.toml")
    expected: dict[KeyPath, tuple[int | None, str]] = {
        (): (None, ""),
        ("title",): (2, "A: official text"),
        ("odd key",): (3, ""),
        ("",): (4, ""),
        ("a",): (5, ""),
        ("a", "b.c"): (5, ""),
        ("a", "b.c", "d"): (5, "E: dotted"),
        ("fruit",): (7, ""),
        ("fruit", "apple"): (7, "C: header"),
        ("fruit", "apple", "colours"): (8, "V: closing"),
        ("fruit", "apple", "colours", 0): (9, "B: first"),
        ("fruit", "apple", "colours", 1, 0): (10, "D: second"),
        ("fruit", "apple", "colours", 1, 1, "tone", "deep"): (10, "D: second"),
        ("fruit", "apple", "text"): (12, "B: after text"),
        ("fruit", "apple", "literal"): (16, ""),
        ("fruit", "apple", "when"): (18, "A: with a blank"),
        ("stations",): (20, ""),
        ("stations", 0): (20, ""),
        ("stations", 0, "desks", 1, "n"): (25, "E: guess"),
        ("stations", 0, "desks", 1, "hours", "mon"): (27, ""),
        ("stations", 1, "name"): (29, ""),
    }
    assert {path: (places[path].line, places[path].comment) for path in expected} == expected
    assert {place.file for place in places.values()} == {"x.toml"}


def test_a_table_named_twice_has_the_place_of_its_own_header() -> None:
    """`[a]` after `[a.b]` says where `a` stands."""
    places = locate("[a.b] # E: inner\n[a] # B: own\n", "x.toml")
    assert (places["a",].line, places["a",].comment) == (2, "B: own")


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("B: Guangyuan 2023", "B"),
        ("E:", "E"),
        ("V: checked", "V"),
        ("F: no such grade", ""),
        ("B Guangyuan", ""),
        ("b: small", ""),
        ("Be careful: hot", ""),
        ("", ""),
        (": x", ""),
    ],
)
def test_a_grade_is_one_letter_and_a_colon(comment: str, expected: str) -> None:
    """Only `A:` to `E:` and `V:` at the beginning of a comment are grades."""
    assert grade(comment) == expected


@given(st.lists(TEXT, min_size=1, max_size=4))
def test_a_dotted_key_reads_back_as_its_path(path: list[str]) -> None:
    """Whatever the names hold, TOML reads the dotted key as the same path."""
    data: Any = tomllib.loads(f"{dotted(path)} = 1".replace("\x7f", "\\u007f"))
    for name in path:
        data = data[name]
    assert data == 1


@given(DATA)
def test_a_value_in_a_message_is_one_short_line(data: dict[str, Any]) -> None:
    """Messages show at most 60 signs of a value, without line ends."""
    assert len(inline(data)) <= 60
    assert "\n" not in inline(data)


# --- Merging ---------------------------------------------------------------------------------------------------------


def test_a_variant_replaces_what_it_names_and_keeps_the_rest(tmp_path: Path) -> None:
    """Tables are merged key by key; values and lists are replaced; each key keeps the place where it was said."""
    write(tmp_path, "base.toml", "a = 1 # A: a\nlist = [1, 2, 3]\n[t]\nx = 1 # B: x\ny = 2\n[t.u]\nz = 3\n")
    path = write(tmp_path, "peak.toml", 'extends = "base.toml"\nlist = [9]\n[t]\ny = 5 # E: y\nnew = 6\n')
    source = read_scenario(path)
    assert source.data == {"a": 1, "list": [9], "t": {"x": 1, "y": 5, "u": {"z": 3}, "new": 6}}
    assert source.name == "peak"
    assert source.files == (str(path), str(tmp_path / "base.toml"))
    said = {path: (Path(place.file).name, place.line, place.comment) for path, place in source.places.items()}
    assert said["a",] == ("base.toml", 1, "A: a")
    assert said["list", 0] == ("peak.toml", 2, "")
    assert said["t",] == ("peak.toml", 3, "")
    assert said["t", "x"] == ("base.toml", 4, "B: x")
    assert said["t", "y"] == ("peak.toml", 4, "E: y")
    assert set(source.places) == set(walk(source.data))


def test_a_table_of_another_kind_replaces_the_inherited_one(tmp_path: Path) -> None:
    """Keys of one kind do not fit another, so they are not inherited; a table of the same kind is merged."""
    write(tmp_path, "base.toml", 'a = {kind = "x", p = 1}\nb = {kind = "x", p = 1}\n')
    path = write(tmp_path, "v.toml", 'extends = "base.toml"\na = {kind = "y", q = 2}\nb = {kind = "x", q = 2}\n')
    source = read_scenario(path)
    assert source.data == {"a": {"kind": "y", "q": 2}, "b": {"kind": "x", "p": 1, "q": 2}}
    assert set(source.places) == set(walk(source.data))


def plain_merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Merge in the most obvious way."""
    both = {
        key: plain_merge(base[key], over[key])
        for key in base.keys() & over.keys()
        if isinstance(base[key], dict) and isinstance(over[key], dict)
    }
    return {**base, **over, **both}


SMALL = st.recursive(
    st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=10,
)
TABLES = st.dictionaries(st.sampled_from("abcd"), SMALL, max_size=4)


@given(base=TABLES, middle=TABLES, top=TABLES)
def test_a_chain_of_files_merges_from_the_bottom_up(
    folder: Path, base: dict[str, Any], middle: dict[str, Any], top: dict[str, Any]
) -> None:
    """Three drawn files that extend one another give the merge of the lowest two, then the highest over it."""
    write(folder, "0.toml", to_toml(base))
    write(folder, "1.toml", to_toml({"extends": "0.toml", **middle}))
    source = read_scenario(write(folder, "2.toml", to_toml({"extends": "1.toml", **top})))
    assert source.data == plain_merge(plain_merge(base, middle), top)
    assert set(source.places) == set(walk(source.data))


def test_the_other_file_is_sought_beside_the_one_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`extends` is relative to its own file, wherever the command runs, at every link of the chain."""
    (tmp_path / "deep").mkdir()
    write(tmp_path, "base.toml", "a = 1")
    write(tmp_path, "mid.toml", 'extends = "base.toml"')
    path = write(tmp_path / "deep", "top.toml", 'extends = "../mid.toml"')
    monkeypatch.chdir("/")
    assert read_scenario(path).data == {"a": 1}
    monkeypatch.chdir(tmp_path)
    assert read_scenario("deep/top.toml").files == ("deep/top.toml", "deep/../mid.toml", "deep/../base.toml")


def test_a_circle_of_files_is_named_with_its_chain(tmp_path: Path) -> None:
    """The fault stands in the file that closes the circle and shows the way round."""
    write(tmp_path, "b.toml", 'x = 1\nextends = "./a.toml"')
    found = fault(write(tmp_path, "a.toml", 'extends = "b.toml"'))
    assert (Path(found.file).name, found.line, found.key) == ("b.toml", 2, "extends")
    assert re.search(r"circle: \S*a\.toml → \S*b\.toml → \S*a\.toml", found.problem)


def test_a_file_cannot_extend_itself_through_a_link(tmp_path: Path) -> None:
    """Two names of one file are one file."""
    path = write(tmp_path, "a.toml", 'extends = "link.toml"')
    (tmp_path / "link.toml").symlink_to(path)
    assert "circle" in fault(path).problem


def test_a_chain_may_be_long_but_not_endless(tmp_path: Path) -> None:
    """The longest allowed chain is read; one more file is a fault."""
    write(tmp_path, "0.toml", "a = 1")
    for number in range(1, MAX_CHAIN + 1):
        write(tmp_path, f"{number}.toml", f'extends = "{number - 1}.toml"')
    assert read_scenario(tmp_path / f"{MAX_CHAIN - 1}.toml").data == {"a": 1}
    assert f"more than {MAX_CHAIN} files" in fault(tmp_path / f"{MAX_CHAIN}.toml").problem


@pytest.mark.parametrize("value", ["3", "[]", '["a.toml"]', "true", '""', "{a = 1}", '"\\u0000"', "2025-01-01", "nan"])
def test_extends_names_one_file(tmp_path: Path, value: str) -> None:
    """Anything but the name of a file is a fault at its line."""
    found = fault(write(tmp_path, "a.toml", f"x = 1\nextends = {value}"))
    assert (found.line, found.key) == (2, "extends")
    assert "does not name a file" in found.problem


@pytest.mark.parametrize("name", ["none.toml", ".", "..", "a" * 5000, "a.toml/b.toml", "é\u202e.toml"])
def test_a_base_that_cannot_be_read_is_a_fault_of_the_file_that_names_it(tmp_path: Path, name: str) -> None:
    """Missing, a folder, a name too long: the fault stands at `extends` and shows what was written."""
    found = fault(write(tmp_path, "a.toml", f'extends = "{name}"'))
    assert (Path(found.file).name, found.line, found.key) == ("a.toml", 1, "extends")
    assert "cannot be read" in found.problem
    assert found.given == inline(name)


def test_faults_of_a_base_stand_in_the_base(tmp_path: Path) -> None:
    """Broken TOML in an extended file is reported with that file and its line."""
    write(tmp_path, "base.toml", "a = 1\nb = 8 min\n")
    found = fault(write(tmp_path, "a.toml", 'extends = "base.toml"'))
    assert (Path(found.file).name, found.line, found.given) == ("base.toml", 2, "b = 8 min")
    assert "quotes" in found.hint


# --- Files that are not TOML -----------------------------------------------------------------------------------------


def test_a_misspelt_file_gets_a_proposal(tmp_path: Path) -> None:
    """The nearest scenario in the folder is proposed."""
    write(tmp_path, "city-season.toml", "")
    found = fault(tmp_path / "city_seson.toml")
    assert found.problem == "there is no such file"
    assert "city-season.toml" in found.hint
    assert "no folder" in fault(tmp_path / "no" / "a.toml").hint


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"a = 1\n\xff", 2, "not UTF-8"),
        ('城 = "市"'.encode("gbk"), 1, "not UTF-8"),
        (b"\xef\xbb\xbfa = 1", 1, "byte order mark"),
        ("a = 1".encode("utf-16"), 1, "UTF-16"),
        (b"a = 1\n\nb = \0", 3, "NUL"),
        (b"a = 1\r\na = 2\r\n", 2, "already has a value"),
        (b"a = [1,\n2\n", 2, "not closed"),
        (b"[a]\n[b]\n[a]\n", 3, "cannot declare a twice"),
        (b"[a.'b.c']\n[a.'b.c']\n", 2, 'cannot declare a."b.c" twice'),
        (b"a = office", 1, "not a value"),
        (b"a = 08:30", 1, "behind the value"),
        (b'a = "x\nb = 1', 1, "closing quotes"),
        (b"a\n", 1, "without `= value`"),
        (b"= 1\n", 1, "neither a key"),
        (b"a = 2025-02-30", 1, "invalid date"),
        (b"a = 1\x1b[31m", 1, "behind the value"),
        (b"a = " + b"9" * 5000, 1, "too many digits"),
        (b"x=1\na = 0x" + b"f" * 5000, 2, "too large a number"),
        (b"a = 9223372036854775808", 1, "too large a number"),
        (b"\na = -9223372036854775809", 2, "too large a number"),
        (b"a = nan", 1, "not a finite number"),
        (b"a = [1.0,\n -inf]", 2, "not a finite number"),
        (b"a = 1e400", 1, "not a finite number"),
        (b'a = "x\\u0000"', 1, "NUL character"),
        (b'"\\u0000" = 1', 1, "NUL character"),
        (b"a = " + b"[" * 5000, 1, "nested too deep"),
        (b"a = 1\n" + b"a = {" * 5000, 2, "nested too deep"),
        (b"[[" + b".".join([b"a"] * 100_000) + b"]]", 1, "nested too deep"),
        (b".".join([b"a"] * 100_000) + b" = 1", 1, "nested too deep"),
    ],
)
def test_a_broken_file_is_one_fault_with_its_line(tmp_path: Path, content: bytes, line: int, problem: str) -> None:
    """Wrong encodings, broken TOML, and values that no scenario can use."""
    found = fault(write(tmp_path, "a.toml", content))
    assert found.line == line
    assert problem in found.problem
    assert str(found).isprintable()


def test_every_unusable_value_is_reported_at_once(tmp_path: Path) -> None:
    """Three bad values are three faults, each with its key."""
    found = faults(write(tmp_path, "a.toml", "a = nan\n[b]\nc = [1, inf]\nd = 99999999999999999999\n"))
    assert [(one.key, one.line) for one in found] == [("a", 1), ("b.c.1", 3), ("b.d", 4)]


def test_the_deepest_nesting_is_read_and_one_level_more_is_not(tmp_path: Path) -> None:
    """The limit on nesting holds for headers, dotted keys, arrays and inline tables together."""
    header, value = ".".join("a" * 20), "[" * (MAX_DEPTH - 21) + "]" * (MAX_DEPTH - 21)
    assert read_scenario(write(tmp_path, "a.toml", f"[{header}]\nb.c = {value}")).data
    assert "too deep" in fault(write(tmp_path, "b.toml", f"[{header}]\nb.c = [{value}]\nd = 1\nd = 2")).problem


def test_a_file_may_be_large_but_not_without_end(tmp_path: Path) -> None:
    """Up to 4 MiB are read; a byte more is refused before anything is parsed."""
    path = write(tmp_path, "a.toml", b"#" * MAX_BYTES)
    assert read_scenario(path).data == {}
    assert "larger than 4 MiB" in fault(write(tmp_path, "b.toml", b"\xff" * (MAX_BYTES + 1))).problem
    assert "larger than 4 MiB" in fault("/dev/zero").problem


@pytest.mark.parametrize("name", ["", ".", "\0", "a\udcff.toml", "\ud800", "x" * 5000, "a.toml/b"])
def test_a_name_that_cannot_be_opened_is_a_fault_that_can_be_printed(folder: Path, name: str) -> None:
    """Names that the system refuses, and names that are not text."""
    path = os.path.join(folder, name) if name else name
    with pytest.raises(ScenarioError) as caught:
        read_scenario(path)
    assert str(caught.value).encode()


def test_a_file_without_permission_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's refusal is said in plain words."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path, "a.toml", "")
    monkeypatch.setattr("builtins.open", refuse)
    assert fault(path).problem == "there is no permission to read it"


# --- Overrides -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", 0.1),
        ("3", 3),
        ("1_000", 1000),
        ("true", True),
        ("office", "office"),
        ("8 min", "8 min"),
        ('"8 min"', "8 min"),
        ("'a'", "a"),
        ("2025-12-31", date(2025, 12, 31)),
        ("08:30:00", time(8, 30)),
        ("2025-12-31T08:30:00+08:00", datetime(2025, 12, 31, 8, 30, tzinfo=timezone(timedelta(hours=8)))),
        ("[1, 2]", [1, 2]),
        ('{a = 1, b = "x"}', {"a": 1, "b": "x"}),
        ("a = b", "a = b"),
        ("1\nb = 2", "1\nb = 2"),
        ("73 %", "73 %"),
        ("  x  ", "x"),
        ('""', ""),
        ("中", "中"),
        ("#1", "#1"),
    ],
)
def test_an_override_is_a_toml_value_or_bare_text(tmp_path: Path, text: str, value: object) -> None:
    """What TOML reads is read so; other words are text and need no quotes within quotes."""
    source = read_scenario(write(tmp_path, "a.toml", ""), [f"p.q={text}"])
    assert same(source.data, {"p": {"q": value}})
    assert {source.places[path].file for path in walk(source.data) if path} == {"--set"}
    assert set(source.places) == set(walk(source.data))


def test_an_override_replaces_and_keeps_places_in_step(tmp_path: Path) -> None:
    """Tables, quoted names and elements of arrays are reached; what was below a replaced value is forgotten."""
    path = write(tmp_path, "a.toml", '["a.b"]\nx = {y = 1, z = 2}\nlist = [{n = 1}, {n = 2}]\n')
    source = read_scenario(path, ['"a.b".x = {w=1}', "'a.b'.list.1.n=5", '"a.b".new.deep=1', '"a.b".new.deep=2'])
    assert source.data == {"a.b": {"x": {"w": 1}, "list": [{"n": 1}, {"n": 5}], "new": {"deep": 2}}}
    assert set(source.places) == set(walk(source.data))
    assert source.places["a.b", "list", 0, "n"].line == 3
    assert source.places["a.b", "list", 1, "n"].file == "--set"
    assert source.places["a.b",].line == 1


def test_overrides_of_an_extended_scenario_come_last(tmp_path: Path) -> None:
    """The command line wins over the file, the file over its base."""
    write(tmp_path, "base.toml", "a = 1\nb = 1\nc = 1")
    path = write(tmp_path, "top.toml", 'extends = "base.toml"\nb = 2\nc = 2')
    assert read_scenario(path, ["c=3"]).data == {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ("", "", "is not path=value"),
        ("scale", "", "is not path=value"),
        ("=1", "", "is not path=value"),
        ("a..b=1", "", "is not path=value"),
        ("a b=1", "", "is not path=value"),
        ('"a=1', "", "is not path=value"),
        ("\udcff=1", "", "is not path=value"),
        ("a=\ud800", "", "is not path=value"),
        ("a=", "a", "has no value"),
        ("a= ", "a", "has no value"),
        ("a=[1", "a", "not TOML"),
        ('a="x', "a", "not TOML"),
        ("a={b}", "a", "not TOML"),
        ("a=" + "9" * 5000, "a", "not TOML"),
        ("a=" + "[" * 5000, "", "too deep"),
        (".".join("a" * 40) + "=1", "", "too deep"),
        (".".join("a" * 30) + "=[[[1]]]", "", "too deep"),
        ("number.x=1", "number.x", "number is not a table"),
        ("list.x=1", "list.x", "list is a list of 2"),
        ("list.2=1", "list.2", "list is a list of 2"),
        ("list.-1=1", "list.-1", "list is a list of 2"),
        ("list." + "9" * 4900 + "=1", "", "list is a list of 2"),
        ("extends=b.toml", "extends", "cannot be set"),
        ("a=nan", "a", "not a finite number"),
        ("a=99999999999999999999", "a", "too large a number"),
        ("a=\0", "a", "NUL character"),
    ],
)
def test_a_malformed_override_is_a_fault_of_the_command_line(tmp_path: Path, text: str, key: str, problem: str) -> None:
    """The fault's file is `--set`, and it can be printed."""
    found = fault(write(tmp_path, "a.toml", "number = 1\nlist = [1, 2]"), text)
    assert (found.file, found.line) == ("--set", None)
    assert found.key == key or not key
    assert problem in found.problem
    assert str(found).encode()


def test_all_malformed_overrides_are_reported_at_once(tmp_path: Path) -> None:
    """Two bad overrides around a good one are two faults."""
    assert len(faults(write(tmp_path, "a.toml", ""), "a", "b=1", "c=[")) == 2


# --- Writing ---------------------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(DATA)
def test_written_data_reads_back_equal_and_in_the_same_order(data: dict[str, Any]) -> None:
    """Tomllib gives back what was written: values, types, and keys of plain values in their order."""
    back = tomllib.loads(to_toml(data))
    assert back == data
    assert all(same(back[key], value) for key, value in data.items() if not isinstance(value, dict | list))
    assert to_toml(back) == to_toml(tomllib.loads(to_toml(back)))


@settings(max_examples=100)
@given(documents())
def test_a_resolved_scenario_is_a_scenario_with_the_same_data(folder: Path, text: str) -> None:
    """What is stored with a run can be run again."""
    try:
        source = read_scenario(write(folder, "a.toml", text))
    except ScenarioError:
        assume(False)
    again = read_scenario(write(folder, "b.toml", to_toml(source.data)))
    assert again.data == source.data


# --- Whatever the bytes ----------------------------------------------------------------------------------------------


def read_or_fault(path: Path, overrides: list[str]) -> Source | None:
    """Read a file, which must work or give faults that can be printed and name a file."""
    caught: ScenarioError | None = None
    try:
        return read_scenario(path, overrides)
    except ScenarioError as error:
        caught = error
    assert caught.faults
    assert all(fault.file and fault.problem for fault in caught.faults)
    assert str(caught).encode()
    return None


def check(source: Source | None) -> None:
    """Check what a source promises about its data."""
    if source is not None:
        assert set(source.places) == set(walk(source.data))
        assert "extends" not in source.data
        assert tomllib.loads(to_toml(source.data)) == source.data


NAMED = st.tuples(st.sampled_from(["a", "a.b", "k1k", "title", "fruit.apple.colours.0"]), st.text()).map("=".join)
OVERRIDES = st.lists(NAMED | st.text(max_size=12), max_size=2)


@settings(max_examples=300)
@given(st.binary(max_size=200) | st.binary(max_size=80).map(lambda tail: EXAMPLE.encode() + tail), OVERRIDES)
def test_random_bytes_are_read_or_refused(folder: Path, content: bytes, overrides: list[str]) -> None:
    """No bytes and no command line bring anything but a source or faults."""
    check(read_or_fault(write(folder, "a.toml", content), overrides))


@settings(max_examples=300)
@given(documents() | st.just(EXAMPLE) | st.just('extends = "base.toml"\n' + EXAMPLE), MUTATIONS, OVERRIDES)
def test_mutated_scenarios_are_read_or_refused(folder: Path, text: str, changes: Changes, overrides: list[str]) -> None:
    """No cut through a good file brings anything but a source or faults."""
    write(folder, "base.toml", "title = 1\nbase = [1]\n[fruit]\nx = 1\n")
    check(read_or_fault(write(folder, "a.toml", mutate(text, changes)), overrides))


NUMBERS = st.integers().map(str) | st.floats().map(str) | st.integers(0, 6000).map(lambda size: "9" * size)


@given(st.lists(NUMBERS, max_size=4), st.sampled_from(["{}", "[{}]", "{{x = {}}}"]))
def test_numbers_of_any_size_are_read_or_refused(folder: Path, numbers: list[str], form: str) -> None:
    """Numbers beyond 64 bits, nan and infinity, alone or inside lists and tables."""
    text = "".join(f"k{index} = {form.format(number)}\n" for index, number in enumerate(numbers))
    check(read_or_fault(write(folder, "a.toml", text), []))
