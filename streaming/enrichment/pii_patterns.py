"""Regular expressions (Java's) that find personal data, and the names that give secrets away.

Every repetition is bounded or possessive, and every match must begin where a run of characters
begins: so each takes linear time on any text, and none needs a deep stack. Used by `privacy.py`.
"""

from __future__ import annotations

from schemas.privacy import PiiKind, PrivacyRules

_HEX = "[0-9A-Fa-f]"
_PLACEHOLDER = rf"\[(?:{'|'.join(PiiKind)})\]"

# --- Secrets by name -----------------------------------------------------------------------------
# These may have anything before them: `csrfmiddlewaretoken`, `user[password]`.
_SECRET_ENDINGS = (
    "token|secret|passw(?:or)?d|passwort|passphrase"
    "|(?:api|access|secret|private|auth|session|signing|encryption)[_.-]?key"
    "|session[_.-]?id|sessid|credentials?|signature"
)
# These only a separator: a `transaction_pin` is none of them, `x_jwt` is.
_SECRET_WORDS = "jwt|pwd|otp|cvv2?|cvc2?|csrf|xsrf|authorization"
# These must be the whole name: `boarding_pass` is no password.
_SECRET_NAMES = r"pass|pin|sid|connect\.sid|sig|auth|bearer"
_NAME_SUFFIX = r"(?:[0-9]|[_.-]?confirm(?:ation)?)?"
# A value that tells nothing, as in `has_password=true`, or was redacted before.
_NO_SECRET = r"(?:true|false|yes|no|null|none|undefined|[01]|\[[a-z]+\])?"
_STRING_BODY = r'[^"\\]*+(?:\\.[^"\\]*+)*+'
_AMP = r"%(?:25)?(?:26|23)"

# --- Secrets by form -----------------------------------------------------------------------------
_SECRET_FORMS = (
    r"eyJ[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]*+){0,3}+",  # JSON Web Token
    r"(?:AKIA|ASIA)[0-9A-Z]{16}",  # AWS
    r"AIza[\w-]{35}|ya29\.[\w-]{20,}+",  # Google
    r"[rs]k_(?:live|test)_[0-9A-Za-z]{10,}+|whsec_[0-9A-Za-z+/=]{20,}+",  # Stripe
    r"gh[oprsu]_[0-9A-Za-z]{30,}+|github_pat_\w{22,}+|glpat-[\w-]{20,}+",
    r"xox[a-z]-[0-9A-Za-z-]{10,}+",  # Slack
    r"npm_[0-9A-Za-z]{36}|SG\.[\w-]{22}\.[\w-]{43}",
    r"sk-(?:proj-[\w-]{20,}+|ant-api[\w-]{20,}+|[0-9A-Za-z]{32,}+)",
)
SECRET_FORM = rf"(?:(?<![\w-])|\G)(?:{'|'.join(_SECRET_FORMS)})"
PRIVATE_KEY = (
    "-----BEGIN (?:[A-Z]{2,10} ){0,3}PRIVATE KEY-----[^-]*+"
    "(?:-----END (?:[A-Z]{2,10} ){0,3}PRIVATE KEY-----)?"
)
_SPACE = r"(?:[ \u00a0+]|%20)"
BEARER = rf"(?i)(\bbearer{_SPACE}{{1,2}})(?=[^\s&\x22]{{0,64}}[0-9])[\w.~+/=-]{{16,}}+"
TYPED_PASSWORD = (
    r"(?i)(\b(?:password|passwd|pwd|passphrase|passwort): ?)"
    r"(?=[^\s\x22\\<>&]{0,127}[0-9!#$%^*])[^\s\x22\\<>&]{6,}+"
)
# User and password before the host of a URL.
USER_INFO = r"(?<=://)[^/?#\s\x22\x27<>\\]*@"

