"""The scanner: one walk over TOML text that notes where each key stands; tomllib gives values without places."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from contextlib import suppress

from canbao.scenario.faults import KeyPath

__all__ = ["MAX_DEPTH", "LostError", "Scanner", "TooDeepError", "scan"]

MAX_DEPTH = 32
"""How many tables and lists may stand inside one another."""

_KEY = re.compile(r"""[A-Za-z0-9_-]++|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|'[^'\n]*+'""")
# Several lines come first, as "" would match the beginning of """. A closing """ may have two more quotes before it.
_STRING = re.compile(
    r'"""[^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*+"{3,5}'
    r"|'''[^']*+(?:'(?!'')[^']*+)*+'{3,5}"
    r'|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'
    r"|'[^'\n]*+'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^\s,\]}#=\[{][^,\]}#\n]*+")
_BLANK = re.compile(r"[ \t]*+")


class LostError(Exception):
    """The scanner met something that is not TOML; tomllib will say what."""


class TooDeepError(Exception):
    """The scanner met nesting that no scenario needs."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def scan(text: str) -> Scanner:
    """Walk over a text as far as it makes sense; TooDeepError where it is nested more than `MAX_DEPTH` deep."""
    scanner = Scanner(text)
    with suppress(LostError):  # tomllib reports it
        scanner.document()
    return scanner


class Scanner:
    """One walk over a text, tolerant: what it accepts is a little more than TOML."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")  # as tomllib does
        self.pos = 0
        self.found: dict[KeyPath, tuple[int, int]] = {}  # line of the key; line on which its value ends, or 0
        self.comments: dict[int, str] = {}
        self._sizes: dict[KeyPath, int] = {}  # arrays of tables seen so far
        self._newlines = [found.start() for found in re.finditer("\n", self.text)]

    def document(self) -> None:
        """Walk over all tables and pairs of a document."""
        header: KeyPath = ()
        self._gap()
        while self.pos < len(self.text):
            if self._next() == "[":
                header = self._header()
            else:
                self._pair(header)
            self._gap()

    def key(self) -> tuple[str, ...]:
        """Walk over a dotted key; give its names."""
        names = [self._name()]
        while self._next() == ".":
            self.pos += 1
            names.append(self._name())
            self._check_depth(len(names))
        return tuple(names)

    def expect(self, text: str) -> None:
        """Walk over a text that must come next; LostError if another does."""
        self._blank()
        if not self.text.startswith(text, self.pos):
            raise LostError
        self.pos += len(text)

    def _line(self) -> int:
        return bisect_right(self._newlines, self.pos - 1) + 1

    def _blank(self) -> None:
        found = _BLANK.match(self.text, self.pos)
        self.pos = found.end() if found else self.pos

    def _next(self) -> str:
        self._blank()
        return self.text[self.pos : self.pos + 1]

    def _gap(self) -> None:
        """Skip blanks, line ends and comments, and keep the comments."""
        while self._next() in ("\n", "#"):
            if self.text[self.pos] == "\n":
                self.pos += 1
                continue
            end = self.text.find("\n", self.pos)
            end = len(self.text) if end < 0 else end
            self.comments[self._line()] = self.text[self.pos + 1 : end].strip()
            self.pos = end

    def _match(self, pattern: re.Pattern[str]) -> str:
        self._blank()
        found = pattern.match(self.text, self.pos)
        if found is None:
            raise LostError
        self.pos = found.end()
        return found[0]

    def _check_depth(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise TooDeepError(self._line())

    def _name(self) -> str:
        text = self._match(_KEY)
        if text[0] != '"' or "\\" not in text:
            return text[1:-1] if text[0] in "\"'" else text
        try:
            name: str = tomllib.loads(f"name = {text}")["name"]
        except ValueError:
            raise LostError from None
        return name

    def _header(self) -> KeyPath:
        line = self._line()
        double = self.text.startswith("[[", self.pos)
        self.expect("[[" if double else "[")
        names = self.key()
        self.expect("]]" if double else "]")
        path: KeyPath = ()
        for name in names[:-1] if double else names:
            path = self._last((*path, name))
        if double:
            path = (*path, names[-1])
            self._sizes[path] = self._sizes.get(path, 0) + 1
            path = self._last(path)
        self._check_depth(len(path))
        self._note(path, line, self._line())
        return path

    def _last(self, path: KeyPath) -> KeyPath:
        return (*path, self._sizes[path] - 1) if path in self._sizes else path

    def _note(self, path: KeyPath, line: int, end: int) -> None:
        for size in range(1, len(path)):
            # A table that only a longer key mentions: the comment on that line is about the longer key.
            self.found.setdefault(path[:size], (line, 0))
        self.found[path] = (line, end)

    def _pair(self, table: KeyPath) -> None:
        self._blank()
        line = self._line()
        path = (*table, *self.key())
        self.expect("=")
        self._value(path, line)

    def _value(self, path: KeyPath, line: int) -> None:
        self._check_depth(len(path))
        self._note(path, line, 0)  # before what is inside, which may stand on later lines
        start = self._next()
        if start == "[":
            self._array(path)
        elif start == "{":
            self._inline_table(path)
        else:
            self._match(_STRING if start in ('"', "'") else _SCALAR)
        self.found[path] = (line, self._line())

    def _array(self, path: KeyPath) -> None:
        self.expect("[")
        self._gap()
        index = 0
        while self._next() != "]":
            self._value((*path, index), self._line())
            self._comma("]")
            index += 1
        self.expect("]")

    def _inline_table(self, path: KeyPath) -> None:
        self.expect("{")
        self._gap()
        while self._next() != "}":
            self._pair(path)
            self._comma("}")
        self.expect("}")

    def _comma(self, closing: str) -> None:
        self._gap()
        if self._next() != closing:
            self.expect(",")
            self._gap()
