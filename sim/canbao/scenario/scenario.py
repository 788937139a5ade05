"""A scenario: one file that says who comes, when, where, and what must hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, ValidationError, model_validator

from canbao.arrays import BoolArray
from canbao.calendar import Horizon, check_days, free_saturdays, working_days
from canbao.disciplines import Discipline
from canbao.district import (
    APPROVED,
    FAILURE,
    FEE,
    GIVE_UP,
    HAND_IN,
    NOTICE,
    Channel,
    Choice,
    Demand,
    Formality,
    Policy,
    Population,
)
from canbao.errors import CalendarError, Fault, ScenarioError
from canbao.plugins import Plugins
from canbao.scenario.costs import Costs
from canbao.scenario.durations import BUILT_IN, RandomDuration, lognormal
from canbao.scenario.faults import dotted, faults_of, inline, nearest
from canbao.scenario.load import Load
from canbao.scenario.models import ESTIMATE, PLUGGED, Plugged, Settings
from canbao.scenario.objectives import Objective
from canbao.scenario.quantities import Count, MisfitError, Share
from canbao.scenario.review import Review
from canbao.scenario.source import Source, grade, read_scenario

__all__ = ["Behaviour", "Days", "Horizons", "Scenario", "ScenarioFile", "load_scenario", "models_of", "scenario_schema"]

_KNOWN = dt.date(2025, 1, 1)
"""A date whose year the calendar knows."""

_TAKEN = ("start", HAND_IN, "review", APPROVED, GIVE_UP, FAILURE, FEE, NOTICE, "none")
"""Journeys and groups of stations that every scenario has, and what the trace calls no channel."""

_WAYS_OUT = "ends: "
"""How journeys out of the network begin."""


class Horizons(Settings):
    """Which dates are simulated; let it end some weeks after the deadline, so that reviews can finish."""

    start: dt.date = Field(description="First date.")
    end: dt.date = Field(description="Last date.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end < self.start:
            raise MisfitError("is before the start", allowed="a date at or after start", below=("end",))
        if (self.end - self.start).days > 366 * 5:
            raise MisfitError("is more than five years after the start", allowed="at most five years", below=("end",))
        return self


class Days(Settings):
    """Working days that differ from those announced, or that are not announced yet."""

    open_dates: list[dt.date] = Field([], description="Dates on which offices work.")
    closed_dates: list[dt.date] = Field([], description="Dates on which they do not.")
    known_years: list[int] = Field([], description="Years of which the two lists hold all make-up days and holidays.")


class Behaviour(Settings):
    """What families do after a bad experience."""

    persist: Share = Field(0.9, description="Share that tries again after giving up once.", json_schema_extra=ESTIMATE)
    switch: Share = Field(0.4, description="Share of those who try another channel next.", json_schema_extra=ESTIMATE)
    come_back: RandomDuration = Field(
        default_factory=lambda: lognormal(2 * 86_400.0, 1.0),
        description="Time until they try again.",
        json_schema_extra=ESTIMATE,
    )
    tries: Count = Field(6, description="How often they try again at most.", json_schema_extra=ESTIMATE)


class Scenario(Settings):
    """The whole file, checked."""

    # Tables that a file leaves out are made by `model_construct`: defaults need no validator, and those take time to
    # build.

    format: Literal[1] = Field(description="The version of this file format: 1.")
    title: str = Field(description="What the report is called.", min_length=1, max_length=200)
    question: str = Field("", description="What the scenario asks, in a sentence.")
    seed: Count = Field(1, description="All luck follows from it.")
    horizon: Horizons = Field(description="Which dates are simulated.")
    calendar: Days = Field(
        default_factory=Days.model_construct, description="Working days that differ from those announced."
    )
    population: Annotated[Population, Plugged("families")] = Field(description="Who comes.")
    policy: Annotated[Policy, Plugged("policies")] = Field(description="The rules of the region.")
    demand: Annotated[Demand, Plugged("demands")] = Field(description="When they come.")
    choice: Annotated[Choice, Plugged("choices")] = Field(description="How they choose a channel.")
    behaviour: Behaviour = Field(
        default_factory=Behaviour.model_construct, description="What families do after a bad experience."
    )
    channels: dict[str, Annotated[Channel, Plugged("channels")]] = Field(
        description="Ways to enrol, by name.", min_length=1, max_length=50
    )
    formalities: dict[str, Annotated[Formality, Plugged("formalities")]] = Field(
        {}, description="What families do besides handing in, by name; those of one place in this order.", max_length=20
    )
    review: Review = Field(description="The back office.")
    costs: Costs = Field(
        default_factory=Costs.model_construct, description="What an hour is worth, of staff and of families."
    )
    objectives: dict[str, Objective] = Field({}, description="Promises with a threshold, by name.")
    load: Load = Field(default_factory=Load.model_construct, description="What a load test sends to a deployment.")


@dataclass(frozen=True)
class ScenarioFile:
    """A scenario with what its file says beyond the values."""

    scenario: Scenario
    source: Source

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.source.name

    @cached_property
    def horizon(self) -> Horizon:
        """The dates of the run."""
        return Horizon(self.scenario.horizon.start, self.scenario.horizon.end)

    @cached_property
    def working(self) -> BoolArray:
        """Whether offices work, for each date."""
        return working_days(self.horizon, **self.scenario.calendar.model_dump())

    @cached_property
    def saturdays(self) -> BoolArray:
        """Whether each date is a plain Saturday."""
        return free_saturdays(self.horizon, **self.scenario.calendar.model_dump())

    def grades(self) -> dict[str, str]:
        """Give the grade of evidence of each key that the file, or its region file, gives one, by dotted key.

        The parts of a value on one line, such as a distribution, share its comment; only the whole is listed.
        """
        graded = {
            path: (place.line, letter) for path, place in self.source.places.items() if (letter := grade(place.comment))
        }
        whole = {path: found for path, found in graded.items() if graded.get(path[:-1]) != found}
        of_region: Mapping[str, str] = getattr(self.scenario.policy, "grades", dict)()
        return {
            **{dotted(path): letter for path, (_, letter) in whole.items()},
            **{f"policy.{key}": letter for key, letter in of_region.items()},
        }

    def estimates(self) -> list[str]:
        """List the keys whose values are estimates (grade E): by a comment in the file, or by default."""
        return list(self._estimates)

    @cached_property
    def _estimates(self) -> list[str]:
        # Every replication says it.
        graded = self.grades()
        given = {dotted(path) for path in self.source.places}
        defaults = [key for key, value in _default_grades(self.scenario) if value == "E" and key not in given]
        return sorted({*(key for key, value in graded.items() if value == "E"), *defaults})


def _default_grades(settings: object, above: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(settings, Mapping):
        for name, inner in settings.items():
            yield from _default_grades(inner, f"{above}{name}.")
    if isinstance(settings, list):
        for number, inner in enumerate(settings):
            yield from _default_grades(inner, f"{above}{number}.")
    if not isinstance(settings, Settings):
        return
    for name, info in type(settings).model_fields.items():
        extra = info.json_schema_extra
        if isinstance(extra, Mapping) and "grade" in extra and name not in settings.model_fields_set:
            yield f"{above}{name}", str(extra["grade"])
        yield from _default_grades(getattr(settings, name), f"{above}{name}.")


_KINDS = ("channels", "formalities", "demands", "families", "policies", "choices")


def models_of(plugins: Plugins) -> dict[str, Mapping[str, Any]]:
    """Give the models by table and kind, built-in distributions included: the context of validation."""
    tables = {kind: plugins.things(kind) for kind in _KINDS}
    return {**tables, "distributions": {**BUILT_IN, **plugins.things("distributions")}}


def _things_of(plugins: Plugins) -> dict[str, dict[str, Any]]:
    """Give what a file may name by table and name."""
    return {"disciplines": {**{name: name for name in get_args(Discipline)}, **plugins.things("disciplines")}}


def _context(source: Source, plugins: Plugins) -> dict[str, Any]:
    """Give what models need to know beyond their own values.

    Among it the folder of the file in which a text stands, so that a relative path means the same in every variant.
    """
    texts = {path: _value(source.data, path) for path in source.places}
    folders = {
        text: str(Path(source.places[path].file).parent)
        for path, text in texts.items()
        if isinstance(text, str) and source.places[path].line is not None
    }
    return {
        **models_of(plugins),
        **_things_of(plugins),
        "folder": str(Path(source.files[0]).parent),
        "folders": folders,
    }


def _value(data: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        data = data[part]
    return data


def load_scenario(path: str | Path, plugins: Plugins, overrides: Sequence[str] = ()) -> ScenarioFile:
    """Read a scenario file and check it.

    Parameters
    ----------
    path
        A TOML file.
    plugins
        What is registered.
    overrides
        `path=value` texts, as `--set` takes them.

    Raises
    ------
    ScenarioError
        With all faults of the file.
    """
    source = read_scenario(path, overrides)
    try:
        scenario = Scenario.model_validate(source.data, context=_context(source, plugins))
    except ValidationError as error:
        raise ScenarioError(faults_of(error, source, scenario_schema(plugins))) from None
    file = ScenarioFile(scenario, source)
    faults = [*_calendar_faults(file), *_name_faults(file), *_channel_faults(file)]
    if faults:
        raise ScenarioError(faults)
    return file


def _fault(file: ScenarioFile, path: tuple[str, ...], problem: str, **more: str) -> Fault:
    place = file.source.places.get(path)
    where = place.file if place else file.source.files[0]
    return Fault(where, place.line if place else None, dotted(path), problem, **more)


def _calendar_faults(file: ScenarioFile) -> list[Fault]:
    """Look at the lists of dates by themselves first, in a year that is known, and then at both ends of the horizon."""
    start, end = file.horizon.start, file.horizon.end
    looks = [(("calendar",), _KNOWN, _KNOWN), (("horizon", "start"), start, start), (("horizon", "end"), start, end)]
    for key, first, last in looks:
        try:
            check_days(Horizon(first, last), **file.scenario.calendar.model_dump())
        except CalendarError as error:
            problem, _, remedy = str(error).partition("; ")
            return [_fault(file, key, problem, hint=remedy)]
    return []


def _name_faults(file: ScenarioFile) -> list[Fault]:
    """See that no channel or formality has a name that the network around it uses already."""
    channels, formalities = file.scenario.channels, file.scenario.formalities
    allowed = f"a name without '/', other than {', '.join(_TAKEN)}"
    return [
        _fault(file, (table, name), f"is not a name that a {one} can have", given=inline(name), allowed=allowed + more)
        for table, one, names, others, more in (
            ("channels", "channel", channels, (), ""),
            ("formalities", "formality", formalities, channels, " and the channels"),
        )
        for name in names
        if not name or "/" in name or name in _TAKEN or name in others or name.startswith(_WAYS_OUT)
    ]


def _channel_faults(file: ScenarioFile) -> list[Fault]:
    """See that objectives and the load test name channels that there are."""
    named: list[tuple[tuple[str, ...], str]] = [
        (("load", "channels"), channel) for channel in file.scenario.load.channels
    ]
    for name, objective in file.scenario.objectives.items():
        single = getattr(objective, "channel", None)
        key = "channels" if single is None else "channel"
        channels = getattr(objective, "channels", []) if single is None else [single]
        named += [(("objectives", name, key), channel) for channel in channels]
    known = list(file.scenario.channels)
    return [_unknown_channel(file, path, channel) for path, channel in named if channel not in known]


def _unknown_channel(file: ScenarioFile, path: tuple[str, ...], channel: str) -> Fault:
    known = list(file.scenario.channels)
    near = nearest(channel, known)
    return _fault(
        file,
        path,
        "names a channel that the scenario does not have",
        given=inline(channel),
        allowed=", ".join(known),
        hint=f"did you mean {near!r}?" if near else "",
    )


def scenario_schema(plugins: Plugins) -> dict[str, Any]:
    """Give the JSON Schema of scenario files, with what plugins registered."""
    schema = _schema_of(Scenario)
    definitions: dict[str, Any] = {**schema["$defs"]}
    for table, models in models_of(plugins).items():
        mapping = {}
        for kind, model in models.items():
            name = f"{table}.{kind}"
            # Two plugins may each have a model `Site`.
            part = _schema_of(model, f"{name}.")
            definitions.update({f"{name}.{inner}": value for inner, value in part.get("$defs", {}).items()})
            definitions[name] = {key: value for key, value in part.items() if key != "$defs"}
            mapping[kind] = f"#/$defs/{name}"
        definitions[table] = {
            "oneOf": [{"$ref": reference} for reference in mapping.values()] or [False],
            "discriminator": {"propertyName": "kind", "mapping": mapping},
        }
    definitions.update({table: {"enum": list(things)} for table, things in _things_of(plugins).items()})
    base = {"type": "string", "description": "Another scenario file, whose values hold where this one says nothing."}
    whole = {**schema, "$defs": definitions, "properties": {**schema["properties"], "extends": base}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_with_references(whole)}


@lru_cache(maxsize=256)
def _schema_of(model: type[Settings], above: str = "") -> dict[str, Any]:
    # Making the schemas of all models takes longer than reading a scenario, and every faulty one asks for them.
    return model.model_json_schema(ref_template=f"#/$defs/{above}{{model}}")


def _with_references(schema: Any) -> Any:
    """Refer to what plugins registered, wherever a model left the place open."""
    if isinstance(schema, list):
        return [_with_references(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        "$ref" if key == PLUGGED else key: f"#/$defs/{value}" if key == PLUGGED else _with_references(value)
        for key, value in schema.items()
    }
