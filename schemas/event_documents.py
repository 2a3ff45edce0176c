"""What is published of the event models: the JSON Schema and the table of fields, as text.

From `schemas/event_models.py` to docs/event.schema.json and docs/events.md, which a test keeps
current.
"""

from __future__ import annotations

import json
from typing import Any

from schemas.event import REQUIRED_ALWAYS, REQUIRED_BY_TYPE
from schemas.event_fields import Kind
from schemas.event_models import EVENT_MODELS, EventFields

_TITLE = "Web analytics event"
_HELP = (
    "One Kafka record value of topic topic_web_events: a UTF-8 JSON object of at most 1 MiB. This "
    "is what to send; docs/drift.md says what else is understood. Unknown fields are kept."
)
_TYPE_NAMES = {
    "identifier": "string, 1-128",
    "text": "string",
    "object": "object",
    "time": "ISO-8601 with offset, or integer epoch ms",
    "integer": "integer",
    "boolean": "boolean",
}


def make_json_schema() -> dict[str, Any]:
    """The JSON Schema of an event: what is common to all types once, then what each type adds."""
    common = EventFields.model_json_schema()
    common["properties"] = _plain(common["properties"])
    del common["properties"]["event_type"]
    common["required"].append("event_type")
    types = [_strip_common(model.model_json_schema(), common) for model in EVENT_MODELS]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": _TITLE,
        "description": _HELP,
        "allOf": [{"$ref": "#/$defs/EventFields"}],
        "oneOf": [{"$ref": f"#/$defs/{schema['title']}"} for schema in types],
        "$defs": {schema["title"]: schema for schema in (common, *types)},
    }


def render_json_schema() -> str:
    """The text of docs/event.schema.json."""
    return json.dumps(make_json_schema(), indent=2, ensure_ascii=False) + "\n"


def render_field_table() -> str:
    """The table of docs/events.md: every field with its type, its rule and its meaning."""
    lines = ["| field | type | required | meaning |", "|---|---|---|---|"]
    for name, field in EventFields.model_fields.items():
        cells = (f"`{name}`", _type_of(kind_of(name)), _required_for(name), field.description or "")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def kind_of(name: str) -> Kind:
    """What the field holds."""
    metadata = EventFields.model_fields[name].metadata
    return next(item for item in metadata if isinstance(item, Kind))


def _plain(properties: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The rules without what only repeats the name, and without null for absent."""
    return {
        name: {
            key: value
            for key, value in rule.items()
            if key != "title" and not (key == "default" and value is None)
        }
        for name, rule in properties.items()
    }


def _strip_common(schema: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    """The type's schema without what it has from all events."""
    shared = common["properties"]
    schema["properties"] = {
        name: rule
        for name, rule in _plain(schema["properties"]).items()
        if rule != shared.get(name)
    }
    schema["required"] = [
        name
        for name in schema["required"]
        if name == "event_type" or name not in common["required"]
    ]
    if schema.get("anyOf") == common["anyOf"]:
        del schema["anyOf"]
    return schema


def _type_of(kind: Kind) -> str:
    if kind.name != "number":
        return _TYPE_NAMES[kind.name]
    if kind.high is not None:
        return f"number {kind.low}-{kind.high}"
    return "number" if kind.low is None else f"number >= {kind.low}"


def _required_for(name: str) -> str:
    """When the field must be there; `or` names the fields of which one is enough."""
    rules = [("always", group) for group in REQUIRED_ALWAYS]
    rules += [(f"`{kind}`", group) for kind, groups in REQUIRED_BY_TYPE.items() for group in groups]
    return "; ".join(
        ", or ".join([when, *(f"`{other}`" for other in group if other != name)])
        for when, group in rules
        if name in group
    )
