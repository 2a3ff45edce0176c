"""Settings: what is refused, what wins over what, and that no secret is ever printed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from settings.load import (
    CONF_DIR,
    SettingsError,
    checkpoint_root,
    lake_root,
    load_settings,
    reveal,
    show_settings,
)
from settings.model import Settings

SECRET = "hunter2-do-not-print"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("WEB_ANALYTICS_"):
            monkeypatch.delenv(name)


def write_yaml(folder: Path, text: str) -> Path:
    file = folder / "some.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def list_sections(model: type[BaseModel], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The path of every block of settings, the whole included."""
    found = [path]
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += list_sections(kind, (*path, name))
    return found


@pytest.mark.parametrize("path", list_sections(Settings), ids=".".join)
def test_unknown_key_is_refused_at_every_level(tmp_path: Path, path: tuple[str, ...]) -> None:
    node: dict[str, object] = {"no_such_key": 1}
    for name in reversed(path):
        node = {name: node}
    file = write_yaml(tmp_path, yaml.safe_dump(node))
    with pytest.raises(SettingsError) as raised:
        load_settings(file)
    assert repr(".".join((*path, "no_such_key"))) in str(raised.value)
    assert str(file) in str(raised.value)


@pytest.mark.parametrize(
    ("text", "wrong", "nearest"),
    [
        ("kafkaa: {}", "kafkaa", "kafka"),
        ("kafka: {topicc: x}", "kafka.topicc", "kafka.topic"),
        ("serving: {cache: {short_ttl: 9}}", "serving.cache.short_ttl", "short_ttl_s"),
    ],
)
def test_unknown_key_names_the_nearest(tmp_path: Path, text: str, wrong: str, nearest: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(write_yaml(tmp_path, text))
    assert repr(wrong) in str(raised.value)
    assert f"{nearest}'" in str(raised.value).split("Did you mean")[1]


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("WEB_ANALYTICS_KAFKAA__TOPIC", "kafka.topic"),
        ("web_analytics_kafkaa__topic", "kafka.topic"),
        ("WEB_ANALYTICS_SERVING__CACHE__REDIS_URLL", "serving.cache.redis_url"),
    ],
)
def test_unknown_variable_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, nearest: str
) -> None:
    monkeypatch.setenv(variable, "x")
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert "environment" in str(raised.value)
    assert repr(nearest) in str(raised.value)


def test_option_wins_over_environment_over_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_yaml(tmp_path, "data_dir: from_file\nkafka: {topic: from_file, partitions: 7}\n")
    monkeypatch.setenv("WEB_ANALYTICS_DATA_DIR", "from_environment")
    monkeypatch.setenv("WEB_ANALYTICS_KAFKA__TOPIC", "from_environment")
    settings = load_settings(file, data_dir="from_option")
    assert settings.data_dir == "from_option"
    assert settings.kafka.topic == "from_environment"
    assert settings.kafka.partitions == 7


def test_variables_of_the_process_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_ANALYTICS_CACHE_DIR", "somewhere")
    monkeypatch.setenv("WEB_ANALYTICS_READY_FILE", "somewhere")
    assert load_settings().data_dir == "data"


def test_config_variable_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_yaml(tmp_path, "default_currency: CHF")
    monkeypatch.setenv("WEB_ANALYTICS_CONFIG", str(file))
    assert load_settings().default_currency == "CHF"


DEFINITIONS = {CONF_DIR / "funnels.yaml", CONF_DIR / "reports.yaml"}
SHIPPED = sorted(set(CONF_DIR.glob("*.yaml")) - DEFINITIONS)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_shipped_files_are_valid(file: Path) -> None:
    assert isinstance(load_settings(file), Settings)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().kafka.topic = "other"  # type: ignore[misc]  # this is what must fail


@pytest.mark.parametrize(
    "text", ["- a", "a: [", "kafka: {partitions: 0}", "session: {gap_s: .nan}", "kafka: 7"]
)
def test_invalid_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = write_yaml(tmp_path, text)
    with pytest.raises(SettingsError, match="some.yaml"):
        load_settings(file)


def test_missing_file_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--config"):
        load_settings(tmp_path / "none.yaml")


def test_invalid_value_names_key_value_and_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_ANALYTICS_KAFKA__PARTITIONS", "none")
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert "environment: kafka.partitions = 'none'" in str(raised.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("WEB_ANALYTICS_SERVING__API_KEYS", SECRET),
        ("WEB_ANALYTICS_SERVING__API_KEYS", f'{{"{SECRET}": 1}}'),
        ("WEB_ANALYTICS_SERVING__API_KEYS", f'[["{SECRET}"]]'),
        ("WEB_ANALYTICS_KAFKA__OPTIONS", SECRET),
        ("WEB_ANALYTICS_KAFKA__OPTIONS", f'{{"sasl.password": ["{SECRET}"]}}'),
        ("WEB_ANALYTICS_SERVING", f'"{SECRET}"'),
        ("WEB_ANALYTICS_SERVING__CACHE__REDIS_URL", f'{{"a": "{SECRET}"}}'),
        ("WEB_ANALYTICS_SERVING__PORT", f"redis://:{SECRET}@somewhere"),
    ],
)
def test_no_message_quotes_a_secret(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    try:
        shown = str(show_settings(load_settings()))
    except SettingsError as error:
        shown = str(error)
    assert SECRET not in shown


def test_broken_yaml_is_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="line 2") as raised:
        load_settings(write_yaml(tmp_path, f"kafka:\n  options: [{SECRET}: }}"))
    assert SECRET not in str(raised.value)


def test_shown_settings_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"redis://:{SECRET}@cache:6379/0"
    monkeypatch.setenv("WEB_ANALYTICS_SERVING__CACHE__REDIS_URL", url)
    monkeypatch.setenv("WEB_ANALYTICS_SERVING__API_KEYS", f'["{SECRET}"]')
    monkeypatch.setenv(
        "WEB_ANALYTICS_KAFKA__OPTIONS",
        f'{{"sasl.password": "{SECRET}", "sasl.jaas.config": "x password={SECRET}",'
        ' "security.protocol": "SASL_SSL"}',
    )
    monkeypatch.setenv(
        "WEB_ANALYTICS_SPARK__CONF",
        f'{{"spark.hadoop.fs.s3a.secret.key": "{SECRET}", "spark.x": "-Dsecret={SECRET}"}}',
    )
    settings = load_settings()
    shown = show_settings(settings)
    assert SECRET not in str(shown)
    assert SECRET not in repr(settings.serving)
    assert shown["kafka"]["options"]["security.protocol"] == "SASL_SSL"
    assert reveal(settings.serving.api_keys[0]) == SECRET  # in force all the same


def test_roots_default_to_the_data_folder(tmp_path: Path) -> None:
    settings = load_settings(data_dir=str(tmp_path))
    assert lake_root(settings) == f"file://{tmp_path}/lake"
    assert checkpoint_root(settings) == f"file://{tmp_path}/checkpoints"


def test_roots_may_be_any_uri(tmp_path: Path) -> None:
    file = write_yaml(tmp_path, "lake: {root: 's3a://bucket/lake/', checkpoints: 'hdfs:///c'}")
    settings = load_settings(file)
    assert lake_root(settings) == "s3a://bucket/lake"
    assert checkpoint_root(settings) == "hdfs:///c"
