"""What is known of a worker that is gone: what it last said, and its journal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from canbao_loadtests.driving.parts import WALKS, journal_of, new_part, save_part
from canbao_loadtests.driving.recorder import Journeys, Recorder
from canbao_loadtests.driving.schedule import SCHEDULE, Schedule
from canbao_loadtests.job import Job
from canbao_loadtests.walking.book import Book, WalkPart
from canbao_loadtests.walking.journal import read_journal

__all__ = ["bury"]


def bury(run: Path, job: Job, last: Mapping[str, Any]) -> Path:
    """Write the part of a process that died.

    Those who had come are `lost`: when their journeys ended, and what was asked for them, died with it; but for what
    its spool holds, if that can be read (`read_parts` puts it in their place). Those who had not are `not injected`.
    Where its journal can be read, what the families had done until then is in it.

    Parameters
    ----------
    run
        The folder of the run.
    job
        What the process had to do.
    last
        The last figures that it told, and what is said of its death.
    """
    schedule = Schedule.load(run / SCHEDULE).stripe(job.part, job.parts)
    origin = job.origin if job.origin is not None else 0.0
    journeys = Journeys(schedule, origin + (schedule.moments - job.start_s) / job.speed)
    journeys.lose(int(last.get("arrived", 0)))
    folder = new_part(run, job.part)
    end = {"event": "end", "reason": "worker lost", "valid": False, "part": job.part, "stopped_at": origin, **last}
    journal = journal_of(job)
    if journal.is_file():
        _salvaged(journal, _marks(run)).save(folder / WALKS)
    save_part(folder, Recorder(), journeys, {**end, "stopped_at": last.get("at", origin)})
    return folder


def _salvaged(journal: Path, marks: int) -> WalkPart:
    """Give what a journal knows of families, as the process itself would have given it."""
    book = Book(marks)
    for walk, visits in read_journal(journal).values():
        for visit in visits:
            book.visit(walk, visit)
        if walk.waits != "over":
            book.open_review(walk)
        book.fate(walk)
    return book.part()


def _marks(run: Path) -> int:
    """Give how many marks the plan has, as another process wrote it."""
    for path in (run / "parts").glob(f"*/{WALKS}"):
        return int(np.asarray(WalkPart.load(path).marks).shape[1])
    return 0
