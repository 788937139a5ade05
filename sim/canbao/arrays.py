"""numpy when it is first used, and the types of arrays by their usual names.

Reading and checking a scenario needs no arrays. Modules that have a part in it take `np` from here, so that
`canbao scenario check` does not wait for numpy to be imported (60 to 100 ms); the types are text for the same reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray
else:
    import lazy_loader

    np = lazy_loader.load("numpy")

__all__ = ["AnyArray", "BoolArray", "FloatArray", "IntArray", "np"]

AnyArray: TypeAlias = "NDArray[Any]"
BoolArray: TypeAlias = "NDArray[np.bool_]"
FloatArray: TypeAlias = "NDArray[np.float64]"
IntArray: TypeAlias = "NDArray[np.int64]"
