"""The flow over HTTP, from the first account to the first bill; each answer is held against the document as well."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from canbao_loadtests.service.models import PayWay

DAY = 60.0
"""Real seconds of a working day in these tests."""

DESKS = ("acceptance", "first", "second")
RETURN = {
    "verdict": "return",
    "reasons": [{"fault": "incomplete papers", "about": "photo"}, {"fault": "data mismatch"}],
}


async def decide(client: Any, desk: str, token: str, decision: Any) -> Any:
    """Take the next application of a desk and decide on it."""
    taken = await client("POST", f"/review/{desk}/next", token=token)
    assert taken.status == 200, taken.content
    reply = await client("POST", f"/review/applications/{taken.json['application']}/decision", decision, token=token)
    assert reply.status == 200, reply.content
    return reply.json


async def pass_on(client: Any, *reviewers: str) -> None:
    """Let an application through all desks."""
    for desk, token in zip(DESKS, reviewers, strict=True):
        await decide(client, desk, token, {"verdict": "pass"})


def test_a_family_goes_from_an_account_to_a_settled_bill(play: Any) -> None:
    """Every step of the flow can be taken, in the order of the flow."""

    async def scene(office: Any) -> None:
        family, anna, bert = await office.family(), await office.reviewer(), await office.reviewer()
        await family.hand_in()
        assert (await family.progress())["status"] == "in review"
        await pass_on(office.client, anna, anna, bert)
        told = await family.progress()
        assert (told["status"], told["paid"], told["desk"]) == ("approved", "yes", None)
        office.client.hand.time += 2 * DAY
        notices = await office.client("GET", "/notices", token=family.token)
        assert [notice["about"] for notice in notices.json["notices"]] == ["approved"]
        credential = await family("GET", "/credential")
        assert "SAMPLE" in credential.content.decode()
        assert family.form["number"] not in credential.content.decode()
        assert (await family("POST", "/card")).json["status"] == "making"
        assert (await family("POST", "/card/collection")).status == 409
        office.client.hand.time += 14 * DAY
        assert (await family("GET", "/card")).json["status"] == "ready"
        assert (await family("POST", "/card/activation", {"password": "123456"})).status == 409
        assert (await family("POST", "/card/collection")).json["status"] == "collected"
        assert (await family("POST", "/settlement", {"yuan": 1000})).status == 409
        assert (await family("POST", "/card/activation", {"password": "123456"})).json["status"] == "activated"
        assert (await family("POST", "/settlement", {"yuan": 1000})).json["reimbursed_yuan"] == 550.0
        assert (await family("POST", "/settlement", {"yuan": 2000})).status == 409

    play(scene)


def test_where_families_pay_after_the_review_the_credential_waits_for_the_fee(play: Any, rules: Any) -> None:
    """Handing in needs no payment then; paying is refused before the decision, and the credential before paying."""

    async def scene(office: Any) -> None:
        family, anna, bert = await office.family(), await office.reviewer(), await office.reviewer()
        await family.enrol()
        await family.upload()
        assert (await family.pay("early")).status == 409
        assert (await family.submit()).status == 201
        await pass_on(office.client, anna, anna, bert)
        office.client.hand.time += DAY / 4
        assert (await family("GET", "/credential")).json["title"] == "not paid"
        assert (await family.pay("late")).status == 201
        early = await family("GET", "/credential")
        assert (early.status, early.json["title"]) == (409, "not ready")
        # Ten minutes, where a working day of seven hours takes one.
        assert early.headers["retry-after"] == "2"
        office.client.hand.time += 2
        assert (await family("GET", "/credential")).status == 200

    play(scene, rules=replace(rules, pay="after review"))


def test_a_returned_application_tells_all_reasons_at_once_and_can_be_corrected(play: Any) -> None:
    """The family reads every reason, corrects, hands in again, and the second round begins at the first desk."""

    async def scene(office: Any) -> None:
        family, anna = await office.family(), await office.reviewer()
        await family.hand_in()
        await decide(office.client, "acceptance", anna, RETURN)
        told = await family.progress()
        assert told["status"] == "returned"
        assert [reason["fault"] for reason in told["reasons"]] == ["incomplete papers", "data mismatch"]
        office.client.hand.time += DAY
        notices = (await office.client("GET", "/notices", token=family.token)).json["notices"]
        assert notices[0]["reasons"] == told["reasons"]
        assert (await family("PUT", "/child", {**family.form, "guardian": "Wang Fang"})).status == 200
        assert (await family("PUT", "/papers/photo", b"\x89PNG better")).status == 200
        again = await family.submit("second try")
        assert (again.status, again.json["round"]) == (201, 2)
        assert (await family.progress())["reasons"] == []
        taken = await office.client("POST", "/review/acceptance/next", token=anna)
        assert taken.json["child"]["guardian"] == "Wang Fang"
        path = f"/review/applications/{taken.json['application']}/papers/photo"
        assert (await office.client("GET", path, token=anna)).content == b"\x89PNG better"

    play(scene)


def test_an_application_returned_too_often_is_rejected_and_its_fee_refunded(play: Any, rules: Any) -> None:
    """After as many corrections as the scenario allows the next return ends it; the child may be enrolled anew."""

    async def scene(office: Any) -> None:
        family, anna = await office.family(), await office.reviewer()
        await family.hand_in()
        for number in range(rules.review.corrections):
            await decide(office.client, "acceptance", anna, RETURN)
            assert (await family.submit(f"again {number}")).status == 201
        last = await decide(office.client, "acceptance", anna, RETURN)
        assert last["status"] == "rejected"
        told = await family.progress()
        assert (told["paid"], told["round"]) == ("refunded", rules.review.corrections + 1)
        office.client.hand.time += DAY
        notices = (await office.client("GET", "/notices", token=family.token)).json["notices"]
        assert {"refunded", "rejected"} <= {notice["about"] for notice in notices}
        old = family.application
        await family.enrol()
        assert family.application != old

    play(scene)


def test_what_is_missing_is_told_at_once(play: Any) -> None:
    """An application cannot be handed in without its papers and the fee, and the refusal names all of them."""

    async def scene(office: Any) -> None:
        family = await office.family()
        await family.enrol()
        reply = await family.submit()
        assert reply.status == 409
        for thing in ("identity-card-front", "identity-card-back", "photo", "household-register", "payment"):
            assert thing in reply.json["detail"]

    play(scene)


def test_a_child_has_one_application(play: Any) -> None:
    """To enrol a child again gives the application that is there; another account is refused."""

    async def scene(office: Any) -> None:
        family, other = await office.family(), await office.family()
        await family.enrol()
        again = await office.client("POST", "/applications", family.form, token=family.token)
        assert (again.status, again.json["application"]) == (200, family.application)
        assert (await office.client("POST", "/applications", family.form, token=other.token)).status == 409
        await other.enrol()
        assert (await other("PUT", "/child", family.form)).status == 409
        listed = await office.client("GET", "/applications", token=family.token)
        assert [each["application"] for each in listed.json["applications"]] == [family.application]

    play(scene)


def test_a_family_sees_its_own_applications_only(play: Any) -> None:
    """Another family's application is not there for it, and the review is another side."""

    async def scene(office: Any) -> None:
        family, other, anna = await office.family(), await office.family(), await office.reviewer()
        await family.hand_in()
        other.application = family.application
        assert (await other("GET", "")).status == 404
        assert (await other.submit()).status == 404
        assert (await other("PUT", "/papers/photo", b"\x89PNG")).status == 404
        assert (await office.client("GET", "/review", token=family.token)).status == 403
        assert (await office.client("GET", "/notices", token=anna)).status == 403

    play(scene)


