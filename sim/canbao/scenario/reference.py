"""The reference of scenario files: every table, key, default and grade as Markdown, from the models and the plugins.

``python -m canbao.scenario.reference > docs/reference-scenario.md`` writes the page of the built-in plugins, and
``python -m canbao.scenario.reference --lang zh > docs/reference-scenario.zh.md`` the same in Chinese.
"""

from __future__ import annotations

import datetime as dt
import inspect
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from canbao.languages import ENGLISH, LANGUAGES, Language, language_named, with_catalogues
from canbao.plugins import NO_PLUGINS, Plugins, load_plugins
from canbao.scenario.allowed import PARTS, allowed, anchor
from canbao.scenario.faults import inline
from canbao.scenario.models import Settings
from canbao.scenario.quantities import Duration, Span, format_duration
from canbao.scenario.scenario import Scenario, models_of
from canbao.scenario.staffing import HoursText

__all__ = ["main", "reference", "texts"]

_WIDE = 120
"""Columns of a line of English; Chinese is not broken, because a line's end would become a space."""


def reference(plugins: Plugins, language: Language = ENGLISH) -> str:
    """Give the reference of the scenario files that these plugins understand, as Markdown in a language."""
    page = _Page(language)
    page.add_head()
    page.add_model(Scenario, "")
    page.lines.append("")
    for table, models in models_of(plugins).items():
        page.add_plugged(table, models)
    return page.text()


def texts(plugins: Plugins) -> Iterator[tuple[str, str]]:
    """Give what the models of these plugins say in English: the name of each module, and a text of it.

    A text is a paragraph of a model's docstring or the description of a field.
    """
    sections: dict[type[Settings], _Section] = {}
    for model in (Scenario, *(model for models in models_of(plugins).values() for model in models.values())):
        _collect(model, "", sections)
    for model in sections:
        yield from ((model.__module__, paragraph) for paragraph in _paragraphs(inspect.getdoc(model) or ""))
        yield from ((model.__module__, info.description) for info in model.model_fields.values() if info.description)


def main(arguments: Sequence[str] = ()) -> None:
    """Print the reference of the built-in plugins; `--lang zh` for another language."""
    from argparse import ArgumentParser

    parser = ArgumentParser(prog="python -m canbao.scenario.reference", description="Print the reference.")
    parser.add_argument("--lang", choices=list(LANGUAGES), default=ENGLISH.code, help="The language of the page.")
    plugins = load_plugins(environment={NO_PLUGINS: "1"})
    chosen = language_named(parser.parse_args(arguments).lang)
    print(
        reference(plugins, with_catalogues(chosen, {getattr(entry.thing, "__module__", "") for entry in plugins})),
        end="",
    )


# --- the page ---------------------------------------------------------------------------------------------------------


@dataclass
class _Section:
    """One table of the file; several places may share its model."""

    model: type[Settings]
    places: list[str]


@dataclass
class _Page:
    """Sections in the order in which they are met."""

    language: Language
    lines: list[str] = field(default_factory=list)

    def text(self) -> str:
        return "\n".join(self.lines).rstrip("\n") + "\n"

    def add_head(self) -> None:
        """Write what stands before the first table."""
        say, command = self.language.say, _command(self.language)
        self.lines += [
            say("<!-- Written by `{command}`; do not edit it by hand. -->", command=command),
            "",
            "# " + say("Reference: the scenario file"),
            "",
            *self._blocks(
                say("This page in other languages: {links}.", links=", ".join(_links(self.language))),
                say(
                    "A scenario is one TOML file. This page lists every table and key of it, with what the built-in "
                    "plugins add. It is written from the models that check the file:"
                ),
            ),
            "```console",
            f"$ {command}",
            "```",
            "",
            *self._blocks(
                say(
                    "`canbao scenario check FILE` tells all faults of a file at once. `canbao scenario schema` prints "
                    "the same models as a JSON Schema, with which an editor can complete keys."
                )
            ),
            "## " + say("How values are written"),
            "",
            *_rows((say("word on this page"), say("how it is written"), say("examples")), _values(self.language)),
            "",
            *self._blocks(
                say(
                    "A key without a default must be given. *Grade* is the grade of evidence of the default: "
                    "A official text, B press, academic or named body, C question-and-answer pages, D derived by "
                    "arithmetic, V checked by running code, E an estimate. A default without a grade is a choice, "
                    "not a fact. `<name>` stands for a name that you choose."
                )
            ),
        ]
        self.lines.pop()

    def add_model(self, model: type[Settings], place: str) -> None:
        """Write a model and, behind it, each model that stands inside it."""
        sections: dict[type[Settings], _Section] = {}
        _collect(model, place, sections)
        for section in sections.values():
            self.lines += ["", *self._section(section)]

    def add_plugged(self, table: str, models: Mapping[str, type[Settings]]) -> None:
        """Write the models that plugins register under a table."""
        say, (name, place) = self.language.say, PARTS.get(table, (table, "…"))
        title, kinds = say(name), ", ".join(f"`{kind}`" for kind in models)
        if place == "…":
            told = say("Told apart by `kind`: {kinds}.", kinds=kinds)
        else:
            told = say("`[{place}]`, told apart by `kind`: {kinds}.", place=place, kinds=kinds)
        self.lines += ["", f"## {title}", "", told]
        for kind, model in models.items():
            sections: dict[type[Settings], _Section] = {}
            _collect(model, place, sections)
            own, *inner = sections.values()
            heading = say("{title}: kind = `{kind}`", title=title, kind=kind)
            self.lines += ["", f"### {heading}", "", *self._model(own.model)]
            for section in inner:
                self.lines += ["", *self._section(section, level=4)]

    def _section(self, section: _Section, level: int = 2) -> list[str]:
        places = [f"`[{place}]`" for place in section.places if place]
        title = ", ".join(places) or self.language.say("The file as a whole")
        kind = section.model.model_fields.get("kind")
        if kind is not None:
            title = self.language.say("{title}, kind = `{kind}`", title=title, kind=get_args(kind.annotation)[0])
        return [f"{'#' * level} {title}", "", *self._model(section.model)]

    def _model(self, model: type[Settings]) -> list[str]:
        """Write a model's docstring and its table."""
        said = [self.language.say(paragraph) for paragraph in _paragraphs(inspect.getdoc(model) or "")]
        return [*self._blocks(*said), *_table(model, self.language)]

    def _blocks(self, *paragraphs: str) -> Iterator[str]:
        """Give the lines of some paragraphs, each with an empty line behind it."""
        for paragraph in paragraphs:
            if self.language.code == ENGLISH.code:
                yield from textwrap.wrap(paragraph, _WIDE, break_long_words=False, break_on_hyphens=False)
            else:
                yield paragraph
            yield ""


