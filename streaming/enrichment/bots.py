"""Bots by user agent: from an agent's text and the rules in force to a `BotReason`, or none.

The rules are the crawler-user-agents list, and beside it `conf/rules/bots.yaml`: signs that any
automated client shows, the operator's own, and texts that prove nothing. Pure, but for the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import re2  # type: ignore[import-untyped]  # it ships neither types nor stubs
import yaml
from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # type: ignore[import-untyped]  # no types
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from ua_parser.core import Domain, Resolver
from ua_parser.loaders import load_lazy_builtins
from ua_parser.regex import Resolver as RegexResolver

from schemas.bots import BotReason

# A set that runs out of memory says "no match", so it gets four times what gave the same answers.
_SET_MEMORY_BYTES = 64 * 1024 * 1024
_PRECEDENCE = {reason: rank for rank, reason in enumerate(BotReason)}
_SPIDER = "Spider"
# The list's tags that say more than "crawler".
_REASON_OF_TAG = {
    "http-library": BotReason.HTTP_LIBRARY,
    "browser-automation": BotReason.HEADLESS_BROWSER,
}


class BotRulesError(Exception):
    """A bot rule cannot be used; the message names the file, the key, the value and the remedy."""


def _check_regex(regex: str) -> str:
    try:
        re2.compile(regex, _options())
    except re2.error as error:
        # What pydantic reports as a validation error must be a ValueError.
        raise ValueError(f"not an RE2 pattern: {_text_of(error)}") from error
    if re2.compile(regex, _options()).search(""):
        raise ValueError("it matches everything, the empty text included")
    return regex


Regex = Annotated[str, Field(min_length=1), AfterValidator(_check_regex)]


class _Rules(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BotPattern(_Rules):
    """An agent in which `regex` is found is a bot for `reason`."""

    name: str = Field(min_length=1)
    regex: Regex
    reason: BotReason = BotReason.EXTRA_RULE


class BotException(_Rules):
    """A text in an agent that proves nothing: it is left out when the patterns are tried."""

    name: str = Field(min_length=1)
    regex: Regex


class BehaviourThresholds(_Rules):
    """From where on a session's behaviour is no person's; docs/bots.md argues each."""

    min_events: int = Field(ge=10, description="Shorter sessions are never judged by behaviour.")
    min_different_pages: int = Field(
        ge=2, le=32, description="With fewer, quick page views are one page loaded again and again."
    )
    max_acts_per_minute: float = Field(
        ge=60, description="Page views, or clicks and forms sent; a shorter session counts as 60 s."
    )
    min_think_time_s: float = Field(
        ge=0, le=5, description="Session per page view; less is a program's, if nothing is touched."
    )
    min_single_type_events: int = Field(
        ge=10, description="So many page views, nothing else, and no sign of a screen."
    )
    min_single_type_think_time_s: float = Field(
        ge=0, le=5, description="As min_think_time_s, for those many page views and nothing else."
    )


class BotRules(_Rules):
    """`conf/rules/bots.yaml`."""

    version: str = Field(min_length=1, description="Changes with every change of the file.")
    flag_absent_agent: bool = Field(description="Whether an event without the field is a bot's.")
    platforms: tuple[Regex, ...] = Field(description="A browser's agent has one of these.")
    patterns: tuple[BotPattern, ...] = ()
    exceptions: tuple[BotException, ...] = ()
    data_center_networks: Path | None = Field(None, description="A file, one network a line.")
    behaviour: BehaviourThresholds


def load_bot_rules(path: Path) -> BotRules:
    """The rules in a YAML file. Raises BotRulesError."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise BotRulesError(
            f"cannot read the bot rules {path}: {reason}. Restore the file, or correct that line."
        ) from error
    try:
        return BotRules.model_validate(content)
    except ValidationError as error:
        problems = "\n".join(f"{path}: {_explain(problem)}" for problem in error.errors())
        raise BotRulesError(problems) from None


def _explain(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"]) or "the whole file"
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key. Remove it, or correct its spelling."
    if problem["type"] == "missing":
        return f"{key} is missing. Add it."
    return f"{key} = {str(problem['input'])[:200]!r}: {problem['msg']}. Correct the value."


@lru_cache(maxsize=4)
def compile_bot_rules(rules: BotRules) -> Callable[[str], BotReason | None]:
    """The judge of agents under these rules; compiled once in each process.

    The compiled sets cannot be pickled, so a Spark worker calls this itself.
    """
    listed = [(entry["pattern"], _reason_of(entry)) for entry in CRAWLER_USER_AGENTS_DATA]
    own = [(pattern.regex, pattern.reason) for pattern in rules.patterns]
    reasons = [reason for _, reason in listed + own]
    signs = compile_set(regex for regex, _ in listed + own)
    platforms = compile_set(rules.platforms)
    proves_nothing = _compile_exceptions(rules.exceptions)

    def judge(agent: str) -> BotReason | None:
        evidence = agent
        if proves_nothing is not None:
            evidence = proves_nothing.sub("", agent)
            if not evidence.strip():
                return None
        found: list[int] = signs.Match(evidence)
        if found:
            return min((reasons[index] for index in found), key=_PRECEDENCE.__getitem__)
        device = load_resolver()(evidence, Domain.DEVICE).device
        if device is not None and device.family == _SPIDER:
            return BotReason.SPIDER_DEVICE
        return None if platforms.Match(agent) else BotReason.NOT_A_BROWSER

    return judge


@lru_cache(maxsize=1)
def load_resolver() -> Resolver:
    """ua-parser with its own patterns; compiled once in each process."""
    return RegexResolver(load_lazy_builtins())


def compile_set(regexes: Iterable[str]) -> Any:
    """One automaton of all patterns; its `Match(text)` gives the numbers of those found."""
    compiled = re2.Set.SearchSet(_options())
    for regex in regexes:
        compiled.Add(regex)
    compiled.Compile()
    return compiled


def _compile_exceptions(exceptions: tuple[BotException, ...]) -> Any:
    if not exceptions:
        return None
    return re2.compile("|".join(f"(?:{rule.regex})" for rule in exceptions), _options())


def _reason_of(entry: dict[str, Any]) -> BotReason:
    reasons = [_REASON_OF_TAG[tag] for tag in entry.get("tags", ()) if tag in _REASON_OF_TAG]
    return min(reasons, key=_PRECEDENCE.__getitem__, default=BotReason.CRAWLER)


def _options() -> Any:
    options = re2.Options()
    options.max_mem = _SET_MEMORY_BYTES
    options.log_errors = False
    return options


def _text_of(error: Exception) -> str:
    text = error.args[0] if error.args else error
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)
