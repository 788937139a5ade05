"""Catalogues of gettext, read from their `.po` files.

The standard library reads the compiled form (`.mo`) only, which a build would have to make and an editable install
would not. A thousand texts are read in milliseconds, and what is written is what is said.
"""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from canbao.errors import InputError

__all__ = ["Catalogue", "read_catalogue"]

Key = tuple[str, str]
"""Context, empty where there is none, and the English text: of a text that counts, the one for one."""


def _always_first(_: int) -> int:
    return 0


@dataclass(frozen=True)
class Catalogue:
    """What texts are in one language."""

    texts: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)
    """The forms of each text: one, or as many as the language has for counting."""
    form: Callable[[int], int] = _always_first
    """Tells which form a count takes."""

    def text(self, context: str, message: str) -> str:
        """Give a text, empty if it is not here."""
        return self.texts.get((context, message), ("",))[0]

    def plural(self, one: str, count: float) -> str:
        """Give the form of a text for a count, empty if it is not here."""
        forms = self.texts.get(("", one))
        return forms[self.form(int(count))] if forms else ""

    def overlaid(self, over: Catalogue) -> Catalogue:
        """Give a catalogue with the texts of both; where both have one, that of `over` holds, as its rule does."""
        return Catalogue({**self.texts, **over.texts}, over.form)


def read_catalogue(text: str, name: str) -> Catalogue:
    """Read a `.po` file.

    Entries marked as fuzzy, which nobody has looked at, and those without a translation are left out.

    Parameters
    ----------
    text
        The content of the file.
    name
        Its name, for messages.

    Raises
    ------
    InputError
        When a line is none of a `.po` file, or the rule of plurals cannot be read.
    """
    entries = [entry for entry in _entries(text, name) if not entry.fuzzy and all(entry.forms)]
    texts = {(entry.parts.get("msgctxt", ""), entry.parts["msgid"]): entry.forms for entry in entries if entry.forms}
    header = texts.pop(("", ""), ("",))[0]
    return Catalogue(texts, _rule(header, name))


@dataclass
class _Entry:
    """One entry while it is being read: its texts by keyword."""

    parts: dict[str, str] = field(default_factory=dict)
    fuzzy: bool = False

    @property
    def forms(self) -> tuple[str, ...]:
        return tuple(text for keyword, text in self.parts.items() if keyword.startswith("msgstr"))


_LINE = re.compile(r'(?:(msgctxt|msgid|msgid_plural|msgstr(?:\[\d+\])?)\s+)?(".*")')


def _entries(text: str, name: str) -> Iterator[_Entry]:
    """Give the entries of a file; whatever stands behind a translation begins the next one."""
    entry, keyword = _Entry(), ""
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if entry.forms and line.startswith(("#", "msgctxt", "msgid")):
            yield entry
            entry, keyword = _Entry(), ""
        if line.startswith("#"):
            entry.fuzzy |= line.startswith("#,") and "fuzzy" in line
        elif line:
            keyword = _add(entry, keyword, line, f"{name}:{number}")
    if entry.parts:
        yield entry


def _add(entry: _Entry, keyword: str, line: str, place: str) -> str:
    """Add a line to an entry; give the keyword to which a line without one belongs."""
    found = _LINE.fullmatch(line)
    keyword = (found[1] or keyword) if found else ""
    if not found or not keyword or (keyword.startswith("msgstr") and "msgid" not in entry.parts):
        raise InputError(f"{place}: {line!r} is no line of a catalogue; mend the file or write it anew")
    entry.parts[keyword] = entry.parts.get(keyword, "") + _unquoted(found[2], place)
    return keyword


def _unquoted(quoted: str, place: str) -> str:
    try:
        # Escapes are those of C, which are Python's too.
        return str(ast.literal_eval(quoted)) if "\\" in quoted or '"' in quoted[1:-1] else quoted[1:-1]
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{place}: {quoted} is no text of a catalogue: {error}") from error


def _rule(header: str, name: str) -> Callable[[int], int]:
    found = re.search(r"^Plural-Forms:.*\bplural=([^;\n]+)", header, flags=re.MULTILINE)
    if not found:
        return _always_first
    try:
        return gettext.c2py(found[1])
    except ValueError as error:
        raise InputError(f"{name}: the rule of plurals {found[1]!r} cannot be read: {error}") from error
