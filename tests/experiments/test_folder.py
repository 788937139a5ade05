"""The folder of an experiment: whole files, the same question, nobody else in it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.errors import InputError, StorageError
from canbao.experiments import Results, ScenarioModel, Variant
from canbao.experiments.folder import (
    EXPERIMENT,
    read_experiment,
    read_replication,
    write_atomically,
    write_replication,
)
from canbao.plugins import Plugins
from canbao.runs.tables import table_bytes
from canbao.scenario.scenario import load_scenario


@given(st.dictionaries(st.text(max_size=5), st.floats(), max_size=5), st.integers(0, 10**9))
def test_measures_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, measures: dict[str, float], seed: int
) -> None:
    """What is written is read to the last bit, nan, infinities and the sign of zero included."""
    folder = tmp_path_factory.mktemp("experiment")
    write_replication(folder, "a" * 64, seed, measures)
    found = read_replication(folder, "a" * 64, seed)
    assert found is not None
    assert list(found) == list(measures)
    for name, value in measures.items():
        assert (math.isnan(value) and math.isnan(found[name])) or value.hex() == found[name].hex()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"format": 1}', b"\xff\xfe", b'{"format": 9, "model": "a"}'])
def test_a_damaged_replication_is_done_again(tmp_path: Path, damage: bytes) -> None:
    """A file that is not whole counts as not finished."""
    write_replication(tmp_path, "a" * 64, 1, {"x": 1.0})
    next((tmp_path / "replications").iterdir()).write_bytes(damage)
    assert read_replication(tmp_path, "a" * 64, 1) is None


def test_a_replication_of_another_model_is_not_taken(tmp_path: Path) -> None:
    """Two keys that begin alike are told apart by what stands in the file."""
    write_replication(tmp_path, "a" * 64, 1, {"x": 1.0})
    assert read_replication(tmp_path, "a" * 63 + "b", 1) is None


def test_a_file_is_there_as_a_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the write is cut off, the old content stays."""
    path = tmp_path / "answer.json"
    write_atomically(path, "old")

    def cut_off(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", cut_off)
    with pytest.raises(StorageError, match="no space"):
        write_atomically(path, "new and much longer")
    assert path.read_text() == "old"


def test_what_is_not_an_experiment_is_told(tmp_path: Path, opened: Callable[..., Any]) -> None:
    """Any other folder, and one that another version wrote, is refused in words."""
    with pytest.raises(StorageError, match="not the folder of an experiment"), opened(tmp_path, resume=tmp_path / "no"):
        pass
    (tmp_path / EXPERIMENT).write_text('{"format": 99}')
    with pytest.raises(StorageError, match="has format 99, but this canbao reads format 1"):
        read_experiment(tmp_path)
    (tmp_path / EXPERIMENT).write_text("{")
    with pytest.raises(StorageError, match="damaged"):
        read_experiment(tmp_path)


def test_another_question_is_not_resumed(tmp_path: Path, opened: Callable[..., Any], toy: Any) -> None:
    """A folder that answers another question is refused, and the message says which setting differs."""
    first = [Variant("a", toy(10.0), {"windows": 3})]
    with opened(tmp_path, first, settings={"first_seed": 1}) as experiment:
        experiment.replicate(first, [1])
    for variants, settings, said in (
        (first, {"first_seed": 2}, "settings.first_seed was 1 there and is 2 now"),
        ([Variant("a", toy(11.0), {"windows": 3})], {"first_seed": 1}, "variants was"),
        ([*first, Variant("b", toy(11.0))], {"first_seed": 1}, "variants was"),
    ):
        with (
            pytest.raises(StorageError, match=said),
            opened(tmp_path, variants, resume=experiment.folder, settings=settings),
        ):
            pass


def test_two_processes_do_not_share_a_folder(tmp_path: Path, opened: Callable[..., Any], toy: Any) -> None:
    """While one works on an experiment, another one is sent away, and its files are left alone."""
    variants = [Variant("a", toy())]
    with opened(tmp_path, variants) as experiment:
        experiment.replicate(variants, [1])
        with (
            pytest.raises(StorageError, match="another process works on"),
            opened(tmp_path, variants, resume=experiment.folder),
        ):
            pass
        assert experiment.kept == 1


def test_half_written_files_are_cleared_away(tmp_path: Path, opened: Callable[..., Any], toy: Any) -> None:
    """What somebody who was killed left half written is gone after a resumption."""
    variants = [Variant("a", toy())]
    with opened(tmp_path, variants) as experiment:
        experiment.replicate(variants, [1])
    part = experiment.folder / "replications" / ".x-2.json.part"
    part.write_text("{")
    with opened(tmp_path, variants, resume=experiment.folder):
        assert not part.exists()


def test_an_experiment_without_a_replication_leaves_nothing(
    tmp_path: Path, opened: Callable[..., Any], toy: Any
) -> None:
    """Where something is wrong before the first replication is finished, no folder stays."""
    with pytest.raises(RuntimeError), opened(tmp_path, [Variant("a", toy())]):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_two_experiments_of_one_second_have_two_folders(tmp_path: Path, opened: Callable[..., Any], toy: Any) -> None:
    """The second one gets a number behind its name."""
    import datetime as dt

    now, variants = dt.datetime(2026, 1, 2, 3, 4, 5), [Variant("a", toy())]
    with opened(tmp_path, variants, now=now) as one, opened(tmp_path, variants, now=now) as other:
        one.replicate(variants, [1])
        other.replicate(variants, [1])
    assert (one.folder.name, other.folder.name) == ("20260102-030405-replications", "20260102-030405-replications-2")
    assert one.folder.parent == tmp_path / "experiments" / "trial"


def test_the_scenario_of_each_variant_runs_as_it_is(
    tmp_path: Path, village: Path, plugins: Plugins, opened: Callable[..., Any]
) -> None:
    """The folder holds the whole scenario of each variant, which is the same model when it is read again."""
    changes = {"as is": (), "more": ("channels.office.sites.hall.staff=3",)}
    variants = [
        Variant(name, ScenarioModel.of(load_scenario(village, plugins, given), given, "simpy"), {"n": len(given)})
        for name, given in changes.items()
    ]
    with opened(tmp_path / "out", variants) as experiment:
        experiment.replicate(variants, [1])
        experiment.conclude({})
    for variant in variants:
        kept = experiment.folder / "variants" / variant.name / "scenario.toml"
        assert ScenarioModel.of(load_scenario(kept, plugins)).key() == variant.model.key()


def test_the_answer_is_kept_with_the_question(tmp_path: Path, opened: Callable[..., Any], toy: Any) -> None:
    """experiment.json holds question, failures and answer; what is not finite is null, so that it is JSON."""
    variants = [Variant("a", toy(fails=(2,)), {"windows": 3})]
    reported: list[Path] = []
    with opened(tmp_path, variants, settings={"first_seed": 1}, report=reported.append) as experiment:
        assert read_experiment(experiment.folder)["finished"] is False
        experiment.replicate(variants, [1, 2])
        experiment.conclude({"mean": math.inf, "n": 2})
    said = json.loads((experiment.folder / EXPERIMENT).read_text())
    assert said["finished"] is True
    assert said["answer"] == {"mean": None, "n": 2}
    assert said["variants"] == [{"name": "a", "model": variants[0].model.key(), "settings": {"windows": 3}}]
    assert [failure["command"] for failure in said["failures"]] == ["toy --seed 2"]
    assert reported == [experiment.folder]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\0"])
def test_a_variant_has_a_name_that_a_folder_can_have(toy: Any, name: str) -> None:
    """Names that would lead elsewhere are refused."""
    with pytest.raises(InputError, match="name of a variant"):
        Variant(name, toy())


def test_two_variants_of_one_name_are_refused(tmp_path: Path, opened: Callable[..., Any], toy: Any) -> None:
    """Neither in one call nor in two can a name mean two models."""
    with opened(tmp_path, []) as experiment:
        with pytest.raises(InputError, match="two variants"):
            experiment.replicate([Variant("a", toy(1.0)), Variant("a", toy(2.0))], [1])
        experiment.replicate([Variant("a", toy(1.0))], [1])
        with pytest.raises(InputError, match="two variants"):
            experiment.replicate([Variant("a", toy(2.0))], [1])


# --- results ----------------------------------------------------------------------------------------------------------


def _results(tmp_path: Path, opened: Callable[..., Any], toy: Any) -> Results:
    variants = [Variant("a", toy(10.0)), Variant("b", toy(20.0, fails=(2,)))]
    with opened(tmp_path, variants) as experiment:
        results: Results = experiment.replicate(variants, [1, 2, 3])
    return results


def test_values_are_in_the_order_of_seeds(tmp_path: Path, opened: Callable[..., Any], toy: Any) -> None:
    """One value a seed, nan where a replication failed or found nothing to measure; the same luck for all variants."""
    results = _results(tmp_path, opened, toy)
    one, other = results.values("a", "value"), results.values("b", "value")
    assert [math.isnan(value) for value in other] == [False, True, False]
    assert other[[0, 2]] == pytest.approx(one[[0, 2]] + 10.0)
    assert all(math.isnan(value) for value in results.values("a", "nothing"))
    with pytest.raises(InputError, match="no variant 'c'"):
        results.values("c", "value")
    with pytest.raises(InputError, match="no measure 'price'"):
        results.values("a", "price")


def test_the_frame_holds_every_value(tmp_path: Path, opened: Callable[..., Any], toy: Any) -> None:
    """The long table is the values, in pandas and in polars, by the protocols that they speak."""
    import pandas as pd
    import polars as pl

    results = _results(tmp_path, opened, toy)
    frame = results.frame()
    assert hasattr(frame, "__dataframe__")
    assert hasattr(frame, "__arrow_c_stream__")
    table = frame.to_pandas()
    assert len(table) == 5 * 3  # five replications, three measures
    wide = table[table.measure == "value"].pivot_table(index="seed", columns="variant", values="value", observed=True)
    assert list(wide["a"]) == list(results.values("a", "value"))
    assert isinstance(table, pd.DataFrame)
    assert pl.from_arrow(frame)["value"].fill_nan(0.0).sum() == pytest.approx(table["value"].sum())
    assert table_bytes(results.table()) == table_bytes(_results(tmp_path, opened, toy).table())


def test_no_replications_make_an_empty_table(tmp_path: Path, opened: Callable[..., Any], toy: Any) -> None:
    """Where every replication failed there is a table without rows."""
    variants = [Variant("a", toy(fails=(1,)))]
    with opened(tmp_path, variants) as experiment:
        results = experiment.replicate(variants, [1])
    assert results.frame().num_rows == 0
    assert len(table_bytes(results.table())) > 0
