#!/usr/bin/env bash
# One worker of a TPU, in its home directory, where setup.sh puts this file.
#
#   bash worker.sh start ARGUMENT...   starts study-classification; it runs on when the connection ends
#   bash worker.sh watch               shows its output until it ends, and ends with its exit code
#   bash worker.sh log                 all its output, each line with the name of the worker
#   bash worker.sh outcome             one word: its exit code, 'running' or 'none'
set -euo pipefail

running() { ! flock --nonblock run.lock true; }

outcome() {
  if running; then echo running; elif [ -e run.exit ]; then cat run.exit; else echo none; fi
}

verb=$1
shift
case $verb in
  start)
    exec 9> run.lock
    if ! flock --nonblock 9; then
      echo "error: a run is going on here, and a TPU holds one at a time: scripts/tpu/watch.sh shows it" >&2
      exit 5
    fi
    rm -f run.exit
    exec > run.log 2>&1 < /dev/null
    (
      trap '' HUP  # the end of the connection
      trap : TERM  # the program answers it; this shell lives on and writes the exit code
      code=0
      env/bin/study-classification "$@" || code=$?
      echo "$code" > run.exit
    ) &
    echo $! > run.pid
    ;;
  watch)
    tail --lines=+1 --follow=name --sleep-interval=0.2 --pid="$(cat run.pid)" run.log
    code=$(outcome)
    case $code in *[!0-9]*) code=137 ;; esac  # it was killed with this shell
    exit "$code"
    ;;
  log) sed "s/^/$(hostname): /" run.log ;;
  outcome) outcome ;;
  *) echo "error: worker.sh has no verb '$verb'" >&2; exit 2 ;;
esac
