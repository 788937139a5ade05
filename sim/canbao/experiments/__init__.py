"""Experiments: many replications that answer one question.

A *model* turns a seed into measures; a *variant* is a model with a name; an *executor* carries out replications, here
or elsewhere; an *experiment* is a folder in which each of them is kept as soon as it is finished::

    import canbao
    from canbao.experiments import ScenarioModel, Variant, open_experiment
    from canbao.experiments.executors import make_executor

    plugins = canbao.plugins.load_plugins()
    file = canbao.scenario.scenario.load_scenario("scenarios/city-season.toml", plugins)
    variants = [Variant(file.name, ScenarioModel.of(file))]
    with open_experiment("results", file.name, "replications", variants, make_executor("local")) as experiment:
        results = experiment.replicate(variants, range(1, 21))
    results.values(file.name, "objectives.portal-review")
    results.frame()

Nothing here prints. Replication r of an experiment whose first seed is s has the seed s + r, in every variant: so all
variants meet the same families with the same luck.
"""

import lazy_loader

# Each name is imported when it is first asked for: a worker process needs few of them.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
