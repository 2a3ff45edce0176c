"""Poison by form: records that are no JSON object, in every way we could think of."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

from schemas.event import MAX_EVENT_BYTES, MAX_NESTING
from schemas.reject import RejectReason as R
from tests.streaming.poison_shape import SAMPLE, TEXT, Poison, make_text, put


def make_malformed() -> Iterator[Poison]:
    """Every record of this file."""
    yield from _make_empty()
    yield from _make_oversized()
    yield from _make_undecodable()
    yield from _make_truncated()
    yield from _make_deep()
    yield from _make_broken()
    yield from _make_non_objects()
    yield from _make_duplicate_keys()


def _make_empty() -> Iterator[Poison]:
    yield Poison("tombstone", None, R.TOMBSTONE)
    for number, value in enumerate(
        (b"", b" ", b"\n", b"\r\n", b"\t", b" \t\r\n" * 50, b"\n" * 5000)
    ):
        yield Poison(f"empty {number}", value, R.EMPTY)


def _make_oversized() -> Iterator[Poison]:
    yield Poison("1 byte too large", TEXT.ljust(MAX_EVENT_BYTES + 1), R.TOO_LARGE)
    title = "é" * (MAX_EVENT_BYTES // 2)
    text = json.dumps({**SAMPLE, "page_title": title}, ensure_ascii=False).encode()
    yield Poison("too large in bytes, not in characters", text, R.TOO_LARGE)
    yield Poison("blank and too large", b" " * (MAX_EVENT_BYTES + 1), R.TOO_LARGE)
    yield Poison("no UTF-8 and too large", b"\xff" * (MAX_EVENT_BYTES + 1), R.TOO_LARGE)
    yield Poison("greatest size, broken", b"{" + b"a" * (MAX_EVENT_BYTES - 1), R.NOT_JSON)


def _make_undecodable() -> Iterator[Poison]:
    sequences = (
        "80 bf c0 c0af c1bf c328 e08080 e0809f e28228 e282 eda080 edbfbf f0808080 f0288cbc f09f98 "
        "f4908080 f5808080 f8888080 fc84808080 fe ff e9 fffe feff"
    )
    for sequence in sequences.split():
        bad = bytes.fromhex(sequence)
        yield Poison(f"{sequence} in a value", put("page_title", b'"a' + bad + b'"'), R.NOT_UTF8)
        key = make_text(zip=1).replace(b'"zip"', b'"' + bad + b'"')
        yield Poison(f"{sequence} in a key", key, R.NOT_UTF8)
        yield Poison(f"{sequence} behind", make_text() + bad, R.NOT_UTF8)
    text = TEXT.decode()
    for encoding in ("utf-16", "utf-32", "cp1252", "gbk", "shift_jis", "koi8-r"):
        value = text.encode(encoding, "ignore")
        if encoding == "koi8-r":
            value = text.replace("Größe", "Размер").encode(encoding, "ignore")
        yield Poison(f"in {encoding}", value, R.NOT_UTF8)
    for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        yield Poison(f"in {encoding}, ASCII", make_text().decode().encode(encoding), R.NOT_JSON)
    yield Poison("gzip", gzip.compress(TEXT, mtime=0), R.NOT_UTF8)
    mark = b"\xef\xbb\xbf"
    marked = {
        "event": TEXT,
        "nothing": b"",
        "array": b"[]",
        "second mark": mark + TEXT,
        "word": b"x",
    }
    for name, value in marked.items():
        yield Poison(f"byte order mark before {name}", mark + value, R.BYTE_ORDER_MARK)
    yield Poison("byte order mark behind", TEXT + mark, R.NOT_JSON)
    yield Poison("space and byte order mark", b" " + mark + TEXT, R.NOT_JSON)


def _make_truncated() -> Iterator[Poison]:
    """The sample cut behind each of its bytes, and with each of its ends."""
    for size in range(1, len(TEXT)):
        value = TEXT[:size]
        is_text = value.decode("utf-8", "ignore").encode() == value
        yield Poison(f"cut at {size}", value, R.NOT_JSON if is_text else R.NOT_UTF8)
    for size in range(1, len(TEXT), 16):
        value = TEXT[size:]
        is_text = value.decode("utf-8", "ignore").encode() == value
        yield Poison(f"without the first {size}", value, R.NOT_JSON if is_text else R.NOT_UTF8)


def _make_deep() -> Iterator[Poison]:
    for levels in (MAX_NESTING, MAX_NESTING + 1, 1024, 2000, 20_000):
        nests = {
            "arrays": (b"[" * levels, b"]" * levels),
            "objects": (b'{"a":' * levels, b"}" * levels),
            "both": (b'[{"a":' * (levels // 2 + 1), b"}]" * (levels // 2 + 1)),
        }
        for name, (opening, closing) in nests.items():
            nest = opening + b"1" + closing
            # A record that ends with its first brace is spared the check that takes a level.
            if name == "arrays" and levels == MAX_NESTING:
                continue
            for field in ("properties", "event_id", "unknown"):
                yield Poison(f"{levels} {name} in {field}", put(field, nest), R.TOO_DEEP)
            if levels > MAX_NESTING:
                yield Poison(f"{levels} {name} alone", nest, R.TOO_DEEP)
                yield Poison(f"{levels} {name} unclosed", b'{"a":' + opening, R.TOO_DEEP)


def _make_broken() -> Iterator[Poison]:
    literals = (
        b"NaN", b"nan", b"Infinity", b"-Infinity", b"+Infinity", b"INF", b"-NaN", b"undefined",
        b"None", b"True", b"FALSE", b"NULL", b"nil", b"+1", b"007", b"00", b"-01", b"0x10", b".5",
        b"5.", b"1e", b"1e+", b"1.e3", b"--1", b"1_000", b"1,5", b"12f", b"0b1", b"0o7", b"-",
        b"1" * 1001, b"'x'", b"`x`", b'"a\tb"', b'"a\nb"', b'"a\x00b"', b'"a\x1fb"', b'"\\q"',
        b'"\\u12"', b'"\\u{1F600}"', b'"\\x41"', b'"\\\n"', b'"a""b"', b'"a" "b"', b"[1,]",
        b"[,1]",
        b"[1 2]", b"[1", b"1]", b"{,}", b'{"a"}', b'{"a":}', b'{"a" 1}', b"{1:2}", b'{"a":1,}',
        b"{a:1}", b"new Date()", b"function(){}", b"/re/", b"1/*c*/", b"1//c", b"1#c", b"<x/>",
        b"",
        b"\xc2\xa01", b"\xe2\x80\x9cx\xe2\x80\x9d", b"...", b"$ref", b"@", b"(1)", b"1;",
        b"\\u0031",
    )  # fmt: skip
    for literal in literals:
        name = literal[:20].decode()
        yield Poison(f"value {name!r} unknown", put("unknown", literal), R.NOT_JSON)
        yield Poison(f"value {name!r} declared", put("value", literal), R.NOT_JSON)
    event = make_text()
    whole = {
        "word": b"hello", "form": b"event_id=1&event_type=click", "XML": b"<event id='1'/>",
        "CSV": b"1,click,2024-05-14", "YAML": b"event_id: 1\nevent_type: click\n",
        "log line": b'1.2.3.4 - - [14/May/2024:12:00:00 +0000] "GET / HTTP/1.1" 200 1',
        "Confluent frame": b"\x00\x00\x00\x00\x07" + event, "NUL before": b"\x00" + event,
        "NUL behind": event + b"\x00", "only NUL": b"\x00" * 8,
        "form feed before": b"\x0c" + event,
        "no-break space before": b"\xc2\xa0" + event, "no-break space": b"\xc2\xa0",
        "comment before": b"/* a */" + event, "line comment before": b"// a\n" + event,
        "comment behind": event + b"/* a */", "hash comment behind": event + b"# a",
        "XSSI prefix": b")]}',\n" + event, "JSONP": b"cb(" + event + b")",
        "semicolon": event + b";",
        "comma behind": event + b",", "brace behind": event + b"}",
        "bracket behind": event + b"]",
        "word behind": event + b"x", "number behind": event + b" 1",
        "string behind": event + b'""',
        "two objects": event + event, "two with a space": event + b" " + event,
        "two lines": event + b"\n" + event, "two with a comma": event + b"," + event,
        "record separator": b"\x1e" + event, "empty object behind": event + b"{}",
        "brace missing before": event[1:], "double brace": b"{" + event + b"}", "open": b"{",
        "closed": b"}", "colon": b":", "quote": b'"', "open array": b"[" + event,
        "array with a word behind": b"[" + event + b"]x",
        "escaped quotes": event.replace(b'"', b'\\"'),
        "single quotes": event.replace(b'"', b"'"), "keys without quotes": b'{event_id:"1"}',
        "semicolons between": event.replace(b", ", b"; "), "equals": event.replace(b": ", b"= "),
        "no commas": event.replace(b", ", b" "), "arrows": event.replace(b": ", b" => "),
        "trailing comma": event[:-1] + b",}", "leading comma": b"{," + event[1:],
        "percent-encoded": event.replace(b'"', b"%22"), "base64": b"eyJldmVudF9pZCI6IjEifQ==",
    }  # fmt: skip
    for name, value in whole.items():
        yield Poison(f"text: {name}", value, R.NOT_JSON)


def _make_non_objects() -> Iterator[Poison]:
    inner = make_text()
    values = (
        b"null", b"true", b"false", b"0", b"-0", b"12.5", b"1e400", b"1715688000000",
        b'""', b'" "',
        b'"event"', b'"\\u0000"', b"[]", b"[[]]", b"[null]", b"[1,2]", b"[" + inner + b"]",
        b"[" + inner + b"," + inner + b"]", b" [{}] \n", b'[{"a":1,"a":2}]', b"[1e400]",
        json.dumps(inner.decode()).encode(), json.dumps(json.dumps(inner.decode())).encode(),
        b"[" * 900 + b"]" * 900,
    )  # fmt: skip
    for number, value in enumerate(values):
        name = value[:20].decode()
        yield Poison(f"no object {number}: {name!r}", value, R.NOT_AN_OBJECT)


def _make_duplicate_keys() -> Iterator[Poison]:
    for name in (*SAMPLE, "unknown", ""):
        key = json.dumps(name)
        twice = f"{{{key}:1,{key}:2}}".encode()
        yield Poison(f"{name!r} twice and no more", twice, R.DUPLICATE_KEY)
        added = f'{key}:"a",{key}:"a",'.encode()
        text = b"{" + added + make_text(**{name: None} if name else {})[1:]
        yield Poison(f"{name!r} twice, the same", text, R.DUPLICATE_KEY)
    yield Poison("escaped twin", b'{"event\\u005fid":"1",' + make_text()[1:], R.DUPLICATE_KEY)
    yield Poison("null and a value", b'{"event_id":null,' + make_text()[1:], R.DUPLICATE_KEY)
    yield Poison("1,000 times", b"{" + b'"a":1,' * 1000 + make_text()[1:], R.DUPLICATE_KEY)