def _file(code: str) -> str:
    return "reference-scenario.md" if code == ENGLISH.code else f"reference-scenario.{code}.md"


def _command(language: Language) -> str:
    chosen = "" if language.code == ENGLISH.code else f" --lang {language.code}"
    return f"python -m canbao.scenario.reference{chosen} > docs/{_file(language.code)}"


def _links(language: Language) -> Iterator[str]:
    names = {"en": "English", "zh": "中文"}
    return (f"[{names[code]}]({_file(code)})" for code in LANGUAGES if code != language.code)


def _values(language: Language) -> Iterator[tuple[str, str, str]]:
    """Give how each kind of value is written: its word, a sentence, examples."""
    say, most = language.say, f"{10**9:,}"
    link = say("[random durations]({anchor})", anchor=anchor(say("Random durations")))
    yield (
        say("duration"),
        say("text: numbers with units, the largest unit first (ms, s, min, h, days, weeks)"),
        '`"8 min"`, `"1 h 30 min"`',
    )
    yield (
        say("time span"),
        say("a duration, or working time"),
        '`"10 min"`, `"4 working hours"`, `"2 working days"`',
    )
    yield say("share"), say("a number from 0 to 1, or text in per cent"), '`0.73`, `"73 %"`'
    yield (
        say("hours"),
        say("a list of opening hours within one day; an empty list is a closed day"),
        '`["08:30-12:00", "14:00-17:30"]`',
    )
    yield say("date"), say("a TOML date, without quotes"), "`2025-12-31`"
    yield (
        say("date with a time"),
        say("a TOML date and time, without quotes and without a time zone"),
        "`2025-12-31T10:00:00`",
    )
    yield say("whole number"), say("a number without a point, up to {number}", number=most), "`7`"
    yield say("number"), say("a number with or without a point, up to {number}", number=most), "`0.6`, `2`"
    yield say("random duration"), say("a table, see {link}", link=link), '`{ kind = "fixed", value = "5 min" }`'


def _paragraphs(docstring: str) -> list[str]:
    return [" ".join(block.split()) for block in docstring.split("\n\n") if block.strip()]


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


# --- a model's table --------------------------------------------------------------------------------------------------


def _table(model: type[Settings], language: Language) -> list[str]:
    say, schema = language.say, model.model_json_schema()
    rows = []
    for name, info in model.model_fields.items():
        words = allowed(schema["properties"][name], schema.get("$defs", {}), language)
        meaning = say(info.description) if info.description else ""
        rows.append((f"`{name}`", words, _default(info, language), _grade(info), _cell(meaning)))
    if model is Scenario:
        told = say("Another scenario file, whose values hold where this one says nothing.")
        rows.append(("`extends`", say("text"), say("none"), "", told))
    return _rows((say("key"), say("value"), say("default"), say("grade"), say("meaning")), rows)


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return [lines[0], "|" + "---|" * len(head), *lines[1:]]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _grade(info: FieldInfo) -> str:
    extra = info.json_schema_extra
    return str(extra.get("grade", "")) if isinstance(extra, Mapping) else ""


def _default(info: FieldInfo, language: Language) -> str:
    if info.is_required():
        return ""
    value = info.get_default(call_default_factory=True)
    if value is None or value in ("", [], (), {}):
        return language.say("none")
    if isinstance(value, Settings) and "kind" not in type(value).model_fields:
        return language.say("see below")
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
    main(sys.argv[1:])
