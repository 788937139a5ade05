"""Reports of experiments: an answer in a sentence, intervals drawn, and the same charts as SVG for a paper.

One module for each kind of answer says what was found (`Findings`) and which charts show it; they are drawn by
`canbao.report.drawing` as those of a run are. All read a finished folder (`read_study`) and nothing else.
"""

from canbao.report.experiments.page import experiment_charts, render_experiment, write_experiment_report
from canbao.report.experiments.paper import figure_svg, width_px, write_figures
from canbao.report.experiments.study import Study, read_study

__all__ = [
    "Study",
    "experiment_charts",
    "figure_svg",
    "read_study",
    "render_experiment",
    "width_px",
    "write_experiment_report",
    "write_figures",
]
