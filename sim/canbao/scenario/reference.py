"""The reference of scenario files: every table, key, default and grade as Markdown, from the models and the plugins.

``python -m canbao.scenario.reference > docs/reference-scenario.md`` writes the page of the built-in plugins.
"""

from __future__ import annotations

import datetime as dt
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from canbao.disciplines import Discipline
from canbao.plugins import NO_PLUGINS, Plugins, load_plugins
from canbao.scenario.faults import inline
from canbao.scenario.models import PLUGGED, Settings
from canbao.scenario.quantities import MOST, Duration, Share, Span, WorkingSpan, format_duration
from canbao.scenario.scenario import Scenario, models_of
from canbao.scenario.staffing import HoursText

__all__ = ["main", "reference"]

_HEAD = """\
<!-- Written by `python -m canbao.scenario.reference > docs/reference-scenario.md`; do not edit it by hand. -->

# Reference: the scenario file

A scenario is one TOML file. This page lists every table and key of it, with what the built-in plugins add. It is
written from the models that check the file:

```console
$ python -m canbao.scenario.reference > docs/reference-scenario.md
```

`canbao scenario check FILE` tells all faults of a file at once. `canbao scenario schema` prints the same models as a
JSON Schema, with which an editor can complete keys.

## How values are written

| word on this page | how it is written | examples |
|---|---|---|
| duration | text: numbers with units, the largest unit first (ms, s, min, h, days, weeks) | `"8 min"`, `"1 h 30 min"` |
| time span | a duration, or working time | `"10 min"`, `"4 working hours"`, `"2 working days"` |
| share | a number from 0 to 1, or text in per cent | `0.73`, `"73 %"` |
| hours | a list of opening hours within one day; an empty list is a closed day | `["08:30-12:00", "14:00-17:30"]` |
| date | a TOML date, without quotes | `2025-12-31` |
| whole number | a number without a point, up to 1,000,000,000 | `7` |
| number | a number with or without a point, up to 1,000,000,000 | `0.6`, `2` |
| random duration | a table, see [random durations](#random-durations) | `{ kind = "fixed", value = "5 min" }` |

A key without a default must be given. *Grade* is the grade of evidence of the default: A official text, B press,
academic or named body, C question-and-answer pages, D derived by arithmetic, V checked by running code, E an estimate.
A default without a grade is a choice, not a fact. `<name>` stands for a name that you choose.
"""

_EXTENDS = """\
| `extends` | text | none | | Another scenario file, whose values hold where this one says nothing. |
"""

_PARTS = {
    "families": ("Families", "population"),
    "policies": ("Region policies", "policy"),
    "demands": ("Demand", "demand"),
    "choices": ("Choice of channel", "choice"),
    "channels": ("Channels", "channels.<name>"),
    "distributions": ("Random durations", "…"),
}
"""The tables of plugins: the title of each on the page, and where in a scenario file it stands."""


def reference(plugins: Plugins) -> str:
    """Give the reference of the scenario files that these plugins understand, as Markdown."""
    page = _Page()
    page.add_model(Scenario, "")
    page.lines.append("")
    for table, models in models_of(plugins).items():
        page.add_plugged(table, models)
    return _HEAD + page.text()


def main() -> None:
    """Print the reference of the built-in plugins."""
    print(reference(load_plugins(environment={NO_PLUGINS: "1"})), end="")


# --- the page ---------------------------------------------------------------------------------------------------------


@dataclass
class _Section:
    """One table of the file; several places may share its model."""

    model: type[Settings]
    places: list[str]


@dataclass
class _Page:
    """Sections in the order in which they are met."""

    lines: list[str] = field(default_factory=list)

    def text(self) -> str:
        return "\n".join(self.lines).rstrip("\n") + "\n"

    def add_model(self, model: type[Settings], place: str) -> None:
        """Write a model and, behind it, each model that stands inside it."""
        sections: dict[type[Settings], _Section] = {}
        _collect(model, place, sections)
        for section in sections.values():
            self.lines += ["", *_section(section)]

    def add_plugged(self, table: str, models: Mapping[str, type[Settings]]) -> None:
        title, place = _PARTS.get(table, (table, "…"))
        told = f"`[{place}]`, told apart" if place != "…" else "Told apart"
        self.lines += ["", f"## {title}", "", f"{told} by `kind`: {', '.join(f'`{kind}`' for kind in models)}."]
        for kind, model in models.items():
            sections: dict[type[Settings], _Section] = {}
            _collect(model, place, sections)
            own, *inner = sections.values()
            self.lines += ["", f"### {title}: kind = `{kind}`", "", _said(model), "", *_table(own.model)]
            for section in inner:
                self.lines += ["", *_section(section, level=4)]


