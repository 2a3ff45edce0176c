"""Enrichment: an accepted event to a row of `silver.events`, step by step. Pure.

Each step adds the columns its name says, from those that stand there before it. The rules are data
(`conf/rules/`), with their version on every row; each step is explained in `streaming/enrichment/`.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.silver import EVENTS
from settings.model import ConversionRule, Settings
from streaming.enrichment.address_storage import truncate_address
from streaming.enrichment.attribution import find_hints, judge_hints
from streaming.enrichment.language import parse_language
from streaming.enrichment.privacy import redaction_steps, withholding_steps
from streaming.prepared import Transform, prepare_steps
from streaming.quality import score_quality
from streaming.rules import Rules
from streaming.silver import JUDGED_COLUMNS
from streaming.url import host_of, path_of, strip_url


def enrich_events(events: DataFrame, settings: Settings, rules: Rules, *kept: str) -> DataFrame:
    """Make rows of `silver.events`.

    events: `streaming.silver.JUDGED_COLUMNS`. Returns the columns of the table, and `kept` ones.
    """
    return prepare_enrichment(settings, rules, *kept)(events)


def prepare_enrichment(settings: Settings, rules: Rules, *kept: str) -> Transform:
    """`enrich_events` by these rules, for as many batches as they hold."""
    steps = (
        *redaction_steps(rules.privacy),
        locate_page(),
        look_up(rules),
        judge_hints(rules.channels) | classify(rules),
        find_conversions(settings) | rate_quality(rules),
        *withholding_steps(EVENTS.column_names),
    )
    return prepare_steps(steps, (*JUDGED_COLUMNS, *kept), (*EVENTS.column_names, *kept))


class Enricher:
    """`enrich_events` by the rules in force, prepared again only when there are others."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._prepared: tuple[Rules, Transform] | None = None

    def enrich(self, events: DataFrame, rules: Rules) -> DataFrame:
        """See `enrich_events`."""
        if self._prepared is None or self._prepared[0] is not rules:
            self._prepared = rules, prepare_enrichment(self._settings, rules)
        return self._prepared[1](events)


def look_up(rules: Rules) -> dict[str, Column]:
    """What only Python knows: agents, addresses and referrers, all in one pass over Arrow."""
    return {
        "_agent": rules.classify_agents(F.col("user_agent")),
        "_place": rules.locate_addresses(F.col("ip_address")),
        **find_hints(rules.channels),
    }


def locate_page() -> dict[str, Column]:
    """The path; and the hosts anew where something was redacted, for it may have been in them."""
    page = strip_url("page_url")
    hosts = {"page_host": host_of(page), "referrer_host": host_of(strip_url("referrer"))}
    again = {
        name: f"CASE WHEN size(pii_flags) = 0 THEN {name} ELSE {host} END"
        for name, host in hosts.items()
    }
    return _columns({**again, "page_path": path_of(page)})


def classify(rules: Rules) -> dict[str, Column]:
    """Device, browser, system, bot or not, and place, from what was looked up."""
    columns = {name: f"_agent.{name}" for name in ("device_type", "browser", "os", "bot_reason")}
    columns |= {name: f"_place.{name}" for name in ("country", "city", "geo_database")}
    return _columns(
        {
            **columns,
            "is_bot": "_agent.bot_reason IS NOT NULL",
            "language": parse_language("language"),
            # Only now: the place was found by the whole address.
            "ip_address": truncate_address("ip_address", rules.privacy.ip_address),
        }
    )


def find_conversions(settings: Settings) -> dict[str, Column]:
    """Conversions by the rules in the settings, and their revenue in the site's currency."""
    site_currency = F.lit(settings.default_currency)
    for site, currency in settings.currencies.items():
        site_currency = F.when(F.col("site_id") == site, F.lit(currency)).otherwise(site_currency)
    is_conversion = F.lit(False)
    for rule in settings.conversions:
        is_conversion = is_conversion | _meets(rule)
    sent_currency = F.expr("upper(nullif(currency, ''))")
    in_site_currency = F.coalesce(sent_currency, site_currency) == site_currency
    return {
        "is_conversion": is_conversion,
        "revenue": F.when(
            is_conversion & in_site_currency, F.expr("try_cast(value AS decimal(18,4))")
        ),
    }


def _meets(rule: ConversionRule) -> Column:
    met = F.col("event_type") == F.lit(rule.event_type)
    if rule.event_name is not None:
        met = met & F.coalesce(F.col("event_name") == F.lit(rule.event_name), F.lit(False))
    if rule.page_path is not None:
        met = met & F.coalesce(F.col("page_path") == F.lit(rule.page_path), F.lit(False))
    if rule.has_value:
        met = met & F.col("value").isNotNull()
    return met


def rate_quality(rules: Rules) -> dict[str, Column]:
    return {
        "quality_score": F.expr(score_quality("quality_flags")),
        "rules_version": F.lit(rules.version),
    }


def _columns(expressions: dict[str, str]) -> dict[str, Column]:
    return {name: F.expr(sql) for name, sql in expressions.items()}
