"""All benchmarks, one after the other; each is a script of its own as well."""

from __future__ import annotations

import runpy
from pathlib import Path


def main() -> None:
    """Run every `bench_*.py` beside this file."""
    for script in sorted(Path(__file__).parent.glob("bench_*.py")):
        print(f"== {script.stem.removeprefix('bench_')}", flush=True)
        runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    main()
