"""Asks a running API: where it is, with which key, and what it says when it refuses.

From the options and settings of a command to the body of an answer; every failure is a StackError
whose message has the remedy.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded.errors import StackError
from settings.load import reveal
from settings.model import Settings

_TIMEOUT_S = 180
_SHOWN_LENGTH = 300
# An address to listen on that is none to ask at.
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True)
class Api:
    """An API, the key to ask it with, and where its address was said."""

    url: str
    key: str | None
    said_by: str


def find_api(settings: Settings, url: str | None, key: str | None) -> Api:
    """The options first, then the `run.json` of a running `up`, then the settings.

    A key that was found goes only to the API it was found with. Raises StackError.
    """
    if url:
        return Api(url.rstrip("/"), key, "--api")
    run_file = Path(settings.data_dir).expanduser() / "run.json"
    try:
        run = json.loads(run_file.read_text(encoding="utf-8"))
        return Api(run["api"].rstrip("/"), key or run["api_key"], str(run_file))
    except FileNotFoundError:
        keys = settings.serving.api_keys
        return Api(
            _own_url(settings), key or (reveal(keys[0]) if keys else None), "the setting serving"
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StackError(
            f"cannot read the address of the API in {run_file} ({error!r}). Name it with --api, or "
            "delete that file where no `web-analytics up` runs."
        ) from error


def ask_api(api: Api, path: str, params: Mapping[str, str], accept: str) -> bytes:
    """The body of a successful answer. Raises StackError."""
    url = f"{api.url}{path}?{urllib.parse.urlencode(params)}"
    if not url.startswith(("http://", "https://")):
        raise StackError(f"--api: given {api.url!r}, wanted http://host:port or https://host:port.")
    headers = {"Accept": accept} | ({"X-API-Key": api.key} if api.key else {})
    try:
        request = urllib.request.Request(url, headers=headers)
        with _make_opener(request.host).open(request, timeout=_TIMEOUT_S) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as error:
        raise StackError(f"{api.url}{path}: {error.code}: {_explain(error)}") from error
    except http.client.IncompleteRead as error:
        raise StackError(f"{api.url}{path}: the answer broke off; try again.") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or repr(error)
        raise StackError(
            f"no API answers at {api.url} (from {api.said_by}): {reason}. Is `web-analytics up` or "
            "`serve` running? Another is named with --api http://host:port."
        ) from error


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Follows nothing: the key is for the API that was named."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _make_opener(host: str) -> urllib.request.OpenerDirector:
    """As the environment says, but to this machine never by way of a proxy."""
    is_here = host.rpartition(":")[0] in ("localhost", "127.0.0.1", "[::1]")
    proxies = urllib.request.ProxyHandler({} if is_here else None)
    return urllib.request.build_opener(proxies, _StayHere)


def _own_url(settings: Settings) -> str:
    host = _ANYWHERE.get(settings.serving.host, settings.serving.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.serving.port}"


def _explain(error: urllib.error.HTTPError) -> str:
    """What the API says, and what to do about a key."""
    try:
        text = json.loads(error.read())["error"]["message"]
    except (OSError, ValueError, KeyError, TypeError):
        text = error.reason
    remedy = ""
    if error.code in (401, 403):
        remedy = " Name a key with --key or WEB_ANALYTICS_API_KEY; `web-analytics keys` makes one."
    elif wait := error.headers.get("Retry-After"):
        remedy = f" Try again in {wait} s."
    return f"{str(text)[:_SHOWN_LENGTH]}{remedy}"
