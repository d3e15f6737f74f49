#!/bin/sh
# Installs the system packages that the build uses, or those that are named, where they are missing
# and that is allowed. What can't be installed here, CMake downloads or names in its own error; tests
# that need it are skipped.
set -eu

command -v apt-get >/dev/null 2>&1 || exit 0
[ $# -gt 0 ] ||
  set -- libgtest-dev libnghttp2-dev libssl-dev ninja-build nlohmann-json3-dev zlib1g-dev
missing=
for package in "$@"; do
  dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

run=
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null && run="sudo -n"
  [ -n "$run" ] || { echo "not installed (needs root):$missing" >&2; exit 0; }
fi
# shellcheck disable=SC2086
$run apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 ||
  { $run apt-get update -qq && $run apt-get install -y -qq --no-install-recommends $missing >/dev/null; } ||
  echo "could not be installed with apt-get:$missing" >&2
