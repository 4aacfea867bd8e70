#!/bin/sh
# A hook of file mode for an application that loads anew at SIGHUP and then writes what it has loaded.
#
#   reload.sh PID-FILE LOADED-FILE
#
# The agent has pointed models/MODEL/current at the new files when it runs this, and swaps back when this does not end with 0. The
# agent ends it after --hook-seconds, so nothing here counts the time. It may be run twice for one digest.
set -eu
pid_file=$1
loaded_file=$2

if [ ! -s "$pid_file" ]; then
  echo "the application does not run; it loads the files when it starts"
  exit 0
fi
pid=$(cat "$pid_file")
if [ -z "$EDGEFLEET_DIGEST" ]; then
  echo "there is no model any more"
  kill -TERM "$pid"
  exit 0
fi
rm -f "$loaded_file"
kill -HUP "$pid"
until [ -s "$loaded_file" ]; do
  kill -0 "$pid" || { echo "the application ended while it loaded $EDGEFLEET_PATH" >&2; exit 1; }
  sleep 0.1
done
said=$(cat "$loaded_file")
if [ "$said" != "$EDGEFLEET_DIGEST" ]; then
  echo "$said" >&2
  exit 1
fi
