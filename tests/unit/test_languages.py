"""Languages: catalogues are read as they stand, lack nothing, and nothing that people read passes them by."""

from __future__ import annotations

import copy
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from babel.messages import Catalog
from babel.messages.pofile import read_po, write_po
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from canbao.assembly import scenario_plan
from canbao.engines import engine_named
from canbao.errors import InputError
from canbao.languages import (
    ENGLISH,
    LANGUAGES,
    Catalogue,
    Language,
    language_named,
    preferred,
    read_catalogue,
    with_catalogues,
)
from canbao.measures.summary import summarise
from canbao.messages import messages, updated
from canbao.plugins import Plugins, Registered, load_plugins
from canbao.report import answer, charts, render
from canbao.report.terms import FORMS, TERMS
from canbao.report.words import day, duration, joined, moment, people, percent, points, short_day, working_days
from canbao.runs import render_again, run_scenario
from canbao.scenario.quantities import format_duration
from canbao.scenario.reference import reference
from canbao.scenario.scenario import load_scenario
from canbao.testing import small_scenario
from canbao.trace import Trace
from canbao_plugins.families.population import CATEGORIES, KINDS, REGISTERS, RESIDENCES, SKILLS

ROOT = Path(__file__).parents[2]
OTHERS = [code for code in LANGUAGES if code != "en"]
CHINESE = language_named("zh")


# ---------------------------------------------------------------------------------------------------------------------
# The reader of catalogues
# ---------------------------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from('\n\t"\\'), min_size=1, max_size=60)
KEYS = st.tuples(st.none() | TEXTS, TEXTS)


@given(st.dictionaries(KEYS, st.tuples(TEXTS, st.booleans(), st.none() | TEXTS), max_size=6))
def test_catalogues_are_read_as_babel_writes_them(
    entries: Mapping[tuple[str | None, str], tuple[str, bool, str | None]],
) -> None:
    """Whatever the texts, contexts and plurals are, what Babel writes is read; all but what is marked as fuzzy."""
    made = Catalog(locale="zh_Hans_CN", fuzzy=False)
    for (context, english), (text, fuzzy, many) in entries.items():
        flags = {"fuzzy"} if fuzzy else set()
        made.add((english, many) if many else english, (text,) if many else text, context=context, flags=flags)
    written = io.BytesIO()
    write_po(written, made, width=30)
    read = read_catalogue(written.getvalue().decode(), "made.po")
    assert read.texts == {
        (context or "", english): (text,) for (context, english), (text, fuzzy, _) in entries.items() if not fuzzy
    }


def test_catalogue_needs_no_empty_lines_and_leaves_out_what_is_gone() -> None:
    """What stands behind a translation begins the next entry; obsolete entries are comments."""
    text = (
        'msgid "a"\nmsgstr "甲"\n#, fuzzy\nmsgid "b"\nmsgstr "乙"\nmsgid "c"\nmsgstr ""\n#~ msgid "d"\n#~ msgstr "丁"\n'
    )
    assert read_catalogue(text, "x.po").texts == {("", "a"): ("甲",)}


def test_counts_take_the_form_that_the_catalogue_says() -> None:
    """A language with three forms takes them by the rule in the head of its file."""
    rule = "nplurals=3; plural=(n%10==1 ? 0 : n%10>=2 && n%10<=4 ? 1 : 2);"
    forms = "".join(f'msgstr[{i}] "{{n}} {word}"\n' for i, word in enumerate(("okno", "okna", "okon")))
    head = f'msgid ""\nmsgstr "Plural-Forms: {rule}\\n"\n\n'
    read = read_catalogue(f'{head}msgid "{{n}} window"\nmsgid_plural "{{n}} windows"\n{forms}', "xx.po")
    made = Language("xx", "xx", read)
    assert [made.plural("{n} window", "{n} windows", n) for n in (1, 3, 7, 21)] == [
        "1 okno",
        "3 okna",
        "7 okon",
        "21 okno",
    ]


