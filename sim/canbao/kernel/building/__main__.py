"""Compiles functions of the kernel: `python -m canbao.kernel.building --folder FOLDER [--wide] [NAME ...]`.

What is missing, or cannot be written, is said in the last line of what goes to standard error: as JSON where it is a
fault of the system.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from canbao.kernel import compiling
from canbao.kernel.building.code import machine_code, make
from canbao.kernel.machine import code_file, keep


def main() -> int:
    """Compile what is asked for, or all; 1 if something cannot be written."""
    parser = argparse.ArgumentParser(description="Compile functions of the kernel.")
    parser.add_argument("--folder", type=Path, required=True, help="where machine code is kept")
    parser.add_argument("--wide", action="store_true", help="for counters of eight bytes")
    parser.add_argument("names", nargs="*", help="functions, as module.function; all without")
    given = parser.parse_args()
    compiling.MAKERS.append(make)
    # Only now: what these modules mark is compiled as they are imported.
    from canbao.kernel import counting, inverses, loop, sorting  # noqa: F401
    from canbao.kernel.building import searches  # noqa: F401

    try:
        for name in given.names or compiling.ENTRIES:
            code = machine_code(compiling.ENTRIES[name], wide=given.wide)
            keep(code_file(given.folder, name, given.wide), *code)
    except OSError as error:
        print(json.dumps({"errno": error.errno, "filename": error.filename}), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
