"""An experiment: replications that are kept as they finish, and asked for as often as a procedure likes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from canbao import __version__
from canbao.errors import InputError, StorageError
from canbao.experiments.executors import Done, Executor
from canbao.experiments.failures import Failure
from canbao.experiments.folder import (
    EXPERIMENT,
    FORMAT,
    RESULTS,
    clear_leftovers,
    count_replications,
    json_like,
    json_text,
    locked,
    read_experiment,
    read_replication,
    remove_if_empty,
    write_atomically,
    write_replication,
)
from canbao.experiments.models import Model, ScenarioModel
from canbao.experiments.results import Results
from canbao.experiments.rows import Rows
from canbao.experiments.variants import Variant, check_names
from canbao.runs.folders import storing
from canbao.runs.tables import table_bytes

__all__ = ["Experiment", "Progress", "open_experiment"]

Progress = Callable[[int, int], None]
"""Is told how many replications of the present call are finished, and how many it has."""

Report = Callable[[Path], None]
"""Writes the report of a concluded experiment into its folder."""

_Place = tuple[str, int]
"""A replication: the key of its model, and its seed."""


class Experiment:
    """Replications in a folder; `open_experiment` makes it, and `with` closes it and what carries them out.

    Parameters
    ----------
    folder
        Where it is kept.
    question
        What `experiment.json` says before there is an answer.
    executor
        Carries out replications.
    progress
        Is told how far it is.
    report
        Writes the report once there is an answer.
    """

    def __init__(
        self,
        folder: Path,
        question: Mapping[str, Any],
        executor: Executor,
        progress: Progress | None = None,
        report: Report | None = None,
    ) -> None:
        self.folder = folder
        self.question = question
        self._executor = executor
        self._progress = progress or (lambda finished, wanted: None)
        self._report = report
        self._rows = Rows()
        self._found: dict[_Place, Mapping[str, float]] = {}
        self._problems: dict[_Place, str] = {}
        self._variants: dict[str, Variant] = {}
        self._seeds: dict[int, None] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._open.callback(remove_if_empty, self.folder)
        self._open.callback(self._executor.close)
        self._open.enter_context(locked(self.folder))
        clear_leftovers(self.folder)
        if not (self.folder / EXPERIMENT).exists():
            write_atomically(self.folder / EXPERIMENT, json_text({**self.question, "finished": False}))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def kept(self) -> int:
        """How many replications the folder holds."""
        return count_replications(self.folder)

    def replicate(self, variants: Sequence[Variant], seeds: Sequence[int]) -> Results:
        """Replicate variants with seeds; what the folder has already is read, the rest is carried out and kept.

        The results do not depend on who carries replications out, nor on the order in which they finish. A procedure
        that decides as it goes calls this again and again; after a resumption it makes the same decisions.

        Parameters
        ----------
        variants
            The variants, each with a name of its own.
        seeds
            The seeds, the same for all of them.

        Raises
        ------
        InputError
            When two variants have one name, in this call or an earlier one.
        StorageError
            When a replication cannot be kept.
        """
        check_names([variant.name for variant in variants])
        for variant in variants:
            self._meet(variant)
        self._seeds |= dict.fromkeys(map(int, seeds))
        models = {variant.model.key(): variant.model for variant in variants}
        wanted = [(key, int(seed)) for key in models for seed in dict.fromkeys(seeds)]
        missing = [place for place in wanted if not self._known(place)]
        self._progress(len(wanted) - len(missing), len(wanted))
        for number, done in enumerate(self._carried_out(models, missing), start=1):
            self._keep(done)
            self._progress(len(wanted) - len(missing) + number, len(wanted))
        return self._results(variants, list(dict.fromkeys(map(int, seeds))))

    def conclude(self, answer: Mapping[str, Any]) -> None:
        """Keep the answer and all results, and let the report be written.

        Parameters
        ----------
        answer
            Plain data; numbers that are estimates stand with their interval, `{mean, half_width, level, n}`.
        """
        results = self._results(list(self._variants.values()), sorted(self._seeds))
        failures = [vars(failure) for failure in results.failures]
        write_atomically(self.folder / RESULTS, table_bytes(results.table()))
        said = {**self.question, "finished": True, "failures": failures, "answer": answer}
        write_atomically(self.folder / EXPERIMENT, json_text(said))
        if self._report:
            self._report(self.folder)

    def _meet(self, variant: Variant) -> None:
        """Keep the scenario of a variant when it is first seen."""
        known = self._variants.setdefault(variant.name, variant)
        if known.model.key() != variant.model.key():
            raise InputError(f"two variants of this experiment are named {variant.name!r}; give each a name of its own")
        if known is variant and isinstance(variant.model, ScenarioModel):
            _store_scenario(self.folder / "variants" / variant.name, variant.model)

    def _known(self, place: _Place) -> bool:
        if place in self._found or place in self._problems:
            return True
        kept = read_replication(self.folder, *place)
        if kept is not None:
            self._found[place] = self._rows.row(kept)
        return kept is not None

    def _carried_out(self, models: Mapping[str, Model], missing: Sequence[_Place]) -> Iterator[Done]:
        return self._executor.run([(models[key], seed) for key, seed in missing]) if missing else iter(())

    def _keep(self, done: Done) -> None:
        place = (done.key, done.seed)
        if done.measures is None:
            # It is not kept in the folder: whoever resumes the experiment wants it tried again.
            self._problems[place] = done.problem
            return
        write_replication(self.folder, *place, done.measures)
        self._found[place] = self._rows.row(done.measures)

    def _results(self, variants: Sequence[Variant], seeds: Sequence[int]) -> Results:
        keys = {variant.name: variant.model.key() for variant in variants}
        pairs = [(variant, seed) for variant in variants for seed in seeds]
        found = {
            (variant.name, seed): self._found[keys[variant.name], seed]
            for variant, seed in pairs
            if (keys[variant.name], seed) in self._found
        }
        failures = [
            Failure(variant.name, seed, self._problems[keys[variant.name], seed], variant.model.command(seed))
            for variant, seed in pairs
            if (keys[variant.name], seed) in self._problems
        ]
        measures: dict[str, None] = {}
        for row in found.values():
            if not row.keys() <= measures.keys():
                measures |= dict.fromkeys(row)
        return Results(tuple(keys), tuple(seeds), tuple(measures), tuple(failures), found)


def _store_scenario(folder: Path, model: ScenarioModel) -> None:
    head = "# The scenario of one variant, with everything that it extends; it runs as it is.\n\n"
    for name, data in (("scenario.toml", (head + model.text).encode()), *model.inputs):
        path = folder / name
        if not (path.is_file() and path.read_bytes() == data):
            write_atomically(path, data)


# --- a new folder, or one to go on with -------------------------------------------------------------------------------


def open_experiment(  # noqa: PLR0913 - each of these is a choice of the user's
    out: str | Path,
    name: str,
    kind: str,
    variants: Sequence[Variant],
    executor: Executor,
    *,
    resume: str | Path | None = None,
    progress: Progress | None = None,
    settings: Mapping[str, Any] | None = None,
    goal: Mapping[str, Any] | None = None,
    report: Report | None = None,
    now: dt.datetime | None = None,
) -> Experiment:
    """Open an experiment: in a new folder, or in the one to go on with.

    Parameters
    ----------
    out
        A new experiment goes to `out/experiments/<name>/<time>-<kind>/`.
    name
        What is looked at, such as the name of a scenario.
    kind
        The kind of question: `replications`, `compare`, `sweep`, `plan`.
    variants
        Those that are known from the start.
    executor
        Carries out replications; it is closed with the experiment.
    resume
        The folder of an experiment that was not finished, or that is to have more replications.
    progress
        Is told how far a call is.
    settings
        What else the question consists of, such as the first seed: JSON values by name. Experiments that differ in
        one of them are not the same, and cannot be resumed as each other.
    goal
        How far it is to go, such as the number of replications: JSON values by name. A resumed experiment may go
        further.
    report
        Writes the report, given the folder, when there is an answer.
    now
        The time that names a new folder; the clock's if none is given.

    Raises
    ------
    StorageError
        When the folder cannot be made, is not one of an experiment, or answers another question; the message says
        what differs.
    """
    check_names([variant.name for variant in variants])
    question = {
        "format": FORMAT,
        "kind": kind,
        "name": name,
        "canbao": __version__,
        "settings": dict(settings or {}),
        "goal": dict(goal or {}),
        "variants": [
            {"name": variant.name, "model": variant.model.key(), "settings": dict(variant.settings)}
            for variant in variants
        ],
    }
    folder = _new(Path(out) / "experiments" / name, kind, now or dt.datetime.now()) if resume is None else Path(resume)
    if resume is not None:
        _check_same(folder, read_experiment(folder), question)
    return Experiment(folder, question, executor, progress, report)


def _new(parent: Path, kind: str, now: dt.datetime) -> Path:
    """Make a folder; the first name that is free is taken, whoever else makes one at this moment."""
    with storing(parent):
        parent.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            folder = parent / f"{now:%Y%m%d-%H%M%S}-{kind}{'' if number == 1 else f'-{number}'}"
            with suppress(FileExistsError):
                folder.mkdir()
                return folder
    raise AssertionError  # numbers do not end


def _check_same(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on with an experiment that answers another question."""
    for key in ("kind", "name", "settings", "variants"):
        old, new = before.get(key), json_like(now[key])
        if old != new:
            raise StorageError(
                f"{folder} answers another question: {_difference(key, old, new)}; "
                "resume it with the same arguments, or leave out --resume for a new experiment"
            )


def _difference(key: str, old: Any, new: Any) -> str:
    """Say which setting differs, by its dotted name."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        return _difference(f"{key}.{names[0]}", old.get(names[0]), new.get(names[0]))
    return f"{key} was {old!r} there and is {new!r} now"