@pytest.mark.parametrize(
    "text",
    ["a line of prose", 'msgid "a', '"a"', 'msgstr "a"', 'msgid "a\\"', 'msgid "a\\q" "b"', 'msgid "a"b"\nmsgstr "c"'],
)
def test_what_is_no_catalogue_is_named_with_its_line(text: str) -> None:
    """A damaged file is an error that says where."""
    with pytest.raises(InputError, match=r"^bad\.po:2: "):
        read_catalogue(f"# a comment\n{text}\n", "bad.po")


def test_a_rule_of_plurals_that_cannot_be_read_is_named() -> None:
    """A rule that is no expression of C is an error that says where."""
    with pytest.raises(InputError, match=r"bad\.po: the rule of plurals"):
        read_catalogue('msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=while(1);\\n"\n', "bad.po")


# ---------------------------------------------------------------------------------------------------------------------
# Languages
# ---------------------------------------------------------------------------------------------------------------------


def test_what_the_catalogue_does_not_have_is_said_in_english() -> None:
    """Nobody sees an empty place or an error where a translation is missing."""
    bare = Language("zh", "zh-CN")
    assert bare.say("{n} of {all}", n=1, all=2) == "1 of 2"
    assert bare.say_as("a context", "open") == "open"
    assert [bare.plural("{n} day", "{n} days", n) for n in (0, 1, 2_000)] == ["0 days", "1 day", "2,000 days"]


def test_values_are_said_as_they_are() -> None:
    """A name with braces in it is no place for a value, and a text without values may hold braces."""
    assert ENGLISH.say("{name} came", name="{n}") == "{n} came"
    assert ENGLISH.say('{ kind = "fixed" }') == '{ kind = "fixed" }'


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh"}, "zh"),
        ({"LANG": "zh-Hans"}, "zh"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LC_MESSAGES": "zh_CN", "LANG": "en_GB.UTF-8"}, "zh"),
        ({"LC_ALL": "en_US", "LC_MESSAGES": "zh_CN", "LANG": "zh_CN"}, "en"),
        ({"LC_ALL": "", "LANG": "zh_SG.GB18030"}, "zh"),
        ({"LC_CTYPE": "zh_CN"}, "en"),
    ],
)
def test_locale_chooses_the_language(environment: Mapping[str, str], code: str) -> None:
    """LC_ALL goes before LC_MESSAGES, that before LANG; a locale of another language means English."""
    assert preferred(environment) == code


def test_unknown_language_is_an_error_that_names_those_there_are() -> None:
    """The error says which languages there are."""
    with pytest.raises(InputError, match="there is no language 'xx'; there are: en, zh"):
        language_named("xx")


def test_catalogue_beside_a_plugin_is_used_and_takes_nothing_away(tmp_path: Path) -> None:
    """An outsider's `zh.po` adds its texts; those of canbao stay as they are."""
    text = 'msgid "Machines in a shopping centre."\nmsgstr "商场里的自助机。"\n\nmsgid "held"\nmsgstr "别的"\n'
    (tmp_path / "zh.po").write_text(text, encoding="utf-8")
    module = ModuleType("canbao_test_kiosk")
    module.__file__ = str(tmp_path / "kiosk.py")
    sys.modules[module.__name__] = module
    try:
        joined_language = with_catalogues(CHINESE, [module.__name__, "sys", "not.imported"])
        assert with_catalogues(ENGLISH, [module.__name__]) is ENGLISH
    finally:
        del sys.modules[module.__name__]
    assert joined_language.say("Machines in a shopping centre.") == "商场里的自助机。"
    assert joined_language.say("held") == CHINESE.say("held") != "别的"


