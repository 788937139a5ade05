"""All benchmarks, one after the other; each is a script of its own as well, which `--help` explains.

    python tests/bench/run.py [--only enrolment,city] [--write]

A benchmark runs in a process of its own: what one leaves in memory must not slow the next. `--write` puts what they
print into docs/benchmarks.md, each behind its mark, and draws the figure of growth anew.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
NAMES = [script.stem.removeprefix("bench_") for script in sorted(HERE.glob("bench_*.py"))]


def run(name: str, *arguments: str) -> tuple[int, str]:
    """Run one benchmark and show what it prints while it does; give its exit code and what it printed."""
    print(f"== {name}", flush=True)
    command = [sys.executable, "-u", str(HERE / f"bench_{name}.py"), *arguments]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return process.returncode, "".join(lines)


def write(page: Path, name: str, printed: str) -> None:
    """Replace the text behind the mark of a benchmark."""
    text = page.read_text(encoding="utf-8")
    block = re.compile(rf"(<!-- bench: {name} -->\n+```text\n).*?(```\n)", re.DOTALL)
    new, count = block.subn(lambda found: f"{found[1]}{printed}{found[2]}", text)
    if not count:
        raise SystemExit(f"{page} has no block of text behind <!-- bench: {name} -->")
    page.write_text(new, encoding="utf-8")


def main() -> int:
    """Run what is asked for; 1 if something failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default=",".join(NAMES), help="names with commas between them")
    parser.add_argument("--write", action="store_true", help="put the answers into docs/benchmarks.md")
    given = parser.parse_args()
    failed = []
    for name in given.only.split(","):
        figure = ["--figure", str(DOCS / "figures" / "growth.svg")] if given.write and name == "growth" else []
        code, printed = run(name, *figure)
        if code:
            failed.append(name)
        elif given.write:
            write(DOCS / "benchmarks.md", name, printed)
    print(f"== failed: {', '.join(failed)}" if failed else "== done")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
