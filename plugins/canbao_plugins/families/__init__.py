"""Families: who comes to enrol. Columns for a simulation, and identities and sample papers for whoever asks.

- `population`: `City`, the part `[population]` of a scenario file, and the columns it draws.
- `places`: provinces, cities and districts that belong together.
- `identities`: names, numbers and addresses, made for one family at a time.
- `papers`: sample images of papers.
"""

from __future__ import annotations

from collections.abc import Callable

from canbao.plugins import hookimpl
from canbao_plugins.families.identities import FamilyIdentity, Identities, Person, citizen_number, mask
from canbao_plugins.families.papers import PAPER_IMAGES, paper_image
from canbao_plugins.families.places import Place, all_places, places_within
from canbao_plugins.families.population import CATEGORIES, KINDS, PAPERS, REGISTERS, RESIDENCES, City

__all__ = [
    "CATEGORIES",
    "KINDS",
    "PAPERS",
    "PAPER_IMAGES",
    "REGISTERS",
    "RESIDENCES",
    "City",
    "FamilyIdentity",
    "Identities",
    "Person",
    "Place",
    "all_places",
    "citizen_number",
    "mask",
    "paper_image",
    "places_within",
    "register_families",
]


@hookimpl
def register_families(register: Callable[[str, type[City]], None]) -> None:
    """Register the population that a scenario calls `kind = "city"`."""
    register("city", City)
