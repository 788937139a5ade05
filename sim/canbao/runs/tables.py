"""The tables of a trace as Parquet: the same bytes for the same trace, wherever and whenever they are written."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from canbao.columns import Coded, Column
from canbao.errors import StorageError
from canbao.trace import Table, arrow_table

if TYPE_CHECKING:
    import pyarrow

__all__ = ["TABLES", "checksum", "numbers_in", "read_table", "table_bytes"]

TABLES = ("families", "visits", "stations")
"""The tables of a trace; each is a file `<name>.parquet`."""

_FORMAT = {"canbao.format": "1"}
"""Stands in the metadata of each file."""


def table_bytes(table: Table) -> bytes:
    """Give the Parquet file of a table.

    In memory first, so that its size is known before a disk has to hold it. Everything that changes the bytes is
    stated here; no time, path or name of a machine goes in.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    words = [name for name, column in table.items() if isinstance(column, Coded)]
    pq.write_table(
        arrow_table(table).replace_schema_metadata(_FORMAT),
        sink,
        version="2.6",
        compression="zstd",
        compression_level=1,
        # To look for equal numbers, or for the first word by the alphabet, takes as long as all the rest.
        use_dictionary=words,
        write_statistics=[name for name in table if name not in words],
        row_group_size=1 << 20,
    )
    content: bytes = sink.getvalue().to_pybytes()
    return content


def checksum(content: bytes) -> str:
    """Give the SHA-256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def read_table(path: Path, sha256: str) -> Table:
    """Read a table.

    Raises
    ------
    StorageError
        When the file is missing, is not the one whose checksum is given, or is no Parquet.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}; run the scenario again") from error
    if checksum(content) != sha256:
        raise StorageError(f"{path} is damaged: its checksum is not the one in the manifest; run the scenario again")
    try:
        # `pyarrow.parquet.read_table` and `to_numpy` would import pandas, wherever that is installed, in 0.3 s.
        columns = pq.ParquetFile(pa.BufferReader(content)).read().unify_dictionaries().combine_chunks()
    except pa.ArrowException as error:
        raise StorageError(f"{path} is damaged: it is not Parquet ({error}); run the scenario again") from error
    return {name: _column(columns.column(name)) for name in columns.column_names}


def _column(values: pyarrow.ChunkedArray) -> Column:
    import pyarrow as pa

    column = values.combine_chunks()
    if not pa.types.is_dictionary(values.type):
        return numbers_in(column)
    if isinstance(column, pa.ChunkedArray):  # no rows, no chunks
        return Coded(np.empty(0, dtype=np.int32), ())
    return Coded(numbers_in(column.indices), tuple(column.dictionary.to_pylist()))


def numbers_in(column: pyarrow.Array) -> NDArray[Any]:
    """Give a column of which nothing is missing as it lies in memory; true and false lie there as bits."""
    import pyarrow as pa

    if not pa.types.is_boolean(column.type):
        return np.from_dlpack(column)
    bits = np.frombuffer(column.buffers()[1] or b"", dtype=np.uint8)
    return np.unpackbits(bits, bitorder="little")[column.offset :][: len(column)].astype(np.bool_)
