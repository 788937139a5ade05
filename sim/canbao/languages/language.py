"""A language: the texts of the code, said in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache

from canbao.languages.catalogue import Catalogue

__all__ = ["ENGLISH", "Language", "noted"]


@dataclass(frozen=True)
class Language:
    """A language. What its catalogue does not have is said in English.

    Words in braces are places for values: `say("{n} of {all} hold", n="3", all="4")`. A text without values is taken
    as it is, braces and all.
    """

    code: str
    tag: str
    """As HTML names it (BCP 47)."""
    catalogue: Catalogue = field(default_factory=Catalogue, repr=False)

    def say(self, message: str, /, **values: object) -> str:
        """Say a text."""
        return self.say_as("", message, **values)

    def say_as(self, context: str, message: str, /, **values: object) -> str:
        """Say a text that has another meaning elsewhere; `context` tells the meanings apart."""
        said = self.catalogue.text(context, message) or message
        return said.format(**values) if values else said

    def plural(self, one: str, many: str, count: float, /, **values: object) -> str:
        """Say a text that counts; `{n}` is the count with thousands separators, if no value is given for it."""
        said = self.catalogue.plural(one, count) or (one if count == 1 else many)
        return said.format(**{"n": f"{count:,}", **values})

    def read(self, context: str, text: str, forms: Iterable[str]) -> str:
        """Say a text that somebody wrote in English in one of some forms, each with its places for values.

        The text is given as it is, where it has none of these forms or the catalogue does not have the form.
        """
        for form in forms:
            found = _pattern(form).fullmatch(text)
            if found:
                return self.say_as(context, form, **found.groupdict())
        return text

    def joined_by(self, more: Catalogue) -> Language:
        """Give the language with another catalogue, such as a plugin's, behind its own."""
        return replace(self, catalogue=more.overlaid(self.catalogue))


ENGLISH = Language("en", "en")
"""English, which needs no catalogue."""


def noted(message: str) -> str:
    """Give a text as it is; a note that it is said somewhere, and belongs into the catalogues."""
    return message


@cache
def _pattern(form: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", form)
    # Every second part is the name of a place.
    return re.compile("".join(f"(?P<{part}>.+?)" if i % 2 else re.escape(part) for i, part in enumerate(parts)))
