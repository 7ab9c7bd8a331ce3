# Sourced by the other scripts: where things are, and how a missing piece is installed.
# shellcheck shell=bash
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="$root/.venv"
cache="$root/.cache"
jobs="$(nproc)"

say() { printf '%s\n' "== $*" >&2; }
die() {
  printf '%s: %s\n' "scripts/$(basename "$0")" "$*" >&2
  exit 1
}

# Prints the comment block on top of the calling script as its help.
print_help() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; }

# apt_install LIST: installs the packages of a list file that are missing; silent and quick when none is.
apt_install() {
  local list="$1" package missing=() as_root=()
  command -v dpkg-query >/dev/null ||
    die "no dpkg here. Install what $(basename "$list") lists with your system's package manager, then run again with --no-apt."
  while read -r package; do
    [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] || missing+=("$package")
  done < <(sed 's/#.*//; s/[[:space:]]//g; /^$/d' "$list")
  ((${#missing[@]})) || return 0
  if [[ $(id -u) != 0 ]]; then
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
      as_root=(sudo)
    else
      die "missing packages, and no right to install them. As root: apt-get install -y --no-install-recommends ${missing[*]}"
    fi
  fi
  say "apt: ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq ||
    die "apt-get update failed; is the network up?"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get install failed for: ${missing[*]}"
}

# ensure_python [FOLDER]: a venv there (.venv) with Python and pip, and whatever is in it already.
ensure_python() {
  local folder="${1:-$venv}"
  [[ -x "$folder/bin/python" ]] || /usr/bin/python3 -m venv "$folder" || die "/usr/bin/python3 -m venv failed; it needs the package python3-venv."
}

# ensure_venv [KIND [FOLDER]]: FOLDER (.venv) with the packages of requirements.txt, or of requirements-KIND.txt on top of what is in it; does nothing
# when they are there.
ensure_venv() {
  local kind="${1:+-$1}" folder="${2:-$venv}" list stamp wanted
  list="scripts/requirements$kind.txt" stamp="$folder/.requirements$kind"
  wanted="$(sha256sum <"$root/$list")"
  if [[ -f "$stamp" && "$(<"$stamp")" == "$wanted" ]]; then return 0; fi
  ensure_python "$folder"
  say "pip: the packages of $list into ${folder#"$root/"}"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check -r "$root/$list" ||
    die "pip could not install $list into ${folder#"$root/"}; is the network up?"
  printf '%s\n' "$wanted" >"$stamp"
}

# build_preset NAME [target...]: configures when needed and builds; all targets when none is named.
build_preset() {
  local preset="$1" log
  shift
  mkdir -p "$root/build"
  "$root/scripts/fetch-pocketfft"
  log="$root/build/configure-$preset.log"
  (cd "$root" && cmake --preset "$preset" >"$log" 2>&1) || {
    tail -n 30 "$log" >&2
    die "cmake --preset $preset failed; all of its output is in $log"
  }
  say "ninja: build/$preset ${*:-all}"
  ninja -C "$root/build/$preset" -j "$jobs" "$@" >&2 || die "the build failed (build/$preset)."
}
