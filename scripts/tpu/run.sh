#!/usr/bin/env bash
# Starts the same command on all workers of a TPU. It runs on when this computer is switched off; watch.sh shows it.
#
#   scripts/tpu/run.sh --name=NAME --zone=ZONE [--project=PROJECT] [--dry-run] \
#                      -- train --config=imagenet --workdir=gs://BUCKET/RUN
set -euo pipefail
. "$(dirname "$0")/options.sh"
read_options '' "$@"
[ ${#rest[@]} -gt 0 ] || fail "nothing to run: the arguments of study-classification follow --"
on_workers all "bash worker.sh start $(quoted "${rest[@]}")"