def test_a_language_costs_no_babel() -> None:
    """Chinese is there without Babel and without the models, in a fresh process."""
    code = (
        "import sys; from canbao.languages import language_named; language_named('zh');"
        "assert not {'babel', 'pydantic', 'numpy', 'jinja2'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------------------------------------------------------------
# The catalogues that come with canbao
# ---------------------------------------------------------------------------------------------------------------------

HINT = "`make messages` adds what is new and marks what changed; then write the translations"
Entries = dict[tuple[str, str], Any]


def _content(code: str) -> str:
    return (ROOT / "sim" / "canbao" / "languages" / f"{code}.po").read_text(encoding="utf-8")


def _entries(found: Catalog) -> Entries:
    one = ((entry.context or "", entry.id, entry) for entry in found if entry.id)
    return {(context, text if isinstance(text, str) else text[0]): entry for context, text, entry in one}


@pytest.fixture(scope="module")
def wanted() -> Catalog:
    """Give every text of the code, the templates, the models and the scenarios."""
    return messages(ROOT)


@pytest.fixture(scope="module", params=OTHERS)
def catalogue(request: pytest.FixtureRequest) -> Entries:
    """Give the entries of a catalogue."""
    return _entries(read_po(io.StringIO(_content(request.param))))


def test_no_text_is_missing_in_a_catalogue(wanted: Catalog, catalogue: Entries) -> None:
    """Each text has an entry; a new field of a model without a translation is found out here."""
    assert sorted(set(_entries(wanted)) - set(catalogue)) == [], HINT


def test_no_entry_of_a_catalogue_is_unused(wanted: Catalog, catalogue: Entries) -> None:
    """Each entry is said somewhere."""
    assert sorted(set(catalogue) - set(_entries(wanted))) == [], HINT


def test_no_entry_of_a_catalogue_is_empty_or_fuzzy(catalogue: Entries) -> None:
    """Each entry has its translation, which somebody has looked at."""
    assert sorted(key for key, entry in catalogue.items() if entry.fuzzy or not all(_said(entry))) == [], HINT


def _said(entry: Any) -> tuple[str, ...]:
    return entry.string if isinstance(entry.string, tuple) else (entry.string,)


def _places(text: str) -> list[str]:
    # A TOML table in the middle of a text, as { kind = "fixed" }, has no place.
    return sorted(set(re.findall(r"\{(\w*)\}", text)))


def test_places_for_values_are_the_same_in_every_language(catalogue: Entries) -> None:
    """No translation drops a number or asks for one that nobody gives."""
    wrong = []
    for key, entry in catalogue.items():
        english = entry.id[-1] if isinstance(entry.id, tuple) else entry.id
        wrong += [key for text in _said(entry) if _places(text) != _places(english)]
    assert wrong == []


def test_singular_has_no_place_that_the_plural_lacks(wanted: Catalog) -> None:
    """A language with one form says both with the same values."""
    pairs = [entry.id for entry in wanted if isinstance(entry.id, tuple)]
    assert len(pairs) > 5
    assert [one for one, many in pairs if not set(_places(one)) <= set(_places(many))] == []


def test_code_in_a_text_is_the_same_in_every_language(catalogue: Entries) -> None:
    """What stands between backticks is a key, a value or a command, and is not translated."""
    code = re.compile(r"`([^`]*)`")
    wrong = [
        key
        for key, entry in catalogue.items()
        for text in _said(entry)
        if not set(code.findall(text)) >= set(code.findall(entry.id if isinstance(entry.id, str) else entry.id[0]))
    ]
    assert wrong == []


@pytest.mark.parametrize("code", OTHERS)
def test_catalogue_is_up_to_date_as_it_stands(code: str, wanted: Catalog) -> None:
    """`make messages` would change nothing."""
    assert updated(_content(code), code, wanted) == _content(code), HINT


def test_a_changed_text_keeps_its_translation_for_somebody_to_look_at(wanted: Catalog) -> None:
    """An entry whose English changes a little is marked as fuzzy, and not said until the mark is gone."""
    old = _content("zh").replace('msgid "How many phases."', 'msgid "How many phase."')
    new = updated(old, "zh", wanted)
    found = read_po(io.StringIO(new)).get("How many phases.")
    assert found is not None
    assert found.fuzzy
    assert found.string == CHINESE.say("How many phases.")
    assert read_catalogue(new, "zh.po").text("", "How many phases.") == ""


# ---------------------------------------------------------------------------------------------------------------------
# Words of summaries
# ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Give the built-in plugins."""
    return load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})


@pytest.fixture(scope="module")
def trace(plugins: Plugins) -> Trace:
    """Give what happened in a small season."""
    file = small_scenario({"population": {"residents": 300}}, plugins=plugins)
    return engine_named("compiled").run(scenario_plan(file))


