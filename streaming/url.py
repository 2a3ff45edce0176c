"""Parts of a URL as SQL, read leniently: real URLs hold bad escapes and odd characters.

`try_parse_url` is a strict parser and gives null for `?width=100%`; these cut at the delimiters of
RFC 3986 and leave everything else as sent.
"""

from __future__ import annotations


def _after_scheme(url: str) -> str:
    """SQL of what follows `http://` or `https://`; null for any other scheme or none."""
    return (
        f"CASE WHEN lower(left({url}, 7)) = 'http://' THEN substring({url}, 8) "
        f"WHEN lower(left({url}, 8)) = 'https://' THEN substring({url}, 9) END"
    )


def _hierarchical(url: str) -> str:
    """SQL of host and path: all before the query and the fragment."""
    return f"substring_index(substring_index({_after_scheme(url)}, '#', 1), '?', 1)"


def host_of(url: str) -> str:
    """SQL of the host in lower case, without user and port; null where it cannot be read."""
    authority = f"substring_index({_hierarchical(url)}, '/', 1)"
    without_user = f"substring_index({authority}, '@', -1)"
    without_port = f"regexp_replace({without_user}, ':[0-9]*$', '')"
    return f"nullif(lower({without_port}), '')"


def path_of(url: str) -> str:
    """SQL of the path as sent, `/` when empty; null where the host cannot be read."""
    rest = _hierarchical(url)
    return (
        f"CASE WHEN {host_of(url)} IS NULL THEN NULL WHEN locate('/', {rest}) = 0 THEN '/' "
        f"ELSE substring({rest}, locate('/', {rest})) END"
    )


def query_parameter(url: str, name: str) -> str:
    """SQL of a query parameter's first value, decoded; as sent where it cannot be decoded."""
    # The cheap look for the name spares most URLs the regular expression.
    value = f"nullif(regexp_extract({url}, '[?&]{name}=([^&#]*)', 1), '')"
    return (
        f"CASE WHEN contains({url}, '{name}=') THEN coalesce(try_url_decode({value}), {value}) END"
    )
