"""Luck: random numbers that depend on (seed, purpose, family, attempt) and on nothing else.

An ordinary generator hands out numbers in the order in which they are asked for, so one more window
changes everybody's service times. Here the number is a function of what it is for. Two scenarios on
one seed therefore meet the same families with the same luck (common random numbers), whatever the
staffing, the engine or the way the work is cut over processes.

The function is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
OOPSLA 2014) used as a counter: a 64-bit key from a hash of seed and purpose, mixed with the attempt,
then one output for each family's index. numpy's own counter generator, Philox, has no access to
"number i of stream k" for a whole array of i at once, which is what columns need.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from canbao.arrays import FloatArray, IntArray, np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Luck"]


_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_MIX_1 = 0xBF58476D1CE4E5B9
_MIX_2 = 0x94D049BB133111EB
_ATTEMPT = 0xD1342543DE82EF95
_TO_UNIT = 2.0**-52  # with 52 bits and a half added, neither 0 nor 1 is ever reached


def _mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * _MIX_1) & _MASK
    z = ((z ^ (z >> 27)) * _MIX_2) & _MASK
    return z ^ (z >> 31)


def _mix_array(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z ^= z >> np.uint64(30)
    z *= np.uint64(_MIX_1)
    z ^= z >> np.uint64(27)
    z *= np.uint64(_MIX_2)
    z ^= z >> np.uint64(31)
    return z


def _to_unit(bits: NDArray[np.uint64]) -> FloatArray:
    bits >>= np.uint64(12)
    unit = bits.astype(np.float64)
    unit += 0.5
    unit *= _TO_UNIT
    return unit


class Luck:
    """All the luck of one seed.

    Parameters
    ----------
    seed
        Any integer; equal seeds give equal luck on every machine.
    """

    def __init__(self, seed: int) -> None:
        self.seed = int(seed)
        self._keys: dict[str, int] = {}

    def key(self, purpose: str, attempt: int = 0) -> int:
        """Give the 64-bit key of one stream: what the numbers are for, and which attempt."""
        key = self._keys.get(purpose)
        if key is None:
            digest = blake2b(f"{self.seed}\0{purpose}".encode(), digest_size=8).digest()
            key = self._keys[purpose] = int.from_bytes(digest, "little")
        return key if attempt == 0 else _mix((key + int(attempt) * _ATTEMPT) & _MASK)

    def uniforms(self, purpose: str, count: int, *, first: int = 0, attempt: int = 0) -> FloatArray:
        """Give the uniforms of families `first` to `first + count - 1`, shape (count,), in (0, 1)."""
        index = np.arange(first + 1, first + count + 1, dtype=np.uint64)
        index *= np.uint64(_GOLDEN)
        index += np.uint64(self.key(purpose, attempt))
        return _to_unit(_mix_array(index))

    def uniforms_of(self, purpose: str, family: IntArray, attempt: IntArray) -> FloatArray:
        """Give the uniforms of any families at any attempts, both of shape (count,); the numbers are the same."""
        first = np.uint64(self.key(purpose))
        keys = attempt.astype(np.uint64) * np.uint64(_ATTEMPT)
        keys += first
        keys = np.where(attempt == 0, first, _mix_array(keys))
        index = family.astype(np.uint64)
        index += np.uint64(1)
        index *= np.uint64(_GOLDEN)
        index += keys
        return _to_unit(_mix_array(index))

    def uniform(self, purpose: str, family: int, attempt: int = 0) -> float:
        """Give the uniform of one family: the same number as `uniforms` gives at its place."""
        return ((self.bits(purpose, family, attempt) >> 12) + 0.5) * _TO_UNIT

    def bits(self, purpose: str, family: int, attempt: int = 0) -> int:
        """Give 64 random bits of one family, to seed another library's generator with."""
        # Whole numbers of Python's own, which do not overflow as those of numpy do.
        return _mix((self.key(purpose, attempt) + (int(family) + 1) * _GOLDEN) & _MASK)
