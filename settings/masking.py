"""Keeps secrets out of what is printed: of the settings shown, and of messages about them.

From names and values to the same with a mask in place of what could be a secret. Fields declared as
secrets are masked by pydantic; this is for the free-form ones (`kafka.options`, `spark.conf`).
"""

from __future__ import annotations

import re
from typing import Any

MASK = "**********"
# Rather too much than too little: a location of a key that is masked does no harm.
_SECRET_NAME = re.compile(r"pass|secret|token|credential|jaas|key|redis_url", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"(pass\w*|secret|token)\s*[=:]|://[^/@\s]*:[^/@\s]+@", re.IGNORECASE)


def mask_secrets(value: Any, name: str = "") -> Any:
    """The same plain data with every possible secret masked."""
    if isinstance(value, dict):
        return {key: mask_secrets(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [mask_secrets(inner, name) for inner in value]
    if value is None or not is_secret(name, value):
        return value
    return MASK


def is_secret(name: str, value: Any) -> bool:
    """Whether this value could be a secret, going by its name or its look."""
    return bool(
        _SECRET_NAME.search(name) or (isinstance(value, str) and _SECRET_VALUE.search(value))
    )


def show_value(name: str, value: Any) -> str:
    """A value for a message: itself if it is plain and no secret, else only what kind it is."""
    if isinstance(value, str | int | float | bool | None) and not is_secret(name, value):
        return repr(value)
    return f"({type(value).__name__}, not shown)"
