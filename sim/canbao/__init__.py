"""canbao simulates and load-tests the enrolment of children in China's resident medical insurance.

Will enrolment hold at the peak, and what would make it hold?

Networks of one's own, with no insurance in them::

    import canbao

    network = canbao.Network(
        stations=[canbao.Station("windows", servers=3)],
        journeys=[canbao.Journey("office", [canbao.Visit("windows", service=canbao.Exponential(480))])],
        streams=[canbao.Stream("office", canbao.Poisson(rate=0.005))],
    )
    trace = canbao.simulate(network, until=10 * 3600, seed=1)
    trace.frame("visits")

Read on in `scenario`, `plan`, `trace` and `engines`.
"""

import lazy_loader

__version__ = "0.1.0"

# The public names stand in `__init__.pyi`; each is imported when it is first asked for, so that `canbao --help` need
# not wait for numpy (150 ms). lazy_loader is scientific Python's own answer to this.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