# --- E-mail addresses ----------------------------------------------------------------------------
_LETTER = r"\p{L}\p{M}\p{N}"
# Percent-encoded characters of an address: + - . ' _ and everything beyond ASCII.
_ESCAPED = rf"(?:2[BbDdEe7]|5[Ff]|[89A-Fa-f]{_HEX})"
_LOCAL = rf"(?!\x27)(?:[{_LETTER}._+\x27-]|%(?:25)?{_ESCAPED})++"
# Where the part before the @ may begin: after anything that cannot be part of it, after an escape
# of such a character in a URL (%3D, %253D) or in JSON (\n), after a stray % or \, and where the
# address before ended (\G).
_LOCAL_START = (
    rf"(?:(?<![{_LETTER}._+%\\-])(?<![{_LETTER}]\x27)"
    rf"|(?<=%)(?!{_HEX}{{2}})|(?<=%(?!25|{_ESCAPED}){_HEX}{{2}})"
    rf"|(?<=%25)(?!{_HEX}{{2}})|(?<=%25(?!{_ESCAPED}){_HEX}{{2}})"
    rf"|(?<=\\)(?![bfnrt]|u{_HEX}{{4}})|(?<=\\[bfnrt])|(?<=\\u{_HEX}{{4}})|(?!^)\G\x27?+)"
)
# icon@2x.png, jquery@3.6.0/jquery.min.js: names of files and versions, not of hosts.
_FILE = (
    "(?:png|jpe?g|gif|webp|svg|avif|ico|css|js|mjs|cjs|tsx?|jsx|map|json|xml|x?html?|php|aspx?"
    rf"|pdf|docx?|xlsx?|woff2?|ttf|otf|mp[34]|webm|csv|txt|tgz)(?![{_LETTER}-])"
)
_NO_HOST = r"v?[0-9]+\.[0-9]|[1-9](?:\.[0-9])?x[._@-]"
_DOT = r"(?:\.|%(?:25)?2[Ee])"
EMAIL = (
    rf"{_LOCAL_START}{_LOCAL}(?:@|%(?:25)?40)(?!{_NO_HOST})"
    rf"(?:[{_LETTER}][{_LETTER}-]{{0,62}}+{_DOT}){{1,8}}"
    rf"(?!{_FILE})(?:xn--[0-9A-Za-z-]{{1,59}}+|\p{{L}}[\p{{L}}\p{{M}}]{{1,23}}+)(?!\.{_FILE})"
)

# --- Numbers -------------------------------------------------------------------------------------
_NUMBER_START = (
    r"(?:(?<![\p{L}\p{N}_%])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[bfnrt]))(?<!(?<![0-9.])[0-9]{1,3}\.)"
    rf"(?<!{_PLACEHOLDER})"
)
_NUMBER_END = rf"(?![\p{{L}}\p{{N}}_])(?!{_PLACEHOLDER})"

# Candidates only: issuer, length and check digit are judged in SQL.
_CARD_GAP = r"[ .\u00a0-]|%20|\+"
CARD = (
    rf"{_NUMBER_START}(?:[2-6][0-9]{{12,18}}"
    rf"|[2-6][0-9]{{3}}(?<g>{_CARD_GAP})[0-9]{{4}}\k<g>[0-9]{{4}}\k<g>[0-9]{{4}}"
    rf"|3[0-9]{{3}}(?<h>{_CARD_GAP})[0-9]{{6}}\k<h>[0-9]{{4,5}}){_NUMBER_END}"
)
CARD_ISSUER = (
    "^(?:4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    "|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"  # Mastercard
    "|3[47][0-9]{13}|3(?:0[0-5]|[689][0-9])[0-9]{11}|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # Amex, ...
    "|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}|62[0-9]{14,17}|220[0-4][0-9]{12}"  # Discover, ...
    "|(?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{8,15})$"  # Maestro
)

