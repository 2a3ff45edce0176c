"""Reads the settings: YAML file, then environment, into one validated, frozen model.

From `conf/<name>.yaml` (or the file in WEB_ANALYTICS_CONFIG) and WEB_ANALYTICS_* variables
(`__` between levels) to `settings.model.Settings`; every failure is a `SettingsError`.
"""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import EnvSettingsSource
from pydantic_settings import SettingsError as UndecodableError

from settings.masking import mask_secrets, show_value
from settings.model import Settings

ENV_PREFIX = "WEB_ANALYTICS_"
CONFIG_VARIABLE = "WEB_ANALYTICS_CONFIG"
CONF_DIR = Path(__file__).resolve().parent.parent / "conf"
# Variables that name a place, a process or a caller's key rather than a setting.
_NOT_SETTINGS = {
    CONFIG_VARIABLE,
    "WEB_ANALYTICS_API_KEY",
    "WEB_ANALYTICS_CACHE_DIR",
    "WEB_ANALYTICS_READY_FILE",
}


class SettingsError(Exception):
    """A setting is unknown or invalid; the message names the key, its place and the remedy."""


def load_settings(path: str | Path | None = None, **overrides: Any) -> Settings:
    """Load the settings in force.

    `path` defaults to WEB_ANALYTICS_CONFIG, else `conf/local.yaml`. `overrides` are top-level keys
    that a command line option sets; they win over environment and file.
    Raises SettingsError.
    """
    file = settings_file(path)
    from_file = _read_yaml(file)
    from_env = _read_environment()
    merged = _merge(_merge(from_file, from_env), overrides)
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise SettingsError(_explain(error, file, from_env)) from None


def settings_file(path: str | Path | None = None) -> Path:
    """The file that `load_settings(path)` reads."""
    return Path(path or os.environ.get(CONFIG_VARIABLE) or CONF_DIR / "local.yaml")


def list_variables() -> list[str]:
    """The environment variables that set something, by name."""
    prefixed = (name for name in os.environ if name.upper().startswith(ENV_PREFIX))
    return sorted(name for name in prefixed if name not in _NOT_SETTINGS)


def show_settings(settings: Settings) -> dict[str, Any]:
    """The settings in force as plain data, secrets masked."""
    shown: dict[str, Any] = mask_secrets(settings.model_dump(mode="json"))
    return shown


def lake_root(settings: Settings) -> str:
    """Hadoop URI of the lake, without a slash at its end."""
    return (settings.lake.root or _local_uri(settings, "lake")).rstrip("/")


def checkpoint_root(settings: Settings) -> str:
    """Hadoop URI of the checkpoints, without a slash at its end."""
    return (settings.lake.checkpoints or _local_uri(settings, "checkpoints")).rstrip("/")


def reveal(secret: SecretStr) -> str:
    """The plain text of a secret: every place that needs one is found by this name."""
    return secret.get_secret_value()


def _local_uri(settings: Settings, folder: str) -> str:
    # Hadoop takes a path as it is, so nothing is percent-encoded here.
    return f"file://{Path(settings.data_dir).expanduser().resolve() / folder}"


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(
            f"cannot read the settings file {file}: {reason}. "
            f"Name one with {CONFIG_VARIABLE} or --config."
        ) from error
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        # Its own text quotes the line, which may hold a secret.
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "unreadable"
        raise SettingsError(f"{file}{place} is not valid YAML: {reason}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"{file} must hold a mapping of settings, not {type(content).__name__}")
    return content


def _read_environment() -> dict[str, Any]:
    # The source is made for the real model, so that dict and tuple settings decode from JSON.
    source = EnvSettingsSource(
        Settings,  # type: ignore[arg-type]  # it reads only model_fields, which any model has
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        case_sensitive=False,
    )
    known = {f"{ENV_PREFIX}{name}".upper() for name in Settings.model_fields}
    for variable in list_variables():
        if variable.upper().split("__")[0] not in known:
            key = variable[len(ENV_PREFIX) :].lower().replace("__", ".")
            raise SettingsError(f"environment: {_unknown(key, variable)}")
    try:
        values: dict[str, Any] = source()
    except UndecodableError as error:
        raise SettingsError(_explain_undecodable(error)) from None
    return values


def _explain_undecodable(error: UndecodableError) -> str:
    # The error names the top-level field only, and its cause quotes the value: maybe a secret.
    named = re.search(r'field "(\w+)"', str(error))
    prefix = f"{ENV_PREFIX}{named.group(1) if named else ''}".upper()
    variables = [name for name in list_variables() if name.upper().startswith(prefix)]
    return (
        f"environment: one of {', '.join(variables)} is not valid JSON. "
        """Lists and mappings are written as JSON, like '["a", "b"]' or '{"key": "value"}'."""
    )


def _merge(lower: dict[str, Any], upper: dict[str, Any]) -> dict[str, Any]:
    merged = dict(lower)
    for key, value in upper.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def _explain(error: ValidationError, file: Path, from_env: dict[str, Any]) -> str:
    lines = []
    for detail in error.errors():
        key = ".".join(str(part) for part in detail["loc"])
        place = "environment" if _holds(from_env, detail["loc"]) else str(file)
        if detail["type"] == "extra_forbidden":
            lines.append(f"{place}: {_unknown(key, key)}")
        else:
            value = show_value(key, detail["input"])
            is_section = detail["type"] in ("model_type", "dict_type")
            shown = f"({type(detail['input']).__name__})" if is_section else value
            lines.append(f"{place}: {key} = {shown}: {detail['msg']}")
    return "\n".join(lines)


def _unknown(key: str, spelled: str) -> str:
    nearest = difflib.get_close_matches(key, _keys(Settings), n=1, cutoff=0.5)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else " See settings/model.py for all keys."
    return f"unknown setting {spelled!r}.{hint}"


def _holds(values: dict[str, Any], location: tuple[int | str, ...]) -> bool:
    node: Any = values
    for part in location:
        if isinstance(node, list | tuple):
            return True  # a list is never merged: all of it comes from one place
        if not isinstance(node, dict) or part not in node:
            return False
        node = node[part]
    return True


def _keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, field in model.model_fields.items():
        keys.append(prefix + name)
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys.extend(_keys(kind, f"{prefix}{name}."))
    return keys
