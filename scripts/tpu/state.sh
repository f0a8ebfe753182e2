#!/usr/bin/env bash
# Says how far a request in the queue is: WAITING_FOR_RESOURCES, PROVISIONING, ACTIVE, SUSPENDED, FAILED ...; nothing
# where there is no such request.
#
#   scripts/tpu/state.sh --name=NAME --zone=ZONE [--project=PROJECT] [--dry-run]
set -euo pipefail
. "$(dirname "$0")/options.sh"
read_options '' "$@"
call gcloud compute tpus queued-resources list "${place[@]}" --filter="name~/$name\$" --format='value(state.state)'
