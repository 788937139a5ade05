"""Does a plan hold, and does one server less not hold? Tried with 200 seeds that neither search nor proof has seen.

    python tests/bench/bench_plan.py [SCENARIO] [--seasons 200] [--probability 0.9] [--workers 2]

Without a scenario it takes that of `canbao scenario new`, with the objectives that staff decides. It prints how often
the plan and each plan with one server less held, and exits with 1 if the plan does not hold in the share that was asked
for, or one of the others does. The search and the trials take some minutes; what is finished is kept in a folder, from
which `--resume` goes on.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from canbao.experiments import ScenarioModel, Variant, open_experiment
from canbao.experiments.executors import make_executor
from canbao.experiments.staffing import Order, StaffingPlan, Wanted, first_variant, plan_staffing
from canbao.experiments.staffing.cells import duties
from canbao.experiments.staffing.levers import Levels, moved
from canbao.experiments.staffing.model import StaffedModel
from canbao.experiments.staffing.planning import Replicate
from canbao.plugins import load_plugins
from canbao.scenario.scenario import load_scenario

STARTER = Path(__file__).parents[2] / "sim" / "canbao" / "cli" / "starter.toml"
BY_STAFF = ("portal-review", "hall-review", "statutory-limit", "hall-wait")
"""The objectives of the starter that staff decides; who comes too late comes too late with any staff."""

FIRST = 1_000_000
"""The first of the fresh seeds."""


def held(plan: StaffingPlan, model: ScenarioModel, levels: Levels, replicate: Replicate, seeds: range) -> float:
    """Give the share of seasons in which a plan holds every objective."""
    setting = plan.setting
    told = duties(setting.cells, levels, setting.file.horizon)
    name = "fresh " + "-".join(map(str, levels))
    results = replicate([Variant(name, StaffedModel(model, tuple(told.items()), setting.cells))], seeds)
    kept = [
        [promise.slack(value) >= 0 for value in results.values(name, promise.measure)] for promise in setting.promises
    ]
    return sum(map(all, zip(*kept, strict=True))) / len(seeds)


def main() -> int:
    """Plan, try, print; give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="?", type=Path, default=STARTER)
    parser.add_argument("--seasons", type=int, default=200)
    parser.add_argument("--probability", type=float, default=0.9)
    parser.add_argument("--periods", type=int, default=4)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--resume", type=Path)
    said = parser.parse_args()
    file = load_scenario(said.scenario, load_plugins())
    model = ScenarioModel.of(file)
    objectives = BY_STAFF if said.scenario == STARTER else ()
    order = Order(objectives=objectives, periods=said.periods, wanted=Wanted(said.probability), seed=file.scenario.seed)
    executor = make_executor("local", said.workers)
    first, fresh = [first_variant(model)], range(FIRST, FIRST + said.seasons)
    with open_experiment(said.out, file.name, "plan", first, executor, resume=said.resume) as experiment:
        print(f"folder: {experiment.folder}", flush=True)
        plan = plan_staffing(model, experiment.replicate, order, lambda step: print(step.stage, f"{step.yuan:,.0f}"))
        return judged(plan, model, experiment.replicate, fresh, said.probability)


def judged(plan: StaffingPlan, model: ScenarioModel, replicate: Replicate, fresh: range, probability: float) -> int:
    """Try the plan and its neighbours with fresh seasons; give the exit code."""
    share = held(plan, model, plan.found.levels, replicate, fresh)
    print(f"the plan held in {share:.1%} of {len(fresh)} fresh seasons, {probability:.1%} wanted", flush=True)
    fine = share >= probability
    for each in plan.found.neighbours:
        less = held(plan, model, moved(plan.found.levels, (each.lever, -1)), replicate, fresh)
        fine = fine and less < probability
        print(f"one less at {plan.setting.levers[each.lever].name}: {less:.1%} ({each.verdict})", flush=True)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
