#!/usr/bin/env bash
# Makes a checkout ready to build, test and run: Debian packages, and from npm what NuGet does not have.
# Safe to repeat: what is up to date is left alone. `make setup`, `make demo` and `make test` call it; `make evidence` calls it
# with the word `evidence`, for packages that nothing else needs.
# Exit code 3: something is missing that cannot be had here; the last lines say what and what to do.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "setup: $*"; }
fail() { echo "setup: $*" >&2; exit 3; }

# Two runs at once (say, `make demo` beside `make test`) would both write node_modules.
exec 9<eng/setup.sh
flock --nonblock 9 || { say "waiting for another set-up of this checkout"; flock 9; }

# ---- tools that only a person can choose -------------------------------------------------------------------------

require() { # command, how to get it
  command -v "$1" >/dev/null || fail "'$1' is not installed. $2"
}

require git "Install it with: apt-get install git"
require make "Install it with: apt-get install make"
require dotnet "Install the .NET 10 SDK: https://dotnet.microsoft.com/download/dotnet/10.0"
require node "Install Node.js 18 or newer: https://nodejs.org/en/download"
require npm "It comes with Node.js: https://nodejs.org/en/download"

dotnet_version=$(dotnet --version 2>/dev/null) || fail "the .NET SDK that global.json asks for is not installed: it wants $(tr -d ' \n' <global.json). Installed: $(dotnet --list-sdks 2>/dev/null | tr '\n' ';')"
node_major=$(node -p 'process.versions.node.split(".")[0]')
[ "$node_major" -ge 18 ] || fail "Node.js $(node --version) is too old: 18 or newer is needed."

# ---- Debian packages ---------------------------------------------------------------------------------------------

installed() { [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

names() { sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$1"; }

wanted=$(names eng/debian-packages.txt)
command -v dpkg-query >/dev/null || fail "this is not a Debian system; install what provides these Debian packages, with their meaning in eng/debian-packages.txt: ${wanted//$'\n'/ }"
missing=()
for package in $wanted; do installed "$package" || missing+=("$package"); done

install_packages() { # packages
  # A package's service must not start by itself: the controller runs its own broker, and port 1883 may be taken.
  local policy=/usr/sbin/policy-rc.d log status=0
  if [ ! -e "$policy" ]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 0755 "$policy"
  fi
  log=$(mktemp)
  say "installing Debian packages: $*"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update && apt-get install --yes --no-install-recommends "$@"; } >"$log" 2>&1 || status=$?
  if [ "$status" != 0 ]; then
    tail -n 15 "$log" >&2
    fail "apt-get could not install: $*. Its whole output is in $log; the package sources of this machine must be reachable."
  fi
  rm -f "$log"
  # On a system with systemd the broker's unit would start at the next boot; before this run it was not there.
  if [ -d /run/systemd/system ] && [[ " $* " == *" mosquitto "* ]]; then
    systemctl disable --now --quiet mosquitto.service
  fi
}

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ]; then
    fail "Debian packages are missing and this is not root. Install them with:
  sudo apt-get update && sudo apt-get install --yes --no-install-recommends ${missing[*]}"
  fi
  install_packages "${missing[@]}"
fi

if [ "${1:-}" = evidence ]; then
  extra=()
  for package in $(names eng/debian-packages-evidence.txt); do installed "$package" || extra+=("$package"); done
  # In a shell of its own: what is missing here ends one measurement and not the others.
  if [ ${#extra[@]} -gt 0 ] && { [ "$(id -u)" != 0 ] || ! (install_packages "${extra[@]}"); }; then
    say "going on without: ${extra[*]} (eng/debian-packages-evidence.txt says what for)"
  fi
fi

# ---- npm packages ------------------------------------------------------------------------------------------------

npm_folder() { # folder, what it brings, a function that keeps of node_modules what is needed (it runs inside)
  local folder=$1 what=$2 keep=$3 wanted stamp log
  wanted=$({ cat "$folder/package-lock.json"; declare -f "$keep"; } | sha256sum | cut -d' ' -f1)
  stamp=$folder/node_modules/.setup-stamp
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return 0
  say "fetching $what (npm, $folder)"
  log=$(mktemp)
  # No package of ours needs an install script: those of onnxruntime-node would fetch CUDA libraries.
  if ! npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    fail "npm could not fetch $what into $folder. Its whole output is in $log; the npm registry must be reachable ('npm ping')."
  fi
  rm -f "$log"
  (cd "$folder/node_modules" && "$keep") || fail "$folder: the packages are not laid out as expected; see $keep in eng/setup.sh"
  echo "$wanted" >"$stamp"
}

keep_all() { :; }

# The packages carry libraries for every system (670 MB); those of Linux stay (90 MB).
keep_linux() {
  # The C header is the same for every system, and it comes only beside a library of iOS. `make bench` compiles against it.
  mv 'com.github.asus4.onnxruntime/Plugins/iOS~/onnxruntime.xcframework/ios-arm64/onnxruntime.framework/Headers' com.github.asus4.onnxruntime/include &&
    rm -rf com.github.asus4.onnxruntime/Plugins onnxruntime-node/bin/napi-v6/darwin onnxruntime-node/bin/napi-v6/win32
}

npm_folder eng/onnxruntime "ONNX Runtime" keep_linux
if [ -e tests/EdgeFleet.Grpc.Tests/Peers/package.json ]; then
  npm_folder tests/EdgeFleet.Grpc.Tests/Peers "the gRPC peer that tests talk to" keep_all
fi

say "ready (.NET SDK $dotnet_version, Node.js $(node --version))"
