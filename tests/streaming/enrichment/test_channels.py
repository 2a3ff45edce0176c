"""The rule file: what it refuses and how, and the SQL it becomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from settings.load import CONF_DIR
from streaming.enrichment.channels import (
    ChannelRulesError,
    channel_of,
    load_channel_rules,
    quote,
)
from streaming.enrichment.referrers import Known, Origin, make_finder

SHIPPED = CONF_DIR / "rules" / "channels.yaml"


def _rules(*clauses: dict[str, Any], **others: Any) -> dict[str, Any]:
    channels = [{"channel": "One", "any": list(clauses) or [{"medium": {"is": ["a"]}}]}]
    return {"version": "1", "channels": channels, "otherwise": "None of them", **others}


def _write(folder: Path, rules: Any) -> Path:
    file = folder / "channels.yaml"
    file.write_text(rules if isinstance(rules, str) else yaml.safe_dump(rules), encoding="utf-8")
    return file


# Case -> (rule file, what the message must name).
BAD_FILES: dict[str, tuple[Any, str]] = {
    "no YAML": ("channels: [", "channels.yaml"),
    "no mapping": ("[]", "must be a mapping"),
    "nothing in it": ({}, "version"),
    "unknown key": (_rules(colour="red"), "colour"),
    "unknown field": (_rules({"term": {"is": ["a"]}}), "term"),
    "unknown test": (_rules({"medium": {"like": "a"}}), "channels.0.any.0.medium.like"),
    "unknown category": (_rules({"source": {"category": "games"}}), "source.category"),
    "category of a medium": (_rules({"medium": {"category": "ai"}}), "only a source"),
    "capitals": (_rules({"medium": {"is": ["CPC"]}}), "lower case"),
    "bad expression": (_rules({"medium": {"matches": "(a"}}), "regular expression"),
    "text for a list": (_rules({"medium": {"is": "cpc"}}), "medium.is"),
    "number for text": (_rules({"medium": {"is": [1]}}), "medium.is.0"),
    "match without test": (_rules({"medium": {}}), "needs one of is"),
    "clause without field": (_rules({}), "needs one of source"),
    "no channels": (_rules() | {"channels": []}, "channels"),
    "channel twice": (_rules() | {"channels": _rules()["channels"] * 2}, "channel more than once"),
    "click id twice": (
        _rules(click_ids=[{"name": "a", "source": "b", "medium": "c"}] * 2),
        "click id more than once: a",
    ),
    "click id that is no name": (
        _rules(click_ids=[{"name": "a|b", "source": "b", "medium": "c"}]),
        "click_ids.0.name",
    ),
    "host twice": (
        _rules(sources={"ai": {"a": ["x.example"]}, "search": {"b": ["x.example"]}}),
        "source more than once: x.example",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_rule_file_is_refused_by_place_and_reason(case: str, tmp_path: Path) -> None:
    rules, named = BAD_FILES[case]
    with pytest.raises(ChannelRulesError) as raised:
        load_channel_rules(_write(tmp_path, rules))
    assert named in str(raised.value)
    assert "channels.yaml" in str(raised.value)


def test_a_missing_rule_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChannelRulesError, match="absent.yaml"):
        load_channel_rules(tmp_path / "absent.yaml")


def test_rules_cannot_be_changed() -> None:
    rules = load_channel_rules(SHIPPED)
    with pytest.raises(ValidationError):
        rules.otherwise = "x"  # type: ignore[misc]  # what the test is about


def test_a_date_may_be_the_version(tmp_path: Path) -> None:
    file = _write(tmp_path, "version: 2026-07-15\nchannels: [{channel: A, any: [{medium: "
                  "{is: [a]}}]}]\notherwise: B")  # fmt: skip
    assert load_channel_rules(file).version == "2026-07-15"


def test_the_shipped_channels_stand_in_the_published_order() -> None:
    assert [rule.channel for rule in load_channel_rules(SHIPPED).channels] == [
        "Direct",
        "Cross-network",
        "Paid Shopping",
        "Paid Search",
        "Paid Social",
        "Paid Video",
        "Display",
        "Paid Other",
        "AI Assistant",
        "Organic Shopping",
        "Organic Social",
        "Organic Video",
        "Organic Search",
        "Referral",
        "Email",
        "Affiliates",
        "Audio",
        "SMS",
        "Mobile Push Notifications",
    ]


def test_rules_become_one_case_expression(tmp_path: Path) -> None:
    clauses = (
        {"medium": {"matches": "^a.$"}, "campaign": {"contains": ["x"], "ends_with": ["y"]}},
        {"source": {"category": "ai", "is": ["it's"]}},
    )
    rules = load_channel_rules(_write(tmp_path, _rules(*clauses)))
    assert channel_of(rules, "s", "m", "c", "k") == (
        "transform(array(named_struct('source', lower(s), 'medium', lower(m), "
        "'campaign', coalesce(lower(c), ''), 'category', coalesce(k, ''))), v -> "
        "CASE WHEN ((contains(v.campaign, 'x') OR endswith(v.campaign, 'y')) "
        "AND (v.medium RLIKE '^a.$')) OR ((v.category = 'ai' OR v.source IN ('it\\'s'))) "
        "THEN 'One' ELSE 'None of them' END)[0]"
    )


def test_a_literal_cannot_end_early() -> None:
    assert quote("a\\'b") == "'a\\\\\\'b'"


# Origin -> what is known of it by the packaged list alone.
PACKAGED: dict[str, Origin] = {
    "//google.com": Origin("google", "organic", "search"),
    "//www.google.co.nz": Origin("google", "organic", "search"),
    "//images.google.de": Origin("google", "organic", "search"),
    "//mail.google.com": Origin("mail.google.com", "referral", "referral"),
    "//google.evil": Origin("google.evil", "referral", "referral"),
    "//mstdn.social": Origin("mstdn.social", "social", "social"),
    "//chat.mistral.ai": Origin("chat.mistral.ai", "ai-assistant", "ai"),
    "=m.facebook.com": Origin(None, None, "social"),
    "=unheard-of": Origin(None, None, None),
}


@pytest.mark.parametrize("origin", PACKAGED)
def test_the_packaged_list_is_known_without_rules(origin: str) -> None:
    find = make_finder(Known(places=(), apps=(), click_ids=()))
    assert find(origin) == PACKAGED[origin]


def test_rules_go_before_the_packaged_list() -> None:
    find = make_finder(Known(places=(("referral", "own", "facebook.com"),), apps=(), click_ids=()))
    assert find("//l.facebook.com") == Origin("facebook.com", "referral", "referral")
