"""Region policies: when families can enrol, what they pay and get, how newborns are treated, which papers are needed.

- `collection`: `Collection`, a collection period and nothing else.
- `region`: `Region`, the rules of a region, which are data: `rules` says what a region file holds, `reading` reads one,
  `regions/` has those that come with canbao.
- `moments`: what the rules mean for columns of families, as pure functions.

``python -m canbao_plugins.policies`` lists the regions.
"""

from __future__ import annotations

from canbao_plugins.policies.collection import Collection
from canbao_plugins.policies.reading import REGIONS, Evidence
from canbao_plugins.policies.region import Region

__all__ = ["REGIONS", "Collection", "Evidence", "Region"]
