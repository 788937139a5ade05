"""The ledger of applications: each is in one place, and what was handed in is all accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from canbao_loadtests.walking.book import WalkPart

__all__ = ["Ledger", "ledger_of"]


@dataclass(frozen=True)
class Ledger:
    """How many applications stand where, a family's application once however often it was handed in.

    Parameters
    ----------
    submitted
        Handed in and confirmed; the sum of what is below, down to `lost`.
    issued, rejected
        Decided for good.
    in_review
        Not decided yet.
    returned
        With the family, to be corrected.
    lost
        Withdrawn after a return, by the reason.
    unanswered
        Handed in, and no answer came: the deployment may have them or not.
    refused
        Not taken by the deployment, by the reason.
    """

    submitted: int
    issued: int
    rejected: int
    in_review: int
    returned: int
    lost: dict[str, int] = field(default_factory=dict)
    unanswered: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    @property
    def balanced(self) -> bool:
        """Whether submitted = issued + rejected + in review + returned + lost."""
        where = self.issued + self.rejected + self.in_review + self.returned + sum(self.lost.values())
        return self.submitted == where

    def to_json(self) -> dict[str, Any]:
        """Give it ready for JSON."""
        return {**self.__dict__, "balanced": self.balanced}


def ledger_of(parts: Iterable[WalkPart]) -> Ledger:
    """Count the applications of all parts.

    Raises
    ------
    ValueError
        When a family is in two parts, or twice in one: something was counted twice.
    """
    stands: Counter[str] = Counter()
    why: dict[str, Counter[str]] = {"withdrawn": Counter(), "refused": Counter()}
    rounds, seen = 0, Counter[int]()
    for part in parts:
        seen.update(part.family.tolist())
        rounds += int((part.numbers[:, 4] > 0).sum())
        for stand, reason in zip(part.applications.tolist(), part.reasons.tolist(), strict=True):
            stands[stand] += 1
            if stand in why:
                why[stand][reason or "no reason"] += 1
    twice = [family for family, count in seen.items() if count > 1]
    if twice:
        raise ValueError(f"{len(twice)} families are counted twice, family {twice[0]} among them")
    return Ledger(
        submitted=rounds,
        issued=stands["issued"],
        rejected=stands["rejected"],
        in_review=stands["in review"],
        returned=stands["returned"],
        lost=dict(why["withdrawn"]),
        unanswered=stands["unanswered"],
        refused=dict(why["refused"]),
    )
