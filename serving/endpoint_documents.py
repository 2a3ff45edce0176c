"""The table of docs/metrics.md: every column that the metric endpoints answer with, as text.

From the declarations to Markdown; a test keeps the page current.
"""

from __future__ import annotations

from serving.endpoint import Endpoint
from serving.endpoints import ENDPOINTS


def render_metric_tables() -> str:
    """One section per endpoint: what it is about, its parameters, its columns."""
    return "\n".join(_render(endpoint) for endpoint in ENDPOINTS)


def _render(endpoint: Endpoint) -> str:
    tables = ", ".join(f"`{table.name}`" for table in endpoint.tables)
    lines = [f"### `GET {endpoint.path}`", endpoint.title, endpoint.help, ""]
    if endpoint.dimensions:
        lines.append(f"- Rows by {_list(endpoint.dimensions)}.")
    if endpoint.can_pick:
        lines.append(f"- `group_by` picks from {_list(endpoint.dimensions)}.")
    lines += [
        f"- Filters: {_list(('site_id', *endpoint.filters))}.",
        f"- Made from {tables}.",
        "",
        "| column | unit | meaning |",
        "|---|---|---|",
    ]
    for name, metric in endpoint.all_metrics.items():
        lines.append(f"| `{name}` | {metric.unit} | {metric.help} |")
    return "\n".join(lines) + "\n"


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
