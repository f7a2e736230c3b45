#!/usr/bin/env bash
# The MLflow server. By default it keeps SQLite and artifacts in .mlflow of the repository and
# listens on this machine only; deploy/mlflow/.env (see .env.example) says otherwise.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
PATH="$root/.venv/bin:$PATH"

if ! command -v mlflow >/dev/null; then
    echo "error: mlflow is missing: run 'make mlflow', which installs it into .venv" >&2
    exit 1
fi
settings=${MLFLOW_ENV_FILE:-$here/.env}
if [[ -f $settings ]]; then
    set -a
    # shellcheck source=/dev/null
    source "$settings"
    set +a
elif [[ -n ${MLFLOW_ENV_FILE:-} ]]; then
    echo "error: MLFLOW_ENV_FILE names $settings, which is no file" >&2
    exit 1
fi

folder=$root/.mlflow
umask 077
mkdir -p "$folder"
cd "$folder" # where MLflow leaves files that nobody asked for
export MLFLOW_BACKEND_STORE_URI=${MLFLOW_BACKEND_STORE_URI:-sqlite:///$folder/mlflow.db}
# SQLAlchemy takes a bare postgresql:// for psycopg 3; installed is psycopg2
MLFLOW_BACKEND_STORE_URI=${MLFLOW_BACKEND_STORE_URI/#postgresql:/postgresql+psycopg2:}
export MLFLOW_ARTIFACTS_DESTINATION=${MLFLOW_ARTIFACTS_DESTINATION:-$folder/artifacts}
export MLFLOW_HOST=${MLFLOW_HOST:-127.0.0.1}
export MLFLOW_PORT=${MLFLOW_PORT:-5000}
export MLFLOW_WORKERS=${MLFLOW_WORKERS:-1}
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION=${MLFLOW_SERVER_ENABLE_JOB_EXECUTION:-false} # LLM judges
export MLFLOW_DISABLE_TELEMETRY=${MLFLOW_DISABLE_TELEMETRY:-true}
exec mlflow server --serve-artifacts
