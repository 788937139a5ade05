"""Languages that people read canbao in: English, which stands in the code, and others, each from a catalogue.

>>> from canbao.languages import ENGLISH
>>> ENGLISH.plural("{n} family", "{n} families", 2)
'2 families'

A catalogue is a `.po` file of gettext beside this module, `zh.po`, and is read as it is: no step of a build makes
anything of it. A language is an argument of whatever writes for people; there is no language of the process.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from canbao.errors import InputError
from canbao.languages.catalogue import Catalogue, read_catalogue
from canbao.languages.language import ENGLISH, Language, noted

__all__ = [
    "ENGLISH",
    "LANGUAGES",
    "Catalogue",
    "Language",
    "language_named",
    "noted",
    "preferred",
    "read_catalogue",
    "with_catalogues",
]

LANGUAGES: Mapping[str, str] = {"en": "en", "zh": "zh-CN"}
"""The languages there are: the code of each, and its tag for HTML (BCP 47)."""


@cache
def language_named(code: str) -> Language:
    """Give a language by its code.

    Raises
    ------
    InputError
        When there is no such language.
    """
    if code not in LANGUAGES:
        raise InputError(f"there is no language {code!r}; there are: {', '.join(LANGUAGES)}")
    if code == ENGLISH.code:
        return ENGLISH
    from importlib.resources import files  # slow to import, and no command needs it to say what it can do

    text = (files(__name__) / f"{code}.po").read_text(encoding="utf-8")
    return Language(code, LANGUAGES[code], read_catalogue(text, f"{code}.po"))


def with_catalogues(language: Language, modules: Iterable[str]) -> Language:
    """Give a language with the catalogues that stand beside some modules, such as those of plugins: `zh.po`.

    Parameters
    ----------
    language
        Where it has a text, that one holds.
    modules
        Their names; they have been imported.
    """
    places = {getattr(sys.modules.get(name), "__file__", None) for name in modules}
    paths = {Path(place).with_name(f"{language.code}.po") for place in places if place}
    for path in sorted(paths):
        if path.is_file():
            language = language.joined_by(read_catalogue(path.read_text(encoding="utf-8"), str(path)))
    return language


def preferred(environment: Mapping[str, str]) -> str:
    """Give the code of the language that a locale asks for: of LC_ALL, LC_MESSAGES and LANG the first that is set.

    English where none is, or where it asks for a language that is not there.
    """
    asked = next(filter(None, (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    code = asked.replace("-", "_").partition("_")[0].partition(".")[0].lower()
    return code if code in LANGUAGES else ENGLISH.code
