"""The browser's language in its canonical spelling."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from streaming.enrichment.language import parse_language

CASES = {
    "de-DE,de;q=0.9": "de-DE",
    "de-DE, de;q=0.9": "de-DE",
    "EN_us": "en-US",
    "en-US": "en-US",
    "de": "de",
    "DE": "de",
    "fil-ph": "fil-PH",
    " fr-CA;q=0.8": "fr-CA",
    "zh-Hans-CN": "zh-Hans-CN",
    "ZH_hant_tw": "zh-Hant-TW",
    "sr-latn": "sr-Latn",
    "es-419": "es-419",
    "en_US.UTF-8": "en-US",
    "de-DE@euro": "de-DE",
    "en-US-u-ca-gregory": "en-US",
    "ca-ES-valencia": "ca-ES",
    "zh-cmn-Hans-CN": "zh",
    "en-USA": "en",
    "en-": "en",
    "de\n": "de",
    "": None,
    "*": None,
    "C": None,
    "english": None,
    "12": None,
    "-en": None,
    ",en": None,
    "Ünicode": None,
    "<script>": None,
    "a" * 10_000: None,
    None: None,
}


def test_languages(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(text,) for text in CASES], "language string")
    parsed = rows.select("language", F.expr(parse_language("language")).alias("parsed")).collect()
    assert {row.language: row.parsed for row in parsed} == CASES
