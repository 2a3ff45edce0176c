"""The file of named reports: what is shipped can be asked, what is wrong is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.reports.definitions import Report, load_reports, read_report_file
from settings.load import CONF_DIR, SettingsError
from settings.model import ServingSettings, Settings

SESSIONS = "{title: A, endpoint: /sessions}"


def write(folder: Path, text: str) -> Path:
    file = folder / "reports.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def write_section(section: str) -> str:
    return f"reports: {{mine: {{title: Mine, sections: [{SESSIONS}, {{title: B, {section}}}]}}}}"


def test_what_is_shipped_is_valid() -> None:
    shipped = read_report_file(CONF_DIR / "reports.yaml")
    assert {"weekly", "monthly"} <= set(shipped)
    asked = {section.endpoint for section in shipped["weekly"].sections}
    assert {"/sessions", "/pages", "/traffic-sources", "/devices", "/geo", "/conversions"} == asked


def test_another_file_may_be_named(tmp_path: Path) -> None:
    file = write(tmp_path, write_section("endpoint: /pages, limit: 7, columns: [entries]"))
    reports = load_reports(Settings(serving=ServingSettings(reports_file=str(file))))
    assert reports["mine"].period == "last_7_days"
    first, second = reports["mine"].sections
    assert (first.most_rows, second.most_rows) == (10, 7)
    assert second.shown == ("entries",)
    assert first.shown == first.asked.columns


def test_a_section_asks_what_its_endpoint_takes(tmp_path: Path) -> None:
    text = write_section(
        "endpoint: /traffic-sources, group_by: [channel], filters: {country: DE}, interval: day"
    )
    section = read_report_file(write(tmp_path, text))["mine"].sections[1]
    params = section.make_params({"site_id": "blog", "include_bots": True})
    given = params.model_dump(exclude_unset=True)
    assert given == {
        "group_by": ("channel",),
        "country": "DE",
        "interval": "day",
        "limit": 1000,
        "site_id": "blog",
        "include_bots": True,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("report: {}", "unknown key 'report'. Did you mean 'reports'?"),
        (
            f"reports: {{a: {{title: A, section: [{SESSIONS}]}}}}",
            "'reports.a.section'. Did you mean 'sections'?",
        ),
        (
            write_section("endpoint: /pages, column: [entries]"),
            "'reports.mine.sections.1.column'. Did you mean 'columns'?",
        ),
        (
            write_section("endpoint: /page"),
            "reports.mine.sections.1: Value error, no endpoint '/page' that takes a range. "
            "Did you mean '/pages'?",
        ),
        (write_section("endpoint: /realtime"), "no endpoint '/realtime' that takes a range"),
        (
            write_section("endpoint: /pages, columns: [views]"),
            "columns: /pages has no metric 'views'. Did you mean 'page_views'?",
        ),
        (
            write_section("endpoint: /pages, filters: {contry: DE}"),
            "filters: /pages has no filter 'contry'. Did you mean 'country'?",
        ),
        (
            write_section("endpoint: /pages, filters: {site_id: blog}"),
            "filters: /pages has no filter 'site_id'. Known: page_path, device_type, country.",
        ),
        (write_section("endpoint: /pages, group_by: [page_path]"), "group_by: /pages does not"),
        (
            write_section("endpoint: /geo, group_by: [browser]"),
            "group_by: given 'browser', allowed: one or more of country, city",
        ),
        (write_section("endpoint: /pages, interval: year"), "sections.1.interval: "),
        (write_section("endpoint: /pages, limit: 0"), "sections.1.limit: "),
        (write_section("endpoint: /geo, filters: {country: ''}"), "country: given ''"),
        (
            f"reports: {{a: {{title: A, period: last_fortnight, sections: [{SESSIONS}]}}}}",
            "reports.a.period: given 'last_fortnight', allowed: yesterday, last_week",
        ),
        ("reports: {a: {title: A, sections: []}}", "reports.a.sections: "),
        (f"reports: {{'A b': {{title: A, sections: [{SESSIONS}]}}}}", "reports.A b"),
        ("[]", "file: "),
        ("reports: [", "reports.yaml"),
    ],
)
def test_wrong_files_are_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(SettingsError) as raised:
        read_report_file(file)
    assert str(file) in str(raised.value)
    assert message in str(raised.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="none.yaml"):
        read_report_file(tmp_path / "none.yaml")


@pytest.mark.parametrize("period", ["last_0_days", "last_367_days", "LAST_WEEK", "last__days", 7])
def test_a_period_is_one_of_those_there_are(period: object) -> None:
    with pytest.raises(ValueError, match="last_<n>_days with n from 1 to 366"):
        Report.model_validate({"title": "A", "period": period, "sections": ({},)})
