"""Models: what an experiment replicates. A model and a seed give measures, the same on every machine."""

from __future__ import annotations

import json
import math
import shlex
import shutil
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from canbao.engines.choosing import AUTO, check_choice, choose_engine
from canbao.errors import StorageError
from canbao.experiments.checksums import checksum_of, versions

if TYPE_CHECKING:
    from canbao.engines.memory import Need
    from canbao.network import Network
    from canbao.plugins import Plugins
    from canbao.scenario.scenario import ScenarioFile
    from canbao.scenario.source import Source
    from canbao.trace import Trace

# What knows scenarios is imported by the model of a scenario, when it is used: a process that replicates networks need
# not wait for it.

__all__ = ["Measured", "Model", "NetworkModel", "ScenarioModel", "Weighed"]

Measured: TypeAlias = "Callable[[Trace], Mapping[str, float]]"
"""Takes measures of a trace."""

_INPUTS = "inputs"


class Model(Protocol):
    """What can be replicated; it can be pickled, and is the same on every machine."""

    def replicate(self, seed: int) -> Mapping[str, float]:
        """Give the measures of one replication by name; nan where there is nothing to measure."""
        ...

    def command(self, seed: int) -> str:
        """Give the command, or the call in Python, that repeats one replication alone."""
        ...

    def key(self) -> str:
        """Give a checksum of everything that the result depends on, but for the seed."""
        ...


@runtime_checkable
class Weighed(Protocol):
    """A model that knows how much memory it takes."""

    @property
    def families(self) -> int:
        """How many families it has; of several models the largest one is weighed."""
        ...

    def prepare(self) -> Need:
        """Do what is done once on a machine, such as compiling, and say how much memory a replication takes."""
        ...


# --- a scenario -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ScenarioModel:
    """A scenario as one piece, with the files that it reads; `ScenarioModel.of` makes it.

    Another machine needs nothing but canbao and the same plugins to replicate it. It measures what a run measures,
    except that the laws of the trace are not checked: that takes a quarter of the time, and the command that repeats a
    replication alone does it.
    """

    name: str
    text: str
    """The resolved scenario, in TOML; its seed has no part in replications."""
    inputs: tuple[tuple[str, bytes], ...]
    """The files that it reads: path beside the scenario, and content."""
    families: int
    checksum: str
    """Of the scenario without its seed, its input files, plugins, and versions that matter."""
    engine: str = AUTO
    plugins_dir: str | None = None
    words: tuple[str, ...] = ()
    """The command that runs it, without a seed."""

    @classmethod
    def of(
        cls,
        file: ScenarioFile,
        overrides: Sequence[str] = (),
        engine: str = AUTO,
        plugins_dir: str | Path | None = None,
    ) -> ScenarioModel:
        """Make the model of a scenario.

        Parameters
        ----------
        file
            The scenario, as `canbao.scenario.scenario.load_scenario` gives it.
        overrides
            The `path=value` texts that it was read with; only the command that repeats a replication needs them.
        engine
            `auto`, `simpy`, `compiled` or `both`, as for a run; measures do not depend on it.
        plugins_dir
            The folder of plugin files that it was read with, if any; the path must be the same on other machines.

        Raises
        ------
        InputError
            When there is no such engine, or the scenario has no families.
        StorageError
            When a file that the scenario reads cannot be read.
        """
        from canbao.assembly import count_families
        from canbao.scenario.resolved import resolved_text

        check_choice(engine)
        source, inputs = _portable(file)
        folder = None if plugins_dir is None else str(plugins_dir)
        words = ["canbao", *(("--plugins-dir", folder) if folder else ()), "run", file.source.files[0]]
        words += [word for text in overrides for word in ("--set", text)]
        words += [] if engine == AUTO else ["--engine", engine]
        text, families = resolved_text(source), count_families(file)
        checksum = _checksum(source, inputs, _plugins(folder))
        return cls(file.name, text, inputs, families, checksum, engine, folder, tuple(words))

    def opened(self) -> ScenarioFile:
        """Give the scenario, read from what the model carries; a process reads it once."""
        return _opened(self)

    def replicate(self, seed: int) -> Mapping[str, float]:
        """Simulate the scenario once and measure what a run measures."""
        from canbao.assembly import scenario_plan
        from canbao.experiments.measured import measures_of
        from canbao.measures.summary import summarise

        file = _opened(self)
        plan = scenario_plan(file, seed)
        trace = choose_engine(self.engine, plan).run(plan)
        return measures_of(summarise(file, plan, trace, laws=False))

    def command(self, seed: int) -> str:
        """Give the command that repeats a replication alone."""
        return shlex.join([*self.words, "--seed", str(seed)])

    def key(self) -> str:
        """Give the checksum."""
        return self.checksum

    def prepare(self) -> Need:
        """Make sure that the scenario can be run, compile the engine if need be, and give the memory of a run."""
        from canbao.assembly import scenario_plan
        from canbao.engines.memory import need_of_run

        file = _opened(self)
        plan = scenario_plan(file)
        chosen = choose_engine(self.engine, plan)
        chosen.prepare()
        return need_of_run(plan, [each.name for each in chosen.engines])


