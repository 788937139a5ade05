"""The tables, in words that SQLite and PostgreSQL share.

Moments are seconds of the scenario. What must never happen twice is a key or a unique index, so that the database
itself refuses it: one child in two applications, one fee paid twice, one round decided twice at a desk.
"""

from __future__ import annotations

__all__ = ["FORMAT", "statements"]

FORMAT = "1"
"""The version of these tables, stored with them."""

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS accounts (
    id {id}, name TEXT NOT NULL UNIQUE, password TEXT NOT NULL, side TEXT NOT NULL, telephone TEXT,
    opened DOUBLE PRECISION NOT NULL);

CREATE TABLE IF NOT EXISTS applications (
    id {id}, account BIGINT NOT NULL REFERENCES accounts (id),
    child TEXT NOT NULL, number TEXT NOT NULL, guardian TEXT NOT NULL,
    status TEXT NOT NULL, round BIGINT NOT NULL,
    desk TEXT, priority BIGINT NOT NULL, since DOUBLE PRECISION, taken_by BIGINT, taken DOUBLE PRECISION,
    taken_until DOUBLE PRECISION,
    pay_with TEXT, paid TEXT NOT NULL, paid_at DOUBLE PRECISION,
    fee_yuan DOUBLE PRECISION NOT NULL, tries BIGINT NOT NULL,
    enrolled DOUBLE PRECISION NOT NULL, handed_in DOUBLE PRECISION, reviewed DOUBLE PRECISION,
    reasons TEXT NOT NULL, approved DOUBLE PRECISION);
CREATE INDEX IF NOT EXISTS applications_of ON applications (account);
CREATE UNIQUE INDEX IF NOT EXISTS applications_for ON applications (number, child) WHERE status <> 'rejected';
CREATE INDEX IF NOT EXISTS applications_at ON applications (desk, priority, since, id) WHERE desk IS NOT NULL;

CREATE TABLE IF NOT EXISTS papers (
    application BIGINT NOT NULL REFERENCES applications (id), kind TEXT NOT NULL,
    checksum TEXT NOT NULL, content_type TEXT NOT NULL, bytes BIGINT NOT NULL, uploaded DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (application, kind));

CREATE TABLE IF NOT EXISTS payments (
    application BIGINT NOT NULL REFERENCES applications (id), number BIGINT NOT NULL,
    outcome TEXT NOT NULL, way TEXT NOT NULL, yuan DOUBLE PRECISION NOT NULL, at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (application, number));
CREATE UNIQUE INDEX IF NOT EXISTS payments_once ON payments (application, outcome) WHERE outcome <> 'debit failed';

CREATE TABLE IF NOT EXISTS submissions (
    application BIGINT NOT NULL REFERENCES applications (id), round BIGINT NOT NULL, at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (application, round));

CREATE TABLE IF NOT EXISTS decisions (
    application BIGINT NOT NULL REFERENCES applications (id), round BIGINT NOT NULL, desk TEXT NOT NULL,
    reviewer BIGINT NOT NULL, verdict TEXT NOT NULL, reasons TEXT NOT NULL,
    since DOUBLE PRECISION NOT NULL, started DOUBLE PRECISION NOT NULL, decided DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (application, round, desk));

CREATE TABLE IF NOT EXISTS notices (
    id {id}, account BIGINT NOT NULL REFERENCES accounts (id), application BIGINT NOT NULL REFERENCES applications (id),
    at DOUBLE PRECISION NOT NULL, about TEXT NOT NULL, reasons TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS notices_of ON notices (account, at);

CREATE TABLE IF NOT EXISTS cards (
    application BIGINT PRIMARY KEY REFERENCES applications (id), ordered DOUBLE PRECISION NOT NULL,
    ready DOUBLE PRECISION NOT NULL, collected DOUBLE PRECISION, activated DOUBLE PRECISION, password TEXT);

CREATE TABLE IF NOT EXISTS settlements (
    application BIGINT PRIMARY KEY REFERENCES applications (id), bill_yuan DOUBLE PRECISION NOT NULL,
    reimbursed_yuan DOUBLE PRECISION NOT NULL, at DOUBLE PRECISION NOT NULL);

CREATE TABLE IF NOT EXISTS answers (
    account BIGINT NOT NULL REFERENCES accounts (id), request TEXT NOT NULL, key TEXT NOT NULL,
    status BIGINT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (account, request, key));
"""


def statements(identity: str) -> list[str]:
    """Give the statements that make the tables; `identity` is how the database numbers rows by itself."""
    return [statement.strip() for statement in _TABLES.replace("{id}", identity).split(";") if statement.strip()]
