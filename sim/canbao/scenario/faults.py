"""Faults in plain words: what the system, tomllib and pydantic complain about, said to the writer of the file.

pydantic locates an error by names that are partly its own: the kind of a channel, the label of an alternative. The
JSON Schema of the model tells which parts of a location are keys in the file, and which names are known there.
"""

from __future__ import annotations

import json
import re
import tomllib
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from canbao.errors import Fault

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from canbao.scenario.source import Source

__all__ = [
    "MANY_DIGITS",
    "SHOWN",
    "KeyPath",
    "dotted",
    "faults_of",
    "inline",
    "nearest",
    "opening_problem",
    "syntax_fault",
]

KeyPath = tuple[str | int, ...]
"""A path of keys; an element of an array by its index, from 0."""

SHOWN = 60
"""How many characters of a value a message shows."""

MANY_DIGITS = re.compile(r"[0-9][0-9_]{4000}")
"""A number that Python refuses to read."""

_NAMES_SHOWN = 20

# ---------------------------------------------------------------------------------------------------------------------
# Words
# ---------------------------------------------------------------------------------------------------------------------

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Give the known name that looks most like a word, or None if none comes near."""
    plain = {name.casefold().replace("-", "_"): name for name in reversed(list(known))}
    close = get_close_matches(word[:SHOWN].casefold().replace("-", "_"), plain, n=1, cutoff=0.6)
    return plain[close[0]] if close else None


def dotted(path: Iterable[str | int]) -> str:
    """Write a path as a dotted key, quoted where TOML asks for it."""
    return ".".join(_key_text(part) for part in path)


def _key_text(part: str | int) -> str:
    text = str(part)
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def inline(value: object, limit: int = SHOWN) -> str:
    """Write a value as TOML would, on one line, cut to `limit` characters: for messages, not for files."""
    text = _inline(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _inline(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        # Python refuses to write numbers of thousands of digits in decimal.
        return str(value) if abs(value) < 2**64 else f"{value:#x}"
    if isinstance(value, str):
        return json.dumps(value[: 2 * SHOWN], ensure_ascii=False)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_inline(item) for item in islice(value, SHOWN))}]"
    if isinstance(value, dict):
        pairs = (f"{_key_text(key)} = {_inline(item)}" for key, item in islice(value.items(), SHOWN))
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    return str(value)


def _either(words: Iterable[str]) -> str:
    """Join alternatives: `a, b or c`."""
    unique = list(dict.fromkeys(word for word in words if word))
    if len(unique) > _NAMES_SHOWN:
        return f"{', '.join(unique[:_NAMES_SHOWN])} …"
    return " or ".join([", ".join(unique[:-1]), unique[-1]]) if len(unique) > 1 else "".join(unique)


# ---------------------------------------------------------------------------------------------------------------------
# The system and tomllib
# ---------------------------------------------------------------------------------------------------------------------


def opening_problem(error: OSError | ValueError) -> str:
    """Say why a file could not be opened."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "this is a folder, not a file"
    if isinstance(error, PermissionError):
        return "there is no permission to read it"
    return f"it cannot be opened ({getattr(error, 'strerror', None) or error})"


_POSITION = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_TUPLE = re.compile(r"\((?:'[^']*',? ?)+\)")
_QUOTES = 'text and durations stand in quotes, such as "8 min"'
_PLAINER = {
    "Invalid value": ("this is not a value", _QUOTES),
    "Expected newline or end of document after a statement": ("something stands behind the value", _QUOTES),
    "Expected '=' after a key in a key/value pair": ("a key without `= value`", "write key = value"),
    "Invalid statement": ("this is neither a key, a [table] nor a # comment", "write key = value"),
    "Cannot overwrite a value": ("a key that already has a value", "remove one of the two"),
    "Unclosed array": ("a list that is not closed", "separate values by commas and end with ]"),
    "Unclosed inline table": ("a table in { } that is not closed", "keep it on one line, with commas between"),
    "Unterminated string": ("a text without closing quotes", ""),
    "Illegal character '\\n'": ("a text without closing quotes", ""),
    "Found invalid character '\\n'": ("a text without closing quotes", ""),
}


