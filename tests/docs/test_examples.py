"""Every example in the documentation runs, and prints what the page shows.

How a page is written, by the word behind the three backticks:

- `python` is run, all of a page in one namespace; what it prints stands in a block `text` right behind it.
- `console` holds commands behind `$ `, and what they print. A command without output may print anything. `exit=2`
  says which exit code is expected; without it 0, or 3 (an objective was missed).
- `toml` is checked as a change of the scenario `city-season`, unless it is a scenario of its own.
- `file=NAME` behind any word: the block is that file, for the examples behind it; nothing is run.
- `...` in output stands for anything.

A page runs in a folder of its own, beside a copy of `scenarios/`. Its first command is started by a shell, as a reader
does it, and so is whatever needs a shell; a further call of canbao alone is made in this process, which has imported
everything already, and so are its replications: tests of experiments show that worker processes give the same bytes.
`CANBAO_RENEW_DOCS=1` writes real output into the pages instead of comparing; look at the difference before you keep it.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from markdown_it import MarkdownIt

from canbao.cli import program
from canbao.experiments import executors
from canbao.experiments.executors import make_executor

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "scenarios" / "README.md", *(ROOT / "docs").glob("*.md")]
)
_HELP_WIDTH = 78
"""Characters in a line of help, as a process prints it; the runner of tests would take 80."""
RENEW = bool(os.environ.get("CANBAO_RENEW_DOCS"))

NOT_RUN = {
    "make": "sets up an environment of its own; `.ci/run` calls it",
    "git": "looks at a checkout",
    "python -m canbao.scenario.reference": "has a test of its own",
    "CANBAO_RENEW_DOCS=1": "runs these very tests",
    ".venv/bin/python": "is not there before `make`",
}
"""Commands that are shown and not run, by their first words, and why."""

WHOLE_SEASON = re.compile(r"^canbao run scenarios/(city-season|deadline-rush)\.toml(?!.*population\.scale)")
"""A season of the whole city takes a minute: such a command may not show output, and its scenario is only checked."""

ENVIRONMENT = {
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    **{"COLUMNS": "100", "NO_COLOR": "1", "CANBAO_NO_PLUGINS": "1", "LC_ALL": "C.UTF-8"},
}

ALONE = re.compile(r"canbao (run|compare|plan|sweep|scenario|report|export|plugins)\b[\w /.,:=%'+-]*")
"""A call of one command of canbao, without anything that a shell does beside quotes."""

MASKS = (
    (re.compile(r"\b\d{8}-\d{6}-seed(\d+)(-\d+)?"), r"DATE-TIME-seed\1"),  # the name of a run
    (re.compile(r"(?<= passed in )[\d.]+s"), "TIME"),
)
"""What is not the same at every call."""

CHECKER = doctest.OutputChecker()


@dataclass(frozen=True)
class Block:
    """One code block of a page."""

    page: Path
    line: int
    language: str
    attributes: dict[str, str]
    text: str

    @property
    def place(self) -> str:
        """File and line, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """Give the code blocks of a page, in order."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    return [_block(page, token) for token in tokens if token.type == "fence"]


def _block(page: Path, token: Any) -> Block:
    language, *more = token.info.split() or [""]
    return Block(page, token.map[0] + 1, language, dict(pair.split("=", 1) for pair in more), token.content)


@dataclass
class Session:
    """The examples of one page, run one after the other."""

    folder: Path
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "example"})
    printed: str = ""
    started: bool = False
    """Whether a command was run."""

    def run(self, block: Block) -> str | None:
        """Run a block; give its text as it should be, or None where nothing can be said."""
        if "file" in block.attributes:
            self.save(block)
            return None
        runner = getattr(self, f"run_{block.language}", None)
        return None if runner is None else runner(block)

    def save(self, block: Block) -> None:
        """Write a block to its file."""
        path = self.folder / block.attributes["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")

    def run_python(self, block: Block) -> None:
        """Run Python; what it prints is kept for the block behind it."""
        assert not self.printed, f"{block.place}: the example before it prints, and the page does not show what"
        # Empty lines before it, so that a traceback names the line of the page.
        code = compile("\n" * block.line + block.text, str(block.page), "exec")
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.chdir(self.folder):
            exec(code, self.names)
        self.printed = out.getvalue()

    def run_text(self, _: Block) -> str | None:
        """Give what the Python before it printed."""
        printed, self.printed = self.printed, ""
        return printed or None

    def run_console(self, block: Block) -> str:
        """Run the commands and give the whole block as it should be."""
        parts = []
        for command, shown in commands_of(block):
            parts.append("".join(f"{line}\n" for line in f"$ {command}".splitlines()))
            compared = not (is_not_run(command) or WHOLE_SEASON.match(command))
            assert compared or not shown, f"{block.place}: nobody compares the output of {command}"
            parts.append("" if is_not_run(command) else self.shell(block, command, shown))
        return "".join(parts)

    def shell(self, block: Block, command: str, shown: str) -> str:
        """Run one command; give what it printed, or nothing where nothing is shown."""
        command = checkable(command)
        call = call_here if self.started and ALONE.fullmatch(command) else call_apart
        self.started = True
        code, printed = call(command, self.folder)
        expected = [int(block.attributes["exit"])] if "exit" in block.attributes else [0, 3]
        assert code in expected, f"{block.place}: {command}: exit code {code}\n{printed}"
        return printed if shown else ""

    def run_toml(self, block: Block) -> None:
        """Check a scenario, or a change of one."""
        from canbao.plugins import load_plugins
        from canbao.scenario.scenario import load_scenario

        given = tomllib.loads(block.text)
        head = "" if {"format", "extends"} & set(given) else 'extends = "city-season.toml"\n'
        path = self.folder / "scenarios" / "example.toml"
        path.write_text(head + block.text, encoding="utf-8")
        load_scenario(path, load_plugins(environment={"CANBAO_NO_PLUGINS": "1"}))


def call_apart(command: str, folder: Path) -> tuple[int, str]:
    """Run a command in a shell; give the exit code and all that it printed."""
    environment = {**os.environ, **ENVIRONMENT}
    environment.pop("CANBAO_PLUGINS_DIR", None)
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def call_here(command: str, folder: Path) -> tuple[int, str]:
    """Do the same in this process, replications included."""
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setattr(executors, "make_executor", executor_here)
        environment = {**ENVIRONMENT, "CANBAO_PLUGINS_DIR": None}
        names: dict[str, Any] = {"prog_name": "canbao", "terminal_width": _HELP_WIDTH}
        done = CliRunner().invoke(program, shlex.split(command)[1:], "", environment, **names)
    return done.exit_code, done.output


def executor_here(name: str = "local", *more: Any) -> executors.Executor:
    """Make the executor that was asked for; in place of worker processes the one that needs none."""
    return make_executor("serial" if name == "local" else name, *more)


def is_not_run(command: str) -> bool:
    """Tell whether a command is only shown; its help is not."""
    if command.endswith(" --help"):
        return False
    return any(command == words or command.startswith(f"{words} ") for words in NOT_RUN)


def checkable(command: str) -> str:
    """Give the command that is run: a season of the whole city is only checked."""
    if WHOLE_SEASON.match(command):
        return f"canbao scenario check {command.split()[2]}"
    return command


def commands_of(block: Block) -> Iterator[tuple[str, str]]:
    """Give each command of a block with the output that is shown; a backslash continues a command."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not parts[0], f"{block.place}: a console block begins with a command"
    for part in parts[1:]:
        lines = part.splitlines(keepends=True)
        last = next(number for number, line in enumerate(lines) if not line.endswith("\\\n"))
        yield "".join(lines[: last + 1]).rstrip("\n"), "".join(lines[last + 1 :])


