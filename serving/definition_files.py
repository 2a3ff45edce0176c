"""Files of named definitions (`conf/funnels.yaml`, `conf/reports.yaml`): read, and checked.

From a YAML file to the frozen model it must match; every failure is a SettingsError that names the
file, the key, and the nearest known one.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from serving.errors import NotFound
from serving.known_keys import list_keys
from settings.load import SettingsError

# What a definition may be called: it is part of a path.
Name = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_-]{0,63}$")]


class Definition(BaseModel):
    """What a file defines: never changed, and without keys that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Model = TypeVar("Model", bound=Definition)
Found = TypeVar("Found", bound=Definition)


def read_definition_file(file: Path, model: type[Model]) -> Model:
    """Read and check a file. Raises SettingsError naming file, key and nearest key."""
    try:
        loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{file}: {error}") from error
    try:
        return model.model_validate(loaded)
    except ValidationError as error:
        lines = (f"{file}: {_explain(problem, model)}" for problem in error.errors())
        raise SettingsError("\n".join(lines)) from None


def find_definition(name: str, known: Mapping[str, Found], file: str) -> Found:
    """The definition of this name. Raises NotFound, which says those there are."""
    if (found := known.get(name)) is not None:
        return found
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    allowed = ", ".join(sorted(known)) or f"none: {file} names none"
    raise NotFound(f"name: given {name!r}, allowed: {allowed}.{hint}")


def hint_at(given: str, known: list[str]) -> str:
    """The nearest of what is known, or all of it."""
    nearest = difflib.get_close_matches(given, known, n=1, cutoff=0.5)
    return f"Did you mean {nearest[0]!r}?" if nearest else f"Known: {', '.join(known)}."


def _explain(problem: Any, model: type[Definition]) -> str:
    key = ".".join(map(str, problem["loc"])) or "file"
    if problem["type"] != "extra_forbidden":
        return f"{key}: {problem['msg']}"
    known = list_keys(model, problem["loc"][:-1])
    return f"unknown key {key!r}. {hint_at(str(problem['loc'][-1]), known)}"
