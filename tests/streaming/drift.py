"""What becomes of a record when a client changes: the cells of docs/drift.md, as cases.

`sent` changes a valid page view; `kept` is what Silver then has, `reason` why it is a dead letter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from schemas.reject import RejectReason as R
from tests.streaming.poison_shape import make_text


@dataclass(frozen=True)
class Drift:
    """One change of a client: its JSON text, and what it becomes."""

    kind: str
    sent: str  # JSON members, as they are put into the record
    becomes: str
    kept: dict[str, Any] = field(default_factory=dict)
    reason: R | None = None
    event_type: str = "page_view"
    without: str = ""  # a field that the client no longer sends

    @property
    def text(self) -> bytes:
        """The record."""
        base = json.loads(make_text(self.event_type))
        for name in (*json.loads("{" + self.sent + "}"), self.without):
            base.pop(name, None)
        members = json.dumps(base)[1:-1]
        return ("{" + ", ".join(filter(None, (members, self.sent))) + "}").encode()


def _dead(kind: str, sent: str, reason: R, **more: Any) -> Drift:
    return Drift(kind, sent, f"dead letter: `{reason}`", reason=reason, **more)


def _kept(kind: str, sent: str, becomes: str, **kept: Any) -> Drift:
    return Drift(kind, sent, becomes, kept)


def _name(name: str, kind: str, event_type: str = "page_view") -> Drift:
    return _dead(kind, "", R.MISSING_FIELD, event_type=event_type, without=name)


FIELDS = (
    _kept("new field", '"ab_test": "B"', "into `properties`", properties={"ab_test": "B"}),
    _kept("new field, a number", '"price": 1.5', "keeps its type", properties={"price": 1.5}),
    _kept("new field, number as text", '"app": "1.10"', "stays text", properties={"app": "1.10"}),
    _kept("new field, a boolean", '"beta": true', "keeps its type", properties={"beta": True}),
    _kept("new field, null", '"beta": null', "null", properties={"beta": None}),
    _kept("new field, an object", '"cart": {"n": [1]}', "as JSON", properties={"cart": {"n": [1]}}),
    _kept(
        "new field, JSON as text",
        '"cart": "{\\"n\\":1}"',
        "stays text",
        properties={"cart": '{"n":1}'},
    ),
    _kept(
        "new field beside `properties`",
        '"plan": "a", "properties": {"b": 1}',
        "into the client's object",
        properties={"b": 1, "plan": "a"},
    ),
    _kept(
        "new field that `properties` has",
        '"plan": "a", "properties": {"plan": "b"}',
        "as `event.plan`; the client's own keeps its name",
        properties={"plan": "b", "event.plan": "a"},
    ),
    _kept(
        "new field, `event.` name taken too",
        '"plan": "a", "properties": {"plan": "b", "event.plan": 1}',
        "only in Bronze's raw record",
        properties={"plan": "b", "event.plan": 1},
    ),
    _kept(
        "renamed optional field",
        '"pageTitle": "Home"',
        "`page_title` null; the new name in `properties`",
        page_title=None,
        properties={"pageTitle": "Home"},
    ),
    _kept(
        "wrong case of an optional name",
        '"Page_Title": "Home"',
        "another field: into `properties`",
        page_title=None,
        properties={"Page_Title": "Home"},
    ),
    _kept("optional field missing", "", "null", page_title=None, properties=None),
    _kept("optional field null", '"page_title": null', "as if missing", page_title=None),
    _kept("optional text empty", '"page_title": ""', "kept empty", page_title=""),
    _kept("`site_id` empty", '"site_id": ""', "`default`", site_id="default"),
    _kept(
        "`anonymous_id` missing, `user_id` there",
        '"anonymous_id": null, "user_id": "u"',
        "`user_id` names the visitor",
        visitor_id="u",
    ),
    _dead("required field renamed", '"event_id": null, "eventId": "1"', R.MISSING_FIELD),
    _dead("wrong case of a required name", '"event_id": null, "Event_Id": "1"', R.MISSING_FIELD),
    *(
        _name(name, f"`{name}` missing")
        for name in ("event_id", "event_type", "event_timestamp", "anonymous_id", "page_url")
    ),
    _name("scroll_depth_percent", "`scroll` without `scroll_depth_percent`", "scroll"),
    _name("form_id", "`form_submit` without `form_id`, `form_name`", "form_submit"),
    _name("video_id", "`video_play` without `video_id`", "video_play"),
    _name("event_name", "`custom_event` without `event_name`", "custom_event"),
    _dead("required field null", '"event_id": null', R.MISSING_FIELD),
    _dead("required field empty", '"event_id": ""', R.MISSING_FIELD),
    _dead("new `event_type`", '"event_type": "purchase"', R.UNKNOWN_EVENT_TYPE),
    _dead("`event_type` in capitals", '"event_type": "PAGE_VIEW"', R.UNKNOWN_EVENT_TYPE),
    _dead("`event_type` as a list", '"event_type": ["page_view"]', R.UNKNOWN_EVENT_TYPE),
    _dead("identifier of 129 characters", '"user_id": "' + "u" * 129 + '"', R.INVALID_LENGTH),
    _kept("unknown `schema_version`", '"schema_version": "99"', "kept", schema_version="99"),
    _kept("`schema_version` as a number", '"schema_version": 2', "text", schema_version="2"),
    _kept("one key twice inside", '"properties": {"a": 1, "a": 2}', "as sent"),
    _kept("field of another type of event", '"video_id": "v"', "kept", video_id="v"),
)

TYPES = (
    _kept("text -> number", '"page_title": 12', "text", page_title="12"),
    _kept("text -> boolean", '"page_title": true', "text", page_title="true"),
    _kept("text -> object", '"page_title": {"en": "x"}', "JSON text", page_title='{"en":"x"}'),
    _kept("text -> list", '"page_title": ["a"]', "JSON text", page_title='["a"]'),
    _kept("identifier -> number", '"event_id": 12', "text", event_id="12"),
    _kept("number -> text", '"value": "12.5"', "read", value=12.5),
    _kept("number -> text with spaces", '"value": " 12.5 "', "read", value=12.5),
    _kept("number -> text with exponent", '"value": "1.25e1"', "read", value=12.5),
    _kept("number -> null", '"value": null', "as if missing", value=None),
    _dead("number -> text with a comma", '"value": "12,5"', R.INVALID_NUMBER),
    _dead("number -> text with a unit", '"load_time_ms": "12 ms"', R.INVALID_NUMBER),
    _dead("number -> empty text", '"value": ""', R.INVALID_NUMBER),
    _dead("number -> boolean", '"value": true', R.INVALID_NUMBER),
    _dead("number -> object", '"value": {"amount": 1}', R.INVALID_NUMBER),
    _dead("number -> list", '"value": [1]', R.INVALID_NUMBER),
    _dead("number too great for a double", '"value": 1e400', R.INVALID_NUMBER),
    _dead("number below its range", '"cls": -1', R.INVALID_NUMBER),
    _dead("number above its range", '"scroll_depth_percent": 101', R.INVALID_NUMBER),
    _kept("integer -> text", '"x": "12"', "read", x=12),
    _kept("integer -> fraction", '"x": 12.7', "cut to 12", x=12),
    _kept("integer -> negative fraction", '"x": -12.7', "cut to -12", x=-12),
    _kept("integer -> words", '"x": "left"', "null", x=None),
    _kept("integer -> object", '"x": {"px": 1}', "null", x=None),
    _kept("integer -> list", '"x": [1]', "null", x=None),
    _kept("integer -> boolean", '"x": true', "null", x=None),
    _kept("integer beyond 32 bits", '"x": 3000000000', "null", x=None),
    *(
        _kept(
            f"boolean -> `{text}`",
            f'"form_success": {text}',
            str(value).lower(),
            form_success=value,
        )
        for text, value in (
            ('"true"', True),
            ('"FALSE"', False),
            ("1", True),
            ("0", False),
            ('"yes"', True),
            ('"n"', False),
            ("null", None),
            ('""', None),
            ('"perhaps"', None),
            ("2", None),
            ("[true]", None),
            ('{"is": true}', None),
        )  # fmt: skip
    ),
    *(
        _kept(f"`properties` -> {kind}", f'"properties": {text}', becomes, properties=properties)
        for kind, text, becomes, properties in (
            ("text", '"x"', "text of its key `properties`", {"properties": "x"}),
            ("number", "12", "number of its key `properties`", {"properties": 12}),
            ("list", "[1]", "list of its key `properties`", {"properties": [1]}),
            ("broken JSON", '"{a"', "text of its key `properties`", {"properties": "{a"}),
            ("an object as text", '"{\\"a\\":1}"', "read as that object", {"a": 1}),
        )
    ),
    _kept("`properties` -> null", '"properties": null', "null", properties=None),
)

_AT_NOON = "2024-05-14T12:00:00"
_GOOD_TIMES = (
    1715688000000, "1715688000000", "2024-05-14T12:00:00Z", "2024-05-14t12:00:00z",
    "2024-05-14 12:00Z",
    "2024-05-14T12:00:00.000000000Z", "2024-05-14T14:00:00+02:00", "2024-05-14T14:00:00+0200",
    "2024-05-14T14:00:00+02", "2024-05-14T06:30-05:30",
)  # fmt: skip
_BAD_TIMES = (
    "2024-05-14T12:00:00", "2024-05-14", "14/05/2024 12:00", "Tue, 14 May 2024 12:00:00 GMT",
    "2024-13-01T00:00:00Z", "10000-01-01T00:00:00Z", "1715688000.123", 1715688000000.5, "1e12",
    True,
    [1715688000000], {"seconds": 1715688000},
)  # fmt: skip
TIMES = (
    *(
        _kept(
            "time that is understood",
            f'"event_timestamp": {json.dumps(time)}',
            "read",
            client_time=_AT_NOON,
        )
        for time in _GOOD_TIMES
    ),
    _kept(
        "epoch seconds for milliseconds",
        '"event_timestamp": 1715688000',
        "January 1970",
        client_time="1970-01-20T20:34:48",
    ),
    *(
        _dead("time that is not", f'"event_timestamp": {json.dumps(time)}', R.INVALID_TIMESTAMP)
        for time in _BAD_TIMES
    ),
    _dead("`sent_timestamp` that is not", '"sent_timestamp": "soon"', R.INVALID_TIMESTAMP),
    _kept("`sent_timestamp` empty", '"sent_timestamp": ""', "as if missing"),
)


def all_drifts() -> Iterator[Drift]:
    """Every cell, in the order of the page."""
    yield from (*FIELDS, *TYPES, *TIMES)


def render_matrix(drifts: tuple[Drift, ...]) -> str:
    """One table of docs/drift.md."""
    lines = ["| change | sent | becomes |", "|---|---|---|"]
    for drift in drifts:
        sent = drift.sent if len(drift.sent) <= 80 else drift.sent[:40] + '..."'
        cells = (drift.kind, f"`{sent}`" if sent else "", drift.becomes)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
