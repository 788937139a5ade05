"""Scenario files: reading, checking, and what each section means."""
