#!/usr/bin/env bash
# Deletes a TPU and what lies on its disks, after asking; nothing in a bucket. One from the queue needs --queued.
#
#   scripts/tpu/delete.sh --name=NAME --zone=ZONE [--queued] [--yes] [--project=PROJECT] [--dry-run]
set -euo pipefail
. "$(dirname "$0")/options.sh"
read_options 'queued yes' "$@"
if [ -n "$queued" ]; then
  call gcloud compute tpus queued-resources delete "$name" "${place[@]}" --force ${yes:+--quiet}
else
  call gcloud compute tpus tpu-vm delete "$name" "${place[@]}" ${yes:+--quiet}
fi
