"""Which keys a pydantic model takes in some place of it; for messages about keys nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel


def list_keys(model: Any, location: Sequence[int | str]) -> list[str]:
    """The keys at `location` of a document that `model` describes, where they are fields.

    location: keys and list positions, outermost first. Nothing is known of free mappings.
    """
    for part in location:
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(str(part))
            model = field.annotation if field else None
        else:
            # The values of a mapping, the elements of a list or tuple.
            kinds = [kind for kind in get_args(model) if kind is not Ellipsis]
            model = kinds[-1] if kinds else None
    if isinstance(model, type) and issubclass(model, BaseModel):
        return list(model.model_fields)
    return []
