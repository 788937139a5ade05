"""Calibration: what a load test says of a scenario's assumptions, and the scenario put right.

1. `evidence` reads a load test: visits to the deployment in real seconds, rounds of review.
2. `repeating` simulates the load test again, with other values of the scenario.
3. `slots`, `reviewing` and `shares` each fit a few parameters, with intervals, or say why they cannot be known.
4. `calibration` puts them together: what the scenario states against what was measured, and what would change.
5. `fragment` writes what was fitted as a scenario that extends the one of the load test.
"""

__all__: list[str] = []
