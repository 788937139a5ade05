"""Values out of answers for which a language of its own exists: JSONPath, XPath, CSS selectors, regular expressions.

Each function compiles a text once, and gives a function that finds the first value, or MISSING. The libraries are
imported when a document asks for one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from canbao.scenario.quantities import MisfitError
from canbao_loadtests.targets.documents import MISSING

__all__ = ["html_value", "json_path", "pattern", "x_path"]


def json_path(text: str) -> Callable[[Any], Any]:
    """Compile a JSONPath (RFC 9535)."""
    import jsonpath

    try:
        path = jsonpath.compile(text)
    except jsonpath.JSONPathError as error:
        raise MisfitError(f"not a JSONPath: {str(error).splitlines()[0]}", hint="see RFC 9535") from None

    def find(data: Any) -> Any:
        if not isinstance(data, dict | list):
            return MISSING
        match = path.match(data)
        return MISSING if match is None else match.obj

    return find


def x_path(text: str) -> Callable[[str], Any]:
    """Compile an XPath 1.0; it finds a text, a number, true or false, or nothing."""
    from lxml import etree

    try:
        path = etree.XPath(text)
    except etree.XPathError as error:
        raise MisfitError(f"not an XPath: {error}", hint="XPath 1.0 is what is understood here") from None

    def find(page: str) -> Any:
        root = _parsed(page)
        if root is None:
            return MISSING
        found = path(root)
        if not isinstance(found, list):
            return found
        return _content(found[0]) if found else MISSING

    return find


def html_value(selector: str, attribute: str | None) -> Callable[[str], Any]:
    """Compile a CSS selector; it finds an attribute of the first element that fits, or the text in it."""
    from lxml.cssselect import CSSSelector, SelectorError

    try:
        select = CSSSelector(selector, translator="html")
    except SelectorError as error:
        raise MisfitError(f"not a CSS selector: {error}", hint="for example input[name=csrf]") from None

    def find(page: str) -> Any:
        root = _parsed(page)
        found = [] if root is None else select(root)
        if not found:
            return MISSING
        if attribute is None:
            return _content(found[0])
        value = found[0].get(attribute)
        return MISSING if value is None else str(value)

    return find


_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


@lru_cache(maxsize=4)
def _parsed(page: str) -> Any:
    """Parse HTML or XML, however broken, once for all outputs of a page; None where there is nothing to parse."""
    from lxml import etree, html

    plain = _DECLARATION.sub("", page, count=1)  # its encoding is no longer true
    try:
        if plain == page or "<html" in plain[:2000].lower():
            return html.document_fromstring(plain)
        return etree.fromstring(plain.encode(), etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.LxmlError, ValueError):
        return None


def _content(found: Any) -> str:
    """Give the text of a node, with single spaces."""
    text = found if isinstance(found, str) else "".join(found.itertext())
    return " ".join(text.split())


def pattern(text: str) -> Callable[[str], Any]:
    """Compile a regular expression; it finds its first group, or all of the match where it has none."""
    try:
        compiled = re.compile(text)
    except re.error as error:
        raise MisfitError(f"not a regular expression: {error}") from None
    group = 1 if compiled.groups else 0

    def find(page: str) -> Any:
        match = compiled.search(page)
        return MISSING if match is None or match[group] is None else match[group]

    return find