def syntax_fault(text: str, file: str, error: ValueError) -> Fault:
    """Put what tomllib says about a text in plainer words, with the line on which it stands."""
    message = str(error)
    found = _POSITION.search(message)
    if found is None:
        digits = MANY_DIGITS.search(text)
        line = text.count("\n", 0, digits.start()) + 1 if digits else None
        return Fault(file, line, "", "a number with too many digits", allowed="whole numbers of up to 64 bits")
    line = int(found[1]) if found[1] else text.rstrip().count("\n") + 1
    message = message[: found.start()]
    problem, hint = _PLAINER.get(message, (_TUPLE.sub(_tuple_text, message), ""))
    given = "".join(sign if sign.isprintable() else "�" for sign in text.split("\n")[line - 1].strip()[:SHOWN])
    return Fault(file, line, "", f"not TOML: {problem[0].lower()}{problem[1:]}", given, hint=hint)


def _tuple_text(found: re.Match[str]) -> str:
    return dotted(re.findall(r"'([^']*)'", found[0]))


# ---------------------------------------------------------------------------------------------------------------------
# pydantic
# ---------------------------------------------------------------------------------------------------------------------

_Node = Mapping[str, Any]
"""A part of a JSON Schema."""


def faults_of(error: ValidationError, source: Source, model: object, at: KeyPath = ()) -> tuple[Fault, ...]:
    """Give the faults that a validation error names, ordered by file and line.

    Parameters
    ----------
    error
        What `model` raised.
    source
        The scenario that was validated.
    model
        The pydantic model, any type that pydantic can validate, or the JSON Schema of one.
    at
        The path of the part of the scenario that was validated, where that was not all of it.
    """
    shape = _Shape(model)
    data = _follow(source.data, at)
    details = error.errors(include_url=False)
    spots = [(detail, shape.spot(detail, data, at)) for detail in details]
    found = [(spot, fault) for detail, spot in spots for fault in _faults(detail, spot, shape, source)]
    order = {file: index for index, file in enumerate(source.files)}
    faults = dict.fromkeys(_settle(found))
    return tuple(sorted(faults, key=lambda fault: (order.get(fault.file, len(order)), fault.line or 0, fault.key)))


@dataclass(frozen=True)
class _Spot:
    """Where an error stands."""

    path: KeyPath
    """The keys as the user wrote them."""
    here: Sequence[_Node]
    """What the schema says about the value; several nodes where alternatives are not told apart by a kind."""
    parents: Sequence[_Node]
    """What it says about the table around it."""
    union: KeyPath | None = None
    """The value that has alternatives, where the error belongs to one of them."""
    label: str = ""
    """Which of them."""


_NAME_ITSELF = "[key]"  # pydantic's way to say that the name of a key, not its value, is wrong


class _Shape:
    """The JSON Schema of a model, to be walked along the location of an error."""

    def __init__(self, model: object) -> None:
        self._root = _json_schema(model)
        self._definitions: Mapping[str, _Node] = self._root.get("$defs", {})

    def spot(self, detail: ErrorDetails, data: object, at: KeyPath) -> _Spot:
        """Walk along a location, and tell keys from the labels that pydantic mixes in."""
        spot = _Spot(at, [self._root], [])
        lost = len(detail["loc"]) if detail["type"] == "missing" else 0  # the last part is a key that is not there
        for count, part in enumerate(detail["loc"], start=1):
            here = [self.plain(node) for node in spot.here]
            chosen = [self._chosen(node, data) for node in here]
            options = [branch for node in here for branch in _branches(node, part)]
            known = [child for node in chosen for child in _children(node, part)]
            value = _follow(data, (part,))
            written = value is not _NOTHING
            if part == _NAME_ITSELF:
                return replace(spot, here=[])
            if _is_tag(part, here, data) and not (known and value is detail["input"]):
                spot = replace(spot, here=chosen)
            elif (known and written) or (not options and (known or written or count == lost)):
                spot, data = replace(spot, path=(*spot.path, part), here=known, parents=chosen), value
            elif options:
                union = spot.path if spot.union is None else spot.union
                spot = replace(spot, here=options, union=union, label=spot.label or str(part))
        return spot

    def _chosen(self, node: _Node, data: object) -> _Node:
        """Follow the `kind` that a table states, if it is a known one."""
        reference = _kinds(node).get(str(_follow(data, (_discriminator(node),))))
        return self.plain({"$ref": reference}) if reference else node

    def plain(self, node: _Node) -> _Node:
        """Follow references, and take the one form out of `X or nothing`."""
        while True:
            reference, forms = node.get("$ref"), _forms(node)
            if reference:
                rest = {key: value for key, value in node.items() if key != "$ref"}
                node = {**self._definitions.get(str(reference).rpartition("/")[2], {}), **rest}
            elif len(forms) == 1:
                node = {**{key: value for key, value in node.items() if key not in ("anyOf", "oneOf")}, **forms[0]}
            else:
                return node

    def words(self, node: _Node) -> str:
        """Say what is allowed, in the words of TOML."""
        node = self.plain(node)
        if values := _values(node):
            return _either(map(inline, values))
        if kinds := _kinds(node):
            return f"a table with {_discriminator(node)} = {_either(map(inline, kinds))}"
        if forms := _forms(node):
            return _either(self.words(form) for form in forms)
        return _simple_words(node)


