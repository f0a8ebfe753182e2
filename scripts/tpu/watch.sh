#!/usr/bin/env bash
# Shows what a worker of a TPU says until its program ends, and ends with the exit code of that. Ctrl-C stops only this.
#
#   scripts/tpu/watch.sh --name=NAME --zone=ZONE [--worker=0] [--project=PROJECT] [--dry-run]
set -euo pipefail
. "$(dirname "$0")/options.sh"
read_options 'worker=' "$@"
on_workers "${worker:-0}" 'bash worker.sh watch'
