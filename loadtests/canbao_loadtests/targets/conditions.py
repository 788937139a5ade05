"""Criteria of Arazzo, compiled: simple conditions, regular expressions, JSONPath and XPath."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from canbao.scenario.quantities import MisfitError
from canbao_loadtests.targets.documents import MISSING
from canbao_loadtests.targets.expressions import Getter, Names, as_text, expression
from canbao_loadtests.targets.scope import Scope
from canbao_loadtests.targets.selecting import json_path, x_path

if TYPE_CHECKING:
    from canbao_loadtests.targets.arazzo import Criterion

__all__ = ["Test", "all_of", "condition", "criterion"]

Test: TypeAlias = Callable[[Scope], bool]


def criterion(given: Criterion | int, names: Names) -> Test:
    """Compile a criterion; a number is a status.

    Raises
    ------
    MisfitError
        If its condition cannot be read or names something that there is not.
    """
    if isinstance(given, int):
        return lambda scope: scope.response.status == given
    kind = given.kind
    if kind == "simple":
        return condition(given.condition, names)
    if given.context is None:
        raise MisfitError(f"a condition of type {kind} needs a context", hint="for example context: $response.body")
    return _WITH_CONTEXT[kind](given.condition, expression(given.context, names))


def all_of(tests: Sequence[Test]) -> Test:
    """Give the test that all of some tests hold."""
    if len(tests) == 1:
        return tests[0]
    return lambda scope: all(test(scope) for test in tests)


def _regex(text: str, context: Getter) -> Test:
    try:
        search = re.compile(text).search
    except re.error as error:
        raise MisfitError(f"not a regular expression: {error}") from None
    return lambda scope: search(_written(context(scope))) is not None


def _written(value: Any) -> str:
    return "" if value is MISSING else as_text(value)


def _json_path(text: str, context: Getter) -> Test:
    find = json_path(text)
    return lambda scope: find(context(scope)) is not MISSING


def _x_path(text: str, context: Getter) -> Test:
    find = x_path(text)
    return lambda scope: bool(find(_written(context(scope))))


_WITH_CONTEXT: dict[str, Callable[[str, Getter], Test]] = {"regex": _regex, "jsonpath": _json_path, "xpath": _x_path}


# ---------------------------------------------------------------------------------------------------------------------
# Simple conditions
# ---------------------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.])"
    r"|(?P<sign>==|!=|<=|>=|&&|\|\||[<>!()])|(?P<expression>\$[^\s()<>=!&|]+)|(?P<word>true|false|null)\b)"
)
_LITERALS = {"true": True, "false": False, "null": None}


def condition(text: str, names: Names) -> Test:
    """Compile a simple condition, such as `$statusCode == 200 && $response.body#/ok == true`.

    Texts are compared whatever the case of their letters, a number with a text that is one as numbers. What is not
    there is null.
    """
    text = text.strip()
    if text.startswith("{") and text.endswith("}"):  # as an example of the specification writes it
        text = text[1:-1]
    reader = _Reader(text, names)
    value = reader.either()
    reader.end()
    return lambda scope: bool(value(scope))


class _Reader:
    """Reads a condition from left to right; `!` binds closest, then comparisons, `&&`, `||`."""

    def __init__(self, text: str, names: Names) -> None:
        self._names = names
        self._tokens = _tokens(text)
        self._at = 0

    def either(self) -> Getter:
        parts = self._joined("||", self.both)
        return parts[0] if len(parts) == 1 else lambda scope: any(part(scope) for part in parts)

    def both(self) -> Getter:
        parts = self._joined("&&", self.comparison)
        return parts[0] if len(parts) == 1 else lambda scope: all(part(scope) for part in parts)

    def comparison(self) -> Getter:
        left = self.single()
        compare = _COMPARE.get(self._sign())
        if compare is None:
            return left
        self._at += 1
        right = self.single()
        return lambda scope: compare(left(scope), right(scope))

    def single(self) -> Getter:
        kind, text = self._next()
        if text == "!" and kind == "sign":
            inner = self.single()
            return lambda scope: not inner(scope)
        if text == "(" and kind == "sign":
            inside = self.either()
            if self._next() != ("sign", ")"):
                raise MisfitError("a ( is not closed")
            return inside
        return self._value(kind, text)

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise MisfitError(f"{self._tokens[self._at][1]!r} stands where the condition should end", allowed=_FORMS)

    def _value(self, kind: str, text: str) -> Getter:
        if kind == "expression":
            get = expression(text, self._names)
            return lambda scope: None if (value := get(scope)) is MISSING else value
        if kind == "text":
            value: Any = text[1:-1].replace("''", "'")
        elif kind == "number":
            value = float(text)
        elif kind == "word":
            value = _LITERALS[text]
        else:
            raise MisfitError("a value is missing" + (f" before {text!r}" if text else ""), allowed=_FORMS)
        return lambda _: value

    def _joined(self, sign: str, read: Callable[[], Getter]) -> list[Getter]:
        parts = [read()]
        while self._sign() == sign:
            self._at += 1
            parts.append(read())
        return parts

    def _sign(self) -> str:
        kind, text = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        return text if kind == "sign" else ""

    def _next(self) -> tuple[str, str]:
        token = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        self._at += 1
        return token


_FORMS = "expressions, numbers, 'texts', true, false, null, == != < <= > >= ! && || ( )"


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            rest = text[at:].strip()
            hint = "texts stand in single quotes" if rest[0] == '"' or rest[0].isalpha() else ""
            raise MisfitError(f"{rest[:40]!r} cannot be read", allowed=_FORMS, hint=hint)
        tokens.append((str(match.lastgroup), match[0].strip()))
        at = match.end()
    return tokens


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """Bring two values to one type, where that makes sense."""
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold(), right.casefold()
    if isinstance(left, str) != isinstance(right, str):
        other = right if isinstance(left, str) else left
        if isinstance(other, bool):
            return as_text(left).casefold(), as_text(right).casefold()
        if isinstance(other, int | float):
            return _number(left), _number(right)
    return left, right


def _number(value: Any) -> Any:
    try:
        return float(value)
    except ValueError:
        return value


def _is_equal(left: Any, right: Any) -> bool:
    left, right = _alike(left, right)
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def ordered(left: Any, right: Any) -> bool:
        left, right = _alike(left, right)
        try:
            return compare(left, right)
        except TypeError:  # null, or a text that is no number
            return False

    return ordered


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": _is_equal,
    "!=": lambda left, right: not _is_equal(left, right),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
}
