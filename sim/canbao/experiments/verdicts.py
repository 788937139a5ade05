"""What an experiment found, in a sentence, from the plain data of its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from canbao.languages import Language, noted

__all__ = ["best_verdict", "comparison_verdicts", "moving", "notices_said", "sensitivity_verdict", "times"]

_LEAST = 0.01
"""What is less important than this share of the most important input is not worth a word."""

_WORTH = 1.1
"""A variance ratio below this is not worth a number."""

_NOTICES = {
    "one replication": noted(
        "One replication each: differences stand here without intervals, and nobody can say how much of them is luck."
    ),
    "other seeds": noted("The seeds are not the same: other families came, with other luck."),
    "other families": noted(
        "Not as many families came in all of them, so that differences are also those of who came."
    ),
}


def notices_said(answer: Mapping[str, Any], language: Language) -> list[str]:
    """Say what a reader of a comparison has to know."""
    return [language.say(_NOTICES[name]) for name in answer["notices"]]


def comparison_verdicts(answer: Mapping[str, Any], language: Language) -> list[str]:
    """Say for each variant in how many measures it differs from the base; what luck was worth comes last."""
    rows: Sequence[Mapping[str, Any]] = answer["measures"]
    said = [_verdict(answer, variant, [row for row in rows if row["variant"] == variant], language)
            for variant in answer["others"]]  # fmt: skip
    ratios = [row["variance_ratio"] for row in rows if row["variance_ratio"] is not None]
    return [*said, _on_luck(median(ratios), language)] if ratios else said


def _on_luck(ratio: float, language: Language) -> str:
    if ratio < _WORTH:
        return language.say("The same luck on both sides gained nothing here: they have too little in common.")
    text = noted(
        "The same luck on both sides was worth {ratio} times as many replications (the median of the measures)."
    )
    return language.say(text, ratio=times(ratio))


def times(ratio: float) -> str:
    """Write a factor to three digits, without an exponent."""
    return f"{ratio:,.0f}" if ratio >= 1_000 else f"{ratio:.3g}"


def _verdict(answer: Mapping[str, Any], variant: str, rows: Sequence[Mapping[str, Any]], language: Language) -> str:
    found = [row["verdict"] for row in rows]
    if not found:
        return language.say("{variant} and {base} have no measure in common.", variant=variant, base=answer["base"])
    if all(verdict == "unknown" for verdict in found):
        higher, lower = (sum((row["difference"]["mean"] or 0) * sign > 0 for row in rows) for sign in (1, -1))
        text = noted("{variant} against {base}: higher in {higher} and lower in {lower} of {all} measures.")
        return language.say(text, variant=variant, base=answer["base"], higher=higher, lower=lower, all=len(rows))
    values = {
        "variant": variant,
        "base": answer["base"],
        "all": len(found),
        "level": f"{100 * answer['level']:g} %",
        "clear": "; ".join(_clear(found, language)) or language.say("nothing that luck could not explain"),
    }
    return language.say("{variant} against {base}, in {all} measures, {level} sure of all at once: {clear}.", **values)


def _clear(found: Sequence[str], language: Language) -> Iterator[str]:
    for verdicts, text in (
        (("better",), noted("better in {n}")),
        (("worse",), noted("worse in {n}")),
        (("more", "less"), noted("different in {n}")),
        (("same",), noted("the same in {n}")),
        (("unclear",), noted("not told apart in {n}")),
    ):
        count = sum(verdict in verdicts for verdict in found)
        if count and (verdicts != ("unclear",) or count < len(found)):
            yield language.say(text, n=count)


def best_verdict(answer: Mapping[str, Any], language: Language) -> str:
    """Say which variant was selected, and with which promise."""
    values = {
        "best": answer["best"],
        "measure": answer["measure"],
        "level": f"{100 * answer['level']:g} %",
        "runs": f"{answer['replications']:,}",
    }
    if not answer["guaranteed"]:
        text = noted("{best} leads in {measure} after {runs} replications, too few for the promise of {level}.")
        return language.say(text, **values)
    text = noted(
        "{best} is best in {measure} after {runs} replications: "
        "with a probability of {level} no other is better by more than {indifference}."
    )
    size, unit = answer["indifference"], answer["unit"]
    said = f"{100 * size:g} %" if unit == "share" else f"{size:g} {unit}".strip()
    return language.say(text, **values, indifference=said)


def moving(ranking: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give the inputs of a ranking that matter: those with at least a hundredth of the importance of the first."""
    least = _LEAST * max((effect["importance"] for effect in ranking["effects"]), default=0.0)
    return [effect for effect in ranking["effects"] if effect["importance"] > least]


def sensitivity_verdict(ranking: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]], language: Language) -> str:
    """Say of one measure which inputs it hangs on most, and which of them are estimates."""
    effects = moving(ranking)
    if not effects:
        return language.say("{measure} hangs on none of the inputs.", measure=ranking["measure"])
    estimates = {one["path"] for one in inputs if one["grade"] == "E"}
    first = [effect["path"] for effect in effects[:3]]
    paths = language.say_as("between words of a list", ", ").join(first)
    guessed = sum(path in estimates for path in first)
    text = noted("{measure} hangs most on {paths}; estimates among them: {guessed} of {n}.")
    return language.say(text, measure=ranking["measure"], paths=paths, guessed=guessed, n=len(first))
