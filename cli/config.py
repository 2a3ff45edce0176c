"""`web-analytics config show`: the settings in force."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cli.options import DataDir, load_command_settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)


@app.callback()
def config() -> None:
    """The settings: one YAML file, then WEB_ANALYTICS_* variables, then options."""


@app.command()
def show(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Print the settings in force, and where they come from; secrets are masked.

    The funnels they name are checked too.

    \b
    Examples:
      web-analytics config show
      web-analytics --config conf/cluster.yaml config show --json
    """
    settings = load_command_settings(data_dir)
    from serving.journeys.definitions import load_funnels
    from settings.load import list_variables, settings_file, show_settings

    load_funnels(settings)
    file, variables, values = str(settings_file()), list_variables(), show_settings(settings)
    if as_json:
        content = {"file": file, "environment": variables, "settings": values}
        typer.echo(json.dumps(content, indent=2))
        return
    import yaml

    typer.echo(f"# file: {file}\n# environment: {', '.join(variables) or 'none'}")
    typer.echo(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), nl=False)