def test_a_name_is_given_once(play: Any) -> None:
    """A second account of one name is refused, and so is a wrong password, without saying which part is wrong."""

    async def scene(office: Any) -> None:
        await office.family()
        new = {"name": "family1", "password": "password-2", "telephone": "15400000009"}
        assert (await office.client("POST", "/accounts", new)).status == 409
        replies = [
            await office.client("POST", "/sessions", {"name": name, "password": "password-2"})
            for name in ("family1", "nobody")
        ]
        assert [reply.status for reply in replies] == [401, 401]
        assert replies[0].content == replies[1].content

    play(scene)


def test_the_same_key_gives_the_same_answer_and_does_the_deed_once(play: Any) -> None:
    """Whoever got no answer sends the same again; one key may serve for another deed."""

    async def scene(office: Any) -> None:
        family = await office.family()
        await family.enrol()
        await family.upload()
        paid, again = await family.pay(), await family("POST", "/payment", key="pay")
        assert (paid.status, paid.content) == (again.status, again.content)
        assert "idempotency-replayed" not in paid.headers
        assert again.headers["idempotency-replayed"] == "true"
        assert (await family("POST", "/payment", key="another key")).status == 409
        handed_in, twice = await family.submit("pay"), await family.submit("pay")
        assert (handed_in.status, handed_in.content) == (twice.status, twice.content)
        assert (await family.progress())["round"] == 1
        assert (await family("POST", "/submission")).status == 400

    play(scene)


@pytest.mark.parametrize("pay", ["before review", "after review"])
def test_a_debit_that_failed_is_tried_again_under_another_key(play: Any, rules: Any, pay: Any) -> None:
    """The failed try is the answer of its key for good; nothing counts as paid."""

    async def scene(office: Any) -> None:
        family, anna, bert = await office.family(), await office.reviewer(), await office.reviewer()
        await family.enrol()
        await family.upload()
        if pay == "after review":
            await family.submit()
            await pass_on(office.client, anna, anna, bert)
        failed, same = await family.pay("one"), await family("POST", "/payment", key="one")
        assert (failed.status, failed.json["outcome"]) == (402, "debit failed")
        assert same.content == failed.content
        assert (await family.progress())["paid"] == "no"
        assert (await family("POST", "/payment", key="two")).status == 402

    play(scene, rules=replace(rules, pay=pay, debit_failed=dict.fromkeys(PayWay, 1.0)))


def test_a_child_that_is_known_already_ends_at_once(play: Any, rules: Any) -> None:
    """Where the automatic check finds a duplicate, the application is rejected at once, and the fee goes back."""

    async def scene(office: Any) -> None:
        family = await office.family()
        await family.hand_in()
        told = await family.progress()
        assert (told["status"], told["paid"], told["reasons"][0]["fault"]) == ("rejected", "refunded", "duplicate")
        assert sum((await office.client("GET", "/review", token=await office.reviewer())).json.values()) == 0

    play(scene, rules=replace(rules, review=rules.review.model_copy(update={"duplicate": 1.0})))
