"""`canbao serve`: what it takes, and what it says to what does not fit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from canbao.cli import program
from canbao.plugins import load_plugins
from canbao_loadtests.service import serving
from canbao_loadtests.service.command import command
from canbao_loadtests.service.serving import Settings, Speed


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Settings, str, int]]:
    """Give the list of what is started in the place of a service."""
    started: list[tuple[Settings, str, int]] = []
    left_s = 5400.0

    def serve(settings: Settings, host: str, port: int, ready: Any) -> None:
        started.append((settings, host, port))
        ready(serving.Listening(f"http://{host}:{port}", "2026-01-05T08:30:00.000+08:00", left_s))

    monkeypatch.setattr(serving, "serve", serve)
    return started


def call(*arguments: str) -> Result:
    """Call canbao."""
    return CliRunner().invoke(program, ["serve", *arguments])


def test_it_comes_in_through_the_door_of_plugins() -> None:
    """The built-in plugin `loadtests` registers the command by its address, and help lists it."""
    plugins = load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})
    assert plugins.tables["commands"]["serve"].plugin == "loadtests"
    assert plugins.things("commands")["serve"] is command
    assert "serve" in CliRunner().invoke(program, ["--help"]).output


def test_without_anything_it_serves_a_small_town_on_loopback(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback, clerks, full synchronisation, a working day in a minute, and nobody gets in as a reviewer."""
    monkeypatch.delenv("CANBAO_REVIEWER_CODE", raising=False)
    result = call()
    assert result.exit_code == 0, result.output
    ((settings, host, port),) = served
    assert (host, port, settings.reviews, settings.synchronous) == ("127.0.0.1", 8780, "clerks", "FULL")
    assert (settings.speed, settings.reviewer_code, settings.database) == (Speed(60.0, "working"), None, None)
    assert (settings.rules.pay, settings.rules.fee_yuan) == ("before review", 400.0)
    assert "http://127.0.0.1:8780" in result.output
    assert "shows 2026-01-05 08:30 and runs until the end of 2026-12-31, for 1 h 30 min" in result.output


def test_a_scenario_gives_clerks_fee_and_order(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the file says of the review and of payment holds, with `--set` and options put over it."""
    monkeypatch.setenv("CANBAO_REVIEWER_CODE", "sesame")
    scenario = str(Path(__file__).parents[3] / "scenarios" / "deadline-rush.toml")
    options = ["--set", "review.first.staff=2", "--day", "10 min", "--from", "2025-12-29", "--reviews", "people"]
    assert call(scenario, *options).exit_code == 0
    ((settings, _, _),) = served
    assert (settings.rules.review.first.staff, settings.rules.pay) == (2, "after review")
    assert (settings.speed, settings.start) == (Speed(600.0, "all"), 14 * 86_400.0)
    assert (settings.reviews, settings.reviewer_code) == ("people", "sesame")
    assert settings.rules.debit_failed["wechat pay"] == 0.02
    assert call(scenario, "--pay", "before").exit_code == 0
    assert served[1][0].rules.pay == "before review"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--day", "1 s", "--working-day", "1 s"], "exclude each other"),
        (["--day", "soon"], "--day 'soon'"),
        (["--working-day", "0 s"], "longer than 0"),
        (["--from", "2031-01-01"], "2026-01-05 to 2026-12-31"),
        (["--synchronous", "off"], "'full', 'normal'"),
        (["nowhere.toml"], "nowhere.toml"),
    ],
)
def test_what_does_not_fit_is_said(served: Any, arguments: list[str], said: str) -> None:
    """Wrong usage is exit code 2, and the message says what was given and what is allowed."""
    result = call(*arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert served == []


def test_another_address_than_loopback_is_warned_about(served: Any) -> None:
    """Other machines can get in then, and nothing is encrypted."""
    assert "other machines" in call("--host", "0.0.0.0").output
    assert "other machines" not in call("--host", "::1").output
    assert "other machines" not in call("--host", "localhost").output


def test_json_tells_where_it_listens(served: Any) -> None:
    """For whoever starts it as a program."""
    assert '"url": "http://127.0.0.1:0"' in call("--port", "0", "--json").output


def test_a_database_goes_on_as_it_was_begun(play: Any, settings: Settings) -> None:
    """With another clock or other dates it is refused, because its moments would mean something else."""

    async def scene(office: Any) -> None:
        pass

    play(scene, speed=Speed(1.0))
    play(scene, speed=Speed(1.0))
    with pytest.raises(Exception, match="another day"):
        play(scene, speed=Speed(2.0))


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The packages of the service are no part of canbao's own; help works without them."""
    monkeypatch.setitem(sys.modules, "starlette", None)
    result = call()
    assert result.exit_code == 1
    assert "pip install 'canbao[load]'" in result.output
    assert call("--help").exit_code == 0
