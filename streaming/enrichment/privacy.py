"""Personal data out of events before they are stored: found in texts, withheld without consent.

From parsed events to the same rows with `[email]`, `[phone]`, `[card]` and `[secret]` in the texts,
and, for those who did not consent, without anything that tells one person from another. Addresses
are cut to their network. Pure; native expressions only. docs/privacy.md says what is decided why.
"""

from __future__ import annotations

from collections.abc import Container

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.privacy import SCANNED_COLUMNS, PiiKind, PrivacyRules
from streaming.enrichment import pii_patterns as patterns

# What could tell a person from another, together or alone; each becomes null without consent.
IDENTIFYING_COLUMNS = (
    "visitor_id",
    "anonymous_id",
    "user_id",
    "session_id",
    "ip_address",
    "user_agent",
    "timezone",
    "screen_width",
    "screen_height",
    "viewport_width",
    "viewport_height",
    "properties",
)
# Click ids and whatever else a query carries goes, the page stays.
_URL_COLUMNS = ("page_url", "referrer", "element_href")
_SECRET = PiiKind.SECRET.placeholder
# Columns between the steps.
_FOUND, _WITHHELD = "_found", "_withheld"
_SIGNALS = ("dnt", "gpc", "global_privacy_control")


def redact_events(events: DataFrame, rules: PrivacyRules | None = None) -> DataFrame:
    """Replace personal data in the texts by its kind, and say which kinds were found.

    events: at least the `SCANNED_COLUMNS`, all string. Returns its columns, those replaced, and
    `pii_flags` (array<string>, sorted `PiiKind`s).
    """
    for columns in redaction_steps(rules or PrivacyRules()):
        events = events.withColumns(columns)
    return events.drop(_FOUND)


def redaction_steps(rules: PrivacyRules) -> tuple[dict[str, Column], ...]:
    """What `redact_events` adds, one `withColumns` after the other; leaves `_found` behind."""
    replaced = {name: F.expr(sql) for name, sql in replace_texts(_FOUND).items()}
    # One step each: on wide rows a projection costs more than what is looked for in it.
    return {_FOUND: F.expr(find_personal_data(rules))}, replaced


def find_personal_data(rules: PrivacyRules) -> str:
    """SQL of struct<texts: array<string>, kinds: array<string>>: the redacted `SCANNED_COLUMNS`.

    Null where nothing in the texts looks like personal data, as in most events.
    """
    # Lambdas over an array of one give a name to what is used twice. Spark does not compile them:
    # so the look at every event stands outside, where Spark joins the texts only once.
    joined = f"concat_ws('\\n', {', '.join(SCANNED_COLUMNS)})"
    redacted = _redact(f"array({', '.join(SCANNED_COLUMNS)})", rules)
    found = f"transform(array({redacted}), a -> struct(a AS texts, {_find_kinds()} AS kinds))[0]"
    closely = f"transform(array({joined}), t -> {found})[0]"
    return f"CASE WHEN {_is_suspect(joined, rules)} THEN {closely} END"


def replace_texts(found: str) -> dict[str, str]:
    """Column -> SQL: the `SCANNED_COLUMNS` and `pii_flags`, from the column `found` made above."""
    columns = {
        name: f"CASE WHEN {found} IS NULL THEN {name} ELSE {found}.texts[{place}] END"
        for place, name in enumerate(SCANNED_COLUMNS)
    }
    return {**columns, "pii_flags": f"coalesce({found}.kinds, CAST(array() AS array<string>))"}


def is_consent_withheld() -> str:
    """SQL: the visitor said no, with the event's own field or a browser's signal sent along."""
    names = "|".join(_SIGNALS)
    schema = ", ".join(f"{name} string" for name in _SIGNALS)
    # Lower case, because clients write DNT as well; JSON's own words and escapes stay valid.
    signals = f"from_json(lower(properties), '{schema}')"
    given = f"transform(array({signals}), s -> array({', '.join(f's.{n}' for n in _SIGNALS)}))[0]"
    return (
        "(coalesce(NOT consent_analytics, false) OR coalesce("
        rf"""CASE WHEN properties RLIKE r'(?i)"(?:{names})"' """
        f"THEN exists({given}, v -> coalesce(v IN ('1', 'true', 'yes'), false)) END, false))"
    )


def withhold_identity(events: DataFrame) -> DataFrame:
    """Take what identifies the visitor from events without consent; the rest is counted.

    events: `silver.events` after every enrichment, or a part of its columns with
    `consent_analytics` (boolean) and `properties`. Returns the same columns: `IDENTIFYING_COLUMNS`
    null, URLs without query and fragment, `consent_analytics` false where it is withheld.
    """
    for columns in withholding_steps(events.columns):
        events = events.withColumns(columns)
    return events.drop(_WITHHELD)


def withholding_steps(names: Container[str]) -> tuple[dict[str, Column], ...]:
    """What `withhold_identity` replaces of these columns; leaves `_withheld` behind."""
    emptied = dict.fromkeys(IDENTIFYING_COLUMNS, "NULL")
    cut = {name: f"regexp_extract({name}, r'^[^?#]*', 0)" for name in _URL_COLUMNS}
    withheld = {**emptied, **cut, "consent_analytics": "false"}
    replaced = {
        name: F.expr(f"CASE WHEN {_WITHHELD} THEN {sql} ELSE {name} END")
        for name, sql in withheld.items()
        if name in names
    }
    return {_WITHHELD: F.expr(is_consent_withheld())}, replaced


