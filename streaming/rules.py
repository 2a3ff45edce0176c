"""The rules that judge and enrich events, as data: read from `conf/rules/`, checked, versioned.

From settings and rule files to one frozen `Rules`, held in a `RuleBook` that a rebuild can renew
while the app runs. Whatever changes a verdict changes the version on the rows it judged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version as version_of
from pathlib import Path

from pyspark.sql import Column

from schemas.privacy import PrivacyRules
from schemas.silver import RULES_VERSION
from settings.load import CONF_DIR, SettingsError
from settings.model import Settings
from streaming.enrichment.agents import classify_agents
from streaming.enrichment.bots import BotRules, BotRulesError, load_bot_rules
from streaming.enrichment.channels import ChannelRules, ChannelRulesError, load_channel_rules
from streaming.enrichment.geo import GeoDatabaseError, check_database, locate_addresses

# What else decides: a new list of crawlers judges anew.
_LIBRARIES = ("crawler-user-agents", "ua-parser-builtins")


@dataclass(frozen=True)
class Rules:
    """Everything that enrichment goes by. `version`: of the code, then of all the data."""

    version: str
    bots: BotRules
    channels: ChannelRules
    privacy: PrivacyRules
    geo_database: str | None = None

    @cached_property
    def classify_agents(self) -> Callable[[Column], Column]:
        """Made once: Spark would take each new one for another function."""
        return classify_agents(self.bots)

    @cached_property
    def locate_addresses(self) -> Callable[[Column], Column]:
        return locate_addresses(self.geo_database)


@dataclass
class RuleBook:
    """The rules in force; replaced as a whole, so that a batch goes by one set of them."""

    settings: Settings
    current: Rules = field(init=False)

    def __post_init__(self) -> None:
        self.current = load_rules(self.settings)

    def renew(self) -> Rules:
        """Read the files again. Raises SettingsError, and then the old rules stay."""
        self.current = load_rules(self.settings)
        return self.current


def load_rules(settings: Settings) -> Rules:
    """Read and check all rules. Raises SettingsError."""
    folder = Path(settings.rules.folder) if settings.rules.folder else CONF_DIR / "rules"
    bots_file, channels_file = folder / "bots.yaml", folder / "channels.yaml"
    try:
        bots, channels = load_bot_rules(bots_file), load_channel_rules(channels_file)
        geo_label = check_database(settings.geo.database)
    except (BotRulesError, ChannelRulesError, GeoDatabaseError) as error:
        raise SettingsError(str(error)) from error
    privacy = settings.privacy
    parts = (
        bots.model_dump_json(),
        channels.model_dump_json(),
        privacy.model_dump_json(),
        geo_label,
        *(version_of(name) for name in _LIBRARIES),
    )
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
    return Rules(
        version=f"{RULES_VERSION}-{digest}",
        bots=bots,
        channels=channels,
        privacy=privacy,
        geo_database=settings.geo.database,
    )
