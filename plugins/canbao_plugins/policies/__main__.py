"""List the regions: ``python -m canbao_plugins.policies``."""

from __future__ import annotations

import sys

from canbao_plugins.policies.listing import main

if __name__ == "__main__":
    sys.exit(main())
