"""Why an event or a session is taken for automated traffic: the closed set of bot reasons."""

from __future__ import annotations

from enum import StrEnum

# What begins so is seen in a whole session, not in one event.
BEHAVIOUR_PREFIX = "behaviour_"


class BotReason(StrEnum):
    """The value of `bot_reason`, in order of precedence: the first that applies is kept.

    What the agent says comes before where it comes from and how it behaves; among agents the more
    telling reason comes first, for the library's list also holds HTTP clients and browsers.
    """

    EMPTY_AGENT = "empty_agent"  # no user agent, or only blanks; every browser sends one
    HTTP_LIBRARY = "http_library"  # a client library or command line tool, as curl
    HEADLESS_BROWSER = "headless_browser"  # a browser under a program's control
    CRAWLER = "crawler"  # on the list of known crawlers, or says itself that it is one
    SPIDER_DEVICE = "spider_device"  # the user agent parser's device class is Spider
    NOT_A_BROWSER = "not_a_browser"  # names no platform that a browser runs on
    EXTRA_RULE = "extra_rule"  # a rule of the operator in conf/rules/bots.yaml
    DATA_CENTER = "data_center"  # the address is in the list of networks that the operator gave
    BEHAVIOUR_RATE = "behaviour_rate"  # more events a minute than a person makes
    BEHAVIOUR_NO_THINK_TIME = "behaviour_no_think_time"  # no pauses between the events
    BEHAVIOUR_SINGLE_TYPE = "behaviour_single_type"  # many events, all of one type
