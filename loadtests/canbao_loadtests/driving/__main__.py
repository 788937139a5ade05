"""`python -m canbao_loadtests.driving JOB.json`."""

from __future__ import annotations

import sys

from canbao_loadtests.driving.process import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