# Between two digits of a phone number; in a query a space may be + or %20.
_GAP = r"(?:[-. /()\u00a0\u2011+]|%20|%28|%29|%2F){0,2}+"
# A national number is no part of a longer code.
_ALONE_END = r"(?![-./]?[0-9])(?!-[\p{L}_])"
_PHONES = (
    # +49 (0)170 1234567, %2B1-202-555-0143; not the coordinate +52.5200066.
    r"(?:(?<![\p{L}\p{N}_+%])|\G)(?:\+|%2B|%2b)(?![0-9]+\.[0-9]+(?![0-9. -]))"
    rf"[1-9](?:{_GAP}[0-9]){{7,14}}{_NUMBER_END}",
    # (202) 555-0143, (030) 1234567
    rf"(?:(?<![\p{{L}}\p{{N}}_])|\G)(?:\(|%28)(?:[2-9][0-9]{{2}}(?:\)|%29){_GAP}[0-9]{{3}}{_GAP}[0-9]{{4}}"
    rf"|0[1-9][0-9]{{0,3}}(?:\)|%29){_GAP}[0-9]{{3,4}}{_GAP}[0-9]{{3,5}}){_NUMBER_END}",
    # 202-555-0143 as North America writes it
    rf"{_NUMBER_START}(?<![-._])(?:1(?:[-. ]|%20))?[2-9][0-9]{{2}}(?<n>[-. \u00a0+]|%20)"
    rf"[2-9][0-9]{{2}}\k<n>[0-9]{{4}}{_NUMBER_END}{_ALONE_END}",
    # 06 12 34 56 78 as France writes it
    rf"{_NUMBER_START}(?<![-._/])0[1-9](?<f>[-. \u00a0+]|%20)[0-9]{{2}}(?:\k<f>[0-9]{{2}}){{3}}"
    rf"{_NUMBER_END}{_ALONE_END}",
    # 030/1234567, 020 7946 0958, 0170 123 45 67: trunk prefix, then 9 to 12 digits in all
    rf"{_NUMBER_START}(?<![-._/])(?=0(?:(?:[ \u00a0/+]|%20)?[0-9]){{8,11}}{_NUMBER_END})"
    rf"0[1-9][0-9]{{1,3}}(?:(?:/|{_SPACE})[0-9]{{6,8}}"
    rf"|(?:/|{_SPACE})[0-9]{{2,4}}(?:{_SPACE}[0-9]{{2,4}}){{1,3}}){_NUMBER_END}{_ALONE_END}",
)
PHONE = "|".join(_PHONES)
# What is named a phone number may be written in any way: ?phone=2025550143, tel:..., "Fax: ...".
LABELLED_PHONE = (
    # (?!...): the label is not the placeholder of an earlier number
    r"(?i)((?:^|[^\p{L}]|(?-i:[a-z](?=[A-Z])))(?!(?<=\[)phone\](?:[^=]|(?<![\w\]]\[phone\])))"
    "(?:telephone|telefon|tel|phone|mobile|mobil|fax|whatsapp|msisdn)"
    r"(?:[_. -]?(?:number|num|no|nr))?[\x22\x27\]\\]{0,2}"
    r"(?:[:=.\s]|%3[AD]|%20){1,3}[\\\x22\x27]{0,2})"
    rf"(?![0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(?:\+|%2B|\()?[0-9](?:{_GAP}[0-9]){{6,14}}{_NUMBER_END}"
)

# --- Cheap looks: most events have nothing to be looked at closely -------------------------------
THIRTEEN_DIGITS = r"[2-6](?:(?:[ .\u00a0+-]|%20)?[0-9]){12}"
SEVEN_DIGITS = r"[0-9](?:(?:[-. /()\u00a0\u2011+]|%2[0-9A-Fa-f]){0,4}+[0-9]){6}"
AT_SIGNS = ("@", "%40", "%2540")
# Signs of a secret by form: some at a rare character, some at none.
_FORM_START = (
    r"(?<=eyJ)|(?<=A)(?:[KS]IA|Iza)|(?<=x)ox[a-z]-|(?<=y)a29\.|(?<=SG)\.|(?<=PRIVATE K)EY-"
    "|(?<=(?:[rs]k|gh[oprsu]|npm|whsec|_pat)_)"
)
FORM_HINT = f"[JAx_KGy](?:{_FORM_START})"
FORM_SIGNS = ("sk-", "glpat-", "earer")
# The last letters of all those names: they spare other names the long look.
_NAME_END = (
    "(?<=(?:ken|ret|ord|swd|ort|ase|key|[_.n-]id|ial|als|ure|jwt|pwd|otp|cv[vc]|v[vc]2|srf|ion|ass"
    "|pin|sid|sig|uth|rer|irm)[0-9]?.)"
)
_AFTER_NAME = r"=\x22%\]\\:"


