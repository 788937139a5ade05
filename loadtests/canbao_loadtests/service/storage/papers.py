"""Papers as files, named by what is in them.

The database keeps a paper's checksum, the folder its bytes. One picture that is sent a thousand times is one file,
and a file is complete or absent: it is written under another name, put on disk, and then renamed. The row that names
it is written afterwards, so that no row is without its file.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from canbao.errors import StorageError

__all__ = ["PaperFolder"]


class PaperFolder:
    """A folder of papers.

    Parameters
    ----------
    folder
        It is made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, content: bytes) -> str | None:
        """Give the checksum (SHA-256) of a paper that is there already; None if it is not."""
        checksum = hashlib.sha256(content).hexdigest()
        return checksum if self._path(checksum).exists() else None

    def keep(self, content: bytes) -> str:
        """Store a paper and give its checksum; when this returns, it is on disk.

        Raises
        ------
        StorageError
            When it cannot be written.
        """
        checksum = hashlib.sha256(content).hexdigest()
        path = self._path(checksum)
        try:
            if not path.exists():
                _write(path, content)
        except OSError as error:
            raise StorageError(f"the paper could not be stored: {error.strerror}") from error
        return checksum

    def read(self, checksum: str) -> bytes:
        """Give the bytes of a paper."""
        return self._path(checksum).read_bytes()

    def _path(self, checksum: str) -> Path:
        return self._folder / checksum[:2] / checksum


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            os.unlink(file.name)
            raise
    os.rename(file.name, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name, too
    finally:
        os.close(folder)