def _json_schema(model: object) -> _Node:
    if isinstance(model, Mapping):
        return model
    return _schema_of_class(model) if isinstance(model, type) else _schema_of(model)


@lru_cache(maxsize=64)
def _schema_of_class(model: type) -> _Node:
    # It takes longer to make than a file to be read. What is no class, such as an annotated type, may have no hash.
    return _schema_of(model)


def _schema_of(model: object) -> _Node:
    from pydantic import PydanticUserError, TypeAdapter

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about defaults that JSON cannot write; none is of interest here
            schema: _Node = TypeAdapter(cast(Any, model)).json_schema()
            return schema
    except PydanticUserError:
        return {}  # a plugin's model without a schema: the file itself still tells keys from labels


class _Nothing:
    """Stands for a value that is not there, as None is a value."""


_NOTHING = _Nothing()


def _follow(data: object, path: KeyPath) -> object:
    for part in path:
        if isinstance(data, dict):
            data = data.get(part, _NOTHING)
        elif isinstance(data, list) and isinstance(part, int) and 0 <= part < len(data):
            data = data[part]
        else:
            return _NOTHING
    return data


def _children(node: _Node, part: str | int) -> list[_Node]:
    """Give what a schema says about one key of a table or one element of a list."""
    if isinstance(part, int):
        first = node.get("prefixItems", [])
        found = first[part] if part < len(first) else node.get("items")
        return [found] if isinstance(found, Mapping) else []
    if part in node.get("properties", {}):
        return [node["properties"][part]]
    free = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
    return [found for found in free if isinstance(found, Mapping)]


def _values(node: _Node) -> Sequence[object]:
    values: Sequence[object] = [node["const"]] if "const" in node else node.get("enum", ())
    return values


def _forms(node: _Node) -> list[_Node]:
    return [form for form in node.get("oneOf", node.get("anyOf", ())) if form.get("type") != "null"]


def _branches(node: _Node, label: str | int) -> list[_Node]:
    """Give the alternatives that a label can mean where no kind tells them apart: a model by its name, or all."""
    forms = [] if _kinds(node) else _forms(node)
    return [form for form in forms if form.get("$ref") == f"#/$defs/{label}"] or forms


def _is_tag(part: str | int, here: Sequence[_Node], data: object) -> bool:
    """Say whether a part of a location is the kind of the table, which pydantic's own unions put there."""
    return any(_kinds(node) and _follow(data, (_discriminator(node),)) == part for node in here)


def _kinds(node: _Node) -> Mapping[str, str]:
    kinds: Mapping[str, str] = node.get("discriminator", {}).get("mapping", {})
    return kinds


def _discriminator(node: _Node) -> str:
    return str(node.get("discriminator", {}).get("propertyName", "kind"))


_NOUNS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "array": "a list",
    "object": "a table",
}
_FORMATS = {
    "date": "a date such as 2025-12-31",
    "time": "a time of day such as 08:30:00",
    "date-time": "a date with a time such as 2025-12-31T08:30:00",
}
_BOUNDS = (
    ("minimum", "at least"),
    ("exclusiveMinimum", "more than"),
    ("maximum", "at most"),
    ("exclusiveMaximum", "less than"),
)


