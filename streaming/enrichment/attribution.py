"""Where an event came from: UTM parameters, click ids and the referrer to source and medium.

From page_url, page_host, referrer and referrer_host to utm_source, utm_medium, utm_campaign,
click_id_type, source, medium, campaign and channel (docs/channels.md). Pure.
"""

from __future__ import annotations

import os

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from streaming.enrichment.channels import ChannelRules, channel_of
from streaming.enrichment.referrers import MAX_ORIGIN_LENGTH, look_up_origins
from streaming.url import query_parameter

DIRECT = "(direct)"
NO_MEDIUM = "(none)"
NOT_SET = "(not set)"
# A struct that lives between the two halves.
ORIGIN = "_origin"
# Longer values are no names; cut, they cannot swell every table that groups by them.
MAX_TAG_LENGTH = 256
_UTM = ("source", "medium", "campaign")
# Endings under which anyone can have a site: one more label than usual makes the site.
_SHARED_ENDINGS = (
    "github[.]io|gitlab[.]io|pages[.]dev|workers[.]dev|netlify[.]app|vercel[.]app|web[.]app|"
    "firebaseapp[.]com|herokuapp[.]com|appspot[.]com|azurewebsites[.]net|blogspot[.]com|"
    "wordpress[.]com|tumblr[.]com|substack[.]com|myshopify[.]com|wixsite[.]com|weebly[.]com|"
    "(?:com?|org|net|gov|gob|gouv|edu|ac|ne|or|go|nom|ltd|plc|sch|gv)[.][a-z]{2}"
)
# The last label of an address begins with a digit, so an address has no site.
_SITE = f"[^.]+[.](?:{_SHARED_ENDINGS}|[^.0-9][^.]*)$"


def attribute_events(events: DataFrame, rules: ChannelRules) -> DataFrame:
    """Say of each event where its visitor came from.

    events: page_url, page_host, referrer, referrer_host (strings, may be null), among others.
    Adds (or replaces) utm_source, utm_medium, utm_campaign, click_id_type, source, medium,
    campaign, channel.
    """
    hints, verdict = find_hints(rules), judge_hints(rules)
    return events.withColumns(hints).withColumns(verdict).drop(ORIGIN)


def find_hints(rules: ChannelRules) -> dict[str, Column]:
    """The first half: what URL and referrer say. For one `withColumns` with other UDFs' columns.

    Spark then runs all of them in one Python pass, and copies the wide rows once.
    """
    return {
        **{f"utm_{name}": F.expr(_tag(f"utm_{name}")) for name in _UTM},
        "click_id_type": F.expr(f"coalesce({_click_id(rules)}, {_click_id(rules, weak=True)})"),
        ORIGIN: look_up_origins(F.expr(origin_of(rules)), rules),
    }


def judge_hints(rules: ChannelRules) -> dict[str, Column]:
    """The second half: source, medium, campaign and channel from the columns of `find_hints`."""
    unknown_source = f"CASE WHEN utm_medium IS NULL THEN '{DIRECT}' ELSE '{NOT_SET}' END"
    unknown_medium = f"CASE WHEN utm_source IS NULL THEN '{NO_MEDIUM}' ELSE '{NOT_SET}' END"
    source = f"coalesce(utm_source, {ORIGIN}.source, {unknown_source})"
    medium = f"coalesce(utm_medium, {ORIGIN}.medium, {unknown_medium})"
    return {
        "source": F.expr(source),
        "medium": F.expr(medium),
        "campaign": F.col("utm_campaign"),
        "channel": F.expr(channel_of(rules, source, medium, "utm_campaign", f"{ORIGIN}.category")),
    }


def origin_of(rules: ChannelRules) -> str:
    """SQL of the key that `look_up_origins` takes: the strongest hint there is, null for none."""
    outside = (
        "CASE WHEN startswith(referrer, 'android-app://') THEN substring_index(referrer, '/', 3) "
        f"WHEN NOT {is_same_site('page_host', 'referrer_host')} THEN concat('//', referrer_host) "
        "END"
    )
    click = _click_id(rules)
    tagged = f"concat(coalesce({click}, ''), '=', lower({_tag('utm_source')}))"
    weak = f"concat({_click_id(rules, weak=True)}, '=')"
    hints = f"coalesce({tagged}, concat({click}, '='), {outside}, {weak})"
    return f"left({hints}, {MAX_ORIGIN_LENGTH})"


def is_same_site(page_host: str, referrer_host: str) -> str:
    """SQL: do both hosts belong to one site? Null without a referrer, false without a page."""
    page, referrer = (f"substring_index({host}, '.', -2)" for host in (page_host, referrer_host))
    page_site, referrer_site = (
        f"nullif(regexp_extract(right({host}, 255), '{_SITE}', 0), '')"
        for host in (page_host, referrer_host)
    )
    # Most pairs are equal, or differ in the last two labels already.
    return (
        f"CASE WHEN {referrer_host} IS NULL THEN NULL WHEN {referrer_host} = {page_host} THEN true "
        f"WHEN {page} = {referrer} THEN coalesce({page_site} = {referrer_site}, false) "
        "ELSE false END"
    )


def _tag(name: str) -> str:
    """SQL of a UTM parameter without blanks around it, null where nothing is left."""
    value = f"left({query_parameter('page_url', name)}, {MAX_TAG_LENGTH})"
    # Not nullif(trim(...)), for which Spark reads the URL twice or adds a pass over the rows.
    trimmed = f"get(regexp_extract_all({value}, r'(?s)^ *(.*[^ ]) *$', 1), 0)"
    return f"CASE WHEN contains(page_url, '{name}=') THEN {trimmed} END"


def _click_id(rules: ChannelRules, *, weak: bool = False) -> str:
    """SQL of the first click id's name, among the paid ones or among those that mark every link."""
    names = [click.name for click in rules.click_ids if click.after_referrer is weak]
    if not names:
        return "CAST(NULL AS string)"
    found = (
        "get(regexp_extract_all(substring_index(page_url, '#', 1), "
        f"'[?&]({'|'.join(names)})=[^&]', 1), 0)"
    )
    # All of today's names end in `id`: the cheap look spares most URLs the regular expression.
    ending = os.path.commonprefix([name[::-1] for name in names])[::-1]
    return f"CASE WHEN contains(page_url, '{ending}=') THEN {found} END"
