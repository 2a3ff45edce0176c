"""User agents: from the agent's text to device class, browser, operating system and bot reason.

`parse_agent` is the pure function; `classify_agents` makes an Arrow UDF of it for a column. Names
of browsers and systems come from ua-parser, folded to those people know; the device class is ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql.pandas.functions import arrow_udf
from ua_parser.core import OS, Domain, UserAgent

from schemas.bots import BotReason
from streaming.enrichment.bots import BotRules, compile_bot_rules, compile_set, load_resolver

AGENT_DDL = "struct<device_type string, browser string, os string, bot_reason string>"
UNKNOWN = "Other"
# The longest agents of browsers have about 700 bytes; what follows the limit is not read.
MAX_AGENT_BYTES = 2048
# Distinct agents remembered by each Python worker: some 50 MB where all are long.
_MEMO_SIZE = 20_000
# What a log writes for a header that was not sent.
_BLANK = ("", "-")
_NOT_PRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd]+")


class ParsedAgent(NamedTuple):
    """What an agent tells; `bot_reason` is None for a person's."""

    device_type: str
    browser: str
    os: str
    bot_reason: str | None


# ua-parser's families, to the names that people know.
BROWSERS = {
    "Android": "Android Browser",
    "BlackBerry WebKit": "BlackBerry",
    "Chrome Mobile WebView": "Android WebView",
    "Chrome Mobile iOS": "Chrome",
    "Firefox iOS": "Firefox",
    "Firefox Beta": "Firefox",
    "Firefox Alpha": "Firefox",
    "Iceweasel": "Firefox",
    "IE": "Internet Explorer",
    "IE Mobile": "Internet Explorer",
    "IE Large Screen": "Internet Explorer",
    "Mobile Safari UI/WKWebView": "Safari (in-app)",
    "MiuiBrowser": "MIUI Browser",
    "MobileSafari": "Safari",
    "Opera Tablet": "Opera",
    "WebKit Nightly": "Safari",
    "VivoBrowser": "Vivo Browser",
}
SYSTEMS = {"Mac OS X": "macOS", "Mac OS": "macOS", "Chrome OS": "ChromeOS"} | dict.fromkeys(
    (
        *("Arch Linux", "CentOS", "Debian", "Fedora", "Gentoo", "Kubuntu", "Linux Mint", "Lubuntu"),
        *("Mageia", "Mandriva", "Mint", "Red Hat", "Slackware", "SUSE", "Ubuntu", "Xubuntu"),
    ),
    "Linux",
)
# Browsers that ua-parser takes for the one they are made from; the first that is found wins.
BROWSER_RULES = (
    *(("Opera GX", r"\b(?:OPRGX|OPX)/"), ("Edge", r"\b(?:Edg|Edge|EdgA|EdgiOS)/")),
    *(("WeChat", r"(?i)\bMicroMessenger/"), ("KakaoTalk", r"\bKAKAOTALK\b")),
    *(("NAVER", r"\bNAVER\("), ("Daum", r"\bDaumApps/"), ("LinkedIn", r"\bLinkedInApp\b")),
    *(("Klarna", r"\bKlarna/"), ("Alipay", r"\bAlipayClient/"), ("Quark", r"(?i)\bquark(?:pc)?/")),
    ("Baidu Browser", r"\b(?:bdbrowser|BDSpark|BIDUBrowser|BaiduHD)[_/]"),
    ("360 Browser", r"\bQIHU\b|\b(?:QihooBrowser|QHBrowser)/|\b360[SE]E\b"),
    ("2345 Browser", r"\b(?:Mb)?2345(?:Explorer|Browser|chrome)\b"),
    ("Sogou Explorer", r"\bMetaSr\b|\bSogouM(?:obileBrowser|SE)\b"),
    ("Yandex Browser", r"\bYa(?:Browser|SearchBrowser|App_Android)/"),
    *(("MIUI Browser", r"\bMiuiBrowser\b"), ("MZ Browser", r"\bMZBrowser/")),
    *(("Maxthon", r"\bM[xX]iOS/|\bMxBrowser/"), ("Firefox Focus", r"\b(?:Focus|Klar)/\d")),
    *(
        (name, rf"(?i)\b{name}[/\d]")
        for name in ("Swing", "Falkon", "Iridium", "Slimjet", "Cobalt")
    ),
    *((name, rf"(?i)\b{name}/") for name in ("LibreWolf", "Midori", "NetSurf", "Sleipnir")),
    *(
        ("IceCat", r"(?i)\bicecat/"),
        ("Iron", r"\bIron\b"),
        ("w3m", r"^w3m/"),
        ("Links", r"^Links "),
    ),
    *(("Pico Browser", r"\bPicoBrowser/"), ("Oculus Browser", r"\bOculusBrowser/")),
    *(("Samsung Internet", r"\bSamsungBrowser/"), ("Tizen Browser", r"\bTizen\b|\bSLP Browser/")),
    *(("Sailfish Browser", r"\bSailfish"), ("Steam", r"\bValve (?:Steam|Client)\b")),
    *(("Opera Mini", r"\bOpera Mini/|\bOPiOS/"), ("Opera", r"^Opera/\d")),
    *(("Android Browser", r"\bAndroid/.*\bBrowser/AppleWebKit"), ("IceCat", r"(?i)\bicecat/")),
    *(("Nintendo Browser", r"\bNintendo"), ("PlayStation Browser", r"(?i)\bplaystation\b")),
    *(("Kindle Browser", r"\bKindle/\d"), ("Internet Explorer", r"\bIEMobile/")),
)
OTHER_DEVICE = "other"
# Device class and pattern. The more special come first: a television or a watch also names the
# system that telephones have.
DEVICE_RULES = (
    ("car", r"\b(?:Tesla|QtCarBrowser|CarPlay|AAOS)\b|Android Automotive|\bCarBrowser"),
    (OTHER_DEVICE, r"(?i)\b(?:quest|oculusbrowser|picobrowser|homepod|windows iot)\b"),
    ("watch", r"(?i)watch ?os|watch\b|\bwatch\d|wear ?os|\bsm-(?:r\d|l3)\d{2}|\boww?e?\d{2,3}"),
    ("console", r"(?i)playstation|nintendo|xbox|\bwii\b|\bpsp\b|\bps vita\b|steam ?deck|\bouya\b"),
    (
        "tv",
        r"(?i)smart-?tv|google-?tv|apple ?tv|hbbtv|netcast|web0s|webos\.tv|\broku|\bcrkey|bravia|"
        r"viera|fire ?tv|\baft[a-z]{1,5}\d*\b|inettv|nettv|pov_tv|dtv\b|\btvos\b|chromecast|"
        r"tizen.*\btv\b|\b(?:smart|android|philips|opera|sony|lg|mi) ?tv\b|\btv ?box\b|set-?top|"
        r"\bstb\b|mibox|mitv|\baquos-?[abt]|large screen|\(tv;",
    ),
    (
        "tablet",
        r"(?i)ipad|tablet|\btab\b|\bpad\b|playbook|kindle|silk-accelerated|\bkf[a-z]{2,5}\b|"
        r"\bnexus ?(?:7|9|10)\b|pixel c\b|xoom|touchpad|transformer|\bsm-[tx]\d{3}|\bgt-[pn]\d{4}|"
        r"\bsch-i800|\bsgp\d{3}|mediapad|\bideatab|galaxy tab|\bmi ?pad|/apad\b|\bnook\b|\bkobo\b|"
        r"\btb-?\w?\d{3}|\byt\d?-|\bopd\d{4}|\d{4}rp[0-9a-z]{2}|\b[a-z]{3}\d?-w\d{2}|"
        r"\b(?:ag[rs]k?\d?|bah\d?|bg[o2]|btv|cpn|dby\d?|jdn2|kob2?|mon|mrx|sht)-|"
        r"\bnokia t\d{2}|\blenovo (?:b[68]0[08]0|pb-)",
    ),
    (
        "mobile",
        r"(?i)iphone|ipod|mobile|mobi\b|phone|windows ce|zunewp|blackberry|\bbb10|symb(?:ian|os)|"
        r"series ?[3-9]0|\bs60\b|midp|cldc|opera mini|nokia|webos|kaios|palm|bada|maemo|meego|"
        r"jig browser|docomo|\bfoma\b|kddi|softbank|vodafone|willcom|ddipocket|j-phone|netfront|"
        r"obigo|openbrowser|up\.browser|^(?:samsung|sonyericsson|lge?|mot|sec|sharp|htc)[-_/]|dalvik",
    ),
    ("tablet", r"(?i)android"),  # without a word that it is a telephone
    (
        "desktop",
        r"(?i)windows|win(?:9[58]|nt|32)|macintosh|mac[ _]os|mac_powerpc|darwin|x11|linux|\bcros\b|"
        r"bsd\b|sunos|os/2|haiku|beos|amiga|morphos|risc os|irix|hp-ux|\baix\b",
    ),
)


