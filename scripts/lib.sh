# shellcheck shell=bash
# What the scripts of this folder share: where things are, how progress is said,
# and how a missing tool is installed. It is sourced, never run.

# The variables are for the scripts that source this file.
# shellcheck disable=SC2034
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034
cache=${XDG_CACHE_HOME:-$HOME/.cache}/plumbline

# The modules of the workspace, in the order in which they depend on each other.
# shellcheck disable=SC2034
modules=(schemas pkg services/collector services/loader services/scorecard services/standalone)

# say prints one line of progress.
say() { printf '==> %s\n' "$*" >&2; }

# die prints why it cannot go on, and ends.
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# have tells whether a command is on PATH.
have() { command -v "$1" >/dev/null 2>&1; }

# need_apt COMMAND PACKAGE… installs Debian packages where the command is
# missing and we may.
need_apt() {
  local command=$1
  shift
  if have "$command"; then return; fi
  if [[ $(id -u) != 0 ]] || ! have apt-get; then
    die "$command is missing: install it ($* on Debian) and run this again"
  fi
  say "installing $*"
  local log
  log=$(mktemp)
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } \
    >"$log" 2>&1 </dev/null; then
    tail -20 "$log" >&2
    die "could not install $*"
  fi
  rm -f "$log"
}

# need_node checks for Node.js and npm, which cannot be had from here.
need_node() {
  if ! have node || ! have npm; then
    die "Node.js 20 or later with npm is needed: it installs the database engine and builds the web app"
  fi
  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  if ((major < 20)); then die "Node.js 20 or later is needed, this is $(node --version)"; fi
}

# need_go checks for Go; the toolchain line of go.work says which.
need_go() {
  have go || die "Go 1.26 or later is needed to build: install it and run this again"
}

# shellcheck disable=SC2034
web=$root/services/scorecard/web

# npm_modules FOLDER WHAT installs the npm packages of a folder where its lock
# file is newer than what is installed.
npm_modules() {
  local folder=$1 what=$2
  need_node
  local installed=$folder/node_modules/.package-lock.json
  if [[ -f $installed && ! $folder/package-lock.json -nt $installed ]]; then return; fi
  say "installing the npm packages of $what"
  (cd "$folder" && npm ci --loglevel=error </dev/null >&2) || die "npm ci failed in ${folder#"$root"/}"
  touch "$installed"
}

# web_modules installs the npm packages of the web app.
web_modules() { npm_modules "$web" 'the web app'; }

# provider_modules installs the OpenID Connect provider of the tests.
provider_modules() { npm_modules "$root/services/scorecard/testdata/oidc" "the tests' OpenID Connect provider"; }

# web_build builds the web app where a source is newer than the build.
web_build() {
  [[ -f $web/package.json ]] || return 0
  local built=$web/dist/app/index.html
  if [[ -f $built && -z $(find "$web/src" "$web/public" "$web/index.html" "$web/package-lock.json" \
    "$web/vite.config.ts" "$root/schemas/openapi.yaml" -newer "$built" ! -name schema.d.ts -print -quit) ]]; then
    return
  fi
  web_modules
  say "building the web app"
  (cd "$web" && npm run --silent build </dev/null >&2) || die "the web app does not build"
  # A build that changed nothing may leave the old file in place.
  touch "$built"
}
