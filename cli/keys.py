"""`web-analytics keys`: API keys are made, listed, replaced and revoked.

From the options to `<data_dir>/keys.json`, readable to its owner only and replaced at one stroke; a
running API reads it again at its next request. A key is printed once; the file has its hash.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import DataDir, load_command_settings

if TYPE_CHECKING:
    from serving.keys import KeyRecord, Scope
    from settings.model import Settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)

_DEFAULT_RATE = 600
_DAYS = re.compile(r"(\d{1,5})d")

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
KeyName = Annotated[str, typer.Argument(help="The id or the name of the key, as `list` has it.")]


@app.callback()
def keys() -> None:
    """API keys: who may ask the API what, how often, until when."""


@app.command()
def create(
    name: Annotated[str, typer.Option(help="What you will know it by.")],
    scope: Annotated[
        str, typer.Option(help="Any of metrics, query, admin, with commas between.")
    ] = "metrics",
    site: Annotated[
        list[str] | None, typer.Option(help="The only site it may see; repeat it. Default: all.")
    ] = None,
    rate: Annotated[int, typer.Option(help="Requests per minute; 0: no limit.", min=0)] = (
        _DEFAULT_RATE
    ),
    expires: Annotated[
        str | None, typer.Option(help="A date, a timestamp, or days such as 90d. Default: never.")
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Make a key. It is printed now and never again.

    \b
    Examples:
      web-analytics keys create --name dashboard --site shop --site blog
      web-analytics keys create --name analyst --scope metrics,query --rate 60 --expires 90d
    """
    settings = load_command_settings(data_dir)
    from cli.key_store import change_keys
    from serving.keys import make_key

    now = datetime.now(UTC)
    record, key = make_key(
        _check_name(name),
        now,
        scopes=_parse_scopes(scope),
        sites=_parse_sites(site),
        requests_per_minute=rate or None,
        expires_at=_parse_expiry(expires, now),
    )

    def add(known: tuple[KeyRecord, ...]) -> tuple[KeyRecord, ...]:
        if any(other.name == name and other.state_at(now) == "valid" for other in known):
            raise typer.BadParameter(f"a valid key is named {name!r} already.", param_hint="--name")
        return (*known, record)

    change_keys(settings, add)
    _tell(settings, "key_created", record)
    _show_new(record, key, as_json)


@app.command("list")
def list_keys(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show every key with what it may; the keys themselves are not kept."""
    settings = load_command_settings(data_dir)
    from cli.key_store import load_keys

    shown = [_describe(record) for record in load_keys(settings)]
    if as_json:
        typer.echo(json.dumps(shown, indent=2))
        return
    if not shown:
        typer.echo("no keys; make one with `web-analytics keys create --name ...`")
    for row in shown:
        sites = ",".join(row["sites"]) if row["sites"] else "all"
        rate = row["requests_per_minute"] or "no limit"
        typer.echo(
            f"{row['id']}  {row['state']:<8} {row['name']}  scopes {','.join(row['scopes'])}  "
            f"sites {sites}  per minute {rate}  expires {row['expires_at'] or 'never'}"
        )


@app.command()
def rotate(
    key: KeyName,
    overlap_h: Annotated[
        float, typer.Option("--overlap-h", help="Hours for which the old one stays valid.", min=0)
    ] = 24,
    expires: Annotated[
        str | None, typer.Option(help="As for create. Default: it lives as long as the old one.")
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Make a new key with the same rights; the old one ends after the overlap.

    \b
    Example:
      web-analytics keys rotate dashboard --overlap-h 2
    """
    settings = load_command_settings(data_dir)
    from cli.key_store import change_keys, replace_key

    now = datetime.now(UTC)
    made: dict[str, Any] = {}

    def swap(known: tuple[KeyRecord, ...]) -> tuple[KeyRecord, ...]:
        old = _pick(known, key, now)
        made["record"], made["key"], changed = replace_key(
            known, old, now, timedelta(hours=overlap_h), _parse_expiry(expires, now)
        )
        return changed

    change_keys(settings, swap)
    _tell(settings, "key_rotated", made["record"])
    _show_new(made["record"], made["key"], as_json)


@app.command()
def revoke(key: KeyName, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """End a key now: a running API refuses it from its next request on."""
    settings = load_command_settings(data_dir)
    from cli.key_store import change_keys, end_key

    now = datetime.now(UTC)
    ended: list[KeyRecord] = []

    def end(known: tuple[KeyRecord, ...]) -> tuple[KeyRecord, ...]:
        record, changed = end_key(known, _pick(known, key, now), now)
        ended.append(record)
        return changed

    change_keys(settings, end)
    _tell(settings, "key_revoked", ended[0])
    shown = _describe(ended[0])
    typer.echo(json.dumps(shown, indent=2) if as_json else f"revoked {shown['id']} {key}")


def _pick(known: tuple[KeyRecord, ...], wanted: str, now: datetime) -> KeyRecord:
    """The valid key of this id, or the only valid one of this name."""
    valid = [record for record in known if record.state_at(now) == "valid"]
    found = [record for record in valid if record.id == wanted] or [
        record for record in valid if record.name == wanted
    ]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(record.id for record in found)
        raise typer.BadParameter(f"{len(found)} valid keys are named so; give an id: {ids}")
    names = ", ".join(f"{record.id} ({record.name})" for record in valid) or "none"
    raise typer.BadParameter(f"no valid key has this id or name; valid ones: {names}")


def _show_new(record: KeyRecord, key: str, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"key": key, **_describe(record)}, indent=2))
        return
    typer.echo(key)
    typer.echo("Keep it: it is not shown again. Send it in the header X-API-Key.", err=True)


def _describe(record: KeyRecord) -> dict[str, Any]:
    shown = record.model_dump(mode="json", exclude={"sha256"})
    return {**shown, "state": record.state_at(datetime.now(UTC))}


def _tell(settings: Settings, event: str, record: KeyRecord) -> None:
    """The audit line of a change, on standard error."""
    import structlog

    from settings.logs import configure_logging

    configure_logging(settings)
    structlog.get_logger("audit").info(
        event, key=record.id, name=record.name, scopes=record.scopes, sites=record.sites
    )


def _check_name(name: str) -> str:
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise typer.BadParameter(
            f"given {name!r}, allowed: 1 to 100 printable characters", param_hint="--name"
        )
    return name


def _parse_scopes(text: str) -> list[Scope]:
    from serving.keys import SCOPES

    given = [part.strip() for part in text.split(",") if part.strip()]
    chosen = [scope for scope in SCOPES if scope in given]
    if not given or len(chosen) < len(set(given)):
        allowed = ", ".join(SCOPES)
        raise typer.BadParameter(f"given {text!r}, allowed: {allowed}", param_hint="--scope")
    return chosen


def _parse_sites(given: list[str] | None) -> list[str] | None:
    names = [name.strip() for text in given or () for name in text.split(",")]
    if given and not all(1 <= len(name) <= 128 for name in names):
        raise typer.BadParameter(
            f"given {','.join(given)!r}, allowed: names of 1 to 128 characters", param_hint="--site"
        )
    return names or None


def _parse_expiry(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    try:
        days = _DAYS.fullmatch(text)
        time = now + timedelta(days=int(days[1])) if days else datetime.fromisoformat(text)
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        time = now
    if time <= now:
        raise typer.BadParameter(
            f"given {text!r}, allowed: a date or timestamp to come (UTC), or days such as 90d",
            param_hint="--expires",
        )
    return time
