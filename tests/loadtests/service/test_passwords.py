"""Passwords and tokens."""

from __future__ import annotations

import hashlib
from base64 import b64decode

from hypothesis import given
from hypothesis import strategies as st

from canbao_loadtests.service.passwords import Owner, Tokens, hash_password, is_password


@given(password=st.text(min_size=1, max_size=40), other=st.text(min_size=1, max_size=40))
def test_a_hash_knows_its_password_and_no_other(password: str, other: str) -> None:
    """And it shows nothing of it."""
    stored = hash_password(password, 1)
    assert is_password(password, stored)
    assert is_password(other, stored) == (other == password)
    assert hash_password(password, 1) != stored


def test_a_hash_is_what_scrypt_says() -> None:
    """The stored parameters and salt give the stored digest by the standard library's own call."""
    _, cost, salt, digest = hash_password("correct horse", 10).split("$")
    again = hashlib.scrypt(b"correct horse", salt=b64decode(salt), n=2 ** int(cost), r=8, p=1, dklen=32)
    assert again == b64decode(digest)


def test_a_password_of_another_cost_is_still_known() -> None:
    """So the cost can be raised without anybody having to choose a new password."""
    assert is_password("old", hash_password("old", 1))
    assert is_password("old", hash_password("old", 3))


@given(token=st.text(max_size=80))
def test_what_was_not_given_out_is_nobodys(token: str) -> None:
    """Any text may come in a header."""
    assert Tokens(b"secret", 60.0).owner(token, 0.0) is None


def test_a_token_is_good_for_its_secret_only() -> None:
    """Another service's tokens are not ours."""
    token = Tokens(b"secret", 60.0).give(Owner(7, "reviewer"), 100.0)
    assert Tokens(b"secret", 60.0).owner(token, 159.0) == Owner(7, "reviewer")
    assert Tokens(b"secret", 60.0).owner(token, 160.0) is None
    assert Tokens(b"other", 60.0).owner(token, 100.0) is None