def _simple_words(node: _Node) -> str:
    noun = _FORMATS.get(str(node.get("format"))) or _NOUNS.get(str(node.get("type")), "")
    bounds = [f"{words} {_number(node[bound])}" for bound, words in _BOUNDS if bound in node]
    examples = f" such as {_either(map(inline, node['examples']))}" if noun and node.get("examples") else ""
    return f"{noun}{examples}{', ' if noun and bounds else ''}{' and '.join(bounds)}"


def _number(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, int | float) else str(value)


@dataclass(frozen=True)
class _Saying:
    """What to say about one error, without its place."""

    problem: str
    allowed: str = ""
    hint: str = ""
    below: KeyPath = ()
    """The key meant, below the value that pydantic names."""
    show: bool = True
    """Whether to show what was given."""


def _faults(detail: ErrorDetails, spot: _Spot, shape: _Shape, source: Source) -> Sequence[Fault]:
    """Give the fault of one error, or those of the file that its value names."""
    elsewhere: Sequence[Fault] = getattr(detail.get("ctx", {}).get("error"), "faults", ())
    return elsewhere or [_fault(detail, spot, shape, source)]


def _fault(detail: ErrorDetails, spot: _Spot, shape: _Shape, source: Source) -> Fault:
    saying = _say(detail, spot, shape)
    path = (*spot.path, *saying.below)
    place = source.place(path)
    value = _follow(detail["input"], saying.below)
    given = inline(value) if saying.show and value is not _NOTHING else ""
    return Fault(place.file, place.line, dotted(path), saying.problem, given, saying.allowed, saying.hint)


def _say(detail: ErrorDetails, spot: _Spot, shape: _Shape) -> _Saying:
    kind = detail["type"]
    say = _SAY.get(kind) or (_say_type if kind in _NEEDED else _say_limit if kind in _LIMITS else _say_message)
    return say(detail, spot, shape)


def _allowed(spot: _Spot, shape: _Shape) -> str:
    return _either(shape.words(node) for node in spot.here)


def _did_you_mean(word: object, known: Iterable[object]) -> str:
    close = nearest(word, [name for name in known if isinstance(name, str)]) if isinstance(word, str) else None
    return f"did you mean {inline(close)}?" if close else ""


def _say_missing(_: ErrorDetails, spot: _Spot, shape: _Shape) -> _Saying:
    return _Saying("is missing", _allowed(spot, shape), show=False)


def _say_unknown(_: ErrorDetails, spot: _Spot, __: _Shape) -> _Saying:
    known = [name for node in spot.parents for name in node.get("properties", ())]
    close = nearest(str(spot.path[-1]), known)
    hint = f"did you mean {_key_text(close)}?" if close else ""
    return _Saying("there is no such key here", _either(map(_key_text, known)), hint, show=False)


def _say_kind(detail: ErrorDetails, spot: _Spot, shape: _Shape) -> _Saying:
    key = detail.get("ctx", {}).get("discriminator", "'kind'").strip("'")
    kinds = [kind for node in spot.here for kind in _kinds(shape.plain(node))]
    allowed = _either(map(inline, kinds))
    if key.endswith("()"):  # a function of the model tells the kinds apart; there is no key to name
        return _Saying(_NO_FORM, allowed)
    value = _follow(detail["input"], (key,))
    if value is _NOTHING:
        return _Saying("is missing", allowed, below=(key,))
    return _Saying(f"there is no such {key}", allowed, _did_you_mean(value, kinds), below=(key,))


def _say_choice(detail: ErrorDetails, spot: _Spot, shape: _Shape) -> _Saying:
    values = [value for node in spot.here for value in _values(shape.plain(node))]
    allowed = _allowed(spot, shape) or str(detail.get("ctx", {}).get("expected", ""))
    return _Saying("is not one of the allowed values", allowed, _did_you_mean(detail["input"], values))


def _say_own(detail: ErrorDetails, spot: _Spot, shape: _Shape) -> _Saying:
    """Say what a validator of ours or of a plugin says; see `MisfitError` for what it may add."""
    error = detail.get("ctx", {}).get("error")
    below = tuple(getattr(error, "below", ()))
    return _Saying(
        str(error or "").rstrip(".") or "does not fit",
        getattr(error, "allowed", ""),
        getattr(error, "hint", ""),
        below,
        show=bool(below) or not isinstance(detail["input"], dict),
    )


