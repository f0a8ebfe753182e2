#!/usr/bin/env bash
# Creates a TPU, a single VM or a slice: at once, or from the queue as soon as there is one (state.sh then says ACTIVE).
#
#   scripts/tpu/create.sh --name=NAME --zone=ZONE --type=v5litepod-8 --version=v2-alpha-tpuv5-lite
#                         [--queued] [--spot] [--project=PROJECT] [--dry-run]
set -euo pipefail
. "$(dirname "$0")/options.sh"
read_options 'type= version= queued spot' "$@"
require type version
if [ -n "$queued" ]; then
  call gcloud compute tpus queued-resources create "$name" "${place[@]}" --node-id="$name" \
    --accelerator-type="$type" --runtime-version="$version" ${spot:+--spot}
else
  call gcloud compute tpus tpu-vm create "$name" "${place[@]}" \
    --accelerator-type="$type" --version="$version" ${spot:+--spot}
fi
