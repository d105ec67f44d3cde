# shellcheck shell=bash
# What ./run, ./check and get_model.sh share: messages, where state lives, Debian packages. Sourced,
# not run. Everything is told on standard error; standard output belongs to the answer.

say() { printf 'handmill: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# Where models and state live; the binary follows the same rule.
handmill_home() {
  if [[ -n ${HANDMILL_HOME:-} ]]; then
    printf '%s\n' "$HANDMILL_HOME"
  elif [[ ${XDG_DATA_HOME:-} == /* ]]; then
    printf '%s\n' "$XDG_DATA_HOME/handmill"
  else
    printf '%s\n' "${HOME:?is not set; set HANDMILL_HOME instead}/.local/share/handmill"
  fi
}

# Those of the given Debian packages that are not installed.
missing_packages() {
  local installed package
  installed=" $(dpkg-query -W -f '${db:Status-Abbrev}${Package} ' "$@" 2>/dev/null || true) "
  for package in "$@"; do
    [[ $installed == *[ih]"i $package "* ]] || printf '%s\n' "$package"
  done
}

# Installs what is missing of the given Debian packages.
need_packages() {
  local missing=() as_root=()
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "this is not a Debian system; these packages, or what they hold, must be there: $*"
    return 0
  fi
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null ||
      die "there is no sudo; as root, run: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get -q update >&2 </dev/null ||
    say "apt-get update failed; going on with the package lists that are there"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q install -y --no-install-recommends "${missing[@]}" >&2 </dev/null ||
    die "apt-get could not install: ${missing[*]}"
}

# What building and running handmill takes.
# shellcheck disable=SC2034  # for those who source this
build_packages=(
  g++ cmake ninja-build pkg-config
  libboost1.81-dev libfmt-dev libspdlog-dev libcli11-dev libedit-dev libpcre2-dev libutf8proc-dev
  libxxhash-dev libssl-dev libcurl4-openssl-dev ca-certificates libsqlite3-dev
  libvulkan-dev libvulkan-volk-dev glslang-tools
  python3 python3-pip unzip
)
