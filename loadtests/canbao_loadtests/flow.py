"""The flow: the steps of an enrolment as a load test knows them, whatever the deployment calls them.

A scenario's journey says *when* a family takes a step (`canbao.network.Visit.calls`), a target says *how*: which HTTP
requests it takes there. Both meet in these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

__all__ = ["FLOW", "STATUSES", "FlowStep", "Status"]

Status: TypeAlias = Literal["in review", "returned", "approved", "rejected"]
STATUSES: tuple[Status, ...] = ("in review", "returned", "approved", "rejected")
"""Where an application stands once it was handed in; a target maps its own words to these."""


@dataclass(frozen=True)
class FlowStep:
    """A step of the flow.

    Parameters
    ----------
    name
        Its name; the workflow of a target that takes this step has it as its id.
    does
        What happens, in a sentence.
    required
        Whether every target must have it.
    given
        What canbao supplies besides what it supplies to every step.
    needs
        What canbao needs back; nothing else is looked at.
    may_give
        What it makes use of where it is given.
    side
        Who takes it.
    """

    name: str
    does: str
    required: bool = False
    given: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    may_give: tuple[str, ...] = ()
    side: Literal["family", "reviewer"] = "family"


_STEPS = (
    FlowStep("register", "A family opens an account."),
    FlowStep("log_in", "It logs in; also again, when its session has expired."),
    FlowStep("enrol", "It fills in the form for a child.", required=True),
    FlowStep("upload_paper", "It uploads one paper.", given=("paper", "paper_image", "paper_type", "paper_name")),
    FlowStep("choose_payment", "It chooses a way to pay.", given=("payment_way",)),
    FlowStep("pay", "It pays; where this is refused, the debit failed.", given=("payment_way", "idempotency_key")),
    FlowStep("submit", "It hands the application in, or in again.", required=True, given=("idempotency_key",)),
    FlowStep("progress", "It asks how it stands.", required=True, needs=("status",), may_give=("decided_at", "reason")),
    FlowStep("correct", "It corrects what was returned, before it hands in again."),
    FlowStep("credential", "It downloads the electronic credential."),
    FlowStep("order_card", "It orders a card."),
    FlowStep("collect_card", "It fetches the card."),
    FlowStep("activate_card", "It activates the card.", given=("card_password",)),
    FlowStep("settle", "It settles the first medical bill.", given=("bill_yuan", "idempotency_key")),
    FlowStep("reviewer_register", "A reviewer gets an account.", side="reviewer"),
    FlowStep("reviewer_log_in", "A reviewer logs in.", side="reviewer"),
    FlowStep(
        "take",
        "A reviewer takes the next application of a desk; `not ready` where there is none.",
        given=("desk",),
        needs=("application",),
        side="reviewer",
    ),
    FlowStep(
        "decide",
        "A reviewer passes, returns or rejects it.",
        given=("desk", "application", "verdict", "fault"),
        side="reviewer",
    ),
)

FLOW: Mapping[str, FlowStep] = MappingProxyType({step.name: step for step in _STEPS})
"""The steps by name, in the order in which an application meets them."""
