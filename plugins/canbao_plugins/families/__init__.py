"""Families: who comes to enrol. Columns for a simulation, and identities and sample papers for whoever asks.

- `population`: `City`, the part `[population]` of a scenario file, and the columns it draws. Its names are here too;
  the other modules are imported by whoever needs them.
- `places`: provinces, cities and districts that belong together.
- `identities`: names, numbers and addresses, made for one family at a time.
- `papers`: sample images of papers.
"""

from __future__ import annotations

from canbao_plugins.families.population import CATEGORIES, KINDS, PAPERS, REGISTERS, RESIDENCES, City

__all__ = [
    "CATEGORIES",
    "KINDS",
    "PAPERS",
    "REGISTERS",
    "RESIDENCES",
    "City",
]
