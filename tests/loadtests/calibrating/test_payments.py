"""Debits that fail, counted in load tests whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from canbao.plugins import Plugins
from canbao.scenario.scenario import load_scenario
from canbao_loadtests.calibrating.evidence import read_evidence
from canbao_loadtests.calibrating.payments import fit_payments

WAYS = ("online_bank", "alipay", "wechat_pay")


@pytest.fixture(scope="module")
def paying(town: Path) -> Path:
    """Give the town with a fee, which is paid before the review."""
    path = town.with_name("paying.toml")
    ways = "\n".join(f"[formalities.payment.{way}]\ndebit_failed = 0.05" for way in (*WAYS, "transfer"))
    path.write_text(
        f'extends = "town.toml"\n[formalities.payment]\nkind = "payment"\nplace = "before review"\n{ways}\n'
    )
    return path


def test_debits_that_fail_more_often_are_found(pretend: Callable[..., Any], paying: Path, plugins: Plugins) -> None:
    """A deployment at which a third of the debits fail is told from one at which a twentieth does, and put right."""
    often = tuple(f"formalities.payment.{way}.debit_failed=0.33" for way in (*WAYS, "transfer"))
    made = pretend(paying, often, duration_s=2_400.0)
    (fit,) = fit_payments(read_evidence(made.folder, plugins))
    (right,) = fit_payments(read_evidence(pretend(paying, (), duration_s=2_400.0).folder, plugins))
    assert right.measured.covers(right.stated)
    assert not fit.measured.covers(fit.stated)
    assert fit.stated == right.stated
    assert fit.measured.share > 4.0 * fit.stated
    fixed = load_scenario(paying, plugins, fit.overrides).scenario.formalities["payment"]
    assert fixed.alipay.debit_failed == pytest.approx(0.33, rel=0.25)


def test_without_a_payment_nothing_is_said(pretend: Callable[..., Any], town: Path, plugins: Plugins) -> None:
    """A scenario in which nobody pays has no debits."""
    made = pretend(town, (), duration_s=2_400.0)
    assert list(fit_payments(read_evidence(made.folder, plugins))) == []
