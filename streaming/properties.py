"""Unknown fields: from a record's text into the JSON object of its `properties`, as one expression.

An unknown field keeps its name, or becomes `event.<name>` where the client's own `properties` have
that name already; `properties` that is no object goes under the key `properties`. A record of very
many fields keeps its unknown ones as text, in one object of the key `event.`. Pure.
"""

from __future__ import annotations

from schemas.event import EVENT_FIELDS, JSON_OPTIONS

PREFIX = "event."
# Each unknown field costs a search of the whole record, so there must not be thousands in one.
MAX_FIELDS = 128
_DECLARED = ", ".join(f"'{name}'" for name in EVENT_FIELDS)
_OPTIONS = ", ".join(
    f"'{name}', '{value}'" for name, value in JSON_OPTIONS.items() if name.startswith("allow")
)


def merge_unknown_fields(text: str, keys: str, properties: str) -> str:
    """SQL of `properties` with the record's unknown top-level fields in it.

    text: column of the record's text, a JSON object; keys: column of `json_object_keys(text)`;
    properties: column of the field as text. The result is a JSON object, or null where there is
    nothing to keep. A record without unknown fields costs a look at its keys.
    """
    own = _entry(text, "'properties'", "'properties'", properties)
    alone = (
        f"CASE WHEN {properties} IS NULL OR {_is_object(properties)} THEN {properties} "
        f"ELSE concat('{{', {own}, '}}') END"
    )
    return (
        f"CASE WHEN coalesce(exists({keys}, k -> k NOT IN ({_DECLARED})), false) "
        f"THEN coalesce({_merged(text, keys, properties)}, {alone}) ELSE {alone} END"
    )


def _merged(text: str, keys: str, properties: str) -> str:
    """SQL of the object: what the client's object holds first, as sent, then the unknown fields."""
    # Not a variant: Spark builds it by recursion, and 1,000 levels of nesting end the process.
    sent = f"from_json({text}, 'map<string,string>', map({_OPTIONS}))"
    own = _entry(text, "'properties'", "'properties'", properties)
    first = (
        f"CASE WHEN {properties} IS NULL THEN array() "
        f"WHEN NOT {_is_object(properties)} THEN array({own}) "
        f"ELSE array_compact(array(nullif({_inside(properties)}, ''))) END"
    )
    in_one = f"to_json(map_filter({sent}, (k, v) -> k NOT IN ({_DECLARED})))"
    members = (
        f"CASE WHEN size({keys}) > {MAX_FIELDS} THEN array(concat('\"{PREFIX}\":', {in_one})) "
        f"ELSE {_members(text, keys, properties, f'map_entries({sent})')} END"
    )
    return f"concat('{{', array_join(concat({first}, {members}), ','), '}}')"


def _members(text: str, keys: str, properties: str, entries: str) -> str:
    """SQL of the unknown fields, each as a member of a JSON object."""
    name = f"CASE WHEN array_contains(taken, e.key) THEN concat('{PREFIX}', e.key) ELSE e.key END"
    # The prefixed name may be taken as well; then the field stays in the raw record only.
    is_kept = (
        f"e.key NOT IN ({_DECLARED}) AND (NOT array_contains(taken, e.key) "
        f"OR NOT array_contains(concat(taken, {keys}), concat('{PREFIX}', e.key)))"
    )
    member = _entry(text, "e.key", name, "e.value")
    kept = f"transform(filter({entries}, e -> {is_kept}), e -> {member})"
    # A list of one, so that the client's names are read once and not for each field.
    return (
        f"transform(array(coalesce(json_object_keys({properties}), array())), taken -> {kept})[0]"
    )


def _entry(text: str, key: str, name: str, value: str) -> str:
    """SQL of one member of a JSON object: the record's field `key`, under a name."""
    start = f"concat({_quote(key)}, ':"
    # Text that looks like JSON is told from JSON by the quote behind its key.
    is_text = f"(contains({text}, {start}\"')) OR contains({text}, {start} \"')))"
    is_unquoted = f"NOT {is_text} AND {_is_json(value, 'array<string>', ('[', ']'))}"
    return (
        f"concat({_quote(name)}, ':', CASE WHEN {value} IS NULL THEN 'null' "
        f"WHEN {is_unquoted} THEN {value} ELSE {_quote(value)} END)"
    )


def _quote(value: str) -> str:
    """SQL of a text as JSON string."""
    return f"substring(to_json(array({value})), 2, length(to_json(array({value}))) - 2)"


def _inside(value: str) -> str:
    """SQL of what stands between the braces of an object's text."""
    trimmed = f"trim(BOTH ' \\t\\n\\r' FROM {value})"
    return f"trim(BOTH ' \\t\\n\\r' FROM substring({trimmed}, 2, length({trimmed}) - 2))"


def _is_object(value: str) -> str:
    return _is_json(value, "map<string,string>", ("", ""))


def _is_json(value: str, schema: str, around: tuple[str, str]) -> str:
    """SQL: the text is one JSON value that fits, strictly, and nothing behind it."""
    # The first parser is strict, but stops behind the value; the second is lenient to the end.
    inner = value if around == ("", "") else f"concat('{around[0]}', {value}, '{around[1]}')"
    return (
        f"(from_json({inner}, '{schema}', map({_OPTIONS})) IS NOT NULL "
        f"AND coalesce(json_array_length(concat('[', {value}, ',0]')) = 2, false))"
    )
