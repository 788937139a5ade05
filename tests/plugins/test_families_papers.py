"""Sample images of papers: they open, are of the size that was asked for, and say what they are."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from canbao.arrays import BoolArray
from canbao.calendar import Horizon
from canbao.errors import InputError
from canbao.luck import Luck
from canbao_plugins.families.identities import FamilyIdentity, Identities
from canbao_plugins.families.papers import PAPER_IMAGES, paper_image, small_paper_image
from canbao_plugins.families.population import City

SEASON = Horizon(date(2025, 9, 1), date(2026, 2, 28))
SMALL = (400, 300)
"""A size that takes a tenth of the time of the usual one, for what does not depend on the size."""


@pytest.fixture(scope="module", name="families")
def _families() -> list[FamilyIdentity]:
    columns = City(kind="city").columns(Luck(3), 60, SEASON)
    made = Identities(3, SEASON)
    return [made.identity(family, columns) for family in range(60)]


def _pixels(file: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(BytesIO(file)).convert("RGB"))


def _red(pixels: NDArray[np.uint8]) -> BoolArray:
    """Where the red of the stamp lies."""
    wide = pixels.astype(np.int16)
    red: BoolArray = (wide[..., 0] - np.maximum(wide[..., 1], wide[..., 2])) > 40
    return red


@pytest.mark.parametrize("paper", PAPER_IMAGES)
@pytest.mark.parametrize("image_format", ["PNG", "JPEG"])
def test_an_image_opens_in_its_format_and_size(
    families: list[FamilyIdentity], paper: str, image_format: Literal["PNG", "JPEG"]
) -> None:
    """A reader finds the format and the size that were asked for, from tiny to large."""
    for size in ((64, 64), (321, 200), (1000, 1400)):
        image = Image.open(BytesIO(paper_image(families[0], paper, format=image_format, size=size)))
        image.load()
        assert (image.format, image.size, image.mode) == (image_format, size, "RGB")


@pytest.mark.parametrize("paper", PAPER_IMAGES)
def test_the_stamp_lies_right_across_every_paper(families: list[FamilyIdentity], paper: str) -> None:
    """样本 SAMPLE covers a good part of the picture and reaches over most of its shorter side."""
    red = _red(_pixels(paper_image(families[0], paper)))
    assert red.mean() > 0.02
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) > 0.7 * min(red.shape)


def test_an_image_is_the_same_again_and_another_for_another_family(families: list[FamilyIdentity]) -> None:
    """The bytes are a pure function of the family and the paper."""
    first = {paper: paper_image(families[0], paper, size=SMALL) for paper in PAPER_IMAGES}
    for paper, image in first.items():
        assert image == paper_image(families[0], paper, size=SMALL)
        assert image != paper_image(families[1], paper, size=SMALL)
    assert len(set(first.values())) == len(PAPER_IMAGES)


def test_every_family_can_have_every_paper_drawn(families: list[FamilyIdentity]) -> None:
    """Families of every size and kind fit on the papers."""
    assert {len(family.children) for family in families} == {1, 2, 3}
    for family in families[:20]:
        assert all(paper_image(family, paper, size=(160, 120)) for paper in PAPER_IMAGES)


@pytest.mark.parametrize("most", [1_000, 5_000, 40_000])
def test_a_small_image_takes_no_more_than_it_may(families: list[FamilyIdentity], most: int) -> None:
    """Every paper fits, those of different papers differ, and the stamp lies across a picture of 40 kB as on any."""
    images = {paper: small_paper_image(families[0], paper, most) for paper in PAPER_IMAGES}
    assert all(len(image) <= most for image in images.values())
    assert len(set(images.values())) == len(PAPER_IMAGES)
    for image in images.values():
        opened = Image.open(BytesIO(image))
        opened.load()
        assert min(opened.size) >= 64
        assert most < 40_000 or _red(_pixels(image)).mean() > 0.02


def test_an_image_smaller_than_there_is_one_is_refused(families: list[FamilyIdentity]) -> None:
    """The message says how small one can be, and so small it can be."""
    with pytest.raises(InputError, match=r"'photo' takes 100 bytes; allow it \d+ at least") as caught:
        small_paper_image(families[0], "photo", 100)
    least = int(str(caught.value).split()[-3])
    assert len(small_paper_image(families[0], "photo", least)) == least


def test_a_paper_a_format_and_a_size_that_are_not_there_are_refused(families: list[FamilyIdentity]) -> None:
    """The messages say what is allowed."""
    with pytest.raises(InputError, match=r"'passport'.*allowed: birth_certificate"):
        paper_image(families[0], "passport")
    with pytest.raises(InputError, match=r"'GIF'.*allowed: PNG, JPEG"):
        paper_image(families[0], "photo", format="GIF")  # type: ignore[arg-type]
    for size in ((0, 100), (100, 5_000), (-5, 64)):
        with pytest.raises(InputError, match=r"pixels; allowed: 64 to 4096"):
            paper_image(families[0], "photo", size=size)
