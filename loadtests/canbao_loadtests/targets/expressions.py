"""Runtime expressions of Arazzo, compiled: `$inputs.x`, `$steps.a.outputs.b`, `$response.body#/pointer` and the rest.

What an expression names is looked up when the documents are read, as far as that can be known; what is left is a small
function of the scope. A value that is not there when it is needed is `MISSING`, in a request it is a `NoValueError`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from canbao.scenario.faults import nearest
from canbao.scenario.quantities import MisfitError
from canbao_loadtests.targets.documents import MISSING, follow, pointer_path
from canbao_loadtests.targets.scope import Scope

__all__ = [
    "Constant",
    "Getter",
    "Names",
    "NoValueError",
    "as_text",
    "constant",
    "expression",
    "filled",
    "inside",
    "is_constant",
    "is_expression",
    "template",
    "value_of",
]

Getter: TypeAlias = Callable[[Scope], Any]


class NoValueError(Exception):
    """A request needs a value that is not there."""

    def __init__(self, wanted: str) -> None:
        super().__init__(f"no value for {wanted}")
        self.wanted = wanted


@dataclass(frozen=True)
class Names:
    """What expressions may name; None where that is not known before."""

    inputs: Mapping[str, Any] | None = None
    steps: Mapping[str, Iterable[str] | None] | None = None
    """The outputs of each step of the workflow."""
    workflows: Mapping[str, Iterable[str]] | None = None
    """The outputs of each workflow."""
    outputs: Iterable[str] | None = None
    """What `$outputs` has here."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """The URL of each source description."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """The values of `components.parameters`."""
    used: set[str] = field(default_factory=set)
    """The inputs that were asked for, noted while expressions are compiled; `$response` and so on for all else."""


# ---------------------------------------------------------------------------------------------------------------------
# One expression
# ---------------------------------------------------------------------------------------------------------------------

_HEADS = (
    "url",
    "method",
    "statusCode",
    "request",
    "response",
    "inputs",
    "outputs",
    "steps",
    "workflows",
    "sourceDescriptions",
    "components",
)
_LOOKS = re.compile(r"\$[A-Za-z]+(?=[.\[]|$)")
_DESCENT = re.compile(r"\.([^.\[\]#]+)|\[(\d+)\]")


def is_expression(value: object) -> bool:
    """Say whether a value is a text that is an expression as a whole."""
    return isinstance(value, str) and _LOOKS.match(value) is not None


def expression(text: str, names: Names) -> Getter:
    """Compile an expression.

    Raises
    ------
    MisfitError
        If it is none, or names something that there is not; it says what there is.
    """
    head, _, rest = text[1:].partition(".")
    head = head.partition("[")[0]
    if head not in _HEADS or not text.startswith("$"):
        near = nearest(head, _HEADS)
        raise MisfitError(
            f"{text!r} is no runtime expression",
            allowed=", ".join(f"${name}" for name in _HEADS),
            hint=f"did you mean ${near}?" if near else "",
        )
    if head != "inputs":
        names.used.add(f"${head}")
    return _COMPILE[head](rest, names)


def _url(rest: str, names: Names) -> Getter:
    _nothing_behind("$url", rest)
    return lambda scope: scope.response.url or (scope.request.path if scope.request else MISSING)


def _method(rest: str, names: Names) -> Getter:
    _nothing_behind("$method", rest)
    return lambda scope: scope.request.method if scope.request else MISSING


def _status(rest: str, names: Names) -> Getter:
    _nothing_behind("$statusCode", rest)
    return lambda scope: scope.response.status or MISSING


def _nothing_behind(head: str, rest: str) -> None:
    if rest:
        raise MisfitError(f"nothing can stand behind {head}")


def _response(rest: str, names: Names) -> Getter:
    where, _, name = rest.partition(".")
    if where == "header" and name:
        return lambda scope: _or_missing(scope.response.header(name))
    return _body(rest, "$response", lambda scope: scope.body(), lambda scope: scope.json())


def _request(rest: str, names: Names) -> Getter:
    where, _, name = rest.partition(".")
    if where in ("header", "query", "path", "cookie") and name:
        key = (where, name.lower() if where == "header" else name)
        return lambda scope: scope.sent.get(key, MISSING)
    return _body(rest, "$request", _sent_body, _sent_body)


def _sent_body(scope: Scope) -> Any:
    body = scope.request.body if scope.request else b""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def _body(rest: str, of: str, whole: Getter, data: Getter) -> Getter:
    if not re.match(r"body($|[.#\[])", rest):
        raise MisfitError(f"{of}.{rest} is not known", allowed=f"{of}.header.NAME, {of}.body, {of}.body#/pointer")
    path = _descent(rest[4:])
    if not path:
        return whole
    return lambda scope: follow(data(scope), path)


def _descent(text: str) -> tuple[str, ...]:
    """Read what stands behind a name: `#/a/0`, `.a[0]`, or nothing."""
    front, sign, pointer = text.partition("#")
    try:
        behind = pointer_path(pointer) if sign else ()
    except ValueError as error:
        raise MisfitError(f"#{pointer}: {error}") from None
    steps = [match[1] or match[2] for match in _DESCENT.finditer(front)]
    if "".join(match[0] for match in _DESCENT.finditer(front)) != front:
        raise MisfitError(f"{text!r} leads nowhere", allowed=".name, [0] or #/pointer")
    return (*steps, *behind)


def _named(text: str, known: Iterable[str] | None, what: str) -> tuple[str, tuple[str, ...]]:
    """Cut a name off, the longest that is known, because names may hold dots."""
    front = text.partition("#")[0]
    cuts = [len(front)] + [match.start() for match in reversed(list(_DESCENT.finditer(front)))]
    if known is not None:
        cuts = [cut for cut in cuts if front[:cut] in set(known)]
        if not cuts:
            near = nearest(front, known)
            raise MisfitError(
                f"there is no {what} {front!r}",
                allowed=", ".join(sorted(known)) or "none",
                hint=f"did you mean {near!r}?" if near else "",
            )
        cut = cuts[0]
    else:
        cut = next((match.start() for match in _DESCENT.finditer(front)), len(front))
    if not front[:cut]:
        raise MisfitError(f"the name of the {what} is missing")
    return front[:cut], _descent(text[cut:])


def _inputs(rest: str, names: Names) -> Getter:
    if rest == "cookies" or rest.startswith(("cookies.", "cookies#")):
        names.used.add("$cookies")
        return _cookies(_descent(rest[len("cookies") :]))
    name, path = _named(rest, names.inputs, "input")
    names.used.add(name)
    if path:
        return lambda scope: follow(scope.inputs.get(name, MISSING), path)
    return _Input(name)


@dataclass(frozen=True)
class _Input:
    """An input as it is."""

    name: str

    def __call__(self, scope: Scope) -> Any:
        return scope.inputs.get(self.name, MISSING)


def _cookies(path: tuple[str, ...]) -> Getter:
    return lambda scope: follow(dict(scope.cookies()), path)


def _outputs(rest: str, names: Names) -> Getter:
    name, path = _named(rest, names.outputs, "output")
    return lambda scope: follow(scope.outputs.get(name, MISSING), path)


def _steps(rest: str, names: Names) -> Getter:
    step, _, behind = rest.partition(".")
    known = _known_outputs(step, names.steps, "step")
    word, _, output = behind.partition(".")
    if word != "outputs":
        raise MisfitError(f"$steps.{step}.{word} is not known", allowed=f"$steps.{step}.outputs.NAME")
    name, path = _named(output, known, f"output of step {step!r}")
    return lambda scope: follow(scope.steps.get(step, {}).get(name, MISSING), path)


def _workflows(rest: str, names: Names) -> Getter:
    workflow, _, behind = rest.partition(".")
    known = _known_outputs(workflow, names.workflows, "workflow")
    word, _, name = behind.partition(".")
    if word not in ("inputs", "outputs"):
        raise MisfitError(f"$workflows.{workflow}.{word} is not known", allowed="inputs or outputs")
    name, path = _named(name, known if word == "outputs" else None, f"output of workflow {workflow!r}")
    return lambda scope: follow(scope.workflows.get(workflow, {}).get(word, {}).get(name, MISSING), path)


def _known_outputs(name: str, table: Mapping[str, Iterable[str] | None] | None, what: str) -> Iterable[str] | None:
    if table is None:
        return None
    if name not in table:
        near = nearest(name, table)
        raise MisfitError(
            f"there is no {what} {name!r}",
            allowed=", ".join(table) or "none",
            hint=f"did you mean {near!r}?" if near else "",
        )
    return table[name]


def _sources(rest: str, names: Names) -> Getter:
    source, _, word = rest.partition(".")
    _known_outputs(source, dict.fromkeys(names.sources), "source description")
    if word != "url":
        raise MisfitError(f"$sourceDescriptions.{source}.{word} has no value", allowed="url")
    return constant(names.sources[source])


def _components(rest: str, names: Names) -> Getter:
    kind, _, name = rest.partition(".")
    if kind != "parameters":
        raise MisfitError(f"$components.{kind} has no value", allowed="$components.parameters.NAME")
    _known_outputs(name, dict.fromkeys(names.parameters), "parameter")
    return value_of(names.parameters[name], names)


_COMPILE: Mapping[str, Callable[[str, Names], Getter]] = {
    "url": _url,
    "method": _method,
    "statusCode": _status,
    "request": _request,
    "response": _response,
    "inputs": _inputs,
    "outputs": _outputs,
    "steps": _steps,
    "workflows": _workflows,
    "sourceDescriptions": _sources,
    "components": _components,
}


def _or_missing(value: Any) -> Any:
    return MISSING if value is None else value


# ---------------------------------------------------------------------------------------------------------------------
# Values with expressions in them
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Constant:
    """A value that depends on nothing."""

    value: Any

    def __call__(self, _: Scope) -> Any:
        """Give it."""
        return self.value


def constant(value: Any) -> Getter:
    """Make a getter of a value that depends on nothing."""
    return Constant(value)


def is_constant(getter: Getter) -> bool:
    """Say whether a getter depends on nothing."""
    return isinstance(getter, Constant)


def as_text(value: Any) -> str:
    """Write a value into a text, a query or a form: JSON's words for true, false and numbers, nothing for null."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


