"""How far a run can be trusted, and how it was made: what stands at the end of a report."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canbao.languages import Language, noted
from canbao.report.terms import engine_reason, law_detail, term, warning

__all__ = ["Made", "Trust", "engine", "made", "trust"]

_GRADES = {
    "A": noted("official text"),
    "B": noted("press, academic work or a named body"),
    "C": noted("question-and-answer or content pages"),
    "D": noted("derived by arithmetic"),
    "V": noted("checked by running code"),
    "E": noted("an estimate of ours"),
}

_ENGINES = {
    "simpy": noted("SimPy"),
    "compiled": noted("compiled"),
    "both": noted("SimPy and compiled, with equal traces, bit for bit"),
    "load": noted("none: a load test of a deployment"),
}


@dataclass(frozen=True)
class Trust:
    """What speaks for a run and against it."""

    laws: Sequence[Mapping[str, Any]]
    """Each with its name, whether it holds, and a detail."""
    replications: int
    estimates: Sequence[str]
    """The keys of the inputs that are estimates."""
    grades: Sequence[tuple[str, str, int]]
    """Each grade of evidence, what it means, and how many inputs have it."""
    warnings: Sequence[str]


@dataclass(frozen=True)
class Made:
    """How a run was made."""

    command: str
    """What repeats it; empty if it is not known."""
    facts: Sequence[tuple[str, str]]


def trust(summary: Mapping[str, Any], language: Language) -> Trust:
    """Read from a summary how far a run can be trusted."""
    found = summary.get("trust") or {}
    estimates, graded = list(found.get("estimates") or ()), found.get("graded") or {}
    counts = Counter(grade for grade in graded.values() if grade != "E") + Counter({"E": len(estimates)})
    return Trust(
        laws=[_law(law, language) for law in found.get("laws") or ()],
        replications=found.get("replications") or 1,
        estimates=estimates,
        grades=[(grade, language.say(_GRADES.get(grade, "")), counts[grade]) for grade in sorted(counts)],
        warnings=[warning(text, language) for text in found.get("warnings") or ()],
    )


def _law(law: Mapping[str, Any], language: Language) -> dict[str, Any]:
    return {
        "name": term("law", law["name"], language),
        "holds": law["holds"],
        "detail": law_detail(law.get("detail") or "", language),
    }


def made(summary: Mapping[str, Any], manifest: Mapping[str, Any], language: Language) -> Made:
    """Read from a manifest how a run was made; every key of it may be missing."""
    command = manifest.get("command") or ""
    facts = [(name, str(value)) for name, value in _facts(summary, manifest, language) if value not in (None, "")]
    return Made(command if isinstance(command, str) else shlex.join(map(str, command)), facts)


def _facts(summary: Mapping[str, Any], manifest: Mapping[str, Any], language: Language) -> Iterator[tuple[str, object]]:
    say, scenario = language.say, (summary.get("scenario") or {}).get("name")
    yield say("Run"), manifest.get("run")
    yield say("Scenario"), manifest.get("scenario") or scenario
    yield say("Created"), manifest.get("created")
    yield say("Seed"), manifest.get("seed", summary.get("seed"))
    yield say("Engine"), engine(manifest, language)
    versions = manifest.get("versions") or {}
    yield say("Versions"), _listed((f"{name} {version}" for name, version in versions.items()), language)
    yield say("Set for this run"), _settings(manifest.get("overrides"), language)
    yield say("Plugins"), _plugins(manifest.get("plugins"), language)
    seconds = manifest.get("seconds") or {}
    yield say("Time taken"), _listed((_stage(name, took, language) for name, took in seconds.items()), language)


def engine(manifest: Mapping[str, Any], language: Language) -> str:
    """Say which engine ran, and why it was not the compiled one where none was asked for."""
    name, reason = manifest.get("engine") or "", manifest.get("engine_reason")
    said = language.say(_ENGINES[name]) if name in _ENGINES else str(name)
    if not reason:
        return said
    return language.say("{engine}, because {reason}", engine=said, reason=engine_reason(reason, language))


def _listed(found: Iterable[object], language: Language) -> str:
    return language.say_as("between words of a list", ", ").join(map(str, found))


def _settings(found: Sequence[Any] | Mapping[str, Any] | None, language: Language) -> str:
    pairs = [f"{name} = {value}" for name, value in found.items()] if isinstance(found, Mapping) else found
    return _listed(pairs or (), language)


def _stage(name: str, seconds: float, language: Language) -> str:
    return f"{term('stage', name, language)} {seconds:.1f} {term('unit', 's', language)}"


def _plugins(found: Sequence[Any] | None, language: Language) -> str:
    """Name the plugins, those of one origin together."""
    origins: dict[str, list[str]] = {}
    for plugin in found or ():
        known = plugin if isinstance(plugin, Mapping) else {"name": plugin}
        origins.setdefault(str(known.get("origin") or ""), []).append(str(known.get("name")))
    return "; ".join(_listed(names, language) + (f" ({origin})" if origin else "") for origin, names in origins.items())
