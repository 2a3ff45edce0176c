"""Every Gold table, in one explicit list: schema, aggregation, SQL and API derive from it."""

from __future__ import annotations

from schemas.gold.pages import ENTRY_PAGES, EXIT_PAGES, PAGES
from schemas.gold.sessions import SESSIONS
from schemas.gold.users import USER_DAYS
from schemas.table import GoldTable

GOLD_TABLES: tuple[GoldTable, ...] = (PAGES, ENTRY_PAGES, EXIT_PAGES, SESSIONS, USER_DAYS)
EVENT_GRAIN = tuple(table for table in GOLD_TABLES if table.source == "silver.events")
SESSION_GRAIN = tuple(table for table in GOLD_TABLES if table.source == "silver.sessions")