_EMBEDDED = re.compile(r"\{(\$[A-Za-z][^{}]*)\}")


def template(text: str, names: Names, write: Callable[[Any], str] = as_text) -> Getter:
    """Compile a text with `{$expressions}` in it; `write` says how their values are written."""
    pieces = _EMBEDDED.split(text)
    if len(pieces) == 1:
        return constant(text)
    # Every second piece is an expression.
    frame = "%s".join(piece.replace("%", "%%") for piece in pieces[::2])
    return filled(frame, [_needed(piece, names) for piece in pieces[1::2]], write)


def filled(frame: str, getters: Sequence[Getter], write: Callable[[Any], str]) -> Getter:
    """Make a getter of a text with a `%s` for each of some values; `write` says how they are written."""
    if len(getters) == 1:
        get = getters[0]
        return lambda scope: frame % (write(get(scope)),)
    return lambda scope: frame % tuple([write(get(scope)) for get in getters])


def value_of(value: Any, names: Names) -> Getter:
    """Compile a value: an expression, a text or an object with expressions in it; NoValueError where one is missing."""
    if is_expression(value):
        return _needed(value, names)
    if isinstance(value, str):
        return template(value, names)
    if isinstance(value, dict):
        return _object({key: _inside(key, item, names) for key, item in value.items()})
    if isinstance(value, list):
        return _array([_inside(index, item, names) for index, item in enumerate(value)])
    return constant(value)