def _is_suspect(text: str, rules: PrivacyRules) -> str:
    """A cheap look at all texts together: is there anything for the expressions of `_redact`?"""
    # One look after the other: as one expression they would all be tried at each character.
    looks = (
        _sees(text, (*patterns.AT_SIGNS, *patterns.FORM_SIGNS), patterns.FORM_HINT),
        _sees(text, (), patterns.SEVEN_DIGITS),
        _sees(text, (), patterns.name_hint(rules)),
    )
    return " OR ".join(f"({look})" for look in looks)


def _redact(texts: str, rules: PrivacyRules) -> str:
    """SQL of an array of texts, redacted; the one at the place of `properties` is JSON."""
    # Secrets come first: they may look like the rest. Each step has its own cheap look.
    named = _sees("x", (), patterns.name_hint(rules))
    formed = _sees("x", patterns.FORM_SIGNS, patterns.FORM_HINT)
    steps = (
        f"CASE WHEN {formed} THEN {_redact_forms()} ELSE x END",
        f"CASE WHEN {named} THEN {_redact_parameters(rules)} ELSE x END",
        f"CASE WHEN {named} THEN {_redact_members(rules)} ELSE x END",
        f"CASE WHEN {_sees('x', patterns.AT_SIGNS)} THEN {_redact_emails()} ELSE x END",
        _redact_cards(),
        f"CASE WHEN x RLIKE r'{patterns.SEVEN_DIGITS}' THEN {_redact_phones()} ELSE x END",
        _quote_placeholders(),
    )
    for step in steps:
        texts = f"transform({texts}, (x, i) -> {step})"
    return texts


def _sees(text: str, signs: tuple[str, ...], pattern: str | None = None) -> str:
    looks = [f"contains({text}, '{sign}')" for sign in signs]
    return " OR ".join(looks + ([f"{text} RLIKE r'{pattern}'"] if pattern else []))


def _redact_parameters(rules: PrivacyRules) -> str:
    # In a URL a space is part of the value; in a sentence it ends the URL.
    in_url, in_text = (
        _replace("x", patterns.secret_parameter(rules, value), f"$1{_SECRET}")
        for value in (patterns.VALUE_IN_URL, patterns.VALUE_IN_TEXT)
    )
    return f"CASE WHEN lower(left(x, 4)) = 'http' THEN {in_url} ELSE {in_text} END"


def _redact_members(rules: PrivacyRules) -> str:
    text = _replace("x", patterns.nested_parameter(rules), f"$1{_SECRET}")
    text = _replace(text, patterns.secret_member(rules), f'$1"{_SECRET}"')
    text = _replace(text, patterns.nested_member(rules), f"$1{_SECRET}")
    return _replace(text, patterns.TYPED_PASSWORD, f"$1{_SECRET}")


def _redact_forms() -> str:
    text = _replace("x", patterns.PRIVATE_KEY, _SECRET)
    text = _replace(text, patterns.SECRET_FORM, _SECRET)
    return _replace(text, patterns.BEARER, f"$1{_SECRET}")


def _redact_emails() -> str:
    text = _replace("x", patterns.USER_INFO, f"{_SECRET}@")
    return _replace(text, patterns.EMAIL, PiiKind.EMAIL.placeholder)


def _redact_phones() -> str:
    text = _replace("x", patterns.LABELLED_PHONE, f"$1{PiiKind.PHONE.placeholder}")
    return _replace(text, patterns.PHONE, PiiKind.PHONE.placeholder)


def _replace(text: str, pattern: str, replacement: str) -> str:
    return f"regexp_replace({text}, r'{pattern}', '{replacement}')"


def _redact_cards() -> str:
    """Only digits that a card can have: the text is taken apart at the candidates, each judged."""
    judged = f"transform(array(regexp_replace(m, '%20|[^0-9]', '')), d -> {_judge_card()})[0]"
    found = f"transform(regexp_extract_all(x, r'{patterns.CARD}', 0), m -> {judged})"
    rest = f"split(x, r'{patterns.CARD}', -1)"
    joined = f"array_join(zip_with({rest}, {found}, (a, b) -> concat(a, coalesce(b, ''))), '')"
    return f"CASE WHEN x RLIKE r'{patterns.THIRTEEN_DIGITS}' THEN {joined} ELSE x END"


def _judge_card() -> str:
    # One in ten barcodes of a product (EAN-13) would pass for an old card of 13 digits.
    weight = "IF(i % 2 = 0, 3, 1)"
    total = f"aggregate(sequence(1, 13), 0, (s, i) -> s + int(substring(d, i, 1)) * {weight})"
    return (
        f"IF(d RLIKE r'{patterns.CARD_ISSUER}' AND luhn_check(d) "
        f"AND NOT (length(d) = 13 AND {total} % 10 = 0), '{PiiKind.CARD.placeholder}', m)"
    )


def _quote_placeholders() -> str:
    """JSON stays JSON: a number that was replaced becomes a string."""
    # JSON text holds no raw control character, so one can mark where quotes are missing.
    marked = f"regexp_replace(x, r'{patterns.STRING_OR_PLACEHOLDER}', '$1\\u0001$2\\u0001')"
    quoted = f"replace(replace({marked}, '\\u0001\\u0001', ''), '\\u0001', '\"')"
    place = SCANNED_COLUMNS.index("properties")
    return f"CASE WHEN i = {place} AND x RLIKE r'\\[(?:card|phone)\\]' THEN {quoted} ELSE x END"


def _find_kinds() -> str:
    """A kind was found where the texts have more of its placeholder than before."""
    kinds = ", ".join(f"'{kind}'" for kind in sorted(PiiKind))
    before, after = (
        f"length({text}) - length(replace({text}, concat('[', k, ']'), ''))"
        for text in ("t", "concat_ws('\\n', a)")
    )
    return f"filter(array({kinds}), k -> {after} > {before})"
