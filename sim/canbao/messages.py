"""Every text that is to be said in other languages, and the catalogues brought up to date with them.

``python -m canbao.messages`` in a checkout (`make messages`) adds what is new in the code to each catalogue, without a
translation, and takes out what is gone. An entry whose English changed a little keeps its translation and is marked as
fuzzy: somebody looks at it and takes the mark away. Texts come from

- calls in the code and the templates: `say("…")`, `say_as("context", "…")`, `plural("…", "…", n)`, `noted("…")`;
- words of summaries (`canbao.report.terms`);
- the models of scenario files, those of the built-in plugins too: docstrings and descriptions of fields;
- titles and questions of the scenarios that come with canbao.

It needs Babel, which canbao itself does not.
"""

from __future__ import annotations

import io
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from canbao.languages import ENGLISH, LANGUAGES
from canbao.plugins import NO_PLUGINS, load_plugins
from canbao.report.terms import FORMS, TERMS
from canbao.scenario.reference import texts

if TYPE_CHECKING:
    from babel.messages import Catalog

__all__ = ["main", "messages", "updated"]

_SOURCES = ("sim", "plugins", "loadtests")
_LOCALES = {"zh": "zh_Hans_CN"}
"""The locale of each catalogue, which knows how the language counts."""

_KEYWORDS: Mapping[str, Any] = {"say": None, "noted": None, "plural": (1, 2), "say_as": ((1, "c"), 2)}
"""Which arguments of a call are texts, as Babel is told it."""

_HEAD = """\
# The {name} of canbao. CONTRIBUTING.md says how it is kept; `make messages` adds what is new.
msgid ""
msgstr ""
"Language: {locale}\\n"
"Plural-Forms: {plural}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def messages(root: Path) -> Catalog:
    """Collect all texts of a checkout.

    Parameters
    ----------
    root
        The folder of the checkout.

    Returns
    -------
    Catalog
        Babel's, without translations.
    """
    from babel.messages import Catalog

    found = Catalog(charset="utf-8")
    for file, message, context in (*_of_code(root), *_of_data(root)):
        found.add(message, context=context, locations=[(file, 1)])
    return found


def _of_code(root: Path) -> Iterator[tuple[str, str | tuple[str, ...], str | None]]:
    from babel.messages.extract import extract_from_file

    paths = [path for source in _SOURCES for path in (root / source).rglob("*") if path.suffix in (".py", ".j2")]
    for path in sorted(paths):
        # A module that knows of no language may have a `say` of its own.
        if path.suffix == ".py" and "language" not in path.read_text(encoding="utf-8"):
            continue
        method = "python" if path.suffix == ".py" else "jinja2"
        options = {"silent": "false", "trimmed": "false"}
        for _, message, _, context in extract_from_file(method, path, keywords=_KEYWORDS, options=options):
            if message:
                yield path.relative_to(root).as_posix(), message, context


def _of_data(root: Path) -> Iterator[tuple[str, str, str | None]]:
    terms = "sim/canbao/report/terms.py"
    for context, words in (*TERMS.items(), *FORMS.items()):
        yield from ((terms, word, context) for word in words)
    for module, text in texts(load_plugins(environment={NO_PLUGINS: "1"})):
        yield Path(str(sys.modules[module].__file__)).relative_to(root).as_posix(), text, None
    for path in sorted((root / "scenarios").glob("*.toml")):
        yield from ((path.relative_to(root).as_posix(), text, "scenario") for text in _titles(path))


def _titles(path: Path) -> Iterator[str]:
    """Give what a scenario says in words: its title and question, the titles of its objectives."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    objectives = data.get("objectives", {}).values()
    said = [data.get("title"), data.get("question"), *(objective.get("title") for objective in objectives)]
    yield from filter(None, said)


def updated(text: str, code: str, texts: Catalog) -> str:
    """Bring a catalogue up to date.

    Parameters
    ----------
    text
        The content of the `.po` file.
    code
        The language of it.
    texts
        All texts, as `messages` gives them.

    Returns
    -------
    str
        The new content: an entry for each text and no other.
    """
    from babel.messages.pofile import read_po, write_po

    catalogue = read_po(io.StringIO(text), locale=_LOCALES[code])
    catalogue.update(texts)
    new = io.BytesIO()
    write_po(new, catalogue, width=100, sort_by_file=True, include_lineno=False, omit_header=True, ignore_obsolete=True)
    name = f"{catalogue.locale.english_name} texts" if catalogue.locale else "texts"
    head = _HEAD.format(name=name, locale=_LOCALES[code], plural=catalogue.plural_forms)
    return head + new.getvalue().decode().strip("\n") + "\n"


def main(root: Path = Path()) -> None:
    """Bring the catalogues of a checkout up to date, and say what is left to do."""
    root = root.resolve()
    texts = messages(root)
    for code in LANGUAGES:
        if code == ENGLISH.code:
            continue
        path = root / "sim" / "canbao" / "languages" / f"{code}.po"
        content = updated(path.read_text(encoding="utf-8"), code, texts)
        path.write_text(content, encoding="utf-8")
        print(f"{path.relative_to(root)}: {_left(content)}")


def _left(content: str) -> str:
    from babel.messages.pofile import read_po

    entries = [entry for entry in read_po(io.StringIO(content)) if entry.id]
    forms = [entry.string if isinstance(entry.string, tuple) else (entry.string,) for entry in entries]
    empty = sum(not all(texts) for texts in forms)
    fuzzy = sum(entry.fuzzy for entry in entries)
    return f"{len(entries)} texts, {empty} without a translation, {fuzzy} fuzzy"


if __name__ == "__main__":
    main()
