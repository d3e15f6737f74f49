#!/bin/sh
# Installs the system packages that the build uses, where they are missing and that is allowed.
# What can't be installed here, CMake downloads or names in its own error.
set -eu

command -v apt-get >/dev/null 2>&1 || exit 0
missing=
for package in libgtest-dev libssl-dev ninja-build nlohmann-json3-dev zlib1g-dev; do
  dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

run=
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null && run="sudo -n"
  [ -n "$run" ] || { echo "not installed (needs root):$missing" >&2; exit 0; }
fi
# shellcheck disable=SC2086
$run apt-get install -y -qq $missing >/dev/null 2>&1 ||
  { $run apt-get update -qq && $run apt-get install -y -qq $missing >/dev/null; } ||
  echo "could not be installed with apt-get:$missing" >&2
