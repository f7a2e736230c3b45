#!/usr/bin/env bash
# A Spark master and two workers on this machine, on the loopback interface only, for tests and for
# trying. Usage: spark_cluster.sh start | stop | run COMMAND … (starts, runs the command, stops)
# Environment: SPARK_PORT (of the master), WORKER_MEMORY, SPARK_FOLDER (logs, work of the workers).
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${SPARK_FOLDER:-$PWD/.spark}
port=${SPARK_PORT:-7077}
python=${SPARK_PYTHON:-$PWD/.venv-spark/bin/python}

stop() {
	for file in "$folder"/*.pid; do
		[ -e "$file" ] || continue
		pid=$(cat "$file")
		if kill "$pid" 2>/dev/null; then
			for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
			kill -9 "$pid" 2>/dev/null || true
		fi
		rm -f "$file"
	done
}

launch() { # name, line of the log that says that it is there, command …
	local name=$1 ready=$2
	shift 2
	"$SPARK_HOME/bin/spark-class" "$@" >"$folder/$name.log" 2>&1 &
	echo $! >"$folder/$name.pid"
	for _ in $(seq 600); do
		grep -q "$ready" "$folder/$name.log" && return
		kill -0 "$(cat "$folder/$name.pid")" 2>/dev/null || break
		sleep 0.1
	done
	echo "error: the Spark $name did not start; the end of $folder/$name.log:" >&2
	tail -n 5 "$folder/$name.log" >&2
	stop
	exit 1
}

start() {
	if ! command -v java >/dev/null; then
		echo "error: there is no Java: Spark wants version 17 or newer (Debian: apt-get install openjdk-17-jre-headless)" >&2
		exit 1
	fi
	mkdir -p "$folder"
	stop
	SPARK_HOME=$("$python" -c 'import importlib.util as u; print(u.find_spec("pyspark").submodule_search_locations[0])')
	export SPARK_HOME SPARK_LOCAL_IP=127.0.0.1 SPARK_DAEMON_MEMORY=256m PYSPARK_PYTHON=$python
	worker=(org.apache.spark.deploy.worker.Worker --host 127.0.0.1 --cores 1
		--memory "${WORKER_MEMORY:-2g}" --webui-port 0)
	launch master "I have been elected leader" org.apache.spark.deploy.master.Master \
		--host 127.0.0.1 --port "$port" --webui-port 0
	# Where a port is taken, the next one is.
	master=$(grep -om1 'spark://127\.0\.0\.1:[0-9]*' "$folder/master.log")
	for number in 1 2; do
		launch "worker$number" "Successfully registered with master" \
			"${worker[@]}" --work-dir "$folder/work$number" "$master" &
	done
	wait -n && wait -n
	echo "$master with two workers; logs are in $folder"
}

case ${1:-} in
start) start ;;
stop)
	stop
	rm -rf "$folder"
	;;
run)
	shift
	trap 'stop; rm -rf "$folder"' EXIT
	start
	NEXTBEST_SPARK_MASTER=$master NEXTBEST_SPARK_FOLDER=$folder SPARK_LOCAL_IP=127.0.0.1 "$@"
	;;
*)
	echo "usage: $0 start | stop | run COMMAND …" >&2
	exit 2
	;;
esac
