"""Where an event came from: every case as an event, all in one Spark job."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote_plus

import pytest
import yaml
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from settings.load import CONF_DIR
from streaming.enrichment.attribution import attribute_events, is_same_site
from streaming.enrichment.channels import load_channel_rules
from streaming.url import host_of, strip_url
from tests.streaming.enrichment.odd_visits import ODD_CASES, PAGE

RULES = load_channel_rules(CONF_DIR / "rules" / "channels.yaml")
CHANNEL_CASES: list[dict[str, str]] = yaml.safe_load(
    (Path(__file__).parent / "channel_cases.yaml").read_text(encoding="utf-8")
)


def page_of(case: dict[str, str]) -> str:
    tags = [tag.strip() for tag in case.get("tags", "").split(" / ")]
    names = ("utm_source", "utm_medium", "utm_campaign")
    query = [
        f"{name}={quote_plus(tag)}"
        for name, tag in zip(names, tags, strict=False)
        if tag not in ("", "-")
    ]
    if "click" in case:
        query.append(f"{case['click']}=Ab-1_2")
    return f"{PAGE}?{'&'.join(query)}" if query else PAGE


def _show(case: dict[str, str]) -> str:
    parts = (case.get(key) for key in ("tags", "click", "referrer"))
    return " + ".join(part for part in parts if part) or "nothing"


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> list[Row]:
    """All cases in one job, in the order of the tests that take them."""
    visits = [(page, referrer) for page, referrer, _ in ODD_CASES.values()]
    visits += [(page_of(case), case.get("referrer")) for case in CHANNEL_CASES]
    events = spark.createDataFrame(
        [(number, *visit) for number, visit in enumerate(visits)],
        "number int, page_url string, referrer string",
    ).withColumns(
        {
            "page_host": F.expr(host_of(strip_url("page_url"))),
            "referrer_host": F.expr(host_of(strip_url("referrer"))),
        }
    )
    return attribute_events(events, RULES).orderBy("number").collect()


@pytest.mark.parametrize("case", ODD_CASES)
def test_odd_input_has_an_origin(case: str, rows: list[Row]) -> None:
    row = rows[list(ODD_CASES).index(case)].asDict()
    expected = ODD_CASES[case][2]
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(
    "number", range(len(CHANNEL_CASES)), ids=[_show(case) for case in CHANNEL_CASES]
)
def test_a_visit_has_the_channel_that_google_publishes(number: int, rows: list[Row]) -> None:
    row, case = rows[len(ODD_CASES) + number], CHANNEL_CASES[number]
    assert row.channel == case["channel"]
    if "is" in case:
        assert f"{row.source} / {row.medium}" == case["is"]


def test_every_channel_has_a_case() -> None:
    channels = {rule.channel for rule in RULES.channels} | {RULES.otherwise}
    assert channels == {case["channel"] for case in CHANNEL_CASES}


def test_every_click_id_has_a_case() -> None:
    urls = [page for page, _, _ in ODD_CASES.values() if page]
    urls += [page_of(case) for case in CHANNEL_CASES]
    unseen = [click.name for click in RULES.click_ids if not any(click.name in u for u in urls)]
    assert unseen == []


def test_attribution_adds_its_columns_and_no_others(spark: SparkSession) -> None:
    events = spark.createDataFrame(
        [], "id int, page_url string, page_host string, referrer string, referrer_host string"
    )
    added = attribute_events(events, RULES)
    assert added.columns == [
        *events.columns,
        *("utm_source", "utm_medium", "utm_campaign", "click_id_type"),
        *("source", "medium", "campaign", "channel"),
    ]
    assert added.collect() == []


def test_a_batch_without_any_origin_is_all_direct(spark: SparkSession) -> None:
    events = spark.range(3).selectExpr(
        *(f"CAST(NULL AS string) AS {name}" for name in ("page_url", "page_host")),
        *(f"CAST(NULL AS string) AS {name}" for name in ("referrer", "referrer_host")),
    )
    assert [row.channel for row in attribute_events(events, RULES).collect()] == ["Direct"] * 3


def test_rules_without_click_ids_work(spark: SparkSession) -> None:
    rules = RULES.model_copy(update={"click_ids": ()})
    events = spark.createDataFrame(
        [(f"{PAGE}?gclid=1", "shop.example", None, None)],
        "page_url string, page_host string, referrer string, referrer_host string",
    )
    row = attribute_events(events, rules).first()
    assert row is not None
    assert (row.click_id_type, row.source) == (None, "(direct)")


def test_a_site_needs_a_referrer_and_a_page(spark: SparkSession) -> None:
    pairs = [("a.example", None), (None, "a.example"), ("localhost", "localhost")]
    hosts = spark.createDataFrame(pairs, "page string, referrer string")
    answers = hosts.select(F.expr(is_same_site("page", "referrer")).alias("same")).collect()
    assert [row.same for row in answers] == [None, False, True]
