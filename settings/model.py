"""Every setting of the product, with its type, default and meaning.

Values come from a YAML file in `conf/` and from the environment (`settings/load.py`); this module
does no I/O. All models are frozen and refuse unknown keys. `POST /query` has its own in `sql.py`.
"""

from __future__ import annotations

from typing import Literal
from zoneinfo import available_timezones

from pydantic import Field, SecretStr, field_validator

from schemas.privacy import PrivacyRules
from settings.retention import RetentionSettings
from settings.section import Port, Seconds, Section, SparkSettings
from settings.sql import SqlSettings


class KafkaSettings(Section):
    bootstrap_servers: str = Field("127.0.0.1:9092", description="Brokers, host:port[,host:port].")
    topic: str = Field("topic_web_events", description="Topic the events arrive on.")
    dead_letter_topic: str = Field(
        "topic_web_events_dlq", description="Topic that rejected records are published to."
    )
    partitions: int = Field(2, ge=1, description="Partitions of a topic the product creates.")
    replication_factor: int = Field(1, ge=1, description="Replicas of a topic it creates.")
    max_record_bytes: int = Field(
        16 * 1024 * 1024, ge=1024, description="Largest record the topics take, bytes."
    )
    max_offsets_per_trigger: int | None = Field(
        None, ge=1, description="Records per Bronze batch; none: all that is there."
    )
    options: dict[str, str] = Field(
        default_factory=dict,
        description="Further Kafka client options (security.protocol, sasl.*), for every client.",
    )


class LakeSettings(Section):
    root: str | None = Field(None, description="Hadoop URI of the tables; none: <data_dir>/lake.")
    checkpoints: str | None = Field(
        None, description="Hadoop URI of the checkpoints; none: <data_dir>/checkpoints."
    )


class SessionSettings(Section):
    gap_s: Seconds = Field(
        1800, le=21600, description="Inactivity that ends a session, seconds; at most 6 hours."
    )
    allowed_lateness_s: Seconds = Field(
        300, description="Arrival minus event time up to which an event counts as on time, seconds."
    )
    read_skew_s: Seconds = Field(
        20, description="How far out of arrival order partitions may be read, seconds."
    )


class RulesSettings(Section):
    folder: str | None = Field(
        None, description="Folder of bots.yaml and channels.yaml; none: conf/rules."
    )


class GeoSettings(Section):
    database: str | None = Field(
        None, description="A .mmdb file of places; none: the packaged database of countries."
    )


class ConversionRule(Section):
    """One kind of event that counts as a conversion; all that is named must hold."""

    event_type: str = Field(description="One of the eight event types.")
    event_name: str | None = Field(None, description="Of a custom_event; none: any.")
    page_path: str | None = Field(None, description="Of a page_view; none: any.")
    has_value: bool = Field(False, description="Only with a value.")


class StreamSettings(Section):
    trigger_s: dict[str, Seconds] = Field(
        default_factory=dict, description="Seconds between micro-batches, by flow name."
    )
    default_trigger_s: Seconds = Field(1, description="The same, for flows not named.")
    batches_at_once: int | None = Field(
        None,
        ge=1,
        description="Micro-batches that may run at once, those on the way to `/pages` first; "
        "none: all.",
    )
    shuffle_partitions: int = Field(
        2, ge=1, description="State partitions; frozen into a checkpoint at its first start."
    )
    max_rows_ahead: int = Field(
        200_000, ge=1, description="Unread rows of the next flow at which a flow waits for it."
    )
    heartbeat_s: Seconds = Field(
        5, description="Seconds between heartbeats while the session watermark stands still."
    )
    max_reject_share: float = Field(
        0.5, ge=0, le=1, description="Share of rejects above which the flow `silver` stops."
    )
    reject_window_s: Seconds = Field(600, description="Over how long that share is taken, seconds.")
    reject_window_min_records: int = Field(
        10_000, ge=1, description="With fewer records in that time nothing is concluded."
    )
    metrics_port: Port | None = Field(
        None, description="Port of the app's own Prometheus metrics, on loopback; none: off."
    )
    shutdown_timeout_s: Seconds = Field(
        15, description="How long a stop waits for running micro-batches, seconds."
    )


class CacheSettings(Section):
    redis_url: SecretStr | None = Field(
        SecretStr("redis://127.0.0.1:6379/0"), description="Redis; none: no cache."
    )
    timeout_s: Seconds = Field(0.25, description="Longest wait for Redis, seconds.")
    short_ttl_s: int = Field(60, ge=1, description="Answers that include the current hour.")
    medium_ttl_s: int = Field(600, ge=1, description="Answers that include today.")
    long_ttl_s: int = Field(1800, ge=1, description="Answers about the past days.")
    very_long_ttl_s: int = Field(86400, ge=1, description="Answers older than a month.")
    earlier_s: float = Field(
        30,
        ge=0,
        description="While twice as many queries wait as may run, the answer of earlier versions "
        "is given, which says so, if it was computed at most so many seconds ago; 0: never.",
    )


