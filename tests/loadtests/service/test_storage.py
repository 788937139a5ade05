"""Storage: what both databases must do, and what is SQLite's own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from canbao.errors import InputError, StorageError
from canbao_loadtests.service.storage import open_storage
from canbao_loadtests.service.storage.sqlite import SqliteStorage

INSERT = "INSERT INTO facts (name, value) VALUES (?1, ?2)"
NAMES = "SELECT name FROM facts ORDER BY name"


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Give a place for a database, one of each kind."""
    return tmp_path / "facts.sqlite" if request.param == "sqlite" else request.getfixturevalue("database")


def with_storage(place: Any, scene: Any) -> Any:
    """Run a scene with a storage that is open."""

    async def whole() -> Any:
        storage = open_storage(place)
        await storage.open()
        try:
            return await scene(storage)
        finally:
            await storage.close()

    return asyncio.run(whole())


def put(name: str, fail: bool = False) -> Any:
    """Give a step that stores a fact, and may fail afterwards."""

    async def work(tx: Any) -> str:
        await tx.all(INSERT, name, "x")
        if fail:
            raise KeyError(name)
        return name

    return work


async def names(tx: Any) -> list[str]:
    """List the facts."""
    return [row["name"] for row in await tx.all(NAMES)]


def test_what_was_written_is_there_when_it_is_opened_again(place: Any) -> None:
    """A write that has returned is in the database for whoever opens it next."""

    async def write(storage: Any) -> None:
        assert await storage.write(put("a")) == "a"
        assert await storage.read(names) == ["a"]

    with_storage(place, write)
    assert with_storage(place, lambda storage: storage.read(names)) == ["a"]


def test_a_step_that_fails_takes_back_its_own_changes_only(place: Any) -> None:
    """Of fifty steps at once each third fails; the others are stored, and each hears its own result."""

    async def scene(storage: Any) -> None:
        results = await asyncio.gather(
            *(storage.write(put(f"{n:02}", fail=n % 3 == 0)) for n in range(50)), return_exceptions=True
        )
        assert [isinstance(result, KeyError) for result in results] == [n % 3 == 0 for n in range(50)]
        assert await storage.read(names) == [f"{n:02}" for n in range(50) if n % 3]

    with_storage(place, scene)


def test_a_step_that_the_database_refuses_leaves_the_others_alone(place: Any) -> None:
    """One of many at once stores a name that there is already; it alone fails."""

    async def scene(storage: Any) -> None:
        await storage.write(put("07"))
        steps = [storage.write(put(f"{n:02}")) for n in range(20)]
        results = await asyncio.gather(*steps, return_exceptions=True)
        assert [n for n, result in enumerate(results) if isinstance(result, StorageError)] == [7]
        assert await storage.read(names) == [f"{n:02}" for n in range(20)]

    with_storage(place, scene)


def test_of_two_that_lock_one_row_the_second_sees_what_the_first_did(place: Any) -> None:
    """A hundred steps add one to a number that they have read, and none is lost."""

    async def add(tx: Any) -> None:
        row = await tx.one("SELECT value FROM facts WHERE name = ?1", "count", lock="wait")
        await tx.all("UPDATE facts SET value = ?1 WHERE name = ?2", str(int(row["value"]) + 1), "count")

    async def scene(storage: Any) -> Any:
        await storage.write(lambda tx: tx.all(INSERT, "count", "0"))
        await asyncio.gather(*(storage.write(add) for _ in range(100)))
        return (await storage.read(lambda tx: tx.one("SELECT value FROM facts WHERE name = ?1", "count")))["value"]

    assert with_storage(place, scene) == "100"


def test_steps_of_one_moment_share_a_commit(tmp_path: Path) -> None:
    """A thousand writes at once need a few commits: as many as batches."""
    storage = SqliteStorage(tmp_path / "facts.sqlite")

    async def scene() -> None:
        await storage.open()
        await asyncio.gather(*(storage.write(put(f"{n:04}")) for n in range(1000)))
        await storage.close()

    asyncio.run(scene())
    assert storage.commits <= 8


@pytest.mark.parametrize(("synchronous", "level"), [("FULL", 2), ("NORMAL", 1)])
def test_sqlite_waits_for_the_disk_as_it_was_told(tmp_path: Path, synchronous: str, level: int) -> None:
    """The connection that writes has the journal and the level of synchronisation that the settings say."""
    storage = SqliteStorage(tmp_path / "facts.sqlite", synchronous)

    async def scene() -> tuple[Any, Any]:
        await storage.open()
        mode = await storage.write(lambda tx: tx.one("PRAGMA journal_mode"))
        found = await storage.write(lambda tx: tx.one("PRAGMA synchronous"))
        await storage.close()
        assert mode is not None
        assert found is not None
        return mode[0], found[0]

    assert asyncio.run(scene()) == ("wal", level)


def test_a_full_disk_is_told_and_loses_nothing_that_was_confirmed(tmp_path: Path) -> None:
    """Writes that find no space fail one by one; when there is space again they succeed, and nothing is half done."""

    async def big(tx: Any, name: str) -> None:
        await tx.all(INSERT, name, "x" * 4000)

    async def scene(storage: Any) -> None:
        pages = (await storage.write(lambda tx: tx.one("PRAGMA page_count")))[0]
        await storage.write(lambda tx: tx.one(f"PRAGMA max_page_count = {pages + 20}"))
        steps = [storage.write(lambda tx, n=n: big(tx, f"{n:02}")) for n in range(60)]
        results = await asyncio.gather(*steps, return_exceptions=True)
        stored = [f"{n:02}" for n, result in enumerate(results) if result is None]
        assert 0 < len(stored) < 60
        assert {type(result) for result in results if result is not None} == {StorageError}
        assert await storage.read(names) == stored
        await storage.write(lambda tx: tx.one("PRAGMA max_page_count = 100000"))
        await storage.write(put("zz"))
        assert await storage.read(names) == [*stored, "zz"]

    with_storage(tmp_path / "facts.sqlite", scene)


def test_on_sqlite_a_step_must_not_wait_for_anything_else(tmp_path: Path) -> None:
    """To wait inside a step would hold up everybody; it is an error that says so, and nothing is stored."""

    async def waits(tx: Any) -> None:
        await tx.all(INSERT, "a", "x")
        await asyncio.sleep(0)

    async def scene(storage: Any) -> None:
        with pytest.raises(RuntimeError, match="besides its transaction"):
            await storage.write(waits)
        assert await storage.read(names) == []

    with_storage(tmp_path / "facts.sqlite", scene)


def test_a_database_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A file in the place of a folder, a server that is not there, a kind of URL that is not known."""
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "facts.sqlite", "postgresql://canbao:secret@127.0.0.1:1/none"):
        with pytest.raises(StorageError, match=r"facts\.sqlite|127\.0\.0\.1") as error:
            with_storage(place, lambda storage: storage.read(names))
        assert "secret" not in str(error.value)
    with pytest.raises(InputError, match="mysql"):
        open_storage("mysql://root@127.0.0.1/none")
