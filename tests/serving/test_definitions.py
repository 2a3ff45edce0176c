"""The file of named funnels: what is shipped is valid, what is wrong is refused by name."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from schemas.event import EVENT_TYPES
from schemas.silver import EVENTS
from serving.journeys.definitions import EventType, StepColumn, load_funnels, read_funnel_file
from settings.load import CONF_DIR, SettingsError
from settings.model import ServingSettings, Settings
from traffic.visits import make_visit, make_visitor
from traffic.world import SITES

STEPS = "[{page_path: /a}, {page_path: /b}]"


def write(folder: Path, text: str) -> Path:
    file = folder / "funnels.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_shipped_funnels_match_what_is_simulated() -> None:
    random = Random(3)
    events = []
    for _ in range(300):
        visitor = make_visitor(random, SITES[0])
        events += [step.event for step in make_visit(random, visitor, 40)]
    kinds = {(event["event_type"], event.get("event_name")) for event in events}
    pages = {path for path, _ in SITES[0].pages}
    forms = {event.get("form_id") for event in events}
    for funnel in read_funnel_file(CONF_DIR / "funnels.yaml").values():
        for step in funnel.steps:
            assert (step.event_type, step.event_name) in kinds
            page = step.page_path or "*"
            assert any(
                path.startswith(page[:-1]) if page[-1] == "*" else path == page for path in pages
            )
            assert step.filters.get("form_id") in {*forms, None}


def test_types_and_columns_are_those_of_events() -> None:
    assert EventType.__args__ == tuple(EVENT_TYPES)
    assert set(StepColumn.__args__) <= set(EVENTS.column_names)


def test_another_file_may_be_named(tmp_path: Path) -> None:
    file = write(tmp_path, f"funnels: {{mine: {{steps: {STEPS}, window_s: 60}}}}")
    settings = Settings(serving=ServingSettings(funnels_file=str(file)))
    assert load_funnels(settings)["mine"].window_s == 60


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("funnel: {}", "unknown key 'funnel'. Did you mean 'funnels'?"),
        (f"funnels: {{a: {{step: {STEPS}}}}}", "'funnels.a.step'. Did you mean 'steps'?"),
        (
            "funnels: {a: {steps: [{page_pth: /a}, {page_path: /b}]}}",
            "'funnels.a.steps.0.page_pth'. Did you mean 'page_path'?",
        ),
        ("funnels: {a: {steps: [{xyz: /a}, {page_path: /b}]}}", "Known: name, event_type"),
        (f"funnels: {{a: {{steps: {STEPS}, window_s: 0}}}}", "funnels.a.window_s: "),
        (f"funnels: {{'A b': {{steps: {STEPS}}}}}", "funnels.A b"),
        ("funnels: {a: {steps: [{}, {page_path: /b}]}}", "name an event_type"),
        ("[]", "file: "),
        ("funnels: [", "funnels.yaml"),
    ],
)
def test_wrong_files_are_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(SettingsError) as raised:
        read_funnel_file(file)
    assert str(file) in str(raised.value)
    assert message in str(raised.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="none.yaml"):
        read_funnel_file(tmp_path / "none.yaml")
