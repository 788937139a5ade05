"""Targets that documents describe: read, compiled, ready to begin sessions."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from canbao.errors import Fault, InputError, PluginError, TargetError
from canbao.scenario.faults import nearest
from canbao_loadtests.flow import FLOW
from canbao_loadtests.http.messages import Browser
from canbao_loadtests.targets.compiling import Compiled, compile_workflows
from canbao_loadtests.targets.documents import Faults
from canbao_loadtests.targets.reading import Sheet, read_sheets
from canbao_loadtests.targets.sessions import ArazzoSession, Backdrop
from canbao_loadtests.targets.settings import SETTINGS, TargetSettings, read_settings
from canbao_loadtests.targets.target import Target

if TYPE_CHECKING:
    from canbao.plugins import Plugins

__all__ = ["ArazzoTarget", "Examination", "examine", "find_target", "load_target", "missing_steps"]


@dataclass(frozen=True)
class ArazzoTarget:
    """A target that an OpenAPI and an Arazzo document describe."""

    name: str
    steps: Set[str]
    """The steps of the flow that it covers."""
    papers: Mapping[str, str]
    """The deployment's word for each paper that families upload, and the picture that canbao draws."""
    settings: TargetSettings
    backdrop: Backdrop
    sheets: tuple[Sheet, ...]

    def session(self, browser: Browser, memory: Mapping[str, Any]) -> ArazzoSession:
        """Begin a session, or go on with one."""
        return ArazzoSession(self.backdrop, browser, memory)


def load_target(
    folder: str | os.PathLike[str],
    environment: Mapping[str, str] = os.environ,
    sleep: Callable[[float], None] | None = None,
) -> ArazzoTarget:
    """Read a target's folder.

    Parameters
    ----------
    folder
        It holds `target.toml`, `*.arazzo.yaml` and the OpenAPI documents that these name.
    environment
        Where the secrets are.
    sleep
        Waits for some real seconds, before a request is tried again; gevent's if not given.

    Raises
    ------
    TargetError
        With all faults of all documents; also if a step is missing without which there is no enrolment.
    """
    found = examine(Path(folder))
    found.faults.raise_if_any()
    return ArazzoTarget(
        name=found.settings.name,
        steps=found.steps,
        papers=found.compiled.papers,
        settings=found.settings,
        backdrop=_backdrop(found.compiled, found.settings, environment, sleep or _sleeping()),
        sheets=found.sheets,
    )


@dataclass(frozen=True)
class Examination:
    """What a target's folder holds, and what is wrong with it."""

    settings: TargetSettings
    sheets: tuple[Sheet, ...]
    compiled: Compiled
    faults: Faults

    @property
    def steps(self) -> frozenset[str]:
        """The steps of the flow that it covers."""
        return frozenset(self.compiled.workflows) & frozenset(FLOW)


def examine(folder: Path) -> Examination:
    """Read a target's folder, however many faults there are.

    Raises
    ------
    TargetError
        If there is nothing to be read: no folder, no Arazzo document, a plugin's target, a broken `target.toml`.
    """
    settings = read_settings(folder)
    if settings.plugin is not None:
        said = f"is a plugin's target, {settings.plugin!r}, which has no documents to be read"
        raise TargetError([Fault(str(folder / SETTINGS), None, "plugin", said, hint="canbao load finds it")])
    faults = Faults()
    sheets = tuple(read_sheets(folder, faults))
    compiled = compile_workflows(sheets, settings, faults)
    if not faults.found:
        _need_steps(compiled, sheets, faults)
    return Examination(settings, sheets, compiled, faults)


def missing_steps(steps: Set[str]) -> list[str]:
    """Give the steps that every target must have and that are not among `steps`."""
    return [step.name for step in FLOW.values() if step.required and step.name not in steps]


def find_target(
    text: str,
    plugins: Plugins,
    environment: Mapping[str, str] = os.environ,
    sleep: Callable[[float], None] | None = None,
) -> Target:
    """Give the target of a folder, or the one that a plugin has registered under this name.

    Raises
    ------
    TargetError
        If the documents do not fit.
    InputError
        If there is neither such a folder nor such a plugin's target.
    """
    folder = Path(text)
    if folder.is_dir():
        settings = read_settings(folder)
        if settings.plugin is None:
            return load_target(folder, environment, sleep)
        return _of_plugin(settings.plugin, plugins, settings.settings, f"{folder / SETTINGS}: plugin")
    return _of_plugin(text, plugins, {}, "--target")


def _of_plugin(name: str, plugins: Plugins, settings: Mapping[str, Any], where: str) -> Target:
    things = plugins.things("targets")
    if name not in things:
        near = nearest(name, things)
        known = ", ".join(things) or "none"
        hint = f"; did you mean {near!r}?" if near else ""
        raise InputError(f"{where} {name!r}: there is no such folder and no plugin's target; targets: {known}{hint}")
    try:
        target: Target = things[name](settings)
    except InputError:
        raise
    except Exception as error:
        raise PluginError(f"the target {name!r} of a plugin failed: {type(error).__name__}: {error}") from error
    return target


def _need_steps(compiled: Compiled, sheets: Sequence[Sheet], faults: Faults) -> None:
    for name in missing_steps(compiled.workflows.keys()):
        document = sheets[0].document
        given = nearest(name, [workflow for workflow in compiled.workflows if workflow not in FLOW])
        hint = f"is it {given!r}?" if given else ""
        problem = f"there is no workflow {name!r}"
        faults.add(document.fault(("workflows",), problem, allowed=FLOW[name].does, hint=hint))
    if "upload_paper" in compiled.workflows and not compiled.papers:
        problem = "is missing: which papers upload_paper is to upload"
        path = ("x-canbao", "papers")
        faults.add(sheets[0].document.fault(path, problem, hint="for example papers: {photo: photo}"))


def _backdrop(
    compiled: Compiled, settings: TargetSettings, environment: Mapping[str, str], sleep: Callable[[float], None]
) -> Backdrop:
    absent = {name: variable for name, variable in settings.secrets.items() if not environment.get(variable)}
    secrets = {name: environment[variable] for name, variable in settings.secrets.items() if name not in absent}
    return Backdrop(compiled.workflows, {**settings.inputs, **secrets}, absent, sleep)


def _sleeping() -> Callable[[float], None]:
    import gevent

    sleep: Callable[[float], None] = gevent.sleep
    return sleep
