"""Sessions: one family, or one reviewer, at a target that documents describe."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from canbao_loadtests.flow import FLOW
from canbao_loadtests.http.messages import Browser
from canbao_loadtests.targets.expressions import as_text
from canbao_loadtests.targets.running import DONE, Ending, Machine
from canbao_loadtests.targets.target import Answer
from canbao_loadtests.targets.workflows import CompiledWorkflow

__all__ = ["ArazzoSession", "Backdrop"]

_ZONE = dt.timezone(dt.timedelta(hours=8))
"""Asia/Shanghai, whose clocks have not been changed since 1991."""

_DONE = Answer("done")
_LOG_IN = {"family": "log_in", "reviewer": "reviewer_log_in"}


@dataclass(frozen=True)
class Backdrop:
    """What all sessions of a target share.

    Parameters
    ----------
    workflows
        Its workflows.
    inputs
        The inputs that are the same for everybody, secrets among them.
    absent
        The environment variable of each secret that is not set.
    sleep
        Waits for some real seconds.
    """

    workflows: Mapping[str, CompiledWorkflow]
    inputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    absent: Mapping[str, str] = field(default_factory=dict)
    sleep: Callable[[float], None] = lambda _: None


class ArazzoSession:
    """A session: it keeps outputs and cookies, and logs in again by itself, once a call."""

    def __init__(self, backdrop: Backdrop, browser: Browser, memory: Mapping[str, Any]) -> None:
        self._backdrop = backdrop
        self._browser = browser
        outputs = {name: dict(one) for name, one in memory.get("outputs", {}).items()}
        self.memory: dict[str, Any] = {"outputs": outputs, "cookies": dict(memory.get("cookies", {}))}
        self._completed: dict[str, dict[str, Mapping[str, Any]]] = {
            name: {"inputs": {}, "outputs": one} for name, one in outputs.items()
        }
        self._known = self._merged()

    def call(self, step: str, inputs: Mapping[str, Any]) -> Answer:
        """Take a step of the flow; it raises nothing that a deployment can cause."""
        ending = self._run(step, inputs)
        if ending.outcome == "logged out":
            ending = self._run_logged_in(step, inputs, ending)
        self.memory["cookies"] = self._browser.cookies()
        return self._answer(step, ending)

    def _run_logged_in(self, step: str, inputs: Mapping[str, Any], ending: Ending) -> Ending:
        """Log in, and take a step again that has found nobody logged in; the same ending, if that cannot be done."""
        log_in = _LOG_IN[FLOW[step].side]
        if step == log_in or log_in not in self._backdrop.workflows:
            return ending
        again = self._run(log_in, inputs)
        if again.outcome == "done":
            return self._run(step, inputs)
        return Ending("logged out", f"{log_in}: {again.reason or again.outcome}", again.retry_after_s)

    def _run(self, name: str, inputs: Mapping[str, Any]) -> Ending:
        machine = Machine(self._backdrop.workflows, self._browser, self._backdrop.sleep, self._completed)
        ending = machine.run(name, self._all_inputs(name, inputs))
        if machine.done:
            self._remember(machine.done)
        return self._explained(ending) if ending.wanted else ending

    def _remember(self, done: Iterable[str]) -> None:
        """Keep the outputs of workflows that have completed."""
        outputs, is_new = self.memory["outputs"], False
        for name in done:
            kept = self._completed[name]
            if not kept["outputs"] and not outputs.get(name, True):
                continue  # as often before, it has given nothing
            # The latest stands last: of two outputs of one name it is the one that counts.
            before = outputs.pop(name, None)
            outputs[name] = kept["outputs"] = dict(kept["outputs"])
            is_new = is_new or bool(before or outputs[name])
        if is_new:
            self._known = self._merged()

    def _merged(self) -> dict[str, Any]:
        """Put together what is known whatever the step."""
        merged = dict(self._backdrop.inputs)
        for outputs in self.memory["outputs"].values():
            merged.update(outputs)
        return merged

    def _all_inputs(self, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        merged = {**self._known, **inputs}
        for word, write in self._backdrop.workflows[name].words.items():
            if word in inputs:
                merged[word] = write(inputs[word])
        return merged

    def _explained(self, ending: Ending) -> Ending:
        """Say more of a value that is missing: a secret, or what only who is logged in has."""
        if not ending.wanted.startswith("$inputs."):
            return ending
        name = ending.wanted.removeprefix("$inputs.")
        if name in self._backdrop.absent:
            return Ending("failed", f"the environment variable {self._backdrop.absent[name]} is not set")
        given = {output for key in _LOG_IN.values() for output in self._outputs_of(key)}
        return Ending("logged out", ending.reason) if name in given else ending

    def _outputs_of(self, name: str) -> list[str]:
        workflow = self._backdrop.workflows.get(name)
        return [output for output, _ in workflow.outputs] if workflow else []

    def _answer(self, step: str, ending: Ending) -> Answer:
        if ending is DONE and not FLOW[step].needs:
            return _DONE
        workflow, outputs = self._backdrop.workflows[step], dict(ending.outputs)
        if outputs.get("decided_at") is not None:
            outputs["decided_at"] = _as_iso(outputs["decided_at"], workflow.decided_at)
        if "status" in FLOW[step].needs and ending.outcome == "done":
            word = workflow.status.get(as_text(outputs["status"]).casefold())
            if word is None:
                return Answer("failed", outputs, f"unknown status {as_text(outputs['status'])[:40]!r}")
            outputs["status"] = word
        return Answer(ending.outcome, outputs, ending.reason, ending.retry_after_s)


def _as_iso(value: Any, form: str | None) -> Any:
    """Write a moment as local time of the scenario, without a zone; seconds stay, what is no moment is nothing."""
    if isinstance(value, int | float) and form is None:
        return value
    try:
        moment = dt.datetime.fromisoformat(str(value)) if form is None else dt.datetime.strptime(str(value), form)
        return (moment.astimezone(_ZONE) if moment.tzinfo else moment).replace(tzinfo=None).isoformat()
    except (ValueError, OverflowError):
        return None
