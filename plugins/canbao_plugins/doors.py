"""The doors of the built-in plugins: what each registers, by its address.

Each name here is an entry point of the group `canbao`, as an outsider's module would be. A scenario needs few of them,
and imports no other.
"""

from __future__ import annotations

from canbao.plugins import by_reference

__all__ = [
    "bank",
    "card",
    "choice",
    "community",
    "families",
    "hospital",
    "hotline",
    "office",
    "payment",
    "policies",
    "portal",
    "report",
    "school",
    "season",
    "settlement",
]

bank = by_reference(channels={"bank": "canbao_plugins.bank:Bank"})
card = by_reference(formalities={"card": "canbao_plugins.card:Card"})
choice = by_reference(
    choices={"preference": "canbao_plugins.choice:Preference", "queues": "canbao_plugins.choice:Queues"}
)
community = by_reference(channels={"community": "canbao_plugins.community:Community"})
families = by_reference(families={"city": "canbao_plugins.families:City"})
hospital = by_reference(channels={"hospital": "canbao_plugins.hospital:Hospital"})
hotline = by_reference(channels={"hotline": "canbao_plugins.hotline:Hotline"})
office = by_reference(channels={"office": "canbao_plugins.office:Office"})
payment = by_reference(formalities={"payment": "canbao_plugins.payment:Payment"})
policies = by_reference(
    policies={"collection": "canbao_plugins.policies:Collection", "region": "canbao_plugins.policies:Region"}
)
portal = by_reference(channels={"portal": "canbao_plugins.portal:Portal", "app": "canbao_plugins.portal:App"})
report = by_reference(reporters={"html": "canbao_plugins.report:write_report"})
school = by_reference(channels={"school": "canbao_plugins.school:Schools"})
season = by_reference(demands={"season": "canbao_plugins.season:Season", "replay": "canbao_plugins.season:Replay"})
settlement = by_reference(formalities={"settlement": "canbao_plugins.settlement:Settlement"})
