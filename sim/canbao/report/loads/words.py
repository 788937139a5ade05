"""Words of load tests: measures, and what can go wrong with a request."""

from __future__ import annotations

from canbao.languages import Language, noted
from canbao.report.words import number

__all__ = ["error_word", "figure", "measure"]

_MEASURES = {
    "submitted": noted("applications handed in"),
    "decided": noted("decisions"),
    "issued": noted("applications issued"),
    "rejected": noted("applications rejected"),
    "in_review": noted("in review at the end"),
    "longest_backlog": noted("longest backlog"),
    "a_working_day": noted("decisions a working day"),
    "working_days": noted("working days in review"),
}

_TROUBLES = {
    "timeout": noted("no answer in time"),
    "refused": noted("connection refused"),
    "reset": noted("connection reset"),
    "garbage": noted("an answer that is no HTTP"),
    "tls": noted("a certificate that cannot be trusted"),
    "forbidden host": noted("a host that may not get load"),
    "redirects": noted("too many redirects"),
    "stopped": noted("not sent, because the test stopped"),
}


def measure(name: str, language: Language) -> str:
    """Name a measure that was predicted."""
    return language.say(_MEASURES.get(name, name))


def error_word(kind: str, language: Language) -> str:
    """Say how a request failed: `status 500`, or why there was no answer."""
    return language.say(_TROUBLES[kind]) if kind in _TROUBLES else kind


def figure(value: float | None) -> str:
    """Write a number that may not be known."""
    return "–" if value is None else number(value)
