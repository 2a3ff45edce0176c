"""What brings visits to the made-up sites, and what each must be attributed to.

Values only: the referrer and the landing page's query as sent, and beside them source, medium,
campaign and channel by GA4's default channel groups.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """What brought a visit: as sent, and as it must be understood."""

    referrer: str | None
    query: str
    source: str
    medium: str
    channel: str
    campaign: str | None = None


DIRECT = Origin(None, "", "(direct)", "(none)", "Direct")

# Origin, share of the visits.
ORIGINS: dict[Origin, int] = {
    DIRECT: 34,
    Origin("https://www.google.com/", "", "google", "organic", "Organic Search"): 26,
    Origin("https://www.bing.com/", "", "bing", "organic", "Organic Search"): 4,
    Origin("https://duckduckgo.com/", "", "duckduckgo", "organic", "Organic Search"): 3,
    Origin("https://chatgpt.com/", "", "chatgpt.com", "ai-assistant", "AI Assistant"): 3,
    Origin("https://www.facebook.com/", "", "facebook.com", "social", "Organic Social"): 4,
    Origin("https://t.co/Q8rXyZ", "", "t.co", "social", "Organic Social"): 3,
    Origin("https://www.linkedin.com/feed/", "", "linkedin.com", "social", "Organic Social"): 2,
    Origin(
        "https://news.example.org/2026/coffee-at-home",
        "",
        "news.example.org",
        "referral",
        "Referral",
    ): 4,
    Origin(
        "https://forum.example.net/t/4711?page=2", "", "forum.example.net", "referral", "Referral"
    ): 2,
    Origin(
        None,
        "?utm_source=newsletter&utm_medium=email&utm_campaign=spring_sale",
        "newsletter",
        "email",
        "Email",
        "spring_sale",
    ): 5,
    Origin(
        "https://www.google.com/",
        "?utm_source=google&utm_medium=cpc&utm_campaign=brand&gclid=EAIaIQobChMI",
        "google",
        "cpc",
        "Paid Search",
        "brand",
    ): 5,
    Origin(
        "https://l.instagram.com/",
        "?utm_source=instagram&utm_medium=paid_social&utm_campaign=latte_art",
        "instagram",
        "paid_social",
        "Paid Social",
        "latte_art",
    ): 3,
    Origin(
        "https://partner.example.org/",
        "?utm_source=partner&utm_medium=affiliate",
        "partner",
        "affiliate",
        "Affiliates",
    ): 2,
}
