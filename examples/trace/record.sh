#!/usr/bin/env bash
# Records the file-metadata accesses of one command, and of everything it starts,
# as one region of a trace: gzip CSV `timestamp_ms,client,key,op,size,region`.
#
#   record.sh [-m DIR=ROOT]... [-k RAWDIR] REGION OUT.csv.gz -- command [argument...]
#
#   -m DIR=ROOT   paths below DIR appear in the trace below the neutral root ROOT
#                 (may be repeated; the longest matching DIR wins).
#                 Default: the current directory as `src`.
#                 /usr and /etc keep their names. Everything else is left out, so no
#                 path of this machine that was not named here can reach the trace.
#   -k RAWDIR     keep the raw strace output in RAWDIR (otherwise it is deleted).
#
# Join the regions afterwards:  convert.py merge ALL.csv.gz ONE.csv.gz TWO.csv.gz ...
# Needs: Linux, strace >= 5.3 (for --seccomp-bpf), python3 >= 3.8.
set -euo pipefail

usage() { sed -n '2,16s/^# \{0,1\}//p' "$0" >&2; exit 2; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
maps=()
raw=
while getopts m:k:h option; do
  case $option in
    m) maps+=(--map "$OPTARG") ;;
    k) raw=$OPTARG ;;
    *) usage ;;
  esac
done
shift $((OPTIND - 1))
[[ $# -ge 4 && $3 == -- ]] || usage
region=$1
out=$2
shift 3
[[ ${#maps[@]} -gt 0 ]] || maps=(--map "$(pwd -P)=src")

if [[ -z $raw ]]; then
  raw=$(mktemp -d)
  trap 'rm -rf "$raw"' EXIT
else
  mkdir -p "$raw"
  rm -f "$raw"/strace.*        # an earlier recording must not mix with this one
fi

# -ff: one file per process, so no call is torn into "unfinished" and "resumed";
# --seccomp-bpf: only the traced calls stop the process, the rest run at full speed;
# -y: names the directory behind each descriptor; clone & co. give the process tree.
status=0
strace -ff -qq --seccomp-bpf -ttt -y -s 4096 -e signal=none \
  -e trace=%file,fchdir,clone,clone3,fork,vfork \
  -o "$raw/strace" -- "$@" || status=$?
[[ $status -eq 0 ]] || echo "record.sh: the command ended with status $status" >&2

python3 "$here/convert.py" convert --region "$region" --cwd "$(pwd -P)" "${maps[@]}" "$raw" "$out"
exit "$status"
