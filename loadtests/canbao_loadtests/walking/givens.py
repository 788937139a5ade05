"""What canbao supplies to single calls: the way to pay, the password of a card, the first bill."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from canbao.columns import Coded
from canbao.plan import Plan
from canbao_loadtests.walking.walk import Walk

__all__ = ["PAYMENT_WAYS", "Givens"]

PAYMENT_WAYS = ("online bank", "alipay", "wechat pay")
"""The ways to pay that a target is told; whoever pays otherwise, at a counter say, is told as the first of them."""

_BILL = "_bill_yuan"
_USUAL_BILL_YUAN = 1_000


class Givens:
    """Gives what a call needs beside what every call gets.

    Parameters
    ----------
    plan
        Its steps are named after the way to pay, `payment/alipay: debit`; its columns know the first bill.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        names = [name for name in plan.columns if name.endswith(_BILL)]
        column = plan.columns[names[0]] if names else None
        self._bills = None if isinstance(column, Coded) else column

    def __call__(self, walk: Walk, call: str) -> Mapping[str, Any]:
        """Give it for a family and a call."""
        if call in ("choose_payment", "pay"):
            return {"payment_way": self._way(walk)}
        if call == "activate_card":
            return {"card_password": f"{self._plan.luck.bits('load: card', walk.family) % 10**6:06d}"}
        return {"bill_yuan": self._bill(walk.family)} if call == "settle" else {}

    def _way(self, walk: Walk) -> str:
        way = self._plan.step_names[walk.step].rpartition("/")[2].partition(":")[0]
        return way if way in PAYMENT_WAYS else PAYMENT_WAYS[0]

    def _bill(self, family: int) -> int:
        bill = math.nan if self._bills is None else float(self._bills[family])
        return _USUAL_BILL_YUAN if math.isnan(bill) else max(1, min(round(bill), 1_000_000))