@contextmanager
def inside(key: str | int) -> Iterator[None]:
    """Say of what does not fit in the block that it stands below a key."""
    try:
        yield
    except MisfitError as error:
        below = (key, *error.below)
        raise MisfitError(str(error), allowed=error.allowed, hint=error.hint, below=below) from None


def _inside(key: str | int, value: Any, names: Names) -> Getter:
    with inside(key):
        return value_of(value, names)


def _needed(text: str, names: Names) -> Getter:
    get = expression(text, names)
    if isinstance(get, _Input):
        return _needed_input(get.name, text)

    def needed(scope: Scope) -> Any:
        value = get(scope)
        if value is MISSING:
            raise NoValueError(text)
        return value

    return get if is_constant(get) else needed


def _needed_input(name: str, text: str) -> Getter:
    """Make a getter of an input without which a request cannot be written: they are most of what is looked up."""

    def needed(scope: Scope) -> Any:
        try:
            return scope.inputs[name]
        except KeyError:
            raise NoValueError(text) from None

    return needed


def _object(parts: Mapping[str, Getter]) -> Getter:
    if all(map(is_constant, parts.values())):
        return constant({key: part.value for key, part in parts.items() if isinstance(part, Constant)})
    pairs = tuple(parts.items())
    return lambda scope: {key: part(scope) for key, part in pairs}


def _array(parts: list[Getter]) -> Getter:
    if all(map(is_constant, parts)):
        return constant([part.value for part in parts if isinstance(part, Constant)])
    return lambda scope: [part(scope) for part in parts]
