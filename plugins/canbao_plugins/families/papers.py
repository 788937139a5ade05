"""Sample images of papers: drawn placeholders that say 样本 SAMPLE right across, for a target that wants uploads.

No real layout is copied. The picture is made of a title, a few rows and the invented numbers; a name is drawn as one
grey square for each character. No font is read from the machine, so that a picture does not depend on it: Latin letters
come from Pillow's own font, and the two Chinese characters are strokes drawn here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Literal

from canbao.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

    from canbao_plugins.families.identities import FamilyIdentity, Person

__all__ = ["PAPER_IMAGES", "paper_image", "small_paper_image"]

PAPER_IMAGES = (
    "birth_certificate",
    "household_register",
    "identity_card_front",
    "identity_card_back",
    "residence_proof",
    "proof_of_school",
    "photo",
)
"""Papers that can be drawn."""

_Colour = tuple[int, int, int]
_Row = tuple[str, str | int]  # label, and a text or how many grey squares
_Stroke = tuple[tuple[float, float], ...]

_INK: _Colour = (40, 44, 52)
_GREY: _Colour = (168, 172, 180)
_SAMPLE_INK = (200, 30, 30, 150)
_LEAST_SIDE, _MOST_SIDE = 64, 4096
_FEWEST = 4
"""Colours with which a paper can still be told from another."""

# Strokes of the two characters in a square of side 1, y downwards.
_YANG: tuple[_Stroke, ...] = (
    ((0.04, 0.32), (0.42, 0.32)),
    ((0.24, 0.06), (0.24, 0.96)),
    ((0.23, 0.34), (0.16, 0.54), (0.04, 0.72)),
    ((0.26, 0.42), (0.40, 0.60)),
    ((0.54, 0.08), (0.62, 0.22)),
    ((0.88, 0.06), (0.78, 0.24)),
    ((0.50, 0.30), (0.94, 0.30)),
    ((0.54, 0.48), (0.90, 0.48)),
    ((0.46, 0.68), (0.98, 0.68)),
    ((0.72, 0.30), (0.72, 0.97)),
)
_BEN: tuple[_Stroke, ...] = (
    ((0.06, 0.30), (0.94, 0.30)),
    ((0.50, 0.05), (0.50, 0.96)),
    ((0.48, 0.32), (0.32, 0.56), (0.05, 0.78)),
    ((0.52, 0.32), (0.68, 0.56), (0.96, 0.78)),
    ((0.30, 0.74), (0.70, 0.74)),
)


@dataclass(frozen=True, slots=True)
class _Form:
    """How one paper is laid out."""

    title: str
    size: tuple[int, int]
    tint: _Colour
    rows: Callable[[FamilyIdentity], list[_Row]]
    portrait: bool = False


def paper_image(
    identity: FamilyIdentity,
    paper: str,
    format: Literal["PNG", "JPEG"] = "PNG",
    size: tuple[int, int] | None = None,
) -> bytes:
    """Draw one paper of a family as the bytes of an image file.

    The bytes depend on the arguments alone (and on the version of Pillow).

    Parameters
    ----------
    identity
        The family.
    paper
        One of `PAPER_IMAGES`.
    format
        PNG, or JPEG as a telephone would send.
    size
        Width and height in pixels, 64 to 4096; the paper's own size if not given.

    Raises
    ------
    InputError
        An unknown paper, format or size.
    """
    sides = _checked_size(size or _form(paper).size)
    if format not in {"PNG", "JPEG"}:
        raise InputError(f"papers are not drawn as {format!r}; allowed: PNG, JPEG")
    return _file(_drawn(identity, paper, sides), format)


def small_paper_image(identity: FamilyIdentity, paper: str, most_bytes: int) -> bytes:
    """Draw one paper of a family as a PNG of at most so many bytes.

    It is drawn smaller until it takes no more, 64 pixels wide and high at least, and in the end in four colours.

    Parameters
    ----------
    identity
        The family.
    paper
        One of `PAPER_IMAGES`.
    most_bytes
        What it may take; 1000 are enough for each.

    Raises
    ------
    InputError
        An unknown paper, or there is no picture so small.
    """
    image = _drawn(identity, paper, _form(paper).size)
    file = _file(image, "PNG")
    while len(file) > most_bytes and max(image.size) > _LEAST_SIDE:
        share = most_bytes / len(file)  # half as wide and as high, it takes less than half
        sides = max(int(image.width * share), _LEAST_SIDE), max(int(image.height * share), _LEAST_SIDE)
        image = _drawn(identity, paper, sides)
        file = _file(image, "PNG")
    if len(file) > most_bytes:
        file = _file(image.quantize(_FEWEST), "PNG")
    if len(file) > most_bytes:
        raise InputError(f"no picture of {paper!r} takes {most_bytes} bytes; allow it {len(file)} at least")
    return file


def _file(image: Image, format: str) -> bytes:
    file = BytesIO()
    image.save(file, format)
    return file.getvalue()


def _drawn(identity: FamilyIdentity, paper: str, size: tuple[int, int]) -> Image:
    from PIL import Image, ImageDraw  # only who asks for an image pays for Pillow

    form, (width, height) = _form(paper), size
    image = Image.new("RGB", size, form.tint)
    draw = ImageDraw.Draw(image)
    if paper == "photo":
        _draw_portrait(draw, (0, 0, width, height))
    else:
        _draw_form(draw, form, form.rows(identity), (width, height))
    return _stamped(image, f"sample {identity.family}")


def _form(paper: str) -> _Form:
    form = _FORMS.get(paper)
    if form is None:
        raise InputError(f"there is no paper {paper!r} to draw; allowed: {', '.join(PAPER_IMAGES)}")
    return form


def _checked_size(size: tuple[int, int]) -> tuple[int, int]:
    if not all(_LEAST_SIDE <= side <= _MOST_SIDE for side in size):
        raise InputError(f"no image of {size[0]} x {size[1]} pixels; allowed: {_LEAST_SIDE} to {_MOST_SIDE} each")
    return size


def _person_rows(label: str, person: Person) -> list[_Row]:
    return [(label, len(person.name)), ("Born", f"{person.birth:%Y-%m-%d}"), ("Number", person.citizen_number)]


def _birth_rows(identity: FamilyIdentity) -> list[_Row]:
    child = identity.children[0]
    return [
        ("Certificate", child.birth_certificate_number or "-"),
        *_person_rows("Child", child),
        *((parent.role.capitalize(), len(parent.name)) for parent in identity.parents),
    ]


def _register_rows(identity: FamilyIdentity) -> list[_Row]:
    members = (*identity.parents, *identity.children)
    place: list[_Row] = [("Area", identity.household_register_place.code)]
    return place + [(person.role.capitalize(), person.citizen_number) for person in members]


def _card_rows(identity: FamilyIdentity) -> list[_Row]:
    parent = identity.parents[0]
    return [*_person_rows("Name", parent), ("Sex", parent.sex), ("Address", 12)]


def _back_rows(identity: FamilyIdentity) -> list[_Row]:
    return [("Issued by", 8), ("Area", identity.household_register_place.code), ("Valid", "20 years")]


def _residence_rows(identity: FamilyIdentity) -> list[_Row]:
    parent = identity.parents[0]
    return [*_person_rows("Resident", parent), ("Area", identity.home.code), ("Address", 16)]


def _school_rows(identity: FamilyIdentity) -> list[_Row]:
    return [*_person_rows("Pupil", identity.children[-1]), ("School", 9), ("Form", 3)]


def _no_rows(_: FamilyIdentity) -> list[_Row]:
    return []


_FORMS = {
    "birth_certificate": _Form("Birth certificate", (900, 640), (250, 240, 236), _birth_rows),
    "household_register": _Form("Household register, one page", (900, 640), (246, 243, 230), _register_rows),
    "identity_card_front": _Form("Identity card, front", (856, 540), (232, 241, 248), _card_rows, portrait=True),
    "identity_card_back": _Form("Identity card, back", (856, 540), (238, 234, 246), _back_rows),
    "residence_proof": _Form("Proof of residence", (700, 900), (244, 246, 244), _residence_rows),
    "proof_of_school": _Form("Proof of school", (700, 900), (240, 246, 238), _school_rows),
    "photo": _Form("Photo", (358, 441), (205, 222, 238), _no_rows),
}


def _draw_form(draw: ImageDraw, form: _Form, rows: list[_Row], size: tuple[int, int]) -> None:
    width, height = size
    margin = min(size) // 18
    draw.rectangle((margin // 2, margin // 2, width - margin // 2, height - margin // 2), outline=_GREY, width=2)
    _write(draw, (margin, margin), form.title, height // 14)
    text_width = width - 2 * margin
    if form.portrait:
        text_width = text_width * 2 // 3
        _draw_portrait(draw, (2 * margin + text_width, 4 * margin, width - margin, height - 4 * margin))
    top, step = 4 * margin, (height - 5 * margin) // max(len(rows), 6)
    letter = min(step * 2 // 5, text_width // 20)  # 18 digits fit beside their label
    for row, (label, value) in enumerate(rows):
        _draw_row(draw, (margin, top + row * step, text_width), label, value, letter)


def _draw_row(draw: ImageDraw, place: tuple[int, int, int], label: str, value: str | int, letter: int) -> None:
    left, top, width = place
    _write(draw, (left, top), label, letter, _GREY)
    value_left = left + width * 3 // 10
    if isinstance(value, str):
        _write(draw, (value_left, top), value, letter)
        return
    side = max(1, min(letter, (width * 7 // 10) // value - 2))
    for square in range(value):
        corner = value_left + square * (side + 2)
        draw.rectangle((corner, top + 2, corner + side - 1, top + side + 1), fill=_GREY)


def _draw_portrait(draw: ImageDraw, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    draw.rectangle(box, fill=(205, 222, 238))
    draw.ellipse((left + width * 0.3, top + height * 0.18, left + width * 0.7, top + height * 0.6), fill=_GREY)
    # The lower half of an ellipse would leave the picture, so the shoulders are a chord.
    shoulders = (left + width * 0.08, top + height * 0.64, left + width * 0.92, bottom + height * 0.36)
    draw.chord(shoulders, 180, 360, fill=_GREY)


def _write(
    draw: ImageDraw, corner: tuple[int, int], text: str, letter: int, ink: _Colour | tuple[int, int, int, int] = _INK
) -> None:
    from PIL import ImageFont

    draw.text(corner, text, fill=ink, font=ImageFont.load_default(max(letter, 6)))


def _stamped(image: Image, number: str) -> Image:
    """Lay 样本 SAMPLE across the picture, slanting, so that it cannot be cut away; the number tells pictures apart."""
    from PIL import Image as images  # noqa: N813
    from PIL import ImageDraw

    width, height = image.size
    side = min(width, height) * 3 // 8  # two by two of them still fit when they are turned
    layer = images.new("RGBA", image.size, (255, 255, 255, 0))
    draw = ImageDraw.Draw(layer)
    left, top = width // 2 - side, height // 2 - side
    for place, strokes in enumerate((_YANG, _BEN)):
        _draw_character(draw, (left + place * side * 21 // 20, top), side * 9 // 10, strokes)
    _write(draw, (width // 2 - side, height // 2), "SAMPLE", side * 11 // 20, _SAMPLE_INK)
    layer = layer.rotate(20, resample=images.Resampling.BICUBIC)
    small = max(10, height // 36)
    _write(ImageDraw.Draw(layer), (small, height - 2 * small), number, small, _SAMPLE_INK)
    return images.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def _draw_character(draw: ImageDraw, corner: tuple[int, int], side: int, strokes: tuple[_Stroke, ...]) -> None:
    thick = max(2, side // 11)
    for stroke in strokes:
        points = [(corner[0] + x * side, corner[1] + y * side) for x, y in stroke]
        draw.line(points, fill=_SAMPLE_INK, width=thick, joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=_SAMPLE_INK)
