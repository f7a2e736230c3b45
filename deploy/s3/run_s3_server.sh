#!/usr/bin/env bash
# An S3 endpoint on this machine, for trying things out: checks signatures, keeps its bucket in a
# folder. Environment: S3_PORT (9000), S3_FOLDER (.s3 in the repository).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PATH="$root/.venv/bin:$PATH"
port=${S3_PORT:-9000}
folder=${S3_FOLDER:-$root/.s3}
endpoint=http://127.0.0.1:$port

if ! command -v rclone >/dev/null; then
    echo "error: rclone is missing: run 'make s3', which installs it into .venv" >&2
    exit 1
fi
umask 077 # the key is nobody else's business
mkdir -p "$folder/buckets/nextbest"
if [[ ! -s $folder/key ]]; then
    python3 -c 'import secrets; print(secrets.token_hex(10), secrets.token_hex(20))' >"$folder/key.new"
    mv "$folder/key.new" "$folder/key"
fi
read -r key secret <"$folder/key"

cat <<END
$endpoint keeps the bucket nextbest in $folder/buckets. Ctrl+C ends it, nothing is lost.

Data and models, in every clone (.dvc/config.local is not in git):
  dvc remote modify --local storage endpointurl $endpoint
  dvc remote modify --local storage access_key_id $key
  dvc remote modify --local storage secret_access_key $secret
  dvc push --run-cache

Artifacts of MLflow (deploy/mlflow/.env is not in git either):
  MLFLOW_ARTIFACTS_DESTINATION=s3://nextbest/mlflow
  MLFLOW_S3_ENDPOINT_URL=$endpoint
  AWS_ACCESS_KEY_ID=$key
  AWS_SECRET_ACCESS_KEY=$secret

END
export RCLONE_AUTH_KEY="\"$key,$secret\"" # not on the command line, where ps would show it
export RCLONE_CONFIG=/dev/null            # nothing of the user's own
exec rclone serve s3 --addr "127.0.0.1:$port" "$folder/buckets"
