"""Papers as files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.errors import StorageError
from canbao_loadtests.service.storage.papers import PaperFolder


@given(content=st.binary(min_size=1, max_size=2000))
def test_what_is_kept_is_read(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """By its checksum, byte for byte, and keeping it again changes nothing."""
    folder = PaperFolder(tmp_path_factory.mktemp("papers"))
    assert folder.find(content) is None
    checksum = folder.keep(content)
    assert folder.keep(content) == folder.find(content) == checksum
    assert folder.read(checksum) == content


def test_one_picture_is_one_file(tmp_path: Path) -> None:
    """However often it is sent."""
    folder = PaperFolder(tmp_path)
    assert len({folder.keep(b"the same") for _ in range(5)}) == 1
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_a_paper_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails is told, and no half of a file stays."""

    def fails(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(StorageError, match="No space left"):
        PaperFolder(tmp_path).keep(b"content")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
