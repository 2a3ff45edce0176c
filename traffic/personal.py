"""Personal data where it does not belong: in addresses, titles, element texts and properties.

From an event to the same event with something planted, and what must become of it. Numbers and
names are invented: test ranges for phones and cards, reserved domains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from random import Random

from traffic.visits import Step

# What stands in Silver in place of each kind.
REDACTED = {"email": "[email]", "phone": "[phone]", "card": "[card]", "secret": "[secret]"}

_NAMES = ("anna.berg", "jo.kim", "lea_moreau", "sam+shop", "o.nakamura")
_QUERY_NAMES = {
    "email": ("email", "user"),
    "phone": ("phone", "tel"),
    "card": ("card", "number"),
    "secret": ("password", "token", "api_key"),
}


@dataclass(frozen=True, slots=True)
class Planted:
    """What was put where; `secret` is the text as sent, which must be found nowhere in Silver."""

    site_id: str
    event_id: str
    field: str
    kind: str
    secret: str
    redacted: str | None  # the whole field afterwards, where that is certain

    def describe(self) -> dict[str, str | None]:
        """As JSON."""
        return asdict(self)


def plant_personal_data(rng: Random, step: Step) -> Planted:
    """Put something personal into one field of the event."""
    places: list[Callable[[Random, Step], Planted]] = [_into_title, _into_properties, _into_query]
    if step.event["event_type"] == "click":
        places.append(_into_element_text)
    # An own path replaces the query, and with it what the visit may be attributed to.
    if step.path and not step.origin.query:
        places.append(_into_path)
    if step.event.get("referrer", "").startswith(step.visitor.site.url):
        places.append(_into_referrer)
    return rng.choice(places)(rng, step)


def _into_title(rng: Random, step: Step) -> Planted:
    kind = rng.choice(("email", "phone", "card"))
    return _put(step, "page_title", kind, "Order of {}", _draw(rng, kind))


def _into_element_text(rng: Random, step: Step) -> Planted:
    kind = rng.choice(("email", "phone"))
    return _put(step, "element_text", kind, "Ask {} now", _draw(rng, kind))


def _into_path(rng: Random, step: Step) -> Planted:
    email = _draw(rng, "email")
    step.path = f"/account/{REDACTED['email']}/orders"
    return _put(step, "page_url", "email", step.visitor.site.url + "/account/{}/orders", email)


def _into_query(rng: Random, step: Step) -> Planted:
    return _append(rng, step, "page_url")


def _into_referrer(rng: Random, step: Step) -> Planted:
    return _append(rng, step, "referrer")


def _into_properties(rng: Random, step: Step) -> Planted:
    kind = rng.choice(tuple(REDACTED))
    secret = _draw(rng, kind)
    # A secret is known by its name, the others by their form.
    name, text = ("password", secret) if kind == "secret" else ("note", f"customer said {secret}")
    step.event["properties"] = {"step": 2, name: text}
    return _planted(step, "properties", kind, secret, None)


def _append(rng: Random, step: Step, field: str) -> Planted:
    kind = rng.choice(tuple(REDACTED))
    secret = _draw(rng, kind)
    if rng.random() < 0.5:
        secret = secret.replace("@", "%40")
    secret = secret.replace("+", "%2B").replace(" ", "%20")
    url = str(step.event[field]).partition("#")[0]
    name = rng.choice(_QUERY_NAMES[kind])
    step.event[field] = f"{url}{'&' if '?' in url else '?'}{name}={secret}"
    return _planted(step, field, kind, secret, None)


def _put(step: Step, field: str, kind: str, form: str, secret: str) -> Planted:
    step.event[field] = form.format(secret)
    return _planted(step, field, kind, secret, form.format(REDACTED[kind]))


def _planted(step: Step, field: str, kind: str, secret: str, redacted: str | None) -> Planted:
    event = step.event
    return Planted(event["site_id"], event["event_id"], field, kind, secret, redacted)


def _draw(rng: Random, kind: str) -> str:
    if kind == "email":
        return f"{rng.choice(_NAMES)}{rng.randrange(10**6)}@mail.example.com"
    if kind == "phone":
        return f"+1 202-555-01{rng.randrange(100):02d}"
    if kind == "card":
        return _draw_card(rng)
    return f"{rng.getrandbits(96):024x}"


def _draw_card(rng: Random) -> str:
    """Sixteen digits that pass the Luhn check."""
    digits = [4, 1, 1, 1, *(rng.randrange(10) for _ in range(11))]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[::2]]
    check = -(sum(doubled) + sum(digits[1::2])) % 10
    text = "".join(map(str, [*digits, check]))
    return text if rng.random() < 0.5 else " ".join(text[at : at + 4] for at in range(0, 16, 4))