def _collect(model: type[Settings], place: str, sections: dict[type[Settings], _Section]) -> None:
    """Find a model and the models inside it, each with all the places where it stands."""
    known = sections.setdefault(model, _Section(model, []))
    known.places.append(place)
    for name, info in model.model_fields.items():
        below = f"{place}.{name}" if place else name
        for inner, path in _inner_models(info.annotation, below):
            _collect(inner, path, sections)


def _inner_models(annotation: Any, place: str) -> Iterator[tuple[type[Settings], str]]:
    """Find the models that a field holds, not those which a plugin gives."""
    if inspect.isclass(annotation) and issubclass(annotation, Settings):
        yield annotation, place
        return
    paths: dict[Any, str] = {dict: f"{place}.<name>", list: f"[{place}]"}
    path = paths.get(get_origin(annotation), place)
    for part in get_args(annotation):
        yield from _inner_models(part, path)


def _section(section: _Section, level: int = 2) -> list[str]:
    places = [f"`[{place}]`" for place in section.places if place]
    title = ", ".join(places) or "The file as a whole"
    kind = section.model.model_fields.get("kind")
    if kind is not None:
        title += f", kind = `{get_args(kind.annotation)[0]}`"
    return [f"{'#' * level} {title}", "", _said(section.model), "", *_table(section.model)]


def _said(model: type[Settings]) -> str:
    """Give a model's docstring in one paragraph a block, as it stands."""
    return inspect.getdoc(model) or ""


def _table(model: type[Settings]) -> list[str]:
    schema = model.model_json_schema()
    rows = ["| key | value | default | grade | meaning |", "|---|---|---|---|---|"]
    for name, info in model.model_fields.items():
        words = _words(schema["properties"][name], schema.get("$defs", {}))
        rows.append(f"| `{name}` | {words} | {_default(info)} | {_grade(info)} | {_cell(info.description or '')} |")
    if model is Scenario:
        rows.append(_EXTENDS.rstrip("\n"))
    return rows


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _grade(info: FieldInfo) -> str:
    extra = info.json_schema_extra
    return str(extra.get("grade", "")) if isinstance(extra, Mapping) else ""


# --- what may stand there ---------------------------------------------------------------------------------------------

_Node = Mapping[str, Any]

_PLURAL = re.compile(r"^(whole number|number|table|date|text|share|duration)\b")
"""Words that stand at the beginning of what an element of a list is."""

_KNOWN: dict[str, Any] = {
    "duration": Duration,
    "time span": WorkingSpan,
    "share": Share,
    "hours": HoursText,
}


def _known(node: _Node) -> str:
    for words, type_ in _KNOWN.items():
        schema = TypeAdapter(type_).json_schema()
        if all(node.get(key) == value for key, value in schema.items()):
            return words
    return ""


def _words(node: _Node, definitions: _Node) -> str:
    """Say in words what a part of a JSON Schema allows."""
    if known := _known(node):
        return known
    for key, say in _SAYERS.items():
        if key in node:
            return say(node, definitions)
    return str(node.get("type", "anything"))


def _reference_words(node: _Node, definitions: _Node) -> str:
    return _words({"properties": {}, **definitions[node["$ref"].rsplit("/", 1)[1]]}, definitions)


def _plugged_words(node: _Node, _: _Node) -> str:
    if node[PLUGGED] == "disciplines":
        return ", ".join(f'`"{name}"`' for name in get_args(Discipline)) + " or the name of a plugin's"
    title, _place = _PARTS[node[PLUGGED]]
    what = "random duration" if node[PLUGGED] == "distributions" else "table"
    return f"{what}, [by kind](#{title.lower().replace(' ', '-')})"