@pytest.fixture(scope="module")
def summary(plugins: Plugins) -> dict[str, Any]:
    """Give the summary of a small season that is cut off while families are inside, so that it has warnings."""
    file = small_scenario({"population": {"residents": 300, "scale": 1.5}}, plugins=plugins)
    plan = scenario_plan(file)
    found = summarise(file, plan, engine_named("compiled").run(plan))
    made: dict[str, Any] = json.loads(json.dumps(found))
    return made


def test_words_of_families_are_those_of_the_population() -> None:
    """Each kind, category, residence and register that the city's families have is a term, and there are no others."""
    assert TERMS["kind"] == KINDS
    assert TERMS["category"] == CATEGORIES
    assert TERMS["residence"] == RESIDENCES
    assert TERMS["register"] == REGISTERS
    assert TERMS["skill"] == SKILLS


def test_outcomes_laws_and_columns_of_a_run_are_terms(summary: Mapping[str, Any]) -> None:
    """What a run of the built-in plugins says in words, the catalogues know."""
    families = summary["families"]
    assert set(families["outcomes"]) - {"inside"} <= set(TERMS["outcome"])
    of_a_load_test = "each application handed in is accounted for"
    assert [*(law["name"] for law in summary["trust"]["laws"]), of_a_load_test] == list(TERMS["law"])
    assert {name.replace("_", " ") for name in families["outcomes_by"]} <= set(TERMS["column"])
    for name, labels in families["outcomes_by"].items():
        assert name == "channel" or set(labels) <= set(TERMS[name])


@pytest.mark.parametrize("path", sorted((ROOT / "scenarios").glob("*.toml")), ids=lambda path: path.stem)
def test_outcomes_of_every_scenario_are_terms(path: Path, plugins: Plugins) -> None:
    """However a family of a scenario may end, the catalogues have a word for it."""
    plan = scenario_plan(load_scenario(path, plugins, ["population.scale=0.001"]))
    # Ways to go that no step of a scenario leaves open, and a step's own words for them.
    implied = {"done", "abandoned", "baulked", "full", "closed", "failed", "exceeded", "late", "none left"}
    assert sorted(set(plan.outcomes) - implied - {"inside"} - set(TERMS["outcome"])) == []


def test_sentences_of_a_summary_are_said_in_chinese(summary: Mapping[str, Any]) -> None:
    """The details of laws and the warnings of a run have the forms that the catalogues know."""
    details = [CHINESE.read("law detail", law["detail"], FORMS["law detail"]) for law in summary["trust"]["laws"]]
    warnings = [CHINESE.read("warning", text, FORMS["warning"]) for text in summary["trust"]["warnings"]]
    assert warnings
    assert [text for text in [*details, *warnings] if not re.search("[\u4e00-\u9fff]", text)] == []


@given(st.sampled_from([(context, form) for context, forms in FORMS.items() for form in forms]), st.data())
def test_a_sentence_is_read_with_its_values(case: tuple[str, str], data: st.DataObject) -> None:
    """Whatever the numbers, a sentence of a known form is said with them, and in English as it was."""
    context, form = case
    values = {place: f"{data.draw(st.integers(0, 10**9)):,}" for place in _places(form)}
    text = form.format(**values)
    assert ENGLISH.read(context, text, FORMS[context]) == text
    said = CHINESE.read(context, text, FORMS[context])
    assert said != text
    assert all(value in said for value in values.values())


def test_a_sentence_of_another_form_stays_as_it_is() -> None:
    """What a plugin writes into a summary is said as it wrote it."""
    assert CHINESE.read("warning", "the kiosk is out of paper", FORMS["warning"]) == "the kiosk is out of paper"


@given(st.floats(0, 1e8))
def test_units_of_every_duration_are_said(seconds: float) -> None:
    """A duration has the numbers that it has in English, and no English unit."""
    said = duration(seconds, CHINESE)
    assert re.findall(r"[\d.]+", said) == re.findall(r"[\d.]+", format_duration(seconds))
    assert not re.search("[a-z]", said)


