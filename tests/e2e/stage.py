"""The dashboard on a stage: an API over some traffic, and a page of the browser that shows it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.e2e.app import App
from tests.e2e.browser import Page

SETTLED = "!document.querySelector('#view-overview [aria-busy], #view-overview .changing')"


@dataclass
class Stage:
    """An API over the traffic, and a page of the browser."""

    app: App
    get: Callable[..., Any]
    page: Page

    def open(self, query: str = "") -> None:
        self.page.open(f"{self.app.api}/{query}")
        self.settle()

    def settle(self) -> None:
        """All panels have what they were asked for."""
        self.page.wait("document.querySelectorAll('#view-overview .tools[data-key]').length >= 9")
        self.page.wait(SETTLED)

    def read(self, script: str) -> Any:
        return self.page.evaluate(script)

    def read_rows(self, panel: str, column: int) -> list[tuple[str, str]]:
        """Name and one number of each row that is shown."""
        return [
            (name, number)
            for name, number in self.read(
                f"[...document.querySelectorAll('#{panel} tbody tr:not([hidden])')].map((row) =>"
                f" [row.querySelector('.pick').title, row.cells[{column}].textContent])"
            )
        ]

    def click(self, selector: str) -> None:
        self.page.evaluate(f"document.querySelector({json.dumps(selector)}).click()")
