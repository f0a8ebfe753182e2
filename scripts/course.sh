#!/bin/sh
exec python3 "$(dirname "$0")/environment.py" "$(dirname "$0")/course.py" "$@"