def _say_limit(detail: ErrorDetails, spot: _Spot, shape: _Shape) -> _Saying:
    problem, template = _LIMITS[detail["type"]]
    context = {name: _number(bound) for name, bound in detail.get("ctx", {}).items()}
    limit, allowed = template.format_map(defaultdict(str, context)), _allowed(spot, shape)
    return _Saying(problem, allowed if limit in allowed else limit)


def _say_type(detail: ErrorDetails, spot: _Spot, shape: _Shape) -> _Saying:
    value, needed = detail["input"], _NEEDED[detail["type"]]
    meant = _what(_unquoted(value)) if isinstance(value, str) else ""
    hint = ""
    if meant == needed or (needed == "a number" and meant.endswith("number")):
        hint = "write it without quotes"
    elif needed == "text" and not isinstance(value, dict | list):
        hint = "write it in quotes"
    return _Saying(f"is {_what(value)} where {needed} is needed", _allowed(spot, shape) or needed, hint)


def _say_message(detail: ErrorDetails, spot: _Spot, shape: _Shape) -> _Saying:
    """Say what pydantic says, where nothing here knows better."""
    context = detail.get("ctx", {})
    message = re.sub(r"^(Input|Value) ", "", detail["msg"]).rstrip(".")
    allowed = str(context.get("allowed", _allowed(spot, shape)))
    return _Saying(message[:1].lower() + message[1:], allowed, str(context.get("hint", "")))


_NO_FORM = "has none of the forms that are allowed here"
_SAY: Mapping[str, Callable[[ErrorDetails, _Spot, _Shape], _Saying]] = {
    "missing": _say_missing,
    "extra_forbidden": _say_unknown,
    "union_tag_invalid": _say_kind,
    "union_tag_not_found": _say_kind,
    "literal_error": _say_choice,
    "enum": _say_choice,
    "value_error": _say_own,
    "assertion_error": _say_own,
}
_NEEDED = {
    **dict.fromkeys(["int_type", "int_from_float"], "a whole number"),
    **dict.fromkeys(["list_type", "tuple_type", "set_type", "frozen_set_type"], "a list"),
    **dict.fromkeys(["dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type"], "a table"),
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "date_type": "a date",
    "time_type": "a time of day",
    "datetime_type": "a date with a time",
}
_LIMITS = {
    "greater_than": ("is too small", "more than {gt}"),
    "greater_than_equal": ("is too small", "at least {ge}"),
    "less_than": ("is too large", "less than {lt}"),
    "less_than_equal": ("is too large", "at most {le}"),
    "multiple_of": ("is not a multiple of what is needed", "a multiple of {multiple_of}"),
    "finite_number": ("is not a finite number", ""),
    "too_short": ("has too few entries", "at least {min_length}"),
    "too_long": ("has too many entries", "at most {max_length}"),
    "string_too_short": ("is too short a text", "a length of at least {min_length}"),
    "string_too_long": ("is too long a text", "a length of at most {max_length}"),
    "string_pattern_mismatch": ("is not written as it should be", "text of the form {pattern}"),
}


_WHAT: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a decimal number"),
    (str, "text"),
    (list, "a list"),
    (dict, "a table"),
    (datetime, "a date with a time"),
    (date, "a date"),
    (time, "a time of day"),
)


def _what(value: object) -> str:
    return next((words for kind, words in _WHAT if isinstance(value, kind)), "something else")


def _unquoted(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _settle(found: Iterable[tuple[_Spot, Fault]]) -> Iterable[Fault]:
    """Where a value has alternatives, pydantic names the faults of each; keep what helps."""
    groups: dict[KeyPath, list[tuple[_Spot, Fault]]] = defaultdict(list)
    for spot, fault in found:
        if spot.union is None:
            yield fault
        else:
            groups[spot.union].append((spot, fault))
    for union, group in groups.items():
        yield from _closest(union, group)


def _closest(union: KeyPath, group: Sequence[tuple[_Spot, Fault]]) -> list[Fault]:
    inside = [(spot, fault) for spot, fault in group if len(spot.path) > len(union)]
    if inside:
        counts = Counter(spot.label for spot, _ in inside)
        best = min(counts, key=lambda label: counts[label])
        return [fault for spot, fault in inside if spot.label == best]
    first = group[0][1]
    allowed = _either(fault.allowed for _, fault in group)
    return [replace(first, problem=_NO_FORM, allowed=allowed)] if len(group) > 1 else [first]
