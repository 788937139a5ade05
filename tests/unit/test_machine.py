"""Machine code: compiled by another process, kept in a file, loaded and called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canbao.engines.compiled_engine import CompiledEngine
from canbao.engines.preparing import compile_engine
from canbao.errors import EngineError, StorageError
from canbao.kernel import machine
from canbao.kernel.compiling import ENTRIES, Entry, cache_folder
from canbao.kernel.handle import LAYOUTS, Handle
from canbao.kernel.machine import Native, build, code_file, keep
from canbao.kernel.sorting import VisitSorting
from canbao.kernel.state import ROW, records

NAME = "sorting.sort_visits"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder in which one function has been compiled."""
    made = tmp_path_factory.mktemp("machine code")
    build([NAME], folder=made)
    return made


def _native(entry: Entry, folder: Path) -> Native:
    return Native(entry.name, entry.arguments, entry.result, lambda: folder)


def _sorting(families: list[int]) -> VisitSorting:
    rows: Any = records(len(families), ROW)
    rows.family, rows.attempt = families, np.arange(len(families))
    columns = {name: np.zeros(len(families), dtype=kind) for name, (kind, _) in LAYOUTS[VisitSorting].items()}
    columns |= {"rows": rows, "following": np.zeros(max(families) + 2, dtype=np.int64)}
    return VisitSorting(**columns)


def test_what_is_compiled_does_what_the_function_does(folder: Path) -> None:
    """Machine code fills the same columns as the Python function that it was made of."""
    families = np.random.default_rng(5).integers(0, 40, 300).tolist()
    by_machine, by_python = _sorting(families), _sorting(families)
    assert _native(ENTRIES[NAME], folder)(Handle(by_machine)) is None
    ENTRIES[NAME].function(by_python)
    for one, other in zip(by_machine, by_python, strict=True):
        np.testing.assert_array_equal(one, other)
    assert by_machine.family.tolist() == sorted(families)


def test_only_what_is_asked_for_is_compiled(folder: Path) -> None:
    """A function has a file of its own, and nothing else is left in the folder."""
    assert [path.name for path in folder.iterdir()] == [f"{NAME}.code"]


def test_what_is_compiled_is_not_compiled_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is a file no process is started."""
    monkeypatch.setattr(machine.sys, "executable", "/nowhere/python")
    _native(ENTRIES[NAME], folder)(Handle(_sorting([1, 0])))


def test_an_engine_is_ready_when_all_its_functions_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file that is missing is compiled, and none else."""
    engine = CompiledEngine()
    compile_engine(engine)
    for name in ENTRIES:
        (tmp_path / f"{name}.code").write_bytes(code_file(cache_folder(), name).read_bytes())
    monkeypatch.setattr("canbao.engines.compiled_engine.cache_folder", lambda: tmp_path)
    assert engine.ready()
    code_file(tmp_path, "loop.plan_release").unlink()
    assert not engine.ready()
    before = code_file(tmp_path, "loop.advance").stat().st_mtime_ns
    engine.prepare()
    assert engine.ready()
    assert code_file(tmp_path, "loop.advance").stat().st_mtime_ns == before


def test_a_folder_that_takes_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong in the process that compiles comes out as an error that names the file."""
    (tmp_path / "file").touch()
    monkeypatch.setattr("canbao.engines.compiled_engine.cache_folder", lambda: tmp_path / "file")
    monkeypatch.setattr("canbao.engines.compiled_engine.ENTRIES", {NAME: ENTRIES[NAME]})  # a small one, to fail sooner
    with pytest.raises(StorageError, match=r"cannot be kept in .*file: .*; make room, or take the engine 'simpy'"):
        compile_engine(CompiledEngine())


def test_where_no_process_can_be_started_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that allows no further process is told apart from code that cannot be compiled."""
    monkeypatch.setattr(machine.sys, "executable", "/nowhere/python")
    with pytest.raises(EngineError, match=r"no process can be started that compiles the engine: .*; take the engine"):
        build([NAME], folder=tmp_path)


def test_a_function_that_does_not_compile_is_told(tmp_path: Path) -> None:
    """The last line of what the compiler said is in the message, and no file is left."""
    with pytest.raises(EngineError, match=r"the engine cannot be compiled: .*no\.such\.function"):
        build(["no.such.function"], folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_this_system_lacks_is_told_before_it_is_linked(tmp_path: Path) -> None:
    """Code that calls what is not there would end the process; it raises an error instead."""
    keep(code_file(tmp_path, NAME), "f", ["no_such_function_anywhere"], b"")
    with pytest.raises(EngineError, match="needs 'no_such_function_anywhere', which this system does not have"):
        _native(ENTRIES[NAME], tmp_path)(Handle(_sorting([0])))


_RUN = """
import sys
from canbao import Exponential, Journey, Network, Poisson, Station, Stream, Visit, simulate

journey = Journey("office", [Visit("window", Exponential(4.0))])
simulate(Network([Station("window")], [journey], [Stream("office", Poisson(0.1))]), until=100.0, engine="compiled")
print(*sorted({"llvmlite", "numba"} & set(sys.modules)))
"""


def test_a_run_on_machine_code_needs_no_compiler() -> None:
    """A process that only runs what is compiled imports LLVM's linker, and not the compiler, which starts slowly."""
    compile_engine(CompiledEngine())
    done = subprocess.run([sys.executable, "-c", _RUN], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["llvmlite"]
