"""Running a workflow: one request after the other, what each answer means, and where it goes from there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from canbao_loadtests.http.messages import Browser, Response, TransportError
from canbao_loadtests.targets.documents import MISSING
from canbao_loadtests.targets.expressions import NoValueError
from canbao_loadtests.targets.scope import NO_RESPONSE, Scope
from canbao_loadtests.targets.target import Outcome
from canbao_loadtests.targets.workflows import CompiledStep, CompiledWorkflow, Move

__all__ = ["DONE", "LONGEST_WAIT_S", "Ending", "Machine"]

LONGEST_WAIT_S = 30.0
"""Who is asked to wait longer than this, in real seconds, is not ready: others may have the connection meanwhile."""

_MOST_STEPS = 500
_DEEPEST = 20
_HOPELESS = ("stopped", "forbidden host")
"""Trouble after which nothing is tried again."""


class Ending(NamedTuple):
    """How a step or a workflow ended; a tuple, as there is one for each of them."""

    outcome: Outcome
    reason: str = ""
    retry_after_s: float | None = None
    outputs: Mapping[str, Any] = MappingProxyType({})
    wanted: str = ""
    """The expression that had no value, where that is why it failed."""
    hopeless: bool = False


DONE = Ending("done")
"""It went well, and there is no more to be said."""


@dataclass
class Machine:
    """Runs workflows for one call of a session.

    Parameters
    ----------
    workflows
        All workflows of the target.
    browser
        Sends the requests.
    sleep
        Waits for some real seconds.
    completed
        Inputs and outputs of the workflows that this session has completed; what completes is added.
    """

    workflows: Mapping[str, CompiledWorkflow]
    browser: Browser
    sleep: Callable[[float], None]
    completed: dict[str, dict[str, Mapping[str, Any]]]
    done: list[str] = field(default_factory=list)
    """The workflows that have completed here, in their order."""
    _steps: int = 0
    _depth: int = 0
    _last: Response = NO_RESPONSE

    def run(self, name: str, inputs: Mapping[str, Any]) -> Ending:
        """Run a workflow, after those that it depends on; it raises nothing that a deployment can cause."""
        if self._depth >= _DEEPEST:
            return Ending("failed", "workflows call one another too deeply", hopeless=True)
        workflow = self.workflows[name]
        for other in workflow.depends_on:
            if other not in self.completed:
                ending = self.run(other, inputs)
                if ending.outcome != "done":
                    return ending
        self._depth += 1
        given = {**workflow.defaults, **inputs} if workflow.defaults else inputs
        scope = Scope(given, self.completed, self.browser.cookies)
        ending = self._walk(workflow, scope)
        self._depth -= 1
        if ending.outcome == "done":
            self.completed[name] = {"inputs": scope.inputs, "outputs": ending.outputs}
            self.done.append(name)
        return ending

    def _walk(self, workflow: CompiledWorkflow, scope: Scope) -> Ending:
        tries: dict[tuple[int, str], int] = {}
        garbage, at = False, 0
        while at < len(workflow.steps):
            step = workflow.steps[at]
            ending = self._take(step, scope)
            garbage = garbage or scope.garbage
            moves = step.on_success if ending.outcome == "done" else step.on_failure
            move = _chosen(moves, scope, at, tries) if moves and not ending.hopeless else None
            if move is not None and move.kind == "retry":
                stopped = self._wait(move, ending, workflow, scope)
                if stopped is not None:
                    return stopped
            elif move is not None and move.kind == "goto":
                if move.workflow is not None:
                    return self.run(move.workflow, scope.inputs)
                at = at if move.step is None else move.step
            elif ending.outcome != "done":
                return Ending(
                    ending.outcome, _reason(ending, garbage), ending.retry_after_s, _of(workflow, scope), ending.wanted
                )
            elif move is not None:
                break
            else:
                at += 1
        return _complete(workflow, _of(workflow, scope), garbage)

    def _take(self, step: CompiledStep, scope: Scope) -> Ending:
        """Take a step: one request, or another workflow."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            return Ending("failed", f"more than {_MOST_STEPS} steps", hopeless=True)
        try:
            if step.request is None:
                return self._call(step, scope)
            request = step.request(scope)
            self._last = self.browser.send(request)
            scope.answered(self._last)
        except NoValueError as error:
            scope.sending(None, {})  # criteria must not see the answer before
            return Ending("failed", str(error), wanted=error.wanted)
        except TransportError as error:
            return Ending("failed", error.trouble, hopeless=error.trouble in _HOPELESS)
        ending = _meaning(step, scope)
        if step.outputs:
            _keep(step, scope)
        return ending

    def _call(self, step: CompiledStep, scope: Scope) -> Ending:
        inputs = {**scope.inputs, **{name: get(scope) for name, get in step.inputs}}
        scope.sending(None, {})
        ending = self.run(step.workflow or "", inputs)
        scope.outputs = ending.outputs
        scope.answered(self._last)  # the last answer of the workflow is that of the step
        if ending.outcome == "done":
            if step.outputs:
                _keep(step, scope)
            if step.success is not None and not step.success(scope):
                return Ending("failed", "a success criterion does not hold")
        return ending

    def _wait(self, move: Move, ending: Ending, workflow: CompiledWorkflow, scope: Scope) -> Ending | None:
        """Wait before the next try, and take what has to be taken before it; an ending, where it ends here."""
        wait_s = move.after_s if ending.retry_after_s is None else ending.retry_after_s
        if wait_s > LONGEST_WAIT_S:
            outcome: Outcome = "not ready" if ending.outcome in ("failed", "not ready") else ending.outcome
            return Ending(outcome, ending.reason, wait_s, _of(workflow, scope))
        if wait_s > 0:
            self.sleep(wait_s)
        if move.workflow is not None:
            before = self.run(move.workflow, scope.inputs)
        elif move.step is not None:
            before = self._take(workflow.steps[move.step], scope)
        else:
            return None
        return None if before.outcome == "done" else before


