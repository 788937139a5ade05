"""Executors carry out the same replications, whoever they are and whatever happens to their workers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from canbao.engines.memory import ANY_SIZE, Need
from canbao.errors import EngineError, InputError, TooLargeError
from canbao.experiments import NetworkModel, Variant
from canbao.experiments.executors import Executor, make_executor
from canbao.experiments.executors import local as local_module
from canbao.experiments.executors.local import LocalExecutor

Task = tuple[Any, int]


def _carried_out(executor: Executor, tasks: list[Task]) -> dict[tuple[str, int], Any]:
    try:
        return {(done.key, done.seed): (done.measures, done.problem) for done in executor.run(tasks)}
    finally:
        executor.close()


def _same(one: Any, other: Any) -> bool:
    return repr(one) == repr(other)  # which knows nan, and every bit of a float


@pytest.mark.parametrize("workers", [1, 3])
def test_processes_give_what_this_process_gives(counter: NetworkModel, toy: Any, workers: int) -> None:
    """The same numbers to the last bit, for several models, whatever the number of workers."""
    tasks = [(model, seed) for model in (counter, toy(1.0), toy(2.0)) for seed in range(4)]
    here = _carried_out(make_executor("serial"), tasks)
    there = _carried_out(make_executor("local", workers), tasks)
    assert _same(sorted(here.items()), sorted(there.items()))
    assert len(there) == 12


def test_a_replication_that_fails_stops_no_other(toy: Any) -> None:
    """Its problem is told in words, the same by every executor; all others are carried out."""
    tasks = [(toy(fails=(2,)), seed) for seed in range(5)]
    for executor in (make_executor("serial"), make_executor("local", 2)):
        done = _carried_out(executor, tasks)
        problems = {seed: problem for (_, seed), (measures, problem) in done.items() if measures is None}
        assert problems == {2: "ValueError: seed 2 brings bad luck (in replicate)"}
        assert len(done) == 5


def test_a_worker_that_dies_is_replaced(toy: Any, tmp_path: Path) -> None:
    """A worker that is killed once loses nothing: another one repeats what it had in hand, and a note says so."""
    notes: list[str] = []
    executor = LocalExecutor(2, lambda text, /, **values: notes.append(text.format(**values)))
    killer = toy(kills=(3,), once=str(tmp_path / "killed"))
    done = _carried_out(executor, [(killer, seed) for seed in range(6)])
    undisturbed = _carried_out(make_executor("serial"), [(toy(), seed) for seed in range(6)])
    assert _same(sorted(done.items()), sorted(undisturbed.items()))
    assert len(notes) == 1
    assert "SIGKILL" in notes[0]
    assert "seed 3 is repeated" in notes[0]


def test_a_replication_that_kills_every_worker_is_given_up(toy: Any) -> None:
    """After three dead workers it counts as failed, and all others are carried out."""
    executor = LocalExecutor(2, lambda text, /, **values: None)
    done = _carried_out(executor, [(toy(kills=(1,)), seed) for seed in range(4)])
    measures, problem = done[toy().key(), 1]
    assert measures is None
    assert problem == (
        "3 worker processes died of it, the last one with SIGKILL, as the system does it when memory runs out"
    )
    assert sum(found is not None for found, _ in done.values()) == 3


def test_workers_that_cannot_start_are_an_error(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no worker can be started the experiment ends, and does not start them for ever."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(EngineError, match="no worker process can be started"):
        _carried_out(make_executor("local", 1), [(toy(), 1)])


def test_an_executor_can_be_used_again(toy: Any) -> None:
    """Calls share workers; after `close` new ones are started; who stops listening leaves nothing behind."""
    executor = LocalExecutor(2)
    first = [process.process.pid for _ in executor.run([(toy(), 1), (toy(), 2)]) for process in executor._staff]
    again = [process.process.pid for _ in executor.run([(toy(), 3)]) for process in executor._staff]
    assert set(again) <= set(first)
    running = executor.run([(toy(takes_s=0.1), seed) for seed in range(20)])
    next(running)
    running.close()
    assert executor._staff == []
    assert len(list(executor.run([(toy(), 5)]))) == 1
    executor.close()
    assert not any(_alive(pid) for pid in first)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_a_model_prints_disturbs_nobody(toy: Any) -> None:
    """A plugin may print: messages between processes take another way."""
    assert all(found for found, _ in _carried_out(make_executor("local", 1), [(toy(prints=True), 1)]).values())


def test_a_model_that_cannot_be_sent_is_told(tmp_path: Path) -> None:
    """Something that cannot leave its process, as an open file, is an error that names a way out."""
    with (tmp_path / "open").open("w") as file:
        model = _Threads()
        model.file = file
        with pytest.raises(InputError, match=r"_Threads cannot be sent .* take the executor 'serial'"):
            _carried_out(make_executor("local", 1), [(model, 1)])


class _Threads:
    """Measures how many threads libraries would start in a worker."""

    def replicate(self, seed: int) -> dict[str, float]:
        import numba
        import pyarrow

        return {"arrow": pyarrow.cpu_count(), "numba": numba.config.NUMBA_NUM_THREADS, "io": pyarrow.io_thread_count()}

    def command(self, seed: int) -> str:
        return ""

    def key(self) -> str:
        return "threads"


def test_workers_start_no_threads_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries of a worker have one thread each: with a worker on each core more would be in one another's way."""
    import cloudpickle

    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    done = _carried_out(make_executor("local", 1), [(_Threads(), 1)])
    assert list(done.values()) == [({"arrow": 1.0, "numba": 1.0, "io": 1.0}, "")]


