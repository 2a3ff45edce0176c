"""A limit on rejects: a bad deploy must not drain everything into the dead letters.

Looked at before a batch is written, so nothing is lost: the records are in Kafka and in
`bronze.events`, and the same batch is judged again after a restart.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from settings.model import StreamSettings

_SHOWN_REASONS = 5


class TooManyRejects(Exception):
    """Too large a share of the last records is rejected; the message says how to go on."""


@dataclass
class RejectLimit:
    """Counts records and rejects over the last `reject_window_s` seconds."""

    settings: StreamSettings
    clock: Callable[[], float] = time.monotonic
    _batches: deque[tuple[float, int, int]] = field(default_factory=deque)

    def check(self, accepted: int, rejected: int, reasons: Mapping[tuple[str, str], int]) -> None:
        """Take a batch into account; reasons: its rejects by site and reason.

        Raises TooManyRejects instead of letting it be written.
        """
        now = self.clock()
        self._batches.append((now, accepted + rejected, rejected))
        while self._batches[0][0] < now - self.settings.reject_window_s:
            self._batches.popleft()
        records = sum(batch[1] for batch in self._batches)
        rejects = sum(batch[2] for batch in self._batches)
        is_sample = records >= self.settings.reject_window_min_records
        if is_sample and rejected and rejects > self.settings.max_reject_share * records:
            raise TooManyRejects(self._explain(records, rejects, reasons))

    def _explain(self, records: int, rejects: int, reasons: Mapping[tuple[str, str], int]) -> str:
        most = sorted(reasons.items(), key=lambda reason: -reason[1])[:_SHOWN_REASONS]
        shown = ", ".join(
            f"{reason} on site {site!r} ({count:,})" for (site, reason), count in most
        )
        return (
            f"{rejects:,} of the last {records:,} records are rejects: more than "
            f"stream.max_reject_share = {self.settings.max_reject_share:g} of them. In this batch: "
            f"{shown}. Nothing is lost: they are in Kafka and in bronze.events. Correct what sends "
            "them, or the rule, and start again. To make dead letters of them all the same, start "
            "once with WEB_ANALYTICS_STREAM__MAX_REJECT_SHARE=1."
        )
