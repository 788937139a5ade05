"""Applicants: what a load test tells a deployment about each family. Everybody is invented, and no two are alike.

A citizen number is made from the family's own number, so that no other family has it: `canbao_plugins.families` draws
numbers as they are in life, where one in forty would meet another family's. All carry the area code 999999, which no
place has, telephones the range 154, which no operator has, and certificates of birth the province 99.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from canbao.calendar import Horizon
from canbao.columns import Coded, Column
from canbao.errors import InputError
from canbao.luck import Luck
from canbao_plugins.families.identities import SAFE_AREA, TELEPHONE_PREFIX, Identities, citizen_number
from canbao_plugins.families.papers import small_paper_image

__all__ = ["PAPER_BYTES", "Applicants"]

PAPER_BYTES = 200_000
"""The size of a picture of a paper: a telephone's photo, made smaller as forms do before they send it."""

_SPREAD = 61_803_397
"""A prime, so that i -> i * _SPREAD modulo any size that it does not divide meets every number once."""
_AGES_DAYS = {"pre-school": (91, 2191), "pupil": (2192, 6574)}
"""Ages on the first day of the horizon, to the 18th birthday."""
_ADULT_DAYS = (9_500, 18_500)
_SEQUENCES = 999
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN = "子雨思一梓欣浩宇轩晨佳怡嘉诗涵俊博文昊天悦彤语桐若安宁远航星辰知行"


class Applicants:
    """What is known of the families of one load test.

    Parameters
    ----------
    columns
        What the population knows of each, as in a plan; columns that it lacks are left out.
    horizon
        The dates of the scenario.
    seed
        The seed of the run.
    run
        Makes accounts and numbers different from those of other runs against the same deployment.
    paper_bytes
        The size of a picture, 1000 or more.

    Raises
    ------
    InputError
        When there are more families than invented numbers.
    """

    def __init__(
        self,
        columns: Mapping[str, Column],
        horizon: Horizon,
        seed: int,
        *,
        run: str = "",
        paper_bytes: int = PAPER_BYTES,
    ) -> None:
        self._columns, self._start, self._bytes = columns, horizon.start, paper_bytes
        self._luck = Luck(seed)
        self._tag = f"{self._luck.key(f'load: {run}') & 0xFFFFFF:06x}"
        self._offsets = {name: self._luck.key(f"load: {name} {run}") for name in ("telephone", "child", "guardian")}
        self._horizon = horizon
        self._pictures: dict[str, tuple[bytes, str, str]] = {}
        self.of = lru_cache(maxsize=4096)(self._of)

    # --- families ---

    def _of(self, family: int, /) -> Mapping[str, Any]:
        """Give what a family tells a deployment, by name: the same mapping for the same family."""
        bits = self._luck.bits("load: person", family)
        kind = self._word("kind", family, "pre-school")
        number, birth, sex = self._child(family, kind)
        surname = _SURNAMES[bits % len(_SURNAMES)]
        guardian_birth, sequence = self._unique("guardian", family, *_ADULT_DAYS)
        return {
            "user_name": f"family-{self._tag}-{family}",
            "password": f"A7{self._luck.bits('load: password', family):016x}",
            "telephone": f"{TELEPHONE_PREFIX}{self._place('telephone', family, 10**8):08d}",
            "child_name": surname + _given(bits >> 8),
            "child_number": number,
            "child_birth": birth.isoformat(),
            "child_sex": sex,
            "guardian_name": surname + _given(bits >> 24),
            "guardian_number": citizen_number(SAFE_AREA, guardian_birth, sequence),
            "address": f"样本市第{(bits >> 40) % 20 + 1}街道{(bits >> 45) % 500 + 1}号{(bits >> 54) % 40 + 1}室",
            "kind": kind,
            "residence": "other" if self._word("register", family, "local") == "elsewhere" else "local",
            "fee_yuan": self._number("fee_yuan", family, 400.0),
        }

    def _child(self, family: int, kind: str) -> tuple[str, date, str]:
        """Give the number, the date of birth and the sex of a family's child."""
        if kind not in _AGES_DAYS:
            letter, serial = divmod(self._place("child", family, len(_LETTERS) * 10**7), 10**7)
            born = self._start + timedelta(days=self._birth_day(family))
            return f"{_LETTERS[letter]}99{serial:07d}", born, ("female", "male")[serial % 2]
        birth, sequence = self._unique("child", family, *_AGES_DAYS[kind])
        return citizen_number(SAFE_AREA, birth, sequence), birth, ("female", "male")[sequence % 2]

    def _birth_day(self, family: int) -> int:
        birth_s = self._number("birth_s", family, 0.0)
        return int(birth_s // 86_400) if math.isfinite(birth_s) else 0

    def _unique(self, name: str, family: int, least_days: int, most_days: int) -> tuple[date, int]:
        """Give a date of birth and a sequence that no other family has."""
        days, sequence = divmod(self._place(name, family, (most_days - least_days) * _SEQUENCES), _SEQUENCES)
        return self._start - timedelta(days=least_days + days), sequence + 1

    def _place(self, name: str, family: int, size: int) -> int:
        """Give a number below `size` that no other of `size` families has."""
        if family >= size:
            raise InputError(
                f"there are {size} invented numbers for {name}, too few for family {family}; choose fewer families"
            )
        return (family * _SPREAD + self._offsets[name]) % size

    def _word(self, name: str, family: int, otherwise: str) -> str:
        column = self._columns.get(name)
        return column.labels[int(column.codes[family])] if isinstance(column, Coded) else otherwise

    def _number(self, name: str, family: int, otherwise: float) -> float:
        column = self._columns.get(name)
        return otherwise if column is None or isinstance(column, Coded) else float(column[family])

    # --- papers ---

    def prepare(self, pictures: Mapping[str, str]) -> None:
        """Draw the pictures that a target wants, before the start: each takes some hundredths of a second.

        Parameters
        ----------
        pictures
            The deployment's word for each paper, and the name of the picture.
        """
        for picture in pictures.values():
            self.paper(picture)

    def paper(self, name: str, /) -> tuple[bytes, str, str]:
        """Give a picture of a paper, its content type and a file name: the same bytes for all families.

        Raises
        ------
        InputError
            When there is no such picture, or none so small.
        """
        if name not in self._pictures:
            sample = Identities(0, self._horizon).identity(0, _SAMPLE)
            picture = _filled(small_paper_image(sample, name, self._bytes), self._bytes)
            self._pictures[name] = picture, "image/png", f"{name}.png"
        return self._pictures[name]


_SAMPLE: Mapping[str, Column] = {
    **{name: np.ones(1) for name in ("children", "newborns")},
    **{name: np.zeros(1) for name in ("pre_school", "pupils", "birth_s")},
    **{name: Coded(np.zeros(1, dtype=np.int8), (name,)) for name in ("residence", "register", "category")},
}
"""A family whose papers are drawn for all."""


def _filled(image: bytes, size: int) -> bytes:
    """Fill a PNG up with a chunk that viewers pass over, to exactly `size` bytes if a chunk has room."""
    room = size - len(image) - 12
    if room < 0:
        return image
    noise = b"".join(zlib.crc32(n.to_bytes(4, "big")).to_bytes(4, "big") for n in range(room // 4 + 1))[:room]
    body = b"caNb" + noise
    chunk = room.to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    return image[:-12] + chunk + image[-12:]  # before the chunk that ends the picture


def _given(bits: int) -> str:
    one, two = bits % len(_GIVEN), (bits >> 6) % len(_GIVEN)
    return _GIVEN[one] + (_GIVEN[two] if one != two else "")
