"""What the paths about people refuse: which parameter, what was given, what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.serving.lake import Row

TWO_STEPS = [{"page_path": "/a"}, {"page_path": "/b"}]


@pytest.mark.parametrize(
    ("body", "parameter", "allowed"),
    [
        ({"steps": TWO_STEPS[:1]}, "steps", "at least 2"),
        ({"steps": TWO_STEPS * 6}, "steps", "at most 10"),
        ({"steps": [{}, TWO_STEPS[1]]}, "steps.0", "name an event_type"),
        ({"steps": [{"page": "/a"}, TWO_STEPS[1]]}, "steps.0.page", "page_path"),
        ({"steps": TWO_STEPS, "window": 5}, "window", "window_s"),
        ({"steps": TWO_STEPS, "window_s": 90 * 86_400 + 1}, "window_s", "less than or equal"),
        ({"steps": [{"event_type": "view"}, TWO_STEPS[1]]}, "steps.0.event_type", "page_view"),
        ({"steps": [{"filters": {"ip_address": "x"}}, TWO_STEPS[1]]}, "steps.0.filters", "country"),
    ],
    ids=str,
)
def test_wrong_funnels_are_refused(
    api: TestClient, body: Row, parameter: str, allowed: str
) -> None:
    response = api.post("/funnels", json=body)
    assert response.status_code == 422
    error = response.json()["error"]
    assert error["type"] == "invalid_parameter"
    assert error["details"][0]["parameter"].startswith(parameter)
    assert allowed in error["details"][0]["allowed"]


@pytest.mark.parametrize(
    ("path", "params", "parameter"),
    [
        ("/funnels/purchase", {"interval": "day"}, "interval"),
        ("/funnels/purchase", {"breakdown": "ip_address"}, "breakdown"),
        ("/retention", {"interval": "hour"}, "interval"),
        ("/attribution", {"group_by": "channel,page"}, "group_by"),
        ("/attribution", {"model": "best"}, "model"),
        ("/users/x", {"limit": 201}, "limit"),
        ("/paths", {"page": "/a"}, "page"),
    ],
)
def test_wrong_parameters_are_refused(
    api: TestClient, path: str, params: dict[str, Any], parameter: str
) -> None:
    response = api.get(path, params=params)
    assert response.status_code == 422
    assert response.json()["error"]["details"][0]["parameter"].startswith(parameter)


@pytest.mark.parametrize(
    ("path", "hint"),
    [("/funnels/purchas", "Did you mean 'purchase'?"), ("/users/nobody", "'nobody'")],
)
def test_what_is_not_there_is_said(api: TestClient, path: str, hint: str) -> None:
    response = api.get(path)
    assert response.status_code == 404
    assert response.json()["error"]["type"] == "not_found"
    assert hint in response.json()["error"]["message"]
