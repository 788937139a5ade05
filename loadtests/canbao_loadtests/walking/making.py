"""From a plan and a deployment to a walker that is ready to go."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from canbao.arrays import IntArray
from canbao.plan import Plan
from canbao_loadtests.walking.book import Book
from canbao_loadtests.walking.calling import Caller
from canbao_loadtests.walking.drawing import Drawn
from canbao_loadtests.walking.givens import Givens
from canbao_loadtests.walking.route import make_route
from canbao_loadtests.walking.surroundings import Deployment, Surroundings
from canbao_loadtests.walking.walker import Walker

__all__ = ["make_walker"]


def make_walker(
    plan: Plan,
    deployment: Deployment,
    around: Surroundings,
    families: Sequence[int] | IntArray,
    channels: Collection[str],
) -> Walker:
    """Make a walker; the luck that the families need at first, and the pictures of papers, are drawn here.

    Parameters
    ----------
    plan
        What families do.
    deployment, around
        Whom they ask, and what surrounds them.
    families
        Who comes, by index; nobody else can begin.
    channels
        The names of the channels that are walked; whoever goes to another one leaves.

    Raises
    ------
    UnsupportedError
        When a step on the way cannot be walked; the message names it.
    """
    for picture in deployment.target.papers.values():
        deployment.families.paper(picture)
    starts = sorted({int(plan.first_step[family]) for family in families})
    route = make_route(plan, deployment.target.steps, channels, starts)
    book = Book(len(plan.marks))
    caller = Caller(deployment, around, book, Givens(plan))
    return Walker(route, Drawn(plan.luck, families, route.draws), caller, around, book)
