"""The documents against the code: what they name must exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from serving.endpoint_documents import render_metric_tables

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", _read("Makefile"), flags=re.MULTILINE))


def test_every_direct_dependency_is_in_third_party() -> None:
    project = tomllib.loads(_read("pyproject.toml"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {re.split(r"[<>=\[ ]", requirement)[0].lower() for requirement in wanted}
    listed = {
        name.lower() for name in re.findall(r"^\| ([\w.-]+) \|", _read("THIRD_PARTY.md"), re.M)
    }
    assert names <= listed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    named = set(re.findall(r"`make ([a-z][a-z-]*)", page.read_text(encoding="utf-8")))
    assert named <= _make_targets()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    broken = [link for link in links if not (page.parent / link).exists()]
    assert broken == []


def test_the_metrics_page_has_what_is_declared() -> None:
    begin, end = "<!-- metrics:begin -->\n", "<!-- metrics:end -->"
    page = _read("docs/metrics.md")
    found = page[page.index(begin) + len(begin) : page.index(end)]
    assert found == render_metric_tables()