def classify_agents(rules: BotRules) -> Callable[[Column], Column]:
    """Make the function from a column of user agents to a struct of AGENT_DDL.

    The struct is never null; of its fields, only `bot_reason` can be.
    """

    def classify(agents: pa.Array) -> pa.Array:
        return classify_batch(agents, rules)

    # Spark infers the kind of function from its hints, and warns where told; the stub wants it.
    return arrow_udf(classify, AGENT_DDL)  # type: ignore[call-overload, no-any-return]  # see above


def classify_batch(agents: pa.Array, rules: BotRules) -> pa.StructArray:
    """Parse an Arrow array of agents, each distinct one once."""
    # As bytes: Spark's strings may hold what is not UTF-8, on which Arrow's own decoding fails.
    encoded = agents.cast(pa.large_binary()).dictionary_encode(null_encoding="encode")
    parse = _remember(rules)
    parsed = [
        parse(agent if agent is None else agent[:MAX_AGENT_BYTES])
        for agent in encoded.dictionary.to_pylist()
    ]
    columns = zip(*parsed, strict=True) if parsed else ((),) * len(ParsedAgent._fields)
    fields = [pa.array(values, pa.string()).take(encoded.indices) for values in columns]
    return pa.StructArray.from_arrays(fields, names=list(ParsedAgent._fields))


