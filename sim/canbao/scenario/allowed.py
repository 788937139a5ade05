"""What may stand in a scenario file, in words: a part of a JSON Schema told to people, in their language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter

from canbao.disciplines import Discipline
from canbao.languages import Language, noted
from canbao.scenario.faults import inline
from canbao.scenario.models import PLUGGED
from canbao.scenario.quantities import MOST, Duration, Share, WorkingSpan
from canbao.scenario.staffing import HoursText

__all__ = ["PARTS", "allowed", "anchor"]

PARTS = {
    "families": (noted("Families"), "population"),
    "policies": (noted("Region policies"), "policy"),
    "demands": (noted("Demand"), "demand"),
    "choices": (noted("Choice of channel"), "choice"),
    "channels": (noted("Channels"), "channels.<name>"),
    "formalities": (noted("Formalities"), "formalities.<name>"),
    "distributions": (noted("Random durations"), "…"),
}
"""The tables of plugins: the title of each on the page, and where in a scenario file it stands."""

_Node = Mapping[str, Any]


def anchor(title: str) -> str:
    """Give the anchor of a heading."""
    return "#" + title.lower().replace(" ", "-")


def allowed(node: _Node, definitions: _Node, language: Language) -> str:
    """Say in words what a part of a JSON Schema allows.

    Parameters
    ----------
    node
        The part.
    definitions
        The models that it may refer to, by name.
    language
        The reader's.
    """
    for known, schema in _known_types().items():
        if all(node.get(key) == value for key, value in schema.items()):
            return language.say(known)
    for key, say in _SAYERS.items():
        if key in node:
            return say(node, definitions, language)
    return str(node.get("type", language.say("anything")))


@cache
def _known_types() -> Mapping[str, Mapping[str, Any]]:
    """Give the schemas of the types that have a word of their own."""
    types: Mapping[str, Any] = {
        noted("duration"): Duration,
        noted("time span"): WorkingSpan,
        noted("share"): Share,
        noted("hours"): HoursText,
    }
    return {word: TypeAdapter(type_).json_schema() for word, type_ in types.items()}


def _reference(node: _Node, definitions: _Node, language: Language) -> str:
    return allowed({"properties": {}, **definitions[node["$ref"].rsplit("/", 1)[1]]}, definitions, language)


def _plugged(node: _Node, _: _Node, language: Language) -> str:
    if node[PLUGGED] == "disciplines":
        names = ", ".join(f'`"{name}"`' for name in get_args(Discipline))
        return language.say("{names} or the name of a plugin's", names=names)
    title = language.say(PARTS[node[PLUGGED]][0])
    what = language.say("random duration") if node[PLUGGED] == "distributions" else language.say("table")
    return language.say("{what}, [by kind]({anchor})", what=what, anchor=anchor(title))


def _any_of(node: _Node, definitions: _Node, language: Language) -> str:
    some = [allowed(option, definitions, language) for option in node.get("anyOf", node.get("oneOf", ()))]
    return _or(dict.fromkeys(words for words in some if words != "null"), language)


def _or(words: Mapping[str, Any], language: Language) -> str:
    return language.say_as("between choices", " or ").join(words)


def _literal(value: object) -> str:
    return f"`{inline(value)}`"


_WORDS = {
    "object": noted("table"),
    "string": noted("text"),
    "integer": noted("whole number"),
    "number": noted("number"),
}
_FORMATS = {"date": noted("date"), "date-time": noted("date with a time")}


def _typed(node: _Node, definitions: _Node, language: Language) -> str:
    kind, inner = node["type"], node.get("additionalProperties")
    if kind == "array":
        return _array(node, definitions, language)
    if kind == "object" and isinstance(inner, Mapping):
        return language.say("table by name: {things}", things=allowed(inner, definitions, language))
    if kind == "boolean":
        return _or({"`true`": 0, "`false`": 0}, language)
    word = _FORMATS.get(node.get("format", ""), _WORDS.get(kind, str(kind)))
    return _limited(language.say(word), node, language)


_PLURAL = re.compile(r"^(whole number|number|table|date|text|share|duration)\b")
"""English words that stand at the beginning of what an element of a list is."""


def _array(node: _Node, definitions: _Node, language: Language) -> str:
    fewest, most = node.get("minItems"), node.get("maxItems")
    things = _PLURAL.sub(r"\1s", allowed(node.get("items", {}), definitions, language))
    if fewest is not None and fewest == most:
        return language.say("list of {count} {things}", count=fewest, things=things)
    return language.say("list of {things}", things=things)


_LIMITS = {
    "exclusiveMinimum": noted("above {number}"),
    "minimum": noted("from {number}"),
    "exclusiveMaximum": noted("below {number}"),
    "maximum": noted("to {number}"),
}


def _limited(kind: str, node: _Node, language: Language) -> str:
    said = [
        language.say(text, number=f"{node[key]:,}")
        for key, text in _LIMITS.items()
        if key in node and node[key] != MOST
    ]
    if not said:
        return kind
    limits = language.say_as("between limits", " ").join(said)
    return language.say("{kind} {limits}", kind=kind, limits=limits)


_SAYERS: dict[str, Callable[[_Node, _Node, Language], str]] = {
    "$ref": _reference,
    PLUGGED: _plugged,
    "const": lambda node, _, __: _literal(node["const"]),
    "enum": lambda node, _, language: _or(dict.fromkeys(map(_literal, node["enum"])), language),
    "anyOf": _any_of,
    "oneOf": _any_of,
    "type": _typed,
}
"""What is looked for in a schema, in this order, and who puts it in words."""