class LimitSettings(Section):
    requests_per_minute: int | None = Field(
        None,
        ge=1,
        description="Of a key in serving.api_keys, or an address that needs none; none: no limit.",
    )
    failures_per_minute: int = Field(
        60, ge=1, description="Requests without a valid key that an address may make."
    )
    max_concurrent_requests: int = Field(256, ge=1, description="One more is answered 503.")
    max_body_bytes: int = Field(262_144, ge=1024, description="Largest body of a request.")
    max_query_string_bytes: int = Field(32_768, ge=1024, description="Longest query string.")
    max_header_bytes: int = Field(
        65_536, ge=4096, description="Largest request line and headers together."
    )
    request_timeout_s: Seconds = Field(
        120, description="Longest a request may take in all, its body included, seconds."
    )


class ServingSettings(Section):
    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: Port = Field(8002, description="Port the API listens on.")
    api_keys: tuple[SecretStr, ...] = Field(
        (), description="Keys that may everything, for containers; others: `web-analytics keys`."
    )
    keys_file: str | None = Field(
        None, description="File of `web-analytics keys`; none: <data_dir>/keys.json."
    )
    allow_anonymous: bool = Field(False, description="Answer without a key.")
    local_dashboard: bool = Field(
        False, description="Give the dashboard a key by cookie; only for one's own machine."
    )
    query_timeout_s: Seconds = Field(30, description="Longest a metric query may run, seconds.")
    max_concurrent_queries: int = Field(4, ge=1, description="Metric queries at once.")
    max_queued_queries: int = Field(
        64, ge=0, description="Metric queries that may wait for these; one more is answered 503."
    )
    hot_megabytes: int = Field(
        64,
        ge=0,
        description="Files of Gold, by their size, of which the rows may be held in memory; "
        "0: none.",
    )
    behind_tls: bool = Field(
        False, description="Reached over HTTPS only: answers tell browsers so (HSTS)."
    )
    trusted_proxies: tuple[str, ...] = Field(
        (), description="Addresses of proxies whose X-Forwarded-For names the client."
    )
    cors_origins: tuple[str, ...] = Field(
        (), description="Origins whose pages may read with a key; none: no other page."
    )
    limits: LimitSettings = LimitSettings()
    funnels_file: str | None = Field(
        None, description="File of the named funnels; none: conf/funnels.yaml."
    )
    reports_file: str | None = Field(
        None, description="File of the named reports; none: conf/reports.yaml."
    )
    cache: CacheSettings = CacheSettings()
    spark: SparkSettings = SparkSettings(master="local[2]", driver_memory="1g")
    sql: SqlSettings = SqlSettings()


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "human", "json"] = Field(
        "auto", description="auto: human on a terminal, JSON otherwise."
    )


class Settings(Section):
    """All settings: built by `settings.load`, printed by `web-analytics config show`."""

    data_dir: str = Field("data", description="Folder of everything kept on this machine.")
    kafka: KafkaSettings = KafkaSettings()
    lake: LakeSettings = LakeSettings()
    session: SessionSettings = SessionSettings()
    stream: StreamSettings = StreamSettings()
    spark: SparkSettings = SparkSettings()
    serving: ServingSettings = ServingSettings()
    rules: RulesSettings = RulesSettings()
    geo: GeoSettings = GeoSettings()
    privacy: PrivacyRules = PrivacyRules()
    retention: RetentionSettings = RetentionSettings()
    conversions: tuple[ConversionRule, ...] = Field(
        (ConversionRule(event_type="custom_event", has_value=True),),
        description="What counts as a conversion; an event that meets any of them.",
    )
    currencies: dict[str, str] = Field(
        default_factory=dict, description="ISO-4217 currency by site_id."
    )
    timezones: dict[str, str] = Field(
        default_factory=dict, description="IANA time zone by site_id; UTC for sites not named."
    )
    default_currency: str = Field("USD", pattern="^[A-Z]{3}$", description="For sites not named.")
    log: LogSettings = LogSettings()

    @field_validator("timezones")
    @classmethod
    def check_timezones(cls, timezones: dict[str, str]) -> dict[str, str]:
        """Every zone must be known."""
        for site_id, name in timezones.items():
            if name not in available_timezones():
                raise ValueError(f"{site_id}: {name!r} is no IANA time zone")
        return timezones
