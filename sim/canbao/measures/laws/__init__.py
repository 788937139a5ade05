"""Laws that hold on every run of every network; a run that breaks one is a fault of the program, not an answer.

Each is checked for all visits at once, a million of them in half a second. Simultaneous events are settled by the
engines' written order, which a trace does not show; so where several things happen at one moment, a law allows every
order.
"""

from canbao.measures.laws.checking import check_laws
from canbao.measures.laws.law import Law

__all__ = ["Law", "check_laws"]
