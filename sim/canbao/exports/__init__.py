"""Exports: a stored run in the forms of other programs.

==========  ==========================================================================================
xes         an event log for process mining, as XML (IEEE 1849): `canbao.exports.events` says what is in it
csv         the same as CSV
vidigi      an event log that vidigi animates, with the places where it draws
charts      the data of each chart of the report as CSV
tables      the tables of the run as CSV
==========  ==========================================================================================
"""

from __future__ import annotations

from canbao.exports.exporting import FORMS, Exported, export_run

__all__ = ["FORMS", "Exported", "export_run"]
