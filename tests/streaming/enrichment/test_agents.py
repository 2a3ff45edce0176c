"""Devices, browsers and systems by user agent: single cases, odd input, and the held-out shares."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from schemas.bots import BotReason
from settings.load import CONF_DIR
from streaming.enrichment.agents import (
    MAX_AGENT_BYTES,
    ParsedAgent,
    classify_agents,
    classify_batch,
    parse_agent,
)
from streaming.enrichment.bots import BotRules, load_bot_rules
from tests.streaming.enrichment.fixtures import HELD_OUT, read_fixture, share

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT}"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15"
CHROME = f"{_WINDOWS} Chrome/124.0.0.0 Safari/537.36"
CASES = {
    CHROME: ("desktop", "Chrome", "Windows"),
    f"{CHROME} Edg/124.0.0.0": ("desktop", "Edge", "Windows"),
    f"{CHROME} OPR/109.0.0.0": ("desktop", "Opera", "Windows"),
    f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {_WEBKIT} Chrome/124.0.0.0 Mobile Safari/537.36": (
        *("mobile", "Chrome", "Android"),
    ),
    f"Mozilla/5.0 (Linux; Android 13; SM-X200) {_WEBKIT} Chrome/124.0.0.0 Safari/537.36": (
        *("tablet", "Chrome", "Android"),
    ),
    f"Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S918B) {_WEBKIT} SamsungBrowser/24.0 "
    "Chrome/117.0.0.0 Mobile Safari/537.36": ("mobile", "Samsung Internet", "Android"),
    f"{_IPHONE} (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1": (
        *("mobile", "Safari", "iOS"),
    ),
    f"{_IPHONE} (KHTML, like Gecko) CriOS/124.0.0.0 Mobile/15E148 Safari/604.1": (
        *("mobile", "Chrome", "iOS"),
    ),
    f"{_IPHONE} (KHTML, like Gecko) FxiOS/125.0 Mobile/15E148 Safari/605.1.15": (
        *("mobile", "Firefox", "iOS"),
    ),
    f"{_IPHONE} (KHTML, like Gecko) Mobile/15E148": ("mobile", "Safari (in-app)", "iOS"),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.4 Safari/605.1.15": ("desktop", "Safari", "macOS"),
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0": (
        *("desktop", "Firefox", "Linux"),
    ),
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_WEBKIT} Chrome/124.0.0.0 Safari/537.36": (
        *("desktop", "Chrome", "ChromeOS"),
    ),
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko": (
        *("desktop", "Internet Explorer", "Windows"),
    ),
    f"Mozilla/5.0 (PlayStation; PlayStation 5/8.00) {_WEBKIT} Version/16.4 Safari/605.1.15": (
        *("console", "PlayStation Browser"),
    ),
    f"Mozilla/5.0 (X11; GNU/Linux) {_WEBKIT} Chrome/79.0.3945.130 Safari/537.36 Tesla/2020.16": (
        *("car", "Chrome"),
    ),
}
# The labels of other projects, in our words. What a project calls by the engine or the maker of the
# browser (NetFront on a PlayStation, Bada) is the same browser.
ALIASES = {
    "Bada": "Dolfin",
    "BlackBerry Browser": "BlackBerry",
    "Chrome WebView": "Android WebView",
    "Focus": "Firefox Focus",
    "GSA": "Google",
    "Google Search": "Google",
    "IEMobile": "Internet Explorer",
    "Kindle": "Kindle Browser",
    "MSIE": "Internet Explorer",
    "Microsoft Edge": "Edge",
    "Miui": "MIUI Browser",
    "MiuiBrowser": "MIUI Browser",
    "Mobile Safari": "Safari",
    "NAVER Whale Browser": "Whale",
    "NetFront": "PlayStation Browser",
    "NintendoBrowser": "Nintendo Browser",
    "OculusBrowser": "Oculus Browser",
    "PlayStation 4": "PlayStation Browser",
    "QQ Browser Lite": "QQ Browser",
    "Sailfish": "Sailfish Browser",
    "SailfishBrowser": "Sailfish Browser",
    "Samsung Internet for Android": "Samsung Internet",
    "SamsungBrowser": "Samsung Internet",
    "Silk": "Amazon Silk",
    "Sogou Browser": "Sogou Explorer",
    "Tizen": "Tizen Browser",
    "TizenBrowser": "Tizen Browser",
    "Valve Steam Tenfoot": "Steam",
    "WebKit": "Safari",
    "WebOS Browser": "webOS Browser",
    "Yandex": "Yandex Browser",
}
# Programs that bowser lists among the browsers.
_AUTOMATION = ("PhantomJS", "SlimerJS", "Generic", "HeadlessChrome")


@pytest.fixture(scope="module")
def rules() -> BotRules:
    return load_bot_rules(CONF_DIR / "rules" / "bots.yaml")


@pytest.mark.parametrize("agent", CASES)
def test_person_is_understood(agent: str, rules: BotRules) -> None:
    parsed = parse_agent(agent, rules)
    expected = CASES[agent]
    assert tuple(parsed)[: len(expected)] == expected
    assert parsed.bot_reason is None


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 \x00\x01\x1b[31m\r\n\x7f",
        "\ud800\udfff lone",
        "\U0001f600" * 1000,
        "(" * 5000,
        "Mozilla/5.0 " + "A" * 3_000_000,
        "%00%ff",
        "Ünïcödé",
    ],
)
def test_odd_agents_are_answered(agent: str, rules: BotRules) -> None:
    parsed = parse_agent(agent, rules)
    assert all(isinstance(value, str) for value in parsed[:3])


def test_what_follows_the_limit_is_not_read(rules: BotRules) -> None:
    padded = CHROME + " " * MAX_AGENT_BYTES + "Googlebot/2.1"
    assert parse_agent(padded, rules) == parse_agent(CHROME, rules)


def test_control_characters_do_not_hide_a_bot(rules: BotRules) -> None:
    agent = f"{CHROME}\r\nGooglebot/2.1"
    assert parse_agent(agent, rules).bot_reason == BotReason.CRAWLER


def test_batch_is_the_single_answers_in_order(rules: BotRules) -> None:
    agents = [CHROME, None, "", "curl/8.0", CHROME, None]
    answers = classify_batch(pa.array(agents, pa.string()), rules).to_pylist()
    assert answers == [parse_agent(agent, rules)._asdict() for agent in agents]


def test_empty_batch(rules: BotRules) -> None:
    answers = classify_batch(pa.array([], pa.string()), rules)
    assert len(answers) == 0
    assert [field.name for field in answers.type] == list(ParsedAgent._fields)


def test_all_nulls(rules: BotRules) -> None:
    answers = classify_batch(pa.nulls(3, pa.string()), rules).to_pylist()
    assert answers == [parse_agent(None, rules)._asdict()] * 3


def test_a_slice_of_a_batch(rules: BotRules) -> None:
    whole = pa.array(["curl/8.0", CHROME, None], pa.string())
    assert classify_batch(whole[1:2], rules).to_pylist() == [parse_agent(CHROME, rules)._asdict()]


def test_bytes_that_are_no_text(rules: BotRules) -> None:
    buffers = pa.array([b"\xff\xfe curl/8.0"], pa.binary()).buffers()
    broken = pa.Array.from_buffers(pa.string(), 1, buffers)
    (answer,) = classify_batch(broken, rules).to_pylist()
    assert answer["bot_reason"] == BotReason.HTTP_LIBRARY


def test_in_spark(spark: SparkSession, rules: BotRules) -> None:
    agents = [CHROME, None, "", "curl/8.0"]
    rows = [(number, agent) for number, agent in enumerate(agents)]
    frame = spark.createDataFrame(rows, "id int, user_agent string").union(
        spark.sql("SELECT 4, CAST(unhex('FF6375726C2F382E30') AS string)")
    )
    answers = (
        frame.withColumn("agent", classify_agents(rules)(F.col("user_agent")))
        .orderBy("id")
        .select("agent.*")
        .collect()
    )
    assert [tuple(row) for row in answers[:4]] == [tuple(parse_agent(a, rules)) for a in agents]
    assert answers[4].bot_reason == BotReason.HTTP_LIBRARY


def test_device_of_held_out_agents(rules: BotRules) -> None:
    bowser = [(row[0], row[-1]) for row in _bowser() if row[0]]
    real = [(row[0], row[-1]) for row in read_fixture("labelled_user_agents")]
    assert share("device, bowser", _devices(bowser, rules)) >= 0.95
    assert share("device, user-agents", _devices(real, rules)) >= 0.95


def test_browser_of_held_out_agents(rules: BotRules) -> None:
    bowser = [(row[1], row[-1]) for row in _bowser()]
    rows = read_fixture("labelled_phpuseragent", HELD_OUT)
    php = [(row[1], row[-1]) for row in rows if row[0] == "browser" and row[1] not in _AUTOMATION]
    real = [(row[1], row[-1]) for row in read_fixture("labelled_user_agents")]
    assert share("browser, bowser", _browsers(bowser, rules)) >= 0.97
    # One agent of each of many rare browsers: here the names of the common ones weigh little.
    assert share("browser, PhpUserAgent", _browsers(php, rules)) >= 0.95
    assert share("browser, user-agents", _browsers(real, rules)) >= 0.97
    assert share("browser, all three", _browsers(bowser + php + real, rules)) >= 0.97


def _bowser() -> list[list[str]]:
    rows = read_fixture("labelled_bowser", HELD_OUT)
    return [row for row in rows if row[0] != "bot" and row[1] not in _AUTOMATION]


def _devices(rows: list[tuple[str, str]], rules: BotRules) -> list[bool]:
    return [parse_agent(agent, rules).device_type == device for device, agent in rows]


def _browsers(rows: list[tuple[str, str]], rules: BotRules) -> list[bool]:
    # Safari inside an application is labelled as Safari everywhere but here.
    return [
        parse_agent(agent, rules).browser.removesuffix(" (in-app)") == ALIASES.get(label, label)
        for label, agent in rows
    ]