def _chosen(moves: Sequence[Move], scope: Scope, at: int, tries: dict[tuple[int, str], int]) -> Move | None:
    """Give the first action whose criteria hold and which has a try left."""
    for move in moves:
        if move.test is not None and not move.test(scope):
            continue
        if move.kind != "retry":
            return move
        key = (at, move.name)
        tries[key] = tries.get(key, 0) + 1
        if tries[key] <= move.limit:
            return move
    return None


def _meaning(step: CompiledStep, scope: Scope) -> Ending:
    """Say what an answer means: as the document says, then by the success criteria, then by its status."""
    response = scope.response
    for outcome, test in step.outcomes:
        if test(scope):
            return DONE if outcome == "done" else _not_done(outcome, response, scope)
    if step.success is not None:
        is_done = step.success(scope)
    else:
        is_done = 200 <= response.status < (300 if step.follow else 400)
    return DONE if is_done else _not_done(_by_status(response), response, scope)


def _not_done(outcome: Outcome, response: Response, scope: Scope) -> Ending:
    if scope.garbage:
        reason = "garbage"
    elif 200 <= response.status < 300 and outcome == "failed":
        reason = "a success criterion does not hold"
    else:
        reason = f"status {response.status}"
    return Ending(outcome, reason, _retry_after(response))


def _by_status(response: Response) -> Outcome:
    if response.status == 401:
        return "logged out"
    if response.status == 402:
        return "declined"
    if response.status in (425, 429, 503) or (response.status == 409 and response.header("retry-after") is not None):
        return "not ready"
    return "failed"


def _retry_after(response: Response) -> float | None:
    """Read `Retry-After`: seconds, or a date against the deployment's own."""
    text = response.header("retry-after")
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        then, now = parsedate_to_datetime(text), parsedate_to_datetime(response.header("date") or "")
        return max((then - now).total_seconds(), 0.0)
    except (ValueError, TypeError, IndexError):
        return None


def _keep(step: CompiledStep, scope: Scope) -> None:
    kept = scope.steps.setdefault(step.name, {})
    for name, get in step.outputs:
        value = _value(get, scope)
        if value is not MISSING:
            kept[name] = value


def _of(workflow: CompiledWorkflow, scope: Scope) -> dict[str, Any]:
    """Give the outputs of a workflow, as far as there are any."""
    found: dict[str, Any] = {}
    scope.outputs = found
    for name, get in workflow.outputs:
        value = _value(get, scope)
        if value is not MISSING:
            found[name] = value
    return found


def _value(get: Callable[[Scope], Any], scope: Scope) -> Any:
    try:
        value = get(scope)
    except NoValueError:
        return MISSING
    return MISSING if isinstance(value, bytes) else value


def _complete(workflow: CompiledWorkflow, outputs: Mapping[str, Any], garbage: bool) -> Ending:
    missing = [name for name in workflow.needed if outputs.get(name) is None] if workflow.needed else ()
    if missing:
        return Ending("failed", "garbage" if garbage else f"no output {min(missing)}", outputs=outputs)
    return Ending("done", outputs=outputs) if outputs else DONE


def _reason(ending: Ending, garbage: bool) -> str:
    return "garbage" if garbage and ending.reason.startswith("no value") else ending.reason
