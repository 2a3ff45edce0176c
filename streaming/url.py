"""Parts of a URL as SQL, read leniently: real URLs hold bad escapes and odd characters.

`try_parse_url` is a strict parser and gives null for `?width=100%`; these cut at the delimiters of
RFC 3986 and leave everything else as sent.
"""

from __future__ import annotations


def strip_url(url: str) -> str:
    """SQL of host and path: without `http://` or `https://`, query and fragment.

    Null for any other scheme or none.
    """
    rest = (
        f"CASE WHEN lower(left({url}, 7)) = 'http://' THEN substring({url}, 8) "
        f"WHEN lower(left({url}, 8)) = 'https://' THEN substring({url}, 9) END"
    )
    return f"substring_index(substring_index({rest}, '#', 1), '?', 1)"


def host_of(stripped: str) -> str:
    """SQL of a stripped URL's host in lower case, without user and port; null where unreadable."""
    without_user = f"substring_index(substring_index({stripped}, '/', 1), '@', -1)"
    return f"nullif(lower(regexp_replace({without_user}, ':[0-9]*$', '')), '')"


def path_of(stripped: str) -> str:
    """SQL of a stripped URL's path as sent, `/` when empty; null where there is no URL."""
    slash = f"locate('/', {stripped})"
    return f"CASE WHEN {slash} = 0 THEN '/' ELSE substring({stripped}, {slash}) END"


def query_parameter(url: str, name: str) -> str:
    """SQL of a query parameter's first value, decoded; as sent where it cannot be decoded."""
    # The cheap look for the name spares most URLs the regular expression.
    query = f"substring_index({url}, '#', 1)"
    value = f"nullif(regexp_extract({query}, '[?&]{name}=([^&]*)', 1), '')"
    return (
        f"CASE WHEN contains({url}, '{name}=') THEN coalesce(try_url_decode({value}), {value}) END"
    )
