"""The language a browser asks for, as SQL: from `de-DE,de;q=0.9` or `EN_us` to `de-DE`, `en-US`.

Language, script and region in the spelling of BCP 47; variants and extensions are left out.
"""

from __future__ import annotations

_CANONICAL = "^[a-z]{2}(-[A-Z]{2})?$"
_TAG = (
    "^ *([A-Za-z]{2,3})"  # language
    "(?:[-_]([A-Za-z]{4})(?![A-Za-z0-9]))?"  # script
    "(?:[-_]([A-Za-z]{2}|[0-9]{3})(?![A-Za-z0-9]))?"  # region
    "(?![A-Za-z0-9])"
)


def parse_language(language: str) -> str:
    """SQL of the first language in the text; null where it starts with none."""
    parts = {1: "lower", 2: "initcap", 3: "upper"}
    tag = ", ".join(
        f"nullif({change}(regexp_extract({language}, '{_TAG}', {group})), '')"
        for group, change in parts.items()
    )
    # Most browsers send the canonical form: one look spares them three regular expressions.
    # The length, because `$` lets a line's end pass.
    return (
        f"CASE WHEN length({language}) IN (2, 5) AND {language} RLIKE '{_CANONICAL}' "
        f"THEN {language} "
        f"ELSE nullif(concat_ws('-', {tag}), '') END"
    )
