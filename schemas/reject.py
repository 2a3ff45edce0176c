"""Why a record is rejected: the closed set of reasons a dead letter can carry."""

from __future__ import annotations

from enum import StrEnum


class RejectReason(StrEnum):
    """The value of `bronze.dead_letters.reason`, in order of precedence."""

    TOMBSTONE = "tombstone"  # a Kafka record without a value
    EMPTY = "empty"  # nothing, or only white space
    TOO_LARGE = "too_large"  # more bytes than an event may have
    NOT_UTF8 = "not_utf8"
    BYTE_ORDER_MARK = "byte_order_mark"  # JSON text must not begin with one (RFC 8259, 8.1)
    TOO_DEEP = "too_deep"  # nested beyond what the parser follows
    NOT_JSON = "not_json"  # does not parse; NaN and Infinity are not JSON either
    NOT_AN_OBJECT = "not_an_object"  # JSON, but an array, a string, a number, true, false or null
    DUPLICATE_KEY = "duplicate_key"  # one key twice: no telling which value was meant
    MISSING_FIELD = "missing_field"
    UNKNOWN_EVENT_TYPE = "unknown_event_type"
    INVALID_LENGTH = "invalid_length"  # an identifier longer than 128 characters
    INVALID_TIMESTAMP = "invalid_timestamp"
    INVALID_URL = "invalid_url"  # scheme or host of `page_url` cannot be read
    INVALID_NUMBER = "invalid_number"  # not a number, not finite, or outside its range


class DuplicateTier(StrEnum):
    """How a duplicate was recognised: `silver.duplicates.tier`."""

    STATE = "state"  # by the stream's own state: the copy came soon after
    HISTORY = "history"  # by a look into silver.events: the copy came later