def _any_words(node: _Node, definitions: _Node) -> str:
    some = [_words(option, definitions) for option in node.get("anyOf", node.get("oneOf", ()))]
    return " or ".join(dict.fromkeys(words for words in some if words != "null"))


def _literal(value: object) -> str:
    return f"`{inline(value)}`"


def _typed_words(node: _Node, definitions: _Node) -> str:
    match node["type"]:
        case "array":
            return _array_words(node, definitions)
        case "object" if isinstance(inner := node.get("additionalProperties"), Mapping):
            return f"table by name: {_words(inner, definitions)}"
        case "object":
            return "table"
        case "string":
            return "date" if node.get("format") == "date" else "text"
        case "integer" | "number" as kind:
            return ("whole number" if kind == "integer" else "number") + _limits(node)
        case kind:
            return {"boolean": "`true` or `false`"}.get(kind, str(kind))


def _array_words(node: _Node, definitions: _Node) -> str:
    fewest, most = node.get("minItems"), node.get("maxItems")
    count = f"{fewest} " if fewest is not None and fewest == most else ""
    inner = _words(node.get("items", {}), definitions)
    return f"list of {count}{_PLURAL.sub(_plural, inner)}"


def _plural(found: re.Match[str]) -> str:
    return f"{found[0]}s"


def _limits(node: _Node) -> str:
    signs = {"exclusiveMinimum": "above", "minimum": "from", "exclusiveMaximum": "below", "maximum": "to"}
    said = [f"{sign} {node[key]:,}" for key, sign in signs.items() if key in node and node[key] != MOST]
    return f" {' '.join(said)}" if said else ""


_SAYERS: dict[str, Callable[[_Node, _Node], str]] = {
    "$ref": _reference_words,
    PLUGGED: _plugged_words,
    "const": lambda node, _: _literal(node["const"]),
    "enum": lambda node, _: " or ".join(map(_literal, node["enum"])),
    "anyOf": _any_words,
    "oneOf": _any_words,
    "type": _typed_words,
}
"""What is looked for in a schema, in this order, and who puts it in words."""


# --- what holds if nothing is said ------------------------------------------------------------------------------------


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return ""
    value = info.get_default(call_default_factory=True)
    if value is None or value in ("", [], (), {}):
        return "none"
    if isinstance(value, Settings) and "kind" not in type(value).model_fields:
        return "see below"
    return f"`{_cell(_written(value, info))}`"


def _written(value: Any, info: FieldInfo) -> str:
    """Write a default as it would stand in a file: seconds as a duration, hours as text."""
    if isinstance(value, Settings):
        fields = type(value).model_fields
        pairs = {name: getattr(value, name) for name in fields}
        return f"{{ {', '.join(f'{k} = {_written(v, fields[k])}' for k, v in pairs.items() if v is not None)} }}"
    if isinstance(value, Span):
        return _span(value)
    if _is(info, HoursText):
        return f"[{', '.join(_interval(*hours) for hours in value)}]"
    if _is(info, Duration):
        return f'"{format_duration(value)}"'
    return str(value) if isinstance(value, dt.date) else inline(value, limit=1000)


def _is(info: FieldInfo, type_: Any) -> bool:
    """Tell whether a field is written as this type: they have one schema in common."""
    wanted = TypeAdapter(type_).json_schema()
    schemas = [getattr(mark, "json_schema", None) for mark in _marks(info)]
    return any(schema is not None and schema == wanted for schema in schemas)


def _marks(info: FieldInfo) -> Iterator[Any]:
    """Give everything that annotates a field, in any part of it."""
    yield from info.metadata
    for part in get_args(info.annotation):
        yield from getattr(part, "__metadata__", ())


def _span(span: Span) -> str:
    if span.unit == "s":
        return f'"{format_duration(span.amount)}"'
    if span.unit == "working days":
        return f'"{span.amount:g} working days"'
    return f'"{span.amount / 3600:g} working hours"'


def _interval(start: float, end: float) -> str:
    return f'"{_clock(start)}-{_clock(end)}"'


def _clock(second: float) -> str:
    minutes = round(second / 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


if __name__ == "__main__":
    main()
