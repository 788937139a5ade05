"""Measures: pure functions of a trace."""