def secret_name(rules: PrivacyRules, prefix: str) -> str:
    """A name whose value is a secret; `prefix`: the characters of a name."""
    own = "".join(f"|{_as_pattern(name)}" for name in rules.secret_parameters)
    bracket = r"(?:\[|%(?:25)?5B)"
    return (
        f"(?:{prefix}{{0,128}}?(?:{_SECRET_ENDINGS})"
        f"|(?:{prefix}{{0,64}}?(?:[_.-]|{bracket}))?(?:{_SECRET_WORDS})"
        rf"|(?:{prefix}{{0,64}}?{bracket})?(?:{_SECRET_NAMES}{own})){_NAME_SUFFIX}"
        r"(?:\]|%(?:25)?5D)?"
    )


def name_hint(rules: PrivacyRules) -> str:
    """Whether there may be a secret by name."""
    names = f"{_SECRET_ENDINGS}|{_SECRET_WORDS}|{_SECRET_NAMES}"
    named = rf"(?<=[A-Za-z][0-9]{{0,2}}.)(?i:{_NAME_END}(?<=(?:{names}){_NAME_SUFFIX}.))"
    if rules.secret_parameters:
        own = "|".join(_as_pattern(name, 32) for name in rules.secret_parameters)
        named += f"|(?i:(?<=(?:{own}){_NAME_SUFFIX}.))"
    return f"[{_AFTER_NAME}](?:{named})"


def secret_parameter(rules: PrivacyRules, value: str) -> str:
    """A query parameter with a secret, the value outside the group; `value`: its characters."""
    name = secret_name(rules, r"[^=&?#;\s\x22<>{}()]")
    return (
        # `config[secret]=` is a name, `[secret]=` what an earlier search left
        rf"(?i)((?:^|[?&#;\s\x22]){_not_kept(rules)}{name}(?<!(?:^|[^\w\]%])\[secret\])=)"
        rf"(?!{_NO_SECRET}(?:[&#\s\x22\\]|$)){value}"
    )


def nested_parameter(rules: PrivacyRules) -> str:
    """The same in a URL that is itself a parameter, encoded once or twice."""
    name = secret_name(rules, r"[\w.\[\]-]")
    return (
        rf"(?i)(%(?:25)?(?:3F|26|23|3B){_not_kept(rules)}{name}%(?:25)?3D)"
        rf"(?!{_NO_SECRET}(?:[&#\s\x22\\]|{_AMP}|$))(?:(?!{_AMP})[^&#\s\x22<>\\])++"
    )


def secret_member(rules: PrivacyRules) -> str:
    """A member of a JSON object whose value, a string or number, is a secret."""
    name = secret_name(rules, r"[^\x22\\]")
    return (
        rf'(?is)("{_not_kept(rules)}{name}"\s*:\s*)'
        rf'(?:"(?!{_NO_SECRET}"){_STRING_BODY}"|(?![01][,}}\s\]])-?[0-9][0-9.E+-]*+)'
    )


def nested_member(rules: PrivacyRules) -> str:
    """The same in JSON that is a string inside JSON."""
    name = secret_name(rules, r"[^\x22\\]")
    body = r"(?:[^\x22\\]|\\\\(?:\\[\x22\\]|[^\x22\\])|\\[bfnrtu/])++"
    return rf'(?is)(\\"{_not_kept(rules)}{name}\\"\s*:\s*\\")(?!{_NO_SECRET}\\"){body}'


# Outside the strings of a JSON text, a placeholder lacks its quotes.
STRING_OR_PLACEHOLDER = rf'("{_STRING_BODY}")|(-?{_PLACEHOLDER}[0-9.]*+)'
VALUE_IN_URL = "[^&#]++"
VALUE_IN_TEXT = r"(?:[^&#\s\x22<>\\]|\\.)++"


def _not_kept(rules: PrivacyRules) -> str:
    kept = "|".join(_as_pattern(name) for name in rules.keep_parameters)
    return rf"(?!(?:{kept})(?:=|%|\\|\x22))" if kept else ""


def _as_pattern(name: str, more: int = 64) -> str:
    """`re.escape` would escape what Java takes for something else."""
    literal = "".join(f"\\{letter}" if letter in ".[]-" else letter for letter in name.rstrip("*"))
    return rf"{literal}[\w.-]{{0,{more}}}" if name.endswith("*") else literal
