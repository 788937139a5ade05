"""Links inside the documentation lead somewhere, and each page can be reached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "README.zh.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *(ROOT / folder / "README.md" for folder in ("scenarios", "results")),
        *(ROOT / "docs").glob("*.md"),
    ]
)


def _tokens(page: Path) -> Iterator[Any]:
    for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")):
        yield token
        yield from token.children or ()


def links_of(page: Path) -> list[str]:
    """Give the targets of all links and pictures of a page."""
    attributes = {"link_open": "href", "image": "src"}
    return [unquote(str(token.attrs[attributes[token.type]])) for token in _tokens(page) if token.type in attributes]


@cache  # a page has hundreds of links into itself
def anchors_of(page: Path) -> frozenset[str]:
    """Give the anchors of a page's headings, as GitHub names them: lower case, no punctuation, spaces as hyphens."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    headings = [after for token, after in pairwise(tokens) if token.type == "heading_open"]
    return frozenset(_anchor(_plain(heading)) for heading in headings)


def _plain(heading: Any) -> str:
    return "".join(child.content for child in heading.children)


def _anchor(text: str) -> str:
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def is_outside(link: str) -> bool:
    """Tell whether a link leads to another site."""
    return link.startswith(("https://", "http://", "mailto:"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    """Each link to a file names one that is there, and each anchor a heading of it."""
    broken = []
    for link in filter(lambda link: not is_outside(link), links_of(page)):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)
    assert not broken


def test_every_page_of_the_documentation_is_reached_from_its_index() -> None:
    """The index links to every page of docs/ but itself."""
    linked = {link.partition("#")[0] for link in links_of(ROOT / "docs" / "index.md")}
    assert {page.name for page in (ROOT / "docs").glob("*.md")} == {*linked, "index.md"}


def test_every_picture_is_shown_and_small() -> None:
    """Each file of docs/images stands on some page and has less than 400 kB."""
    shown = {(page.parent / link).resolve() for page in PAGES for link in links_of(page) if not is_outside(link)}
    pictures = sorted((ROOT / "docs" / "images").iterdir())
    assert [picture.name for picture in pictures if picture not in shown or picture.stat().st_size >= 400_000] == []
