"""Every Gold table, in one explicit list: schema, aggregation, SQL and API derive from it."""

from __future__ import annotations

from schemas.gold.conversions import CONVERSIONS
from schemas.gold.devices import DEVICE_SESSIONS, DEVICES
from schemas.gold.geo import GEO, GEO_SESSIONS
from schemas.gold.pages import ENTRY_PAGES, EXIT_PAGES, PAGE_ENGAGEMENT, PAGES
from schemas.gold.performance import PERFORMANCE
from schemas.gold.realtime import REALTIME
from schemas.gold.sessions import SESSIONS
from schemas.gold.users import USER_DAYS
from schemas.table import GoldTable

GOLD_TABLES: tuple[GoldTable, ...] = (
    PAGES,
    PERFORMANCE,
    CONVERSIONS,
    DEVICES,
    GEO,
    REALTIME,
    SESSIONS,
    ENTRY_PAGES,
    EXIT_PAGES,
    PAGE_ENGAGEMENT,
    DEVICE_SESSIONS,
    GEO_SESSIONS,
    USER_DAYS,
)
EVENT_GRAIN = tuple(table for table in GOLD_TABLES if table.source == "silver.events")
SESSION_GRAIN = tuple(table for table in GOLD_TABLES if table.source == "silver.sessions")
# Written by a flow of their own, so that they do not hold up gold.pages (docs/adr/0004).
EVENT_DETAILS = tuple(table for table in EVENT_GRAIN if table is not PAGES)
