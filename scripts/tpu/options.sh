# shellcheck shell=bash
# Sourced by the scripts of this folder: their options, and how they call gcloud.
#
#   read_options 'type= spot' "$@"    --type=VALUE into $type, --spot into $spot, what follows -- into ${rest[@]};
#                                     --name=, --zone=, --project= and --dry-run belong to all of them

fail() { printf 'error: %s\n' "$*" >&2; exit 2; }

read_options() {
  local known=" name= zone= project= dry-run $1 " option
  shift
  dry_run='' project='' rest=()
  for option in $known; do option=${option%=}; printf -v "${option//-/_}" '%s' ''; done
  while [ $# -gt 0 ]; do
    option=${1%%=*}
    case $1 in
      --help) sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p;}' "$0"; exit 0 ;;
      --) shift; rest=("$@"); break ;;
      --*=*) option=${option#--}= ;;
      --*) option=${option#--} ;;
      *) fail "$1 is no option: options begin with --, and the arguments of study-classification follow --" ;;
    esac
    case $known in
      *" $option "*) ;;
      *" $option= "*) fail "--$option needs a value: --$option=..." ;;
      *" ${option%=} "*) fail "--${option%=} takes no value" ;;
      *) fail "there is no option --${option%=}: --help shows those that there are" ;;
    esac
    case $option in
      *=) option=${option%=}; printf -v "${option//-/_}" '%s' "${1#*=}" ;;
      *) printf -v "${option//-/_}" '%s' 1 ;;
    esac
    shift
  done
  require name zone
  place=(--zone="$zone" ${project:+--project="$project"})
}

require() {
  local option
  for option in "$@"; do [ -n "${!option}" ] || fail "--$option=... is missing: --help shows an example"; done
}

# The arguments as a shell reads them again.
quoted() {
  local argument option line=''
  for argument in "$@"; do
    case $argument in --*=*) option=${argument%%=*}= ;; *) option='' ;; esac
    argument=${argument#"$option"}
    case $argument in
      '' | *[!A-Za-z0-9_@%+=:,./~-]*) argument="'$(printf '%s' "$argument" | sed "s/'/'\\\\''/g")'" ;;
    esac
    line="$line${line:+ }$option$argument"
  done
  printf '%s\n' "$line"
}

# Runs a command, or with --dry-run prints it.
call() { if [ -n "$dry_run" ]; then quoted "$@"; else "$@"; fi; }

# on_workers all COMMAND: runs a line of shell on worker 0, 1, ... or on all of them.
on_workers() { call gcloud compute tpus tpu-vm ssh "$name" "${place[@]}" --worker="$1" --command="$2"; }
