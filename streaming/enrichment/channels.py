"""The channel of a visit: the ordered rules of `conf/rules/channels.yaml` as one SQL expression.

From the rule file to a checked, frozen model, and from that to a native CASE: first match wins.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

Category = Literal["search", "social", "email", "ai", "video", "shopping", "referral"]


class ChannelRulesError(Exception):
    """The rule file cannot be used; the message names file, place and reason."""


def _check_lower_case(value: str) -> str:
    if value != value.lower():
        raise ValueError("write it in lower case: that is how values are compared")
    return value


def _check_expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return value


Text = Annotated[str, Field(min_length=1), AfterValidator(_check_lower_case)]
Expression = Annotated[str, Field(min_length=1), AfterValidator(_check_expression)]


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class Match(_Rule):
    """A test of one field: any of its lines suffices."""

    equals: tuple[Text, ...] = Field((), alias="is")
    contains: tuple[Text, ...] = ()
    starts_with: tuple[Text, ...] = ()
    ends_with: tuple[Text, ...] = ()
    matches: Expression | None = None
    category: Category | None = None

    @model_validator(mode="after")
    def _check_has_a_test(self) -> Match:
        if not self.model_fields_set:
            raise ValueError("needs one of is, contains, starts_with, ends_with, matches, category")
        return self


class Clause(_Rule):
    """Tests of several fields: all must hold."""

    source: Match | None = None
    medium: Match | None = None
    campaign: Match | None = None

    @model_validator(mode="after")
    def _check_has_a_field(self) -> Clause:
        if not self.model_fields_set:
            raise ValueError("needs one of source, medium, campaign")
        if any(match is not None and match.category for match in (self.medium, self.campaign)):
            raise ValueError("only a source has a category")
        return self


class Channel(_Rule):
    """A channel, and the clauses of which any suffices."""

    channel: str = Field(min_length=1, max_length=100)
    any: tuple[Clause, ...] = Field(min_length=1)


class ClickId(_Rule):
    """A parameter that an advertising network adds to the links it sends people through."""

    name: str = Field(pattern="^[A-Za-z0-9_]+$")
    source: Text
    medium: Text
    # Networks that mark every link, paid or not, say less than the referrer does.
    after_referrer: bool = False


class ChannelRules(_Rule):
    """The whole rule file."""

    version: str = Field(min_length=1)
    click_ids: tuple[ClickId, ...] = ()
    apps: dict[str, Text] = {}
    sources: dict[Category, dict[Text, tuple[Text, ...]]] = {}
    channels: tuple[Channel, ...] = Field(min_length=1)
    otherwise: str = Field(min_length=1)

    @model_validator(mode="after")
    def _check_names(self) -> ChannelRules:
        places = [
            host
            for names in self.sources.values()
            for name, hosts in names.items()
            for host in {name, *hosts}
        ]
        for kind, names in (
            ("channel", [channel.channel for channel in self.channels]),
            ("click id", [click.name for click in self.click_ids]),
            ("source", places),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{kind} more than once: {', '.join(twice)}")
        return self


def load_channel_rules(path: str | Path) -> ChannelRules:
    """Read and check a rule file. Raises ChannelRulesError."""
    file = Path(path)
    try:
        loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ChannelRulesError(f"{file}: {error}") from error
    if not isinstance(loaded, dict):
        raise ChannelRulesError(f"{file}: must be a mapping, with version, channels, otherwise")
    loaded.pop("shared", None)  # where the file keeps what its rules refer to by anchor
    try:
        # Through JSON, where strict still lets a list be a tuple; a date is a version as text.
        return ChannelRules.model_validate_json(json.dumps(loaded, default=str))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'file'}: {problem['msg']}"
            for problem in error.errors()
        )
        raise ChannelRulesError(f"{file}: {problems}") from None


def channel_of(
    rules: ChannelRules,
    source: str = "source",
    medium: str = "medium",
    campaign: str = "campaign",
    category: str = "source_category",
) -> str:
    """SQL of the channel from SQL of what it depends on; campaign and category may be null.

    One CASE over values in lower case. The lambda gives them names, so that each is made once.
    """
    columns = {name: f"v.{name}" for name in ("source", "medium", "campaign")}
    cases = (
        f"WHEN {' OR '.join(_clause(clause, columns, 'v.category') for clause in rule.any)} "
        f"THEN {quote(rule.channel)}"
        for rule in rules.channels
    )
    values = (
        f"named_struct('source', lower({source}), 'medium', lower({medium}), "
        f"'campaign', coalesce(lower({campaign}), ''), 'category', coalesce({category}, ''))"
    )
    case = f"CASE {' '.join(cases)} ELSE {quote(rules.otherwise)} END"
    return f"transform(array({values}), v -> {case})[0]"


def quote(text: str) -> str:
    """The text as a SQL literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _clause(clause: Clause, columns: dict[str, str], category: str) -> str:
    tests = []
    for name, column in columns.items():
        match: Match | None = getattr(clause, name)
        if match is not None:
            tests.append((match.matches is not None, _match(match, column, category)))
    # Regular expressions last: most events do not get there.
    ordered = (test for _, test in sorted(tests, key=lambda pair: pair[0]))
    return f"({' AND '.join(ordered)})"


def _match(match: Match, column: str, category: str) -> str:
    tests = []
    if match.category is not None:
        tests.append(f"{category} = {quote(match.category)}")
    if match.equals:
        tests.append(f"{column} IN ({', '.join(map(quote, match.equals))})")
    tests += [f"contains({column}, {quote(part)})" for part in match.contains]
    tests += [f"startswith({column}, {quote(part)})" for part in match.starts_with]
    tests += [f"endswith({column}, {quote(part)})" for part in match.ends_with]
    if match.matches is not None:
        tests.append(f"{column} RLIKE {quote(match.matches)}")
    return f"({' OR '.join(tests)})"
