"""Says what is going on: a moving line on a terminal, plain lines otherwise.

From downloads and the supervisor to stderr, so that what a command prints stays clean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

_console = Console(stderr=True, highlight=False, soft_wrap=True)


def say(line: str) -> None:
    """Print one line."""
    _console.print(line, markup=False)


@contextmanager
def show_activity(title: str) -> Iterator[Callable[[str], None]]:
    """Show that work goes on; call what this yields with the name of each item as it starts."""
    count = 0
    if not _console.is_terminal:
        yield lambda item: say(f"  {item}")
        return
    with _console.status(escape(title)) as status:

        def update(item: str) -> None:
            nonlocal count
            count += 1
            status.update(f"{escape(title)}: {count} {escape(item)}")

        yield update