def parse_agent(agent: str | None, rules: BotRules) -> ParsedAgent:
    """What an agent tells under these rules; of its text, MAX_AGENT_BYTES are read."""
    if agent is None:
        # The field was not sent at all: nothing was claimed, and nothing can be said.
        reason = BotReason.EMPTY_AGENT if rules.flag_absent_agent else None
        return ParsedAgent(OTHER_DEVICE, UNKNOWN, UNKNOWN, reason)
    text = _NOT_PRINTABLE.sub(" ", agent[:MAX_AGENT_BYTES]).strip()
    if text in _BLANK:
        return ParsedAgent(OTHER_DEVICE, UNKNOWN, UNKNOWN, BotReason.EMPTY_AGENT)
    result = load_resolver()(text, Domain.USER_AGENT | Domain.OS)
    return ParsedAgent(
        find_device(text),
        find_browser(text) or fold_browser(result.user_agent),
        fold_system(result.os),
        compile_bot_rules(rules)(text),
    )


def find_device(agent: str) -> str:
    """The device class: that of the first rule which finds something."""
    return _first_of(DEVICE_RULES, agent) or OTHER_DEVICE


def find_browser(agent: str) -> str | None:
    """A browser that ua-parser takes for another one, or None."""
    return _first_of(BROWSER_RULES, agent)


def fold_browser(browser: UserAgent | None) -> str:
    """The browser's name without its variants: `Chrome Mobile` is Chrome."""
    if browser is None:
        return UNKNOWN
    family = browser.family
    return BROWSERS.get(family) or family.removesuffix(" Mobile").removeprefix("Mobile ")


def fold_system(system: OS | None) -> str:
    """The system's name as people know it: `Mac OS X` is macOS, `Ubuntu` is Linux."""
    return UNKNOWN if system is None else SYSTEMS.get(system.family, system.family)


def _first_of(rules: tuple[tuple[str, str], ...], agent: str) -> str | None:
    found = _compile(rules).Match(agent)
    return rules[min(found)][0] if found else None


@lru_cache(maxsize=2)
def _compile(rules: tuple[tuple[str, str], ...]) -> Any:
    return compile_set(regex for _, regex in rules)


@lru_cache(maxsize=4)
def _remember(rules: BotRules) -> Callable[[bytes | None], ParsedAgent]:
    @lru_cache(maxsize=_MEMO_SIZE)
    def parse(agent: bytes | None) -> ParsedAgent:
        text = None if agent is None else agent.decode("utf-8", "replace")
        return parse_agent(text, rules)

    return parse
