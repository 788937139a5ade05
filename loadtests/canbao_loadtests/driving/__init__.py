"""Driving: arrivals are injected at their times, and what happens is recorded."""
