#!/usr/bin/env bash
# build.sh TARGET CONFIGURATION: builds quietly, and shows errors in full when there are any.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$1 configuration=$2
echo "build: $target ($configuration)"
log=$(mktemp); trap 'rm -f "$log"' EXIT
# No build servers: a set-up that ends with `make` leaves no process behind.
if ! dotnet build "$target" -c "$configuration" -v quiet -nodeReuse:false -p:UseSharedCompilation=false >"$log" 2>&1; then
  grep -E 'error|warning' "$log" | sort -u | head -n 40 >&2 || true
  echo "build: failed; the whole output: dotnet build $target -c $configuration" >&2
  exit 1
fi
