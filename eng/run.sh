#!/usr/bin/env bash
# run.sh PROJECT NAME ARGS…: runs src/EdgeFleet.PROJECT from its build, made anew when a source is newer than it.
set -euo pipefail
root=$(dirname "$(dirname "$(readlink -f "$0")")")
project=$1 name=$2; shift 2
dll=$root/src/EdgeFleet.$project/bin/Release/net10.0/$name.dll
newer() {
  [ ! -e "$dll" ] && return 0
  [ -n "$(find "$root/src" "$root/protos" "$root"/Directory.*.props \( -name bin -o -name obj \) -prune -o \
    \( -name '*.cs' -o -name '*.csproj' -o -name '*.props' -o -name '*.proto' \) -newer "$dll" -print -quit)" ]
}
if [ -z "${EDGEFLEET_NO_BUILD:-}" ] && newer; then
  {
    [ -e "$root/eng/onnxruntime/node_modules/.setup-stamp" ] || bash "$root/eng/setup.sh"
    bash "$root/eng/build.sh" "src/EdgeFleet.$project" Release
    # An incremental build leaves a file that did not change alone.
    touch "$dll"
  } >&2
fi
exec dotnet "$dll" "$@"