# ---------------------------------------------------------------------------------------------------------------------
# Numbers, dates and lengths
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("english", "chinese", "say"),
    [
        ("15 September 2025", "2025年9月15日", lambda to: day("2025-09-15", to)),
        ("28 February 2026 at 9:05", "2026年2月28日 9:05", lambda to: moment("2026-02-28 09:05:00", to)),
        ("1 h 30 min", "1 小时 30 分钟", lambda to: duration(5400.0, to)),
        ("8 min", "8 分钟", lambda to: duration(480.0, to)),
        ("2 days", "2 天", lambda to: duration(172_800.0, to)),
        ("–", "–", lambda to: duration(None, to)),
        ("1 working day", "1 个工作日", lambda to: working_days(1, to)),
        ("4 working days", "4 个工作日", lambda to: working_days(4, to)),
        ("1 family", "1 个家庭", lambda to: people(1, to)),
        ("5,413 families", "5,413 个家庭", lambda to: people(5413, to)),
        ("91.3 %", "91.3%", lambda to: percent(0.913, to)),
        ("1 point", "1 个百分点", lambda to: points(0.01, to)),
        ("3.7 points", "3.7 个百分点", lambda to: points(-0.037, to)),
        ("a, b and c", "a、b、c", lambda to: joined(["a", "b", "c"], to)),
    ],
)
def test_quantities_are_written_as_each_language_does(english: str, chinese: str, say: Any) -> None:
    """Dates, lengths, shares, counts and lists have the forms of their language."""
    assert say(ENGLISH) == english
    assert say(CHINESE) == chinese


def test_short_dates_are_labels() -> None:
    """A label of an axis has day and month."""
    import datetime as dt

    assert [short_day(dt.date(2026, 2, 27), to) for to in (ENGLISH, CHINESE)] == ["27 Feb", "2月27日"]


# ---------------------------------------------------------------------------------------------------------------------
# The report
# ---------------------------------------------------------------------------------------------------------------------


