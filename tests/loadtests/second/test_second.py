"""Whole families at a deployment that is unlike the reference service, through its Arazzo document alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import gevent
import pytest

from canbao_loadtests.http.client import Client
from canbao_loadtests.http.exchange import Exchange
from canbao_loadtests.http.messages import Request
from canbao_loadtests.http.safety import Safety
from canbao_loadtests.targets import load_target
from canbao_loadtests.targets.target import Answer, Session

PICTURE = {"paper_image": b"\x89PNG sample", "paper_type": "image/png", "paper_name": "photo.png"}


class Town:
    """Families who go to the second deployment."""

    def __init__(self, server: Any, folder: Path) -> None:
        self.server, self.target = server, load_target(folder)
        self.client = Client(server.url, Safety())
        self.exchanges: list[Exchange] = []

    def session(self, memory: Mapping[str, Any] | None = None) -> Session:
        """Open a browser, or go on with what an earlier one remembered."""
        kept = memory or {}
        return self.target.session(self.client.browser(kept.get("cookies", {}), self.exchanges.append), kept)

    def call(self, session: Session, family: int, step: str, **given: Any) -> Answer:
        """Take a step."""
        return session.call(step, {**person(family), "payment_way": "alipay", "idempotency_key": "1", **given})

    def hand_in(self, session: Session, family: int) -> None:
        """Go all the way until an application is handed in."""
        for step in ("register", "log_in", "enrol"):
            assert self.call(session, family, step).outcome == "done", step
        self.upload(session, family)
        while self.pay(session, family).outcome != "done":
            pass
        assert self.call(session, family, "submit").outcome == "done"

    def upload(self, session: Session, family: int) -> None:
        """Upload all papers."""
        for paper in self.target.papers:
            assert self.call(session, family, "upload_paper", paper=paper, **PICTURE).outcome == "done"

    def pay(self, session: Session, family: int) -> Answer:
        """Choose a way to pay, and pay."""
        assert self.call(session, family, "choose_payment").outcome == "done"
        return self.call(session, family, "pay")

    def status(self, session: Session, family: int) -> str:
        """Ask how it stands."""
        answer = self.call(session, family, "progress")
        assert answer.outcome == "done", answer
        return str(answer.outputs["status"])


def person(family: int) -> dict[str, Any]:
    """Give what is known of a family."""
    kinds = ("newborn", "pre-school", "pupil", "other")
    return {
        "user_name": f"family-{family}",
        "password": "correct-horse",
        "telephone": f"154{family:08d}",
        "child_name": "李 <小> & 明",
        "child_number": f"9999992019{family:08d}",
        "child_birth": "2019-01-31",
        "child_sex": ("male", "female")[family % 2],
        "guardian_name": "李刚",
        "guardian_number": f"9999991990{family:08d}",
        "address": "样本市第1街道",
        "kind": kinds[family % 4],
        "residence": "local",
        "fee_yuan": 400,
    }


OpenTown = Callable[..., Town]


@pytest.fixture
def open_town(second: Any, second_target: Path) -> Iterator[OpenTown]:
    """Give what has the second deployment begin anew, with what families need to get there."""
    towns: list[Town] = []

    def open_(**options: float) -> Town:
        second.forget(**options)
        towns.append(Town(second, second_target))
        return towns[-1]

    yield open_
    for town in towns:
        town.client.close()


def test_families_who_come_at_once_are_each_in_its_books_once(open_town: OpenTown) -> None:
    """What families were told is what the books say: handed in once, paid once, with all papers."""
    town = open_town(declined=7)
    sessions = {family: town.session() for family in range(24)}
    gevent.joinall([gevent.spawn(town.hand_in, one, family) for family, one in sessions.items()], raise_error=True)
    books = {one["number"]: one for one in town.server.books()}
    assert {one["user"] for one in books.values()} == {f"family-{family}" for family in sessions}
    assert [(one["handed_in"], one["paid"], len(one["papers"])) for one in books.values()] == [(1, 1, 4)] * 24
    assert {one["way"] for one in books.values()} == {"支付宝"}
    assert town.server.batch() == 24
    told = Counter(town.status(session, family) for family, session in sessions.items())
    words = {"已通过": "approved", "退回补正": "returned", "未通过": "rejected"}
    assert told == Counter(words[one["status"]] for one in town.server.books())
    assert set(told) == {"approved", "returned", "rejected"}
    assert not [one for one in town.exchanges if one.trouble]


def test_what_is_sent_back_is_corrected_and_handed_in_again(open_town: OpenTown) -> None:
    """A family hears why, corrects its form, uploads again, and passes."""
    town = open_town()
    sessions = {family: town.session() for family in range(5)}
    for family, session in sessions.items():
        town.hand_in(session, family)
    town.server.batch()
    answer = town.call(sessions[4], 4, "progress")  # every fifth is sent back
    assert (answer.outputs["status"], answer.outputs["reason"]) == ("returned", "户口簿不清晰")
    assert town.call(sessions[4], 4, "credential").outcome == "not ready"
    assert town.call(sessions[4], 4, "correct").outcome == "done"
    town.upload(sessions[4], 4)
    assert town.call(sessions[4], 4, "submit").outcome == "done"
    assert town.status(sessions[4], 4) == "in review"
    town.server.batch()
    assert town.status(sessions[4], 4) == "approved"
    assert town.call(sessions[4], 4, "credential").outcome == "done"


def test_a_refused_debit_is_declined_and_can_be_tried_again(open_town: OpenTown) -> None:
    """The page says it in words, with status 200."""
    town = open_town(declined=2)
    outcomes = []
    for family, attempts in ((0, 1), (1, 2)):
        session = town.session()
        for step in ("register", "log_in", "enrol"):
            town.call(session, family, step)
        outcomes += [town.pay(session, family).outcome for _ in range(attempts)]
    assert outcomes == ["done", "declined", "done"]
    assert [one["paid"] for one in town.server.books()] == [1, 1]


def test_mistakes_in_a_page_with_status_200_are_failures(open_town: OpenTown) -> None:
    """What the deployment tells in a page is not taken for done."""
    town = open_town()
    session = town.session()
    assert town.call(session, 1, "register").outcome == "done"
    assert town.call(session, 1, "log_in", password="wrong").outcome == "failed"
    assert town.call(session, 1, "log_in").outcome == "done"
    assert town.call(session, 1, "enrol", child_name="").outcome == "failed"
    assert town.call(session, 1, "enrol").outcome == "done"
    assert town.call(session, 1, "submit").outcome == "failed"
    assert [one["status"] for one in town.server.books()] == ["待提交"]


def test_a_session_that_ends_in_the_middle_costs_a_log_in_and_nothing_else(open_town: OpenTown) -> None:
    """Each step is led to the page for logging in; the family logs in again and goes on."""
    town = open_town(session=0.3)
    session = town.session()
    for step in ("register", "log_in", "enrol"):
        assert town.call(session, 3, step).outcome == "done"
    gevent.sleep(0.4)
    town.upload(session, 3)
    gevent.sleep(0.4)
    assert town.pay(session, 3).outcome == "done"
    gevent.sleep(0.4)
    assert town.call(session, 3, "submit").outcome == "done"
    assert [(one["handed_in"], one["paid"], len(one["papers"])) for one in town.server.books()] == [(1, 1, 4)]
    assert sum(one.operation == "log_in" for one in town.exchanges) >= 2 * 4


def test_another_browser_goes_on_with_what_was_kept(open_town: OpenTown) -> None:
    """Days later the record of an application is enough: cookies, and the number."""
    town = open_town()
    session = town.session()
    town.hand_in(session, 8)
    memory = session.memory
    town.server.batch()
    assert town.status(town.session(memory), 8) == "approved"
    assert town.status(town.session({**memory, "cookies": {}}), 8) == "approved"


def test_an_answer_that_got_lost_makes_no_second_application(open_town: OpenTown) -> None:
    """Whoever hands in again what is in review already is told so, and that is fine."""
    town = open_town()
    session = town.session()
    town.hand_in(session, 2)
    assert town.call(session, 2, "submit").outcome == "done"
    assert town.call(session, 2, "enrol").outcome == "done"
    assert town.call(session, 2, "register").outcome == "done"
    assert [one["handed_in"] for one in town.server.books()] == [1]


def test_a_form_without_its_token_is_refused(open_town: OpenTown) -> None:
    """The deployment is as strict as it says: the test above would fail without the hidden field."""
    town = open_town()
    town.hand_in(town.session(), 6)
    browser = town.client.browser({}, lambda _: None)
    assert browser.send(Request("POST", "/denglu", body=b"zhanghao=family-6&mima=correct-horse")).status == 403
