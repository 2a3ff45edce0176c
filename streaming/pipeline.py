"""The whole pipeline, Kafka to Gold, in reading order.

Kafka -> bronze.events -> silver.events -> silver.sessions -> gold (session grain)
              |  |              +-----------------------> gold (event grain)
              |  |  ^           +--- verdicts (back) ---+
              |  +-> silver.duplicates
              +-> bronze.dead_letters -> Kafka dead-letter topic
"""

from __future__ import annotations

from streaming.flow import Flow
from streaming.flows.bronze import BRONZE
from streaming.flows.gold import GOLD_DETAILS, GOLD_EVENTS, GOLD_SESSIONS
from streaming.flows.sessions import SESSIONS
from streaming.flows.silver import SILVER
from streaming.flows.verdicts import VERDICTS

AFTER_SILVER: tuple[Flow, ...] = (SESSIONS, VERDICTS, GOLD_EVENTS, GOLD_DETAILS, GOLD_SESSIONS)
FLOWS: tuple[Flow, ...] = (BRONZE, SILVER, *AFTER_SILVER)
