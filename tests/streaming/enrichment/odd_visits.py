"""What clients send that is odd, and the origin it must have: cases of `test_attribution`."""

from __future__ import annotations

from typing import Any

from streaming.enrichment.attribution import MAX_TAG_LENGTH

PAGE = "https://shop.example/"
DIRECT = {"source": "(direct)", "medium": "(none)", "campaign": None, "channel": "Direct"}
GOOGLE = {"source": "google", "medium": "organic", "channel": "Organic Search"}


def _tagged(source: str, **others: str | None) -> dict[str, str | None]:
    return {"source": source, "utm_source": source, "medium": "(not set)", **others}


# Case -> (page_url, referrer, columns expected): what clients send that is odd.
ODD_CASES: dict[str, tuple[str | None, str | None, dict[str, Any]]] = {
    "nothing": (None, None, {**DIRECT, "utm_source": None, "click_id_type": None}),
    "no page": (None, "https://www.google.com/", GOOGLE),
    # Tags.
    "empty tag": (f"{PAGE}?utm_source=", None, {**DIRECT, "utm_source": None}),
    "blank tag": (f"{PAGE}?utm_source=%20+", None, {**DIRECT, "utm_source": None}),
    "empty tag, referrer": (f"{PAGE}?utm_source=&utm_medium=", "https://google.com/", GOOGLE),
    "blanks around": (f"{PAGE}?utm_source=+google%20&utm_medium=cpc", None, {"source": "google"}),
    "bad escape": (f"{PAGE}?utm_source=%ZZ", None, _tagged("%ZZ", channel="Unassigned")),
    "cut escape": (f"{PAGE}?utm_source=a%E2%82", None, {"channel": "Unassigned"}),
    "encoded": (f"{PAGE}?utm_source=Gr%C3%B6%C3%9Fe+1", None, _tagged("Größe 1")),
    "quotes": (f"{PAGE}?utm_source=a'b%22%5C", None, _tagged("a'b\"\\")),
    "first of several": (f"{PAGE}?utm_source=a&utm_source=b", None, _tagged("a")),
    "upper-case name": (f"{PAGE}?UTM_SOURCE=a", None, DIRECT),
    "upper-case value": (
        f"{PAGE}?utm_source=GOOGLE&utm_medium=CPC&utm_campaign=May",
        None,
        {"source": "GOOGLE", "medium": "CPC", "campaign": "May", "channel": "Paid Search"},
    ),
    "semicolon between": (
        f"{PAGE}?utm_source=a;utm_medium=cpc",
        None,
        _tagged("a;utm_medium=cpc", utm_medium=None),
    ),
    "in the fragment": (f"{PAGE}#?utm_source=a&gclid=1", None, DIRECT),
    "in the path": (f"{PAGE}utm_source=a/gclid=1", None, DIRECT),
    "name only ends so": (f"{PAGE}?xutm_source=a&xgclid=1", None, DIRECT),
    "URL in a parameter": (f"{PAGE}?to=http://a.example/?utm_source=b", None, _tagged("b")),
    "origin in a tag": (f"{PAGE}?utm_source=//www.google.com", None, {"channel": "Unassigned"}),
    "medium only": (
        f"{PAGE}?utm_medium=email",
        None,
        {"source": "(not set)", "medium": "email", "channel": "Email"},
    ),
    "medium only, referrer": (
        f"{PAGE}?utm_medium=cpc",
        "https://www.google.com/",
        {"source": "google", "medium": "cpc", "channel": "Paid Search"},
    ),
    "campaign only, referrer": (
        f"{PAGE}?utm_campaign=May",
        "https://www.google.com/",
        {**GOOGLE, "campaign": "May"},
    ),
    "tag on a link within the site": (
        f"{PAGE}?utm_source=teaser&utm_medium=banner",
        PAGE,
        {"source": "teaser", "medium": "banner"},
    ),
    "huge tag": (
        f"{PAGE}?utm_source={'a' * 1_000_000}&utm_medium=cpc",
        None,
        {"source": "a" * MAX_TAG_LENGTH, "channel": "Paid Other"},
    ),
    "huge URL": (f"{PAGE}?{'&a=b' * 250_000}&gclid=1", None, {"click_id_type": "gclid"}),
    # Click ids.
    "empty click id": (f"{PAGE}?gclid=&fbclid=", None, {**DIRECT, "click_id_type": None}),
    "click id in capitals": (f"{PAGE}?GCLID=1", None, {**DIRECT, "click_id_type": None}),
    "paid click id before one that marks all": (
        f"{PAGE}?fbclid=1&gclid=2",
        None,
        {"click_id_type": "gclid", "source": "google", "medium": "cpc"},
    ),
    "first of two paid click ids": (
        f"{PAGE}?msclkid=1&gclid=2",
        None,
        {"click_id_type": "msclkid", "source": "bing"},
    ),
    "click id that marks all, referrer": (
        f"{PAGE}?fbclid=1",
        "https://news.example/",
        {"click_id_type": "fbclid", "source": "news.example", "channel": "Referral"},
    ),
    "click id that marks all, tag": (
        f"{PAGE}?utm_source=news&fbclid=1",
        None,
        _tagged("news", click_id_type="fbclid"),
    ),
    "click id, link within the site": (f"{PAGE}?gclid=1", PAGE, {"medium": "cpc"}),
    # Referrers.
    "port": (PAGE, "https://www.google.com:443/", GOOGLE),
    "capitals": (PAGE, "HTTPS://WWW.GOOGLE.COM/", GOOGLE),
    "dot at the end": (PAGE, "https://www.google.com./", GOOGLE),
    "user in the URL": (PAGE, "https://google.com@evil.example/", {"source": "evil.example"}),
    "looks like a search engine": (
        PAGE,
        "https://google.com.evil.example/",
        {"source": "google.com.evil.example", "medium": "referral"},
    ),
    "ends like a network": (PAGE, "https://notfacebook.com/", {"source": "notfacebook.com"}),
    "name without a domain": (PAGE, "http://google/", {"source": "google", "medium": "referral"}),
    "only dots": (PAGE, "http://.../", DIRECT),
    "no URL": (PAGE, "android-app", DIRECT),
    "other scheme": (PAGE, "about:client", DIRECT),
    "huge referrer": (PAGE, f"https://{'a' * 1_000_000}/", {"medium": "referral"}),
    "international host": (
        PAGE,
        "https://bücher.example/",
        {"source": "bücher.example", "medium": "referral"},
    ),
    "its ASCII form": (PAGE, "https://xn--bcher-kva.example/", {"medium": "referral"}),
    "address": (PAGE, "http://192.0.2.1/", {"source": "192.0.2.1", "medium": "referral"}),
    "address of version 6": (
        PAGE,
        "http://[::1]:8080/a",
        {"source": "[::1]", "medium": "referral", "channel": "Referral"},
    ),
    "quoted host": (PAGE, "http://a'b.example/", {"source": "a'b.example"}),
    "app: search": (PAGE, "android-app://com.google.android.googlequicksearchbox/", GOOGLE),
    "app: search, with a link": (
        PAGE,
        "android-app://com.google.android.googlequicksearchbox/https/www.google.com",
        GOOGLE,
    ),
    "app: mail": (
        PAGE,
        "android-app://com.google.android.gm/",
        {"source": "mail.google.com", "medium": "email", "channel": "Email"},
    ),
    "app: network": (
        PAGE,
        "android-app://com.linkedin.android",
        {"source": "linkedin.com", "medium": "social"},
    ),
    "app: assistant": (PAGE, "android-app://com.openai.chatgpt/", {"channel": "AI Assistant"}),
    "app: unknown": (
        PAGE,
        "android-app://org.example.reader/",
        {"source": "org.example.reader", "medium": "referral"},
    ),
    "app: nameless": (PAGE, "android-app://", DIRECT),
    # Not of the networks and engines the packaged list has them under.
    "sign-in page": (PAGE, "https://login.live.com/", {"medium": "referral"}),
    "news site": (PAGE, "https://www.cnn.com/", {"source": "cnn.com", "medium": "referral"}),
    # One site.
    "subdomain": ("https://blog.firm.example/", "https://shop.firm.example/", DIRECT),
    "www": ("https://firm.example/", "https://www.firm.example/", DIRECT),
    "subdomain under co.uk": ("https://a.firm.co.uk/", "https://firm.co.uk/", DIRECT),
    "another firm under co.uk": (
        "https://firm.co.uk/",
        "https://other.co.uk/",
        {"source": "other.co.uk"},
    ),
    "another site of one host": (
        "https://a.github.io/",
        "https://b.github.io/",
        {"source": "b.github.io"},
    ),
    "another address": ("http://192.0.2.1/", "http://198.51.2.1/", {"source": "198.51.2.1"}),
    "same address": ("http://[::1]:8000/", "http://[::1]:9000/", DIRECT),
    "hosts made to be slow": (
        f"https://{'a' * 400_000}.b.c/",
        f"https://{'b' * 400_000}.b.c/",
        DIRECT,
    ),
}
