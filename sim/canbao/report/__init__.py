"""The report of a run: an answer in sentences, charts as plain data, and both in one HTML file.

`answer` holds the sentences of the answer, `charts` the titles and captions that go with drawings, `templates` the rest
of the words; `words` writes numbers and dates. All read a summary as `canbao.measures.summary` makes it.
"""

from canbao.report.answer import Answer, Figure, Verdict, answer
from canbao.report.charts import Chart, Table, charts
from canbao.report.page import render, warm_up

__all__ = ["Answer", "Chart", "Figure", "Table", "Verdict", "answer", "charts", "render", "warm_up"]
