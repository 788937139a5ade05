"""Portal and app: the same sessions, each with slots, pages and notices of its own."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from canbao.district import District, Part
from canbao.scenario.models import ESTIMATE
from canbao.scenario.quantities import Share
from canbao_plugins.online import Online, build_online

__all__ = ["App", "Portal"]


class Portal(Online):
    """A web portal on which families enrol by themselves."""

    kind: Literal["portal"]

    def build(self, name: str, district: District) -> Part:
        """Give the request slots and the way through a session."""
        return build_online(self, name, district)


class App(Online):
    """An app on the phone: fewer pages, and notices that are pushed; its capacity is its own."""

    kind: Literal["app"]
    pages: list[str] = Field(
        ["log in", "form and papers"],
        description="Pages of a session, one request each; families log in on the first and upload papers on the last.",
        min_length=1,
        max_length=20,
    )
    notices: dict[str, Share] = Field(
        {"push": 0.8},
        description="How families are told a decision, and which share each way reaches; tried in this order.",
        json_schema_extra=ESTIMATE,
    )

    def build(self, name: str, district: District) -> Part:
        """Give the request slots and the way through a session."""
        return build_online(self, name, district)
