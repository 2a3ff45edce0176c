"""What several commands share: the option `--data-dir` and the settings it leads to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from settings.model import Settings

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Folder of everything kept on this machine (also WEB_ANALYTICS_DATA_DIR).",
        file_okay=False,
        show_default="data",
    ),
]


def load_command_settings(data_dir: Path | None) -> Settings:
    """The settings in force for a command, `--data-dir` above all else."""
    from settings.load import load_settings

    return load_settings() if data_dir is None else load_settings(data_dir=str(data_dir))
