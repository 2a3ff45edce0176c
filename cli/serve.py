"""`web-analytics serve`: the API and the dashboard alone."""

from __future__ import annotations

import os

from cli.options import DataDir, load_command_settings


def serve(data_dir: DataDir = None) -> None:
    """Run the API and the dashboard over the tables, reading only.

    \b
    Examples:
      web-analytics serve --data-dir data
      WEB_ANALYTICS_SERVING__PORT=9000 web-analytics serve
    """
    settings = load_command_settings(data_dir)
    from embedded.java import java_home
    from serving.__main__ import run
    from settings.logs import configure_logging

    configure_logging(settings)
    os.environ["JAVA_HOME"] = str(java_home())
    run(settings)