def masked(text: str) -> str:
    """Give a text without what differs from call to call, and without spaces at the ends of lines."""
    for pattern, word in MASKS:
        text = pattern.sub(word, text)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def agrees(shown: str, real: str) -> bool:
    """Tell whether output is as shown."""
    return CHECKER.check_output(masked(shown), masked(real), doctest.ELLIPSIS)


def renew(page: Path, fresh: dict[int, str]) -> None:
    """Write real output into a page; a block that leaves lines out (`...`) is left to people."""
    lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
    for block in reversed(blocks_of(page)):
        if block.line in fresh and "..." not in block.text:
            text = "".join(f"{line.rstrip()}\n" for line in fresh[block.line].splitlines())
            lines[block.line : block.line + block.text.count("\n")] = [text]
    page.write_text("".join(lines), encoding="utf-8")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """Give a folder with the scenarios in it."""
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios")
    return Session(tmp_path)


def run_page(page: Path, session: Session) -> dict[int, str]:
    """Run the examples of a page; give the real text of each block that shows something else, by line."""
    stale: dict[int, str] = {}
    for block in blocks_of(page):
        real = session.run(block)
        if real is not None and not agrees(block.text, real):
            stale[block.line] = real
    assert not session.printed, f"{page.name}: the last example prints, and the page does not show what"
    return stale


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_examples_run_and_print_what_the_page_shows(page: Path, session: Session) -> None:
    """The examples of a page run in their order, and each prints what stands behind it."""
    stale = run_page(page, session)
    if RENEW:
        renew(page, stale)
        return
    said = [f"{page.relative_to(ROOT)}:{line} shows something else than\n{real}" for line, real in stale.items()]
    said.append("CANBAO_RENEW_DOCS=1 python -m pytest tests/docs   writes real output into the pages")
    assert not stale, "\n".join(said)


@pytest.mark.parametrize(
    ("shown", "agreed"), [("3\nfour\n", True), ("...four\n", True), ("3\nfive\n", False), ("3\n", False)]
)
def test_output_that_differs_is_noticed(shown: str, agreed: bool, session: Session) -> None:
    """A page whose text block is not what the example prints is found out, in Python and in a shell."""
    page = session.folder / "page.md"
    python = f"```python\nprint(1 + 2)\nprint('four')\n```\n\n```text\n{shown}```\n"
    page.write_text(f"{python}\n```console\n$ printf '3\\nfour\\n'\n{shown}```\n", encoding="utf-8")
    assert run_page(page, session) == (
        {} if agreed else {6: "3\nfour\n", 9 + shown.count("\n"): "$ printf '3\\nfour\\n'\n3\nfour\n"}
    )


def test_output_that_is_not_shown_is_noticed(session: Session) -> None:
    """A page that keeps quiet about what an example prints is found out."""
    page = session.folder / "page.md"
    page.write_text("```python\nprint('hidden')\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="does not show"):
        run_page(page, session)
