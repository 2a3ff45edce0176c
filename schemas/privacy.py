"""Personal data: the closed set of kinds that are found, and what of the rules a site may change.

`streaming/enrichment/privacy.py` applies them between Bronze and Silver; docs/privacy.md explains.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

AddressMode = Literal["none", "truncate", "drop"]
# A name as it stands in a URL; `*` at the end stands for any more.
ParameterName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\[\]-]+\*?$")]

# Texts a visitor may have typed or a page may have shown; `properties` is JSON and stays JSON.
SCANNED_COLUMNS = (
    "page_url",
    "page_title",
    "referrer",
    "element_text",
    "element_href",
    "form_name",
    "properties",
)
# Campaign tags and the click ids of advertising networks.
KEPT_PARAMETERS = (
    "utm_*",
    "gclid",
    "gclsrc",
    "dclid",
    "gbraid",
    "wbraid",
    "fbclid",
    "msclkid",
    "ttclid",
    "twclid",
    "yclid",
    "li_fat_id",
    "epik",
    "mc_cid",
    "mc_eid",
)


class PiiKind(StrEnum):
    """A value of `silver.events.pii_flags`; what was found is replaced by `[kind]`."""

    CARD = "card"  # payment card number: issuer's prefix, length and check digit are right
    EMAIL = "email"
    PHONE = "phone"
    SECRET = "secret"  # a password, key, token or session id, by its name or by its form

    @property
    def placeholder(self) -> str:
        """What stands in the text instead."""
        return f"[{self.value}]"


class PrivacyRules(BaseModel):
    """What a site may change about the search; the defaults suit most."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep_parameters: tuple[ParameterName, ...] = Field(
        KEPT_PARAMETERS,
        description="Parameters never taken for a secret because of their name; `*` at the end.",
    )
    secret_parameters: tuple[ParameterName, ...] = Field(
        (), description="Further parameters and JSON keys whose value is a secret."
    )
    ip_address: AddressMode = Field(
        "truncate",
        description="What is stored of client addresses: all, the /24 or /48 network, or nothing.",
    )
