"""Criteria: simple conditions, regular expressions, JSONPath and XPath."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.scenario.quantities import MisfitError
from canbao_loadtests.http.messages import Response
from canbao_loadtests.targets.arazzo import Criterion
from canbao_loadtests.targets.conditions import condition, criterion
from canbao_loadtests.targets.expressions import Names
from canbao_loadtests.targets.scope import Scope


def answered(status: int = 200, body: bytes = b"", kind: str = "application/json", **inputs: Any) -> Scope:
    """Make a scope with an answer."""
    scope = Scope(inputs, {}, dict)
    scope.answered(Response(status, [("Content-Type", kind)], body, "http://127.0.0.1/login?next=x"))
    return scope


def holds(text: str, scope: Scope) -> bool:
    """Say whether a simple condition holds."""
    return condition(text, Names())(scope)


@given(st.integers(100, 599), st.integers(100, 599))
def test_comparisons_are_those_of_numbers(status: int, other: int) -> None:
    """Each operator compares a status with a number as Python does."""
    scope = answered(status)
    for sign in ("==", "!=", "<", "<=", ">", ">="):
        assert holds(f"$statusCode {sign} {other}", scope) == eval(f"{status} {sign} {other}")


@given(st.lists(st.booleans(), min_size=3, max_size=3))
def test_signs_bind_as_in_other_languages(values: list[bool]) -> None:
    """`!` binds closest, `&&` before `||`, and brackets before all."""
    a, b, c = values
    scope = answered(a=a, b=b, c=c)
    assert holds("$inputs.a || $inputs.b && !$inputs.c", scope) == (a or (b and not c))
    assert holds("($inputs.a || $inputs.b) && !$inputs.c", scope) == ((a or b) and not c)
    assert holds("!($inputs.a && $inputs.b) || $inputs.c", scope) == (not (a and b) or c)


@given(st.text(st.characters(codec="ascii", exclude_characters="\n"), max_size=10))
def test_texts_are_compared_whatever_the_case_of_letters(text: str) -> None:
    """A text equals itself in capitals; a quote in it is written twice."""
    quoted = text.upper().replace("'", "''")
    assert holds(f"$inputs.x == '{quoted}'", answered(x=text))
    assert not holds(f"$inputs.x == '{quoted}?'", answered(x=text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$response.body#/count == 3", True),
        ("$response.body#/count == '3'", True),
        ("$response.body.count >= 2.5", True),
        ("$response.body#/ok == true", True),
        ("$response.body#/ok == 1", False),
        ("$response.body#/ok", True),
        ("!$response.body#/none", True),
        ("$response.body#/none == null", True),
        ("$response.body#/missing == null", True),
        ("$response.body#/missing != 'x'", True),
        ("$response.body#/missing < 3", False),
        ("$response.body#/word > 3", False),
        ("$response.body.items[1].id == 8", True),
        ("{$statusCode == 200}", True),
        ("$statusCode==200&&$response.body#/count==3", True),
        ("$response.body#/when > '2025-01-01'", True),
    ],
)
def test_loose_comparisons(text: str, expected: bool) -> None:
    """Numbers in texts are numbers, what is missing is null, and what cannot be ordered is not."""
    body = b'{"count": 3, "ok": true, "none": null, "word": "x", "items": [{}, {"id": 8}], "when": "2025-06-01"}'
    assert holds(text, answered(body=body)) is expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "$statusCode ==",
        "== 3",
        "$statusCode = 200",
        '$response.body#/a == "x"',
        "($statusCode == 2",
        "1 2",
        "a == b",
    ],
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    """A condition that cannot be read is refused, and what is allowed is said."""
    with pytest.raises(MisfitError):
        condition(text, Names())


@pytest.mark.parametrize(
    ("given_as", "expected"),
    [
        ({"context": "$url", "condition": "/login", "type": "regex"}, True),
        ({"context": "$url", "condition": "^/login", "type": "regex"}, False),
        ({"context": "$statusCode", "condition": "^2\\d\\d$", "type": "regex"}, True),
        ({"context": "$response.body", "condition": "$.pets[?@.age > 3]", "type": "jsonpath"}, True),
        ({"context": "$response.body", "condition": "$.pets[?@.age > 9]", "type": "jsonpath"}, False),
        ({"context": "$response.body", "condition": "$[?count(@.*) > 1]", "type": "jsonpath"}, True),
        ({"context": "$response.body#/missing", "condition": "$.x", "type": "jsonpath"}, False),
    ],
)
def test_conditions_with_a_context(given_as: dict[str, Any], expected: bool) -> None:
    """Regular expressions and JSONPath (RFC 9535) are applied to their context."""
    test = criterion(Criterion.model_validate(given_as), Names())
    assert test(answered(body=b'{"pets": [{"age": 5}, {"age": 1}]}')) is expected


@pytest.mark.parametrize(
    ("path", "expected"), [("//p[@class='ok']", True), ("//p[@class='no']", False), ("count(//p) = 2", True)]
)
def test_xpath(path: str, expected: bool) -> None:
    """An XPath holds where it finds something, or is true."""
    test = criterion(Criterion(context="$response.body", condition=path, type="xpath"), Names())
    assert test(answered(body=b"<p class='ok'>a<p>b", kind="text/html")) is expected
    assert not test(answered(body=b"", kind="text/html"))


def test_xpath_in_xml() -> None:
    """An XML document is read as XML, with names as they are."""
    test = criterion(Criterion(context="$response.body", condition="/Order[State = 'Done']", type="xpath"), Names())
    assert test(answered(body=b"<?xml version='1.0'?><Order><State>Done</State></Order>", kind="application/xml"))
    assert not test(answered(body=b"<?xml version='1.0'?><Order><State>Done", kind="application/xml"))


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("regex", "(", "not a regular expression"),
        ("jsonpath", "$[", "not a JSONPath"),
        ("xpath", "//[", "not an XPath"),
    ],
)
def test_what_cannot_be_compiled_is_refused(kind: Any, text: str, said: str) -> None:
    """A condition in a language of its own is compiled when the document is read."""
    with pytest.raises(MisfitError, match=said):
        criterion(Criterion(context="$response.body", condition=text, type=kind), Names())
    with pytest.raises(MisfitError, match="needs a context"):
        criterion(Criterion(condition=text, type=kind), Names())
