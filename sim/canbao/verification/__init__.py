"""Cases with a known answer, and what it takes to hold an engine against them.

`stays` measures what an engine did, `peers` serve the same families by recursion, `controls` look at their luck,
`estimates` turns it all into intervals, `trials` runs one case, and the other modules hold the cases, by theme.
"""
