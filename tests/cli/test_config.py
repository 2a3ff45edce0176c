"""The command itself: its list, its one way to fail, and `config show`."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cli.main import COMMANDS

SECRET = "hunter2-do-not-print"


def run_command(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if "WEB_ANALYTICS" not in name}
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=clean | variables,
    )


def test_help_lists_every_command_and_imports_none() -> None:
    program = (
        "import sys; sys.argv = ['web-analytics', '--help']\n"
        "from cli.main import main\n"
        "try: main()\n"
        "finally: print('imported', sorted({name.split('.')[0] for name in sys.modules}))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    for name, (_, _, line) in COMMANDS.items():
        assert name in answer.stdout
        assert line in answer.stdout
    imported = answer.stdout.rpartition("imported")[2]
    assert not {"pydantic", "pyspark", "rich", "confluent_kafka"} & set(imported.split("'"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    module, attribute, _ = COMMANDS[name]
    assert hasattr(importlib.import_module(module), attribute)
    answer = run_command(name, "--help")
    assert answer.returncode == 0
    assert "--help" in answer.stdout


@pytest.mark.parametrize("arguments", [("up",), ("stream",), ("serve",), ("config", "show")])
def test_help_has_examples_and_the_data_folder(arguments: tuple[str, ...]) -> None:
    text = run_command(*arguments, "--help").stdout
    assert "Examples:" in text
    assert f"web-analytics {' '.join(arguments)}" in text
    assert "--data-dir" in text


def test_unknown_command_names_the_nearest() -> None:
    answer = run_command("stram")
    assert answer.returncode == 2
    assert "'stream'" in answer.stderr


@pytest.mark.parametrize("command", [("config", "show"), ("stream",), ("up",), ("serve",)])
def test_bad_setting_is_one_message_and_code_2(command: tuple[str, ...], tmp_path: Path) -> None:
    answer = run_command(*command, "--data-dir", str(tmp_path), WEB_ANALYTICS_KAFKA__TOPICC="x")
    assert answer.returncode == 2
    assert answer.stderr.splitlines() == [
        "web-analytics: environment: unknown setting 'kafka.topicc'. Did you mean 'kafka.topic'?"
    ]
    assert answer.stdout == ""


def test_show_prints_what_is_in_force(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("kafka: {topic: from_file}\ndata_dir: from_file\n")
    answer = run_command(
        *("--config", str(file), "config", "show", "--data-dir", "from_option"),
        WEB_ANALYTICS_KAFKA__PARTITIONS="5",
    )
    assert answer.returncode == 0
    first, second = answer.stdout.splitlines()[:2]
    assert str(file) in first
    assert "WEB_ANALYTICS_KAFKA__PARTITIONS" in second
    shown = yaml.safe_load(answer.stdout)
    assert (shown["kafka"]["topic"], shown["kafka"]["partitions"]) == ("from_file", 5)
    assert shown["data_dir"] == "from_option"


def test_show_masks_secrets_in_both_formats() -> None:
    variables = {
        "WEB_ANALYTICS_SERVING__API_KEYS": json.dumps([SECRET]),
        "WEB_ANALYTICS_KAFKA__OPTIONS": json.dumps({"sasl.password": SECRET}),
    }
    text = run_command("config", "show", **variables)
    as_json = run_command("config", "show", "--json", **variables)
    assert SECRET not in text.stdout + as_json.stdout
    content = json.loads(as_json.stdout)
    assert content["environment"] == sorted(variables)
    assert content["file"].endswith("local.yaml")
    assert content["settings"] == yaml.safe_load(text.stdout)


def test_missing_config_file_is_refused(tmp_path: Path) -> None:
    answer = run_command("--config", str(tmp_path / "none.yaml"), "config", "show")
    assert answer.returncode == 2
    assert "none.yaml" in answer.stderr