class _Texts(HTMLParser):
    """All that a reader of a page can see or hear."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.language: str | None = None
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.texts += [value or "" for name, value in attrs if name in ("aria-label", "title", "alt")]
        if tag == "html":
            self.language = dict(attrs)["lang"]

    def handle_endtag(self, tag: str) -> None:
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if not {"style", "code"} & set(self.open):
            self.texts.append(data)


def _pseudo(entries: Catalog) -> Language:
    """Give a language in which every text has its places for values and its code, and no letter of English."""

    def said(entry: Any) -> str:
        english = entry.id if isinstance(entry.id, str) else entry.id[-1]
        kept = re.findall(r"`[^`]*`|\{\w*\}", english)
        return f"字{'字'.join(kept)}字"

    return Language("zh", "zh-CN", Catalogue({key: (said(entry),) for key, entry in _entries(entries).items()}))


def test_no_text_of_the_report_passes_the_catalogue_by(wanted: Catalog, summary: dict[str, Any]) -> None:
    """In a language that replaces every text, what is left on the page in letters are names of users and programs."""
    names = {"seed", "review", *summary["waits"]["channels"], *summary["hours"]}
    names |= {objective["title"] for objective in summary["objectives"]} | set(summary["scenario"].values())
    page = _Texts(render(summary, {"engine": "simpy", "seconds": {"plan": 1.0}}, _pseudo(wanted)))
    text = " ".join(page.texts)
    for name in sorted(names | {"simpy", "canbao"}, key=len, reverse=True):
        text = text.replace(name, "")
    assert re.findall(r"[A-Za-z]{2,}", text) == []


def test_no_text_of_the_reference_passes_the_catalogue_by(wanted: Catalog, plugins: Plugins) -> None:
    """In a language that replaces every text, what is left on the page in letters is code and the targets of links."""
    page = reference(plugins, _pseudo(wanted))
    text = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)|English", "", page, flags=re.DOTALL)
    assert re.findall(r"[A-Za-z]{2,}", text) == []


def test_page_says_its_language(summary: dict[str, Any]) -> None:
    """A browser knows in which language a page is, and so which forms of Chinese signs to show."""
    assert [_Texts(render(summary, {}, to)).language for to in (ENGLISH, CHINESE)] == ["en", "zh-CN"]


def test_answer_has_the_same_parts_in_every_language(summary: dict[str, Any]) -> None:
    """What is said in English is said in Chinese, with the same verdicts, and every number of it."""
    english, chinese = answer(summary), answer(summary, CHINESE)
    assert chinese.held == english.held
    assert list(chinese.sentences) == list(english.sentences)
    assert [one.held for one in chinese.objectives] == [one.held for one in english.objectives]
    for one, other in zip(english.figures, chinese.figures, strict=True):
        assert other.value.replace("%", " %") == one.value
    for part, sentence in chinese.sentences.items():
        numbers = set(re.findall(r"\d[\d,.]*\d|\d", english.sentences[part]))
        # Months have names in English.
        assert numbers <= set(re.findall(r"\d[\d,.]*\d|\d", sentence))


def test_charts_have_the_same_data_in_every_language(summary: dict[str, Any]) -> None:
    """A language changes titles, labels and what marks say, never a number of a table."""
    for english, chinese in zip(charts(summary), charts(summary, language=CHINESE), strict=True):
        assert (chinese.name, chinese.topic) == (english.name, english.topic)
        numbers = [
            [[cell for cell in row if not isinstance(cell, str)] for row in chart.table.rows]
            for chart in (english, chinese)
        ]
        assert numbers[0] == numbers[1]
        assert len(english.table.header) == len(chinese.table.header)


# ---------------------------------------------------------------------------------------------------------------------
# Runs
# ---------------------------------------------------------------------------------------------------------------------


def _with_reporters(plugins: Plugins, **reporters: Any) -> Plugins:
    found = {name: Registered("reporters", name, thing, "test", "here") for name, thing in reporters.items()}
    return replace(plugins, tables={**plugins.tables, "reporters": found})


def test_reporters_are_told_the_language_and_the_summary_knows_none(plugins: Plugins, tmp_path: Path) -> None:
    """A reporter that asks for the language gets it, another is not bothered, and what is stored is the same."""
    heard: list[str] = []

    def asks(summary: Any, folder: Path, language: Language) -> Path:
        heard.append(language.code)
        return folder

    def does_not(summary: Any, folder: Path) -> Path:
        heard.append("-")
        return folder

    file = small_scenario({"population": {"residents": 200}}, plugins=plugins)
    both = _with_reporters(plugins, asks=asks, does_not=does_not)
    runs = [run_scenario(file, both, out=tmp_path / to.code, language=to) for to in (ENGLISH, CHINESE)]
    render_again(runs[0].folder, both, CHINESE)
    assert heard == ["en", "-", "zh", "-", "zh", "-"]
    english, chinese = ((run.folder / "summary.json").read_bytes() for run in runs)
    assert english == chinese


# ---------------------------------------------------------------------------------------------------------------------
# Pages
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", OTHERS)
def test_the_reference_is_fresh_in_every_language(code: str, plugins: Plugins) -> None:
    """The page is what the generator writes from the models, the built-in plugins and the catalogue."""
    page = (ROOT / "docs" / f"reference-scenario.{code}.md").read_text(encoding="utf-8")
    hint = f"python -m canbao.scenario.reference --lang {code} > docs/reference-scenario.{code}.md   writes it anew"
    assert page == reference(plugins, language_named(code)), hint


def _blocks(page: str) -> Iterator[str]:
    tokens = MarkdownIt().parse((ROOT / page).read_text(encoding="utf-8"))
    return (token.content for token in tokens if token.type == "fence")


def test_the_chinese_readme_has_the_examples_and_links_of_the_english_one() -> None:
    """Both pages show the same commands, code and files, and lead to each other."""
    links = re.compile(r"\]\(([^)]*)\)")
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md"))
    assert list(_blocks("README.zh.md")) == list(_blocks("README.md"))
    assert "README.zh.md" in links.findall(english)
    assert "README.md" in links.findall(chinese)
    others = [link.replace("reference-scenario.zh.md", "reference-scenario.md") for link in links.findall(chinese)]
    assert set(others) - {"README.md"} == set(links.findall(english)) - {"README.zh.md"}
    assert english.count("\n## ") == chinese.count("\n## ")


def test_summary_is_not_changed_by_what_is_said_of_it(summary: dict[str, Any]) -> None:
    """Reading a summary in Chinese leaves it as it was."""
    before = copy.deepcopy(summary)
    render(summary, {}, CHINESE)
    assert summary == before
