"""`python -m canbao` does what the command `canbao` does."""

from __future__ import annotations

import sys

from canbao.cli import main

sys.exit(main())
