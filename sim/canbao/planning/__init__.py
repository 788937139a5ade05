"""From words to numbers: a Network and a seed become a Plan."""

from __future__ import annotations

from canbao.planning.making import make_plan

__all__ = ["make_plan"]
