"""Who asks, and what they may: from a request's key to an `Access`, or to none.

Keys come from the key file (`web-analytics keys`) and from the settings (for containers: these may
everything). With `serving.local_dashboard` a browser on this machine has a cookie instead.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from fastapi import Request

from serving.errors import Forbidden
from serving.keys import SCOPES, KeyRecord, Scope, find_key
from serving.selection import Selection
from settings.load import reveal
from settings.model import ServingSettings

DASHBOARD_COOKIE = "web_analytics_dashboard"
_LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}
_FORWARDING_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
# One customer of an Internet provider has at least so many addresses.
_IPV6_PREFIX = 64


@dataclass(frozen=True)
class Access:
    """Who asks and what they may. `sites` None: all; `requests_per_minute` None: no limit."""

    key_id: str
    name: str
    scopes: frozenset[Scope]
    sites: frozenset[str] | None = None
    requests_per_minute: int | None = None


_READING: frozenset[Scope] = frozenset({"metrics", "query"})
# What the API asks itself, to warm up.
INTERNAL = Access("internal", "internal", frozenset(SCOPES))


def find_access(
    request: Request,
    given: str | None,
    serving: ServingSettings,
    records: Mapping[str, KeyRecord],
    now: datetime,
) -> Access | None:
    """What this request may; None: nothing."""
    if given is not None:
        record = find_key(records, given, now)
        if record is not None:
            return _grant(record)
        if (position := _find_in_settings(given, serving)) is not None:
            return _grant_all(f"settings-{position}", serving)
    elif is_own_dashboard(request, serving) and _has_dashboard_cookie(request, serving):
        return replace(_grant_all("dashboard", serving), scopes=_READING)
    if serving.allow_anonymous:
        return Access(
            key_id=f"anonymous-{find_address(request)}",
            name="anonymous",
            scopes=_READING,
            requests_per_minute=serving.limits.requests_per_minute,
        )
    return None


def restrict(selection: Selection, access: Access) -> Selection:
    """The selection without the sites that this access may not see. Raises Forbidden."""
    if access.sites is None:
        return selection
    site_id = selection.filters.get("site_id")
    if site_id is None:
        return replace(selection, sites=tuple(sorted(access.sites)))
    require_site(access, site_id)
    return selection


def require_site(access: Access, site_id: str) -> None:
    """Raises Forbidden if this access does not include the site."""
    if access.sites is not None and site_id not in access.sites:
        allowed = ", ".join(sorted(access.sites))
        detail = {"parameter": "site_id", "given": site_id, "allowed": allowed}
        raise Forbidden(f"site_id: given {site_id!r}, this key may see: {allowed}", [detail])


def is_own_dashboard(request: Request, serving: ServingSettings) -> bool:
    """Whether a browser on this very machine asks, under a name that only this machine has.

    The Host header matters: a page of another site may have its own name point here. So does
    everything a proxy adds: through one, everybody seems to be on this machine.
    """
    if not serving.local_dashboard or not serving.api_keys or request.client is None:
        return False
    if any(header in request.headers for header in _FORWARDING_HEADERS):
        return False
    host, _, port = request.headers.get("host", "").rpartition(":")
    if not port.isdigit():
        host = request.headers.get("host", "")
    return host.lower() in _LOCAL_HOSTS and _is_loopback(request.client.host)


def make_dashboard_token(serving: ServingSettings) -> str:
    """What the cookie holds: cookies go to every port of a host, so not the key itself."""
    key = reveal(serving.api_keys[0])
    return hmac.new(key.encode(), b"local dashboard", hashlib.sha256).hexdigest()


def find_address(request: Request) -> str:
    """The client's address, of IPv6 its network: what requests without a key are counted by."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host or "unknown"
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address.packed, _IPV6_PREFIX), strict=False))


def _grant(record: KeyRecord) -> Access:
    return Access(
        key_id=record.id,
        name=record.name,
        scopes=frozenset(record.scopes),
        sites=None if record.sites is None else frozenset(record.sites),
        requests_per_minute=record.requests_per_minute,
    )


def _grant_all(key_id: str, serving: ServingSettings) -> Access:
    return Access(
        key_id=key_id,
        name=key_id,
        scopes=frozenset(SCOPES),
        requests_per_minute=serving.limits.requests_per_minute,
    )


def _find_in_settings(given: str, serving: ServingSettings) -> int | None:
    # All are compared, so that the time taken does not tell which was nearly right.
    matches = [_is_same(given, reveal(known)) for known in serving.api_keys]
    return matches.index(True) + 1 if any(matches) else None


def _has_dashboard_cookie(request: Request, serving: ServingSettings) -> bool:
    given = request.cookies.get(DASHBOARD_COOKIE, "")
    return _is_same(given, make_dashboard_token(serving))


def _is_same(given: str, known: str) -> bool:
    # Digests: compare_digest takes time by length, and only ASCII text.
    digests = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in (given, known)]
    return hmac.compare_digest(*digests)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
