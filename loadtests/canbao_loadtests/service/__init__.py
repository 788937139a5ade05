"""The reference service: the enrolment flow as a real HTTP implementation, small enough to be read whole.

Read it in this order.

1. `models`: what comes in, what goes out, and the words for where an application stands.
2. `enrolment`: what each step of the flow changes. It knows storage and rules, and nothing of HTTP.
3. `storage`: the protocol that the steps use, on SQLite and on PostgreSQL.
4. `routes`: the flow as HTTP operations, by side: families, reviewers, everybody.
5. `clerks`: the service's own reviewers, for those who have no people to do it.
6. `app`: all of it put together; `openapi` describes it, `command` starts it.

Two clocks are about: real seconds, in which people wait and tokens expire, and moments of the scenario (`clock`), in
which applications are handed in, reviewed and decided. All that is stored and answered is of the second kind.
"""

__all__: list[str] = []