def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    """A plain script, with a model of its own and no `if __name__ == ...`, runs once and uses worker processes."""
    script = tmp_path / "study.py"
    script.write_text(
        "import os\n"
        "from canbao.experiments.executors import make_executor\n"
        "class Mine:\n"
        "    def replicate(self, seed): return {'pid': os.getpid(), 'seed': seed}\n"
        "    def command(self, seed): return ''\n"
        "    def key(self): return 'mine'\n"
        "print('once')\n"
        "executor = make_executor('local', 2)\n"
        "found = [done.measures for done in executor.run([(Mine(), seed) for seed in range(4)])]\n"
        "executor.close()\n"
        "assert sorted(row['seed'] for row in found) == [0, 1, 2, 3]\n"
        "assert os.getpid() not in {row['pid'] for row in found}\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "once\n", "")


def test_workers_end_with_whoever_started_them(tmp_path: Path) -> None:
    """When the parent is killed by force its workers end, too, even in the middle of a replication."""
    code = (
        "import time\n"
        "from canbao.experiments.executors.local import LocalExecutor\n"
        "class Slow:\n"
        "    def replicate(self, seed): print('begun', flush=True); time.sleep(600 * seed); return {}\n"
        "    def command(self, seed): return ''\n"
        "    def key(self): return 'slow'\n"
        "executor = LocalExecutor(1)\n"
        "running = executor.run([(Slow(), 0), (Slow(), 1)])\n"
        "next(running)\n"
        "next(running)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        assert [run.stderr.readline() for _ in range(2)] == ["begun\n"] * 2  # the second one is in hand
        run.kill()
        # The worker holds the other end of stderr, too: it can be read to its end once both have ended.
        _, said = run.communicate(timeout=60)
        assert said == ""


# --- memory -----------------------------------------------------------------------------------------------------------


class _Heavy:
    """A model that says how much memory it takes."""

    families = 1_000_000

    def prepare(self) -> Need:
        return Need(self.families, {"plan": 1e9})

    def replicate(self, seed: int) -> dict[str, float]:
        return {"seed": seed}

    def command(self, seed: int) -> str:
        return ""

    def key(self) -> str:
        return "heavy"


def test_what_does_not_fit_is_refused_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little memory for one replication is an error that says how much it needs; nothing was started."""
    monkeypatch.delenv(ANY_SIZE, raising=False)
    monkeypatch.setattr("canbao.experiments.executors.weighing.available", lambda: 500_000_000)
    monkeypatch.setattr(local_module, "_start", lambda inbox: pytest.fail("a worker was started"))
    for name in ("serial", "local"):
        with pytest.raises(
            TooLargeError, match=r"needs about 1\.\d GB of memory for 1,000,000 families.*500 MB are avail"
        ):
            _carried_out(make_executor(name), [(_Heavy(), 1)])


def test_there_are_no_more_workers_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of eight workers as many are started as fit into memory, and a note says so."""
    monkeypatch.delenv(ANY_SIZE, raising=False)
    monkeypatch.setattr("canbao.experiments.executors.weighing.available", lambda: 3_000_000_000)
    notes: list[str] = []
    executor = LocalExecutor(8, lambda text, /, **values: notes.append(text.format(**values)))
    executor._make_room([local_module._Order((_Heavy(), 1))])
    assert executor.workers == 2  # of 1.25 GB each
    assert "2 workers instead of 8: each needs about 1.2 GB" in notes[0]
    monkeypatch.setenv(ANY_SIZE, "1")
    executor = LocalExecutor(8)
    executor._make_room([local_module._Order((_Heavy(), 1))])
    assert executor.workers == 8


def test_a_scenario_knows_its_memory(village: Path, plugins: Any) -> None:
    """The largest of some scenarios is weighed, by the estimate that a run uses."""
    from canbao.experiments import ScenarioModel
    from canbao.experiments.executors.weighing import Scales, logged
    from canbao.scenario.scenario import load_scenario

    models = [
        ScenarioModel.of(load_scenario(village, plugins, [f"population.residents={n}"]), engine="simpy")
        for n in (300, 3000, 30)
    ]
    scales = Scales(logged)
    assert scales.weigh(models)
    assert scales.need is not None
    assert scales.need.families == models[1].families
    assert scales.need.total > 0
    assert not scales.weigh(models)  # nothing heavier came


# --- what is asked for ------------------------------------------------------------------------------------------------


def test_what_does_not_go_together_is_refused() -> None:
    """An unknown executor, no workers, and a scheduler for who has none are wrong usage."""
    with pytest.raises(InputError, match="no executor 'ray'; there are: serial, local, dask"):
        make_executor("ray")
    with pytest.raises(InputError, match="1 worker or more, given 0"):
        make_executor("local", 0)
    with pytest.raises(InputError, match="--executor dask"):
        make_executor("local", scheduler="tcp://host:8786")


def test_each_finished_replication_is_kept_at_once(tmp_path: Path, opened: Callable[..., Any], toy: Any) -> None:
    """Progress is told after a replication is in the folder, not before."""
    seen: list[tuple[int, int, int]] = []
    variants = [Variant("a", toy()), Variant("b", toy(2.0))]

    def progress(finished: int, wanted: int) -> None:
        seen.append((finished, wanted, experiment.kept))

    with opened(tmp_path, variants, make_executor("local", 2), progress=progress) as experiment:
        experiment.replicate(variants, [1, 2])
    assert seen == [(n, 4, n) for n in range(5)]
