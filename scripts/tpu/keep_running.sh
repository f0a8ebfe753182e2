#!/usr/bin/env bash
# Runs a command on a spot TPU to its end: whenever the TPU is taken away, asks for another one and starts the same
# command, which goes on from the run directory in the bucket. At the end it deletes the TPU.
#
#   scripts/tpu/keep_running.sh --name=NAME --zone=ZONE --type=v5litepod-32 --version=v2-alpha-tpuv5-lite \
#                               [--every=60] [--project=PROJECT] [--dry-run] \
#                               -- train --config=imagenet --workdir=gs://BUCKET/RUN
#
# It ends with the exit code of the command: 0, or that of a mistake which a repetition does not mend (2, 3, 4, 6, 7).
# It ends with 5 after five failures in a row that are no preemption. Between two looks lie --every=60 seconds.
set -euo pipefail
here="$(dirname "$0")"
. "$here/options.sh"
read_options 'type= version= every=' "$@"
require type version
case " ${rest[*]-}" in
  *' --workdir=gs://'* | *' --workdir gs://'*) ;;
  *) fail "--workdir=gs://... is missing behind --: a spot TPU takes its disk with it" ;;
esac
every=${every:-60}
tpu=(--name="$name" "${place[@]}" ${dry_run:+--dry-run})
failures=0

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
create() { "$here/create.sh" "${tpu[@]}" --type="$type" --version="$version" --queued --spot; }
delete() { "$here/delete.sh" "${tpu[@]}" --queued --yes; }
start() { "$here/setup.sh" "${tpu[@]}" && "$here/run.sh" "${tpu[@]}" -- "${rest[@]}"; }
outcomes() { on_workers all 'bash worker.sh outcome'; }

finish() {
  [ "$1" = 0 ] || on_workers all 'bash worker.sh log' || true
  say "the command ended with exit code $1: deleting $name"
  delete || say "WARNING: $name could not be deleted and costs money: scripts/tpu/delete.sh --queued deletes it"
  exit "$1"
}

failed() {
  failures=$((failures + 1))
  say "$1 (failure $failures of 5)"
  if [ "$failures" = 5 ]; then
    say "giving up: if $name is still there, it costs money, and scripts/tpu/delete.sh --queued deletes it"
    exit 5
  fi
  sleep "$every"
}

# One try on a TPU that is there. The exit codes of all workers decide how it went.
work() {
  local codes mistake began=$SECONDS
  start || say "not all workers started the command"
  "$here/watch.sh" "${tpu[@]}" || true
  [ $((SECONDS - began)) -lt 600 ] || failures=0
  codes=$(outcomes | sort -u | tr '\n' ' ') || { failed "$name does not answer"; return; }
  if [ "$codes" = '0 ' ]; then finish 0; fi
  for mistake in $codes; do
    case $mistake in [23467]) finish "$mistake" ;; esac
  done
  failed "the command was stopped on $name with $codes"
}

if [ -n "$dry_run" ]; then
  create; "$here/state.sh" "${tpu[@]}"; start; "$here/watch.sh" "${tpu[@]}"; outcomes; delete
  exit
fi
trap 'say "stopped; $name runs on and costs money: the same command watches it again"; exit 130' INT
"$here/state.sh" "${tpu[@]}" > /dev/null || exit 5
while :; do
  state=$("$here/state.sh" "${tpu[@]}") || state=unknown
  case $state in
    '') say "asking for $name"; create || failed "$name was not created" ;;
    ACTIVE) say "starting the command on $name"; work ;;
    SUSPENDED)
      say "$name was taken away: asking for another one"
      failures=0
      delete || failed "what is left of $name was not deleted"
      ;;
    FAILED) failed "the request for $name failed"; delete || true ;;
    *) say "the state of $name is $state"; sleep "$every" ;;
  esac
done
