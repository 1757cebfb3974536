# shellcheck shell=bash
# What the scripts share; sourced, with the repository's root as the working directory afterwards.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

say() { printf '== %s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# Runs a command as root: directly, or through sudo.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "needs root: run it as root, or install sudo"
  fi
}

# How many compilers at once: one takes up to 1 GB with the heaviest headers.
compile_jobs() {
  local cores memory_gb
  cores=$(nproc)
  memory_gb=$(awk '/MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo)
  [ "$memory_gb" -ge 1 ] || memory_gb=1
  echo $((cores < memory_gb ? cores : memory_gb))
}

# build_preset PRESET [TARGET...]: configures build/PRESET and builds the targets, or everything.
build_preset() {
  local preset=$1
  shift
  cmake --preset "$preset" >/dev/null ||
    die "cmake could not configure build/$preset; scripts/setup installs what it needs"
  cmake --build "build/$preset" -j "$(compile_jobs)" ${1:+--target "$@"}
}

# Our C++ files, also those not yet added to git.
sources() {
  git ls-files -co --exclude-standard -- '*.h' '*.cc' | while read -r file; do
    [ ! -e "$file" ] || echo "$file"
  done
}
