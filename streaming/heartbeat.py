"""Heartbeats: an idle site closes its sessions too.

A watermark moves only with data. While the sessions' watermark stands still and everything that
arrived is in `silver.events`, a row in `ops.heartbeats` says up to when that is so, and moves it
(docs/adr/0003: why no event on time can be behind it).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog
from confluent_kafka import KafkaException

from schemas import bronze
from streaming.clock import watermark_delay_s
from streaming.delta_log import Position, files_added, latest_time, latest_version
from streaming.progress import count_behind, find_watermark
from streaming.runtime import Runtime
from streaming.sinks import append_heartbeat

log = structlog.get_logger(__name__)


class Heart:
    """Decides when a heartbeat is due, and writes it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._beaten_at = datetime.min.replace(tzinfo=UTC)

    def beat_if_due(self) -> bool:
        """Write a heartbeat where the sessions' watermark needs one; returns whether it did."""
        now = datetime.now(UTC)
        interval = timedelta(seconds=self._runtime.settings.stream.heartbeat_s)
        if now - self._beaten_at < interval or not self._is_needed(now, interval):
            return False
        if not self._is_silver_complete():
            return False
        self.beat(now)
        return True

    def beat(self, complete_at: datetime) -> None:
        """Write a heartbeat: nothing that arrived before `complete_at` is outstanding."""
        row = self._runtime.spark.createDataFrame([(complete_at,)], "complete_at timestamp")
        append_heartbeat(self._runtime, row)
        self._beaten_at = complete_at
        log.debug("heartbeat", complete_at=complete_at.isoformat())

    def _is_needed(self, now: datetime, interval: timedelta) -> bool:
        settings = self._runtime.settings
        delay = timedelta(seconds=watermark_delay_s(settings.session))
        watermark = find_watermark(settings, "sessions")
        last_arrival = self._last_arrival()
        if last_arrival is None:
            return False
        if watermark is None:
            return True
        is_behind = watermark < now - delay - interval
        is_open = watermark < last_arrival + timedelta(seconds=settings.session.gap_s)
        return is_behind and is_open

    def _is_silver_complete(self) -> bool:
        try:
            behind = count_behind(self._runtime.settings)
        except KafkaException as error:
            log.warning("no heartbeat: Kafka does not answer", error=str(error))
            return False
        return behind["bronze"] == 0 and behind["silver"] == 0

    def _last_arrival(self) -> datetime | None:
        """Arrival of the newest record in Bronze."""
        table = self._runtime.table(bronze.EVENTS.name)
        for version in range(latest_version(table), -1, -1):
            files = files_added(table, Position(version, -1), Position(version + 1, -1))
            time = latest_time(files, "arrival_time")
            if time is not None:
                return time
        return None
