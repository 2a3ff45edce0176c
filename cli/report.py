"""`web-analytics report`: a report of the running API, to a file or to standard output.

For cron and for mail: the file is replaced at one stroke or left as it was.
"""

from __future__ import annotations

import os
import sys
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from cli.options import DataDir, load_command_settings


class Format(StrEnum):
    """The forms of a report."""

    HTML = "html"
    JSON = "json"
    CSV = "csv"


def report(
    name: Annotated[str, typer.Argument(help="A report of conf/reports.yaml, such as weekly.")],
    start: Annotated[
        str | None, typer.Option(help="A date or timestamp, included. Default: its own period.")
    ] = None,
    end: Annotated[str | None, typer.Option(help="A date or timestamp, excluded.")] = None,
    site: Annotated[str | None, typer.Option(help="One site. Default: all.")] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Whose days are meant. Default: the site's, else UTC.")
    ] = None,
    include_bots: Annotated[
        bool, typer.Option("--include-bots", help="Count automated traffic too.")
    ] = False,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="Default: by the ending of --output, else html."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File to write.", dir_okay=False, show_default="stdout"
        ),
    ] = None,
    api: Annotated[
        str | None,
        typer.Option(help="http://host:port of the API. Default: the one of `up`, else settings."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="API key with the scope metrics. Default: that of `up`, else settings.",
            envvar="WEB_ANALYTICS_API_KEY",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Write a report of the running API: a period against the one before it.

    Exit code 2: no API answers, it refuses, or the file cannot be written; nothing is written then.

    \b
    Examples:
      web-analytics report weekly --output weekly.html
      web-analytics report monthly --site shop --format csv > monthly.csv
      web-analytics report acquisition --start 2026-05-01 --end 2026-06-01 -o may.json
    """
    from cli.api_client import ask_api, find_api

    settings = load_command_settings(data_dir)
    form = form or _guess_format(output)
    asked = {
        "start": start,
        "end": end,
        "site_id": site,
        "timezone": timezone,
        "include_bots": "true" if include_bots else None,
        "format": form.value,
    }
    params = {name: value for name, value in asked.items() if value is not None}
    path = f"/reports/{quote(name, safe='')}"
    body = ask_api(find_api(settings, api, key), path, params, "*/*")
    if output is None:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
    else:
        replace_file(output, body)


def replace_file(file: Path, content: bytes) -> None:
    """Write a file at one stroke: what others read is the old one or the new. Raises StackError."""
    try:
        with tempfile.NamedTemporaryFile(
            dir=file.parent, prefix=f".{file.name}.", delete=False
        ) as draft:
            try:
                draft.write(content)
                # Drafts are for their owner only; reports have the usual permissions.
                os.fchmod(draft.fileno(), 0o666 & ~_read_umask())
                draft.flush()
                os.replace(draft.name, file)
            except BaseException:
                os.unlink(draft.name)
                raise
    except OSError as error:
        from embedded.errors import StackError

        raise StackError(
            f"--output: cannot write {file}: {error.strerror}. Name a folder that is there and may "
            "be written to."
        ) from error


def _guess_format(output: Path | None) -> Format:
    ending = output.suffix.removeprefix(".").lower() if output else ""
    return Format(ending) if ending in list(Format) else Format.HTML


def _read_umask() -> int:
    # There is no way to read it but to set it.
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
