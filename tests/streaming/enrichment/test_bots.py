"""Bots by user agent: each reason, the rules and their errors, and the held-out shares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.bots import BotReason
from settings.load import CONF_DIR
from streaming.enrichment.agents import parse_agent
from streaming.enrichment.bots import BotRules, BotRulesError, compile_bot_rules, load_bot_rules
from tests.streaming.enrichment.fixtures import HELD_OUT, read_fixture, share

RULES_FILE = CONF_DIR / "rules" / "bots.yaml"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/124.0.0.0 Safari/537.36"
)
Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def rules() -> BotRules:
    return load_bot_rules(RULES_FILE)


@pytest.mark.parametrize(
    ("agent", "reason"),
    [
        ("", BotReason.EMPTY_AGENT),
        (" \t\r\n", BotReason.EMPTY_AGENT),
        ("-", BotReason.EMPTY_AGENT),
        ("curl/8.4.0", BotReason.HTTP_LIBRARY),
        ("python-requests/2.31.0", BotReason.HTTP_LIBRARY),
        ("Go-http-client/2.0", BotReason.HTTP_LIBRARY),
        (CHROME.replace("Chrome", "HeadlessChrome"), BotReason.HEADLESS_BROWSER),
        ("Mozilla/5.0 (compatible; Googlebot/2.1)", BotReason.CRAWLER),
        ("Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)", BotReason.CRAWLER),
        (f"{CHROME} (compatible; SomeNewBot/1.0)", BotReason.CRAWLER),
        ("SomethingNew/1.0", BotReason.NOT_A_BROWSER),
        (CHROME.replace("Gecko)", "Gecko GomezAgent 3.0)"), BotReason.SPIDER_DEVICE),
        (None, None),
        (CHROME, None),
        (CHROME.replace("Windows NT 10.0", "Linux; Android 9; CUBOT_X18"), None),
        (f"{CHROME} CamScanner/4.5.0", None),
        (f"{CHROME} CamScanner/4.5.0 Googlebot/2.1", BotReason.CRAWLER),
    ],
)
def test_reason(agent: str | None, reason: BotReason | None, rules: BotRules) -> None:
    assert parse_agent(agent, rules).bot_reason == reason


def test_more_telling_reason_wins(rules: BotRules) -> None:
    assert compile_bot_rules(rules)("python-requests/2.31 Googlebot/2.1") == BotReason.HTTP_LIBRARY


def test_absent_agent_can_be_flagged(rules: BotRules) -> None:
    strict = rules.model_copy(update={"flag_absent_agent": True})
    assert parse_agent(None, strict).bot_reason == BotReason.EMPTY_AGENT


def test_own_rule_and_own_exception(tmp_path: Path) -> None:
    own = {"name": "ours", "regex": "AcmeApp/"}
    changed = _change(tmp_path, lambda rules: rules["patterns"].append(own))
    judge = compile_bot_rules(load_bot_rules(changed))
    assert judge(f"{CHROME} AcmeApp/1") == BotReason.EXTRA_RULE
    changed = _change(
        tmp_path, lambda rules: rules["exceptions"].append({**own, "regex": "^curl.*"})
    )
    judge = compile_bot_rules(load_bot_rules(changed))
    assert judge("curl/8.4.0") is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda rules: rules.update(pattern=[]), ("pattern", "unknown key", "spelling")),
        (lambda rules: rules.pop("behaviour"), ("behaviour", "missing")),
        (
            lambda rules: rules["patterns"].append({"name": "x", "regex": "(?=x)"}),
            ("patterns.", ".regex", "(?=x)", "RE2"),
        ),
        (
            lambda rules: rules["exceptions"].append({"name": "x", "regex": ".*"}),
            ("exceptions.", ".regex", ".*", "everything"),
        ),
        (
            lambda rules: rules["patterns"].append({"name": "x", "regex": "x", "reason": "y"}),
            ("patterns.", ".reason", "y", "crawler"),
        ),
        (
            lambda rules: rules["behaviour"].update(min_events=0),
            ("behaviour.min_events", "0", "Correct"),
        ),
    ],
)
def test_error_names_file_key_value_and_remedy(
    change: Change, named: tuple[str, ...], tmp_path: Path
) -> None:
    file = _change(tmp_path, change)
    with pytest.raises(BotRulesError) as raised:
        load_bot_rules(file)
    assert all(part in str(raised.value) for part in (str(file), *named))


@pytest.mark.parametrize("text", ["patterns: [", "", "- a list"])
def test_unreadable_file(text: str, tmp_path: Path) -> None:
    file = tmp_path / "bots.yaml"
    file.write_text(text)
    with pytest.raises(BotRulesError, match="bots.yaml"):
        load_bot_rules(file)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BotRulesError, match="none.yaml"):
        load_bot_rules(tmp_path / "none.yaml")


def test_crawlers_held_out_are_flagged(rules: BotRules) -> None:
    flags = _flags([row[-1] for row in read_fixture("crawlers_isbot", HELD_OUT)], rules)
    assert share("crawlers flagged, isbot", flags) >= 0.90


def test_browsers_held_out_are_not_flagged(rules: BotRules) -> None:
    sources = {
        "user-agents": [row[-1] for row in read_fixture("labelled_user_agents")],
        "ua-parser-js": [row[-1] for row in read_fixture("labelled_ua_parser_js")],
        "bowser": [row[-1] for row in _bowser_browsers()],
        "PhpUserAgent": [row[-1] for row in _php_browsers()],
    }
    for source, agents in sources.items():
        share(f"browsers flagged, {source}", _flags(agents, rules))
    everything = _flags([agent for agents in sources.values() for agent in agents], rules)
    assert share("browsers flagged, all four", everything) <= 0.005


def test_isbot_browsers_held_out(rules: BotRules) -> None:
    # What isbot lets through is no list of browsers: it holds attacks, libraries and tools as well.
    flags = _flags([row[-1] for row in read_fixture("browsers_isbot", HELD_OUT)], rules)
    assert share("let through by isbot, flagged", flags) <= 0.10


def _bowser_browsers() -> list[list[str]]:
    automation = ("PhantomJS", "SlimerJS", "Generic")
    rows = read_fixture("labelled_bowser", HELD_OUT)
    return [row for row in rows if row[0] != "bot" and row[1] not in automation]


def _php_browsers() -> list[list[str]]:
    rows = read_fixture("labelled_phpuseragent", HELD_OUT)
    return [row for row in rows if row[0] == "browser" and row[1] != "HeadlessChrome"]


def _flags(agents: list[str], rules: BotRules) -> list[bool]:
    return [parse_agent(agent, rules).bot_reason is not None for agent in agents]


def _change(folder: Path, change: Change) -> Path:
    content = yaml.safe_load(RULES_FILE.read_text(encoding="utf-8"))
    change(content)
    file = folder / "bots.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file