def _portable(file: ScenarioFile) -> tuple[Source, tuple[tuple[str, bytes], ...]]:
    """Give the scenario with its input files beside it."""
    from canbao.scenario.resolved import input_files, with_value

    source, inputs = file.source, []
    for number, (path, original) in enumerate(input_files(file.scenario)):
        kept = f"{_INPUTS}/{number}-{original.name}"
        source = with_value(source, path, kept)
        inputs.append((kept, _content(original)))
    return source, tuple(inputs)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path}, which the scenario reads, cannot be read: {error.strerror}") from error


def _checksum(source: Source, inputs: tuple[tuple[str, bytes], ...], plugins: Plugins) -> str:
    data = {key: value for key, value in source.data.items() if key != "seed"}
    known = [
        (name, _content(Path(origin)) if origin.endswith(".py") else origin) for name, origin in plugins.origins.items()
    ]
    # The order of keys is kept: that of channels, for one, is the order in which families choose among them.
    return checksum_of("scenario", json.dumps(data, default=str), inputs, known, versions())


# What a process has read is kept, since it replicates the same scenario many times.


@dataclass
class _Shelf:
    """The scenarios that this process read last."""

    room: int
    scenarios: OrderedDict[tuple[Any, ...], ScenarioFile] = field(default_factory=OrderedDict)
    plugins: dict[str | None, Plugins] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    """A worker of a cluster may have several threads."""


_SHELF = _Shelf(room=16)


def _plugins(folder: str | None) -> Plugins:
    from canbao.plugins import load_plugins

    with _SHELF.lock:
        if folder not in _SHELF.plugins:
            _SHELF.plugins[folder] = load_plugins(None if folder is None else Path(folder))
        return _SHELF.plugins[folder]


def _opened(model: ScenarioModel) -> ScenarioFile:
    """Read the scenario of a model, or take it from the shelf."""
    place = (model.name, model.text, model.inputs, model.plugins_dir)
    with _SHELF.lock:
        if place not in _SHELF.scenarios:
            _SHELF.scenarios[place] = _read(model)
        _SHELF.scenarios.move_to_end(place)
        while len(_SHELF.scenarios) > _SHELF.room:
            _SHELF.scenarios.popitem(last=False)
        return _SHELF.scenarios[place]


def _read(model: ScenarioModel) -> ScenarioFile:
    """Read the scenario of a model; its input files stay as long as somebody has it."""
    folder = Path(tempfile.mkdtemp(prefix="canbao-"))
    try:
        file = _read_in(folder, model)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(file, shutil.rmtree, folder, ignore_errors=True)
    return file


def _read_in(folder: Path, model: ScenarioModel) -> ScenarioFile:
    from canbao.scenario.scenario import load_scenario

    for name, content in model.inputs:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    path = folder / f"{model.name}.toml"
    path.write_text(model.text, encoding="utf-8")
    return load_scenario(path, _plugins(model.plugins_dir))


# --- a network --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NetworkModel:
    """A network of one's own.

    Parameters
    ----------
    network
        Stations, journeys and streams.
    until
        The end of the horizon, in the network's unit of time.
    measures
        A function from a trace to numbers by name. It may be a lambda, or stand in a notebook.
    engine
        `auto`, `simpy`, `compiled` or `both`.
    """

    network: Network
    until: float
    measures: Measured
    engine: str = AUTO

    def __post_init__(self) -> None:
        check_choice(self.engine)

    @property
    def families(self) -> int:
        """How many come is known when arrivals are drawn; so nothing is known of it here."""
        return 0

    def replicate(self, seed: int) -> Mapping[str, float]:
        """Simulate the network once and measure it."""
        from canbao.planning import make_plan

        plan = make_plan(self.network, until=self.until, seed=seed)
        trace = choose_engine(self.engine, plan).run(plan)
        return {
            name: math.nan if value is None else float(value)  # type: ignore[redundant-expr] # somebody's function
            for name, value in self.measures(trace).items()
        }

    def command(self, seed: int) -> str:
        """Give the call that repeats a replication alone."""
        return f"canbao.simulate(network, until={self.until!r}, seed={seed}, engine={self.engine!r})"

    def key(self) -> str:
        """Give a checksum of the network, the horizon, the code that measures, and versions that matter."""
        return self._key

    def prepare(self) -> Need:
        """Compile the engine if need be, and give the memory of a replication."""
        from canbao.engines.memory import need_of_run
        from canbao.planning import make_plan

        plan = make_plan(self.network, until=self.until, seed=0)
        chosen = choose_engine(self.engine, plan)
        chosen.prepare()
        return need_of_run(plan, [each.name for each in chosen.engines], measured=False)

    @cached_property
    def _key(self) -> str:
        return checksum_of("network", self.network, float(self.until), self.measures, versions())
