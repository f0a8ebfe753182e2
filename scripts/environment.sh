# Sourced by the other scripts: makes or updates a virtual environment with this project in it.
#
#   prepare_environment EXTRAS [--python PYTHON]     EXTRAS: '' or '[test]'
#
# Takes the newest of python3.13, 3.12 and 3.11 that really starts (some are only shims), or the one that --python names,
# and installs what setup.cfg asks for. Nothing is installed again as long as setup.cfg and the interpreter stay the same.

say() { printf '%s\n' "$*" >&2; }

usable() { "$1" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
  if [ -n "${1:-}" ]; then
    usable "$1" && { printf '%s\n' "$1"; return; }
    say "error: $1 does not start, is older than 3.11, or lacks the venv module: name another with --python"
    exit 2
  fi
  local candidate
  for candidate in python3.13 python3.12 python3.11 python3; do
    usable "$candidate" && { printf '%s\n' "$candidate"; return; }
  done
  say "error: there is no Python 3.11 or newer with the venv module here: install one (Debian: apt install python3-venv)"
  exit 2
}

prepare_environment() {
  local extras=$1 python wanted environment=.venv
  shift
  if [ "${1:-}" = --python ]; then python=$(find_python "${2:?--python needs a value}"); else python=$(find_python); fi
  wanted="$("$python" -c 'import sys; print(sys.version, sys.executable)') $(cksum < setup.cfg)"
  if [ "$(cat "$environment/interpreter" 2>/dev/null)" != "$wanted" ]; then
    say "Making $environment with $("$python" --version) ..."
    rm -rf "$environment"
    "$python" -m venv "$environment"
    printf '%s\n' "$wanted" > "$environment/interpreter.new"
  fi
  if [ ! -e "$environment/interpreter" ] || { [ -n "$extras" ] && [ ! -e "$environment/extras" ]; }; then
    say "Installing the packages that setup.cfg names (about 1 GB on disk; a few minutes on a slow line) ..."
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".$extras"
    [ -z "$extras" ] || touch "$environment/extras"
    [ ! -e "$environment/interpreter.new" ] || mv "$environment/interpreter.new" "$environment/interpreter"
  fi
}
