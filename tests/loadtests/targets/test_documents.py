"""Documents: YAML and JSON as plain data, with the line of every key."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from canbao.errors import TargetError
from canbao_loadtests.targets.documents import MISSING, follow, pointer_path, read_document

# What writes YAML in these tests writes 1.1, where a number like 1E3, without a point, is text.
TEXT = st.text(st.characters(exclude_categories=["C"])).filter(
    lambda text: not re.fullmatch(r"[-+]?\d+[eE][-+]?\d+", text)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc$.-é", min_size=1), inner, max_size=4),
    max_leaves=20,
)


def _file(folder: Path, text: str, name: str = "a.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def _fault(folder: Path, text: str, name: str = "a.yaml") -> Any:
    with pytest.raises(TargetError) as caught:
        read_document(_file(folder, text, name))
    assert len(caught.value.faults) == 1
    return caught.value.faults[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for documents that are read at once."""
    return tmp_path_factory.mktemp("documents")


@given(st.dictionaries(st.text("abc", min_size=1), JSON, max_size=4))
def test_yaml_and_json_are_read_alike(folder: Path, data: dict[str, Any]) -> None:
    """What a document says does not depend on whether it is written as JSON or as YAML."""
    as_json = read_document(_file(folder, json.dumps(data), "a.json"))
    as_yaml = read_document(_file(folder, yaml.safe_dump(data, allow_unicode=True)))
    assert as_json.data == data == as_yaml.data


def test_words_of_old_yaml_are_text(tmp_path: Path) -> None:
    """YAML 1.2 as JSON writes it: `on`, dates and numbers with a leading zero stay text."""
    text = "a: on\nb: 2025-12-31\nc: 0800\nd: 1_000\ne: true\nf: ~\ng: 1.5e3\nh: -2\ni: '5'\nj: 1:30\n"
    assert read_document(_file(tmp_path, text)).data == {
        "a": "on", "b": "2025-12-31", "c": "0800", "d": "1_000", "e": True, "f": None, "g": 1500.0, "h": -2, "i": "5",
        "j": "1:30",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["a.yaml", "a.json"])
def test_every_key_knows_its_line(tmp_path: Path, name: str) -> None:
    """Keys, elements of lists and what stands in them know their lines, in YAML and in JSON."""
    document = read_document(_file(tmp_path, '{"a":\n {"b": [\n  1,\n  {"c":\n  2}]}}', name))
    lines = {(): 1, ("a",): 1, ("a", "b"): 2, ("a", "b", 0): 3, ("a", "b", 1): 4, ("a", "b", 1, "c"): 4}
    assert dict(document.lines) == lines
    assert document.line(("a", "b", 1, "missing", "deeper")) == 4


@pytest.mark.parametrize(
    ("text", "name", "line", "problem"),
    [
        ("a: 1\nb: [1\nc: 2\n", "a.yaml", 3, "not YAML"),
        ("a: 1\nb: 2\na: 3\n", "a.yaml", 3, "the key stands twice"),
        ('{"a": 1,\n "b": }', "a.json", 2, "not JSON"),
        ('{"a": 1, "a": 2}', "a.json", None, "stands twice"),
        ("- 1\n- 2\n", "a.yaml", 1, "no object"),
        ("", "a.yaml", 1, "no object"),
        ("a: &x [*x]\n", "a.yaml", 1, "it holds itself"),
        ("[1]: 2\n", "a.yaml", 1, "a key must be a text"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(
    tmp_path: Path, text: str, name: str, line: int | None, problem: str
) -> None:
    """A document that is no document is told with file and line."""
    fault = _fault(tmp_path, text, name)
    assert (fault.file, fault.line) == (str(tmp_path / name), line)
    assert problem in fault.problem


def test_a_document_that_blows_up_is_refused(tmp_path: Path) -> None:
    """Aliases of aliases that would come to millions of values are refused, and quickly."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "too large" in _fault(tmp_path, "\n".join(lines)).problem


def test_files_that_are_not_there_or_not_text_are_told(tmp_path: Path) -> None:
    """A missing file, and one that is not UTF-8, are faults of the file."""
    with pytest.raises(TargetError, match="there is no such file"):
        read_document(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: \xe9\n")
    with pytest.raises(TargetError, match=r"latin\.yaml:2: the file is not UTF-8"):
        read_document(tmp_path / "latin.yaml")


@given(JSON, st.data())
def test_a_pointer_finds_what_it_points_at(value: Any, data: st.DataObject) -> None:
    """A JSON Pointer made of the way to a value leads there, whatever signs are in the keys."""
    path, at = [], value
    while isinstance(at, dict | list) and at:
        key = data.draw(st.sampled_from(list(at) if isinstance(at, dict) else list(range(len(at)))))
        path.append(str(key))
        at = at[key]
    pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)
    assert follow(value, pointer_path(pointer)) == at


@given(JSON, st.lists(st.text(max_size=3), max_size=3))
def test_a_pointer_to_nothing_finds_nothing(value: Any, path: list[str]) -> None:
    """Following any path through any value gives a value in it or nothing, and never fails."""
    found = follow({"top": value}, ("nowhere", *path))
    assert found is MISSING
    follow(value, tuple(path))
