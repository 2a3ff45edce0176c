"""What the guard is tried with: attacks, honest statements, and attacks made from a grammar."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
CANARY_TEXT = "canary-9f3a51c2"


def read_attacks(canary: str, lake: str) -> Iterator[str]:
    """Each line of the files but the first. ⏎, ␀ and ⇥ stand for what no line can hold."""
    for file in sorted((FOLDER / "attacks").glob("*.sql")):
        for line in file.read_text(encoding="utf-8").splitlines()[1:]:
            text = line.replace("{canary}", canary).replace("{lake}", lake)
            yield text.replace("⏎", "\n").replace("␀", "\0").replace("⇥", "\t")


def read_honest() -> list[str]:
    """Each paragraph but the first."""
    return (FOLDER / "honest.sql").read_text(encoding="utf-8").strip().split("\n\n")[1:]


# What must not run, by the place where it can stand.
_EVIL_VALUES = (
    "reflect('java.lang.System', 'getenv', 'PATH')",
    "java_method('java.lang.System', 'getProperty', 'user.home')",
    "try_reflect('java.lang.System', 'getenv', 'PATH')",
    "input_file_name()",
    "current_user()",
    "raise_error('x')",
    "version()",
    "xpath_string('<a/>', 'a')",
    "from_avro(x'00', '\"string\"')",
    "system.builtin.reflect('java.lang.System', 'getenv', 'PATH')",
    "(SELECT max(value) FROM text.`{canary}`)",
    "(SELECT count(*) FROM bronze.events)",
    "(SELECT max(event_id) FROM silver.events VERSION AS OF 0)",
    "(SELECT TRANSFORM(1) USING 'cat')",
    "events._metadata.file_path",
    "no_such_function(1)",
)
_EVIL_TABLES = (
    "text.`{canary}`",
    "delta.`{lake}/silver/events`",
    "bronze.events",
    "bronze.dead_letters",
    "silver.events VERSION AS OF 0",
    "gold.pages TIMESTAMP AS OF '2015-05-17'",
    "table_changes('silver.events', 0)",
    "sql_keywords()",
    "python_worker_logs()",
    "STREAM(silver.events)",
    "(SELECT TRANSFORM(event_id) USING 'cat' AS (value) FROM silver.events)",
    "IDENTIFIER('bronze' || '.events')",
    "no_such_function(1)",
    "silver_events_1",
)
VALUE_PLACES = (
    "SELECT {} FROM silver.events",
    "SELECT upper(CAST({} AS STRING)) AS x FROM silver.events",
    "SELECT 1 FROM silver.events WHERE {} IS NULL",
    "SELECT count(*) FROM silver.events GROUP BY {}",
    "SELECT event_id FROM silver.events ORDER BY {}",
    "SELECT CASE WHEN {} IS NULL THEN 1 ELSE 2 END FROM silver.events",
    "SELECT max(event_id) FILTER (WHERE {} IS NULL) FROM silver.events",
    "SELECT row_number() OVER (PARTITION BY {} ORDER BY event_id) FROM silver.events",
    "SELECT count(*) OVER w FROM silver.events WINDOW w AS (ORDER BY {})",
    "SELECT transform(array(1), i -> {}) FROM silver.events",
    "SELECT e.y FROM silver.events LATERAL VIEW explode(array({})) e AS y",
    "SELECT events.event_id FROM silver.events JOIN silver.sessions s ON {} = s.site_id",
    "WITH c AS (SELECT {} AS x FROM silver.events) SELECT * FROM c",
    "SELECT 1 UNION ALL SELECT {} FROM silver.events",
    "SELECT named_struct('a', array({})).a[0] FROM silver.events",
    "FROM silver.events |> EXTEND {} AS x |> LIMIT 1",
    "FROM silver.events |> SET event_id = {}",
    "SELECT event_id FROM silver.events QUALIFY count({}) OVER () > 1",
)
TABLE_PLACES = (
    "SELECT * FROM {}",
    "SELECT count(*) FROM silver.events, {}",
    "SELECT 1 FROM silver.sessions s LEFT JOIN {} ON true",
    "SELECT (SELECT count(*) FROM {})",
    "SELECT 1 FROM silver.events WHERE EXISTS (SELECT * FROM {})",
    "SELECT 1 FROM silver.events WHERE 'a' NOT IN (SELECT value FROM {})",
    "WITH a AS (SELECT 1), b AS (SELECT * FROM {}) SELECT 1",
    "SELECT 1 EXCEPT SELECT count(*) FROM {}",
    "SELECT * FROM silver.events, LATERAL (SELECT * FROM {})",
    "SELECT * FROM ((SELECT * FROM {}) AS x)",
    "FROM {} |> AGGREGATE count(*)",
    "SELECT * FROM (SELECT * FROM {}) PIVOT (count(*) FOR value IN ('a'))",
)


def generate_attacks(count: int, seed: int, canary: str, lake: str) -> Iterator[str]:
    """Attacks in random places, up to three deep, in random case, with comments between words."""
    chance = random.Random(seed)
    for _ in range(count):
        if chance.random() < 0.5:
            text = chance.choice(VALUE_PLACES).replace("{}", chance.choice(_EVIL_VALUES))
        else:
            text = chance.choice(TABLE_PLACES).replace("{}", chance.choice(_EVIL_TABLES))
        for _ in range(chance.randrange(3)):
            text = chance.choice(TABLE_PLACES).replace("{}", f"({text})")
        text = _disguise(text, chance)
        yield text.replace("{canary}", canary).replace("{lake}", lake)


def _disguise(text: str, chance: random.Random) -> str:
    """Other spaces and other case, outside of quotes."""
    pieces = []
    for word in text.split(" "):
        is_quoted = any(sign in word for sign in "'`{")
        changed = word if is_quoted else chance.choice((str.upper, str.lower, str.title))(word)
        pieces.append(
            changed + chance.choice((" ", "  ", "\n", "/**/ ", " /* FROM x */ ", " --'\n"))
        )
    return "".join(pieces)
