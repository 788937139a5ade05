from .run import Run, read_run
from .running import Watch, render_again, run_scenario

__all__ = ["Run", "Watch", "read_run", "render_again", "run_scenario"]
