"""How often a debit fails at a deployment, against what the scenario's ways to pay say together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from canbao.columns import numbers_of
from canbao.district import FEE, PAID
from canbao.statistics.proportions import ShareInterval, chance_interval
from canbao_loadtests.calibrating.evidence import Evidence

__all__ = ["PaymentFit", "fit_payments"]

_FAILED = "/debit failed"
"""How the step ends that a payment has for it."""
_FEWEST = 30


@dataclass(frozen=True)
class PaymentFit:
    """Debits of one payment.

    Parameters
    ----------
    name
        Of the formality.
    stated
        The share that the scenario expects to fail, of the families that came, by the ways that they begin with.
    measured
        The share that failed, with its exact interval; None where there were too few.
    overrides
        The `path=value` texts that make each way fail as many times as often as all together did.
    """

    name: str
    stated: float
    measured: ShareInterval | None
    overrides: tuple[str, ...]


def fit_payments(evidence: Evidence, level: float = 0.95) -> Iterator[PaymentFit]:
    """Give what is known of each payment that asks the deployment for debits."""
    if "pay" not in evidence.known:
        return
    for name, formality in evidence.file.scenario.formalities.items():
        methods = getattr(formality, "methods", None)
        if methods is not None:
            yield _fit(evidence, name, methods(), level)


def _fit(evidence: Evidence, name: str, methods: dict[str, Any], level: float) -> PaymentFit:
    stated = _expected(evidence, name, list(methods))
    failed, paid = _failures(evidence), _paid(evidence)
    if failed + paid < _FEWEST or not stated:
        return PaymentFit(name, stated, None, ())
    measured = chance_interval(failed, failed + paid, level)
    ratio = measured.share / stated
    fixes = tuple(
        f"formalities.{name}.{method.replace(' ', '_')}.debit_failed={min(settings.debit_failed * ratio, 1.0):.4g}"
        for method, settings in methods.items()
        if method != "counter"
    )
    return PaymentFit(name, stated, measured, fixes)


def _expected(evidence: Evidence, name: str, methods: list[str]) -> float:
    """Give the share of debits that fail by the plan, at the first way of each family that came."""
    families, columns = np.asarray(evidence.trace.families["family"]), evidence.plan.columns
    shares = np.zeros(len(families))
    for method in methods:
        begins, works = (columns.get(f"_{name} {what} by {method}") for what in ("begins", "debit"))
        if begins is not None and works is not None:
            shares += numbers_of(begins)[families] * (1.0 - numbers_of(works)[families])
    return float(shares.mean()) if len(shares) else 0.0


def _failures(evidence: Evidence) -> int:
    return _counted(evidence.trace.visits["step"], lambda label: label.endswith(_FAILED))


def _paid(evidence: Evidence) -> int:
    """Count what went into the ledger: each time a debit had worked."""
    return _counted(evidence.trace.visits["station"], lambda label: label == f"{FEE}.{PAID}")


def _counted(column: Any, wanted: Callable[[str], bool]) -> int:
    counts = np.bincount(column.codes, minlength=len(column.labels)).tolist()
    return sum(count for label, count in zip(column.labels, counts, strict=True) if wanted(label))
