#!/usr/bin/env bash
# Copies a run directory to this computer: from a bucket (gs://...), or from the disk of worker 0.
#
#   scripts/tpu/fetch.sh --name=NAME --zone=ZONE --from=gs://BUCKET/RUN --to=FOLDER [--project=PROJECT] [--dry-run]
set -euo pipefail
. "$(dirname "$0")/options.sh"
read_options 'from= to=' "$@"
require from to
case $from in
  gs://*)
    call mkdir -p "$to"
    call gcloud storage rsync --recursive "$from" "$to" ${project:+--project="$project"}
    ;;
  *) call gcloud compute tpus tpu-vm scp --recurse "$name:$from" "$to" "${place[@]}" --worker=0 ;;
esac
