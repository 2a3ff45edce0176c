"""Requests that run as they stand against `make run-local`; shown in OpenAPI."""

from __future__ import annotations

from typing import Any

AD_HOC_FUNNEL: dict[str, Any] = {
    "steps": [
        {"name": "Pricing", "event_type": "page_view", "page_path": "/pricing"},
        {"name": "Bought", "event_type": "custom_event", "event_name": "purchase"},
    ],
    "window_s": 604800,
}


def show_request(query: str, method: str = "GET", body: str = "") -> dict[str, Any]:
    """The part of an OpenAPI operation with the command that asks it."""
    data = f" -H 'Content-Type: application/json' -d '{body}'" if body else ""
    verb = "" if method == "GET" else f" -X {method}"
    source = f"curl -H \"X-API-Key: $KEY\"{verb}{data} 'http://127.0.0.1:8002{query}'"
    return {"x-codeSamples": [{"lang": "Shell", "source": source}]}
