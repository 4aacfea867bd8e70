#!/usr/bin/env bash
# test.sh CONFIGURATION: runs every test project that is built, one after the other (many of them start servers and
# measure waits, and two cores are not many), and ends with one line that adds them up.
set -uo pipefail
cd "$(dirname "$0")/.."
configuration=$1
results=artifacts/tests
rm -rf "$results"; mkdir -p "$results"
passed=0 failed=0 skipped=0
for project in tests/*.Tests; do
  name=$(basename "$project")
  dll=$project/bin/$configuration/net10.0/$name.dll
  log=$results/$name.log
  started=$SECONDS
  timeout 600 dotnet vstest "$dll" --logger:"console;verbosity=normal" >"$log" 2>&1
  code=$?
  count() { sed -nE "s/^ *$1: *([0-9]+).*/\1/p" "$log" | tail -n 1; }
  p=$(count Passed) f=$(count Failed) s=$(count Skipped)
  passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
  printf '%-36s %4s passed %4s failed %4s s\n' "$name" "${p:-0}" "${f:-0}" "$((SECONDS - started))"
  if [ "$code" != 0 ] && [ "${f:-0}" = 0 ] && ! grep -q 'No test is available' "$log"; then
    # The test host died or ran out of time: that is a failure although no test says so.
    echo "$name ended with code $code without a failed test; see $log"; tail -n 20 "$log"
    failed=$((failed + 1))
  elif [ "${f:-0}" != 0 ]; then
    grep -A 12 -E '^ *Failed |\[FAIL\]' "$log" | head -n 120
  fi
done
line="$passed passed, $failed failed"
[ "$skipped" = 0 ] || line="$line, $skipped skipped"
echo "$line"
[ "$failed" = 0 ]
