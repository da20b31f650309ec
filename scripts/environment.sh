# Makes and keeps the virtual environment `.venv` at the root of the checkout. Sourced by ./run and ./test.
# prepare_environment FILE installs what FILE pins, checked against its hashes, and this package, editable.

say() { printf '%s\n' "$*" >&2; }

stop() {
    say "$*"
    exit 1
}

# The first Python of 3.11 or newer that is on the PATH.
find_python() {
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11 python; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

# Debian and Ubuntu leave venv and ensurepip out of python3; root may add them, others are told how.
require_venv_module() {
    local python=$1
    "$python" -c 'import venv, ensurepip' >/dev/null 2>&1 && return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "Installing python3-venv, which this system's Python lacks ..."
        apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >&2 &&
            "$python" -c 'import venv, ensurepip' >/dev/null 2>&1 && return 0
    fi
    stop "calcipath needs Python's venv module, which is missing here; on Debian or Ubuntu: sudo apt-get install python3-venv"
}

create_environment() {
    local python
    python=$(find_python) || stop "calcipath needs Python 3.11 or newer; none was found on the PATH."
    require_venv_module "$python"
    say "Creating .venv with $("$python" --version) ..."
    "$python" -m venv --clear .venv || stop "The virtual environment .venv could not be created."
}

# What decides whether an installation is current: the pins, the package's metadata and where the checkout lies.
installation_key() {
    { cat "$1" pyproject.toml && pwd; } | cksum
}

# Ready-made wheels only, but for what is published as source alone: that is built by the pinned setuptools.
SOURCE_ONLY='^pyspark-client=='

install_pinned() {
    local folder status=0
    folder=$(mktemp -d)
    awk -v only="$SOURCE_ONLY" -v folder="$folder" \
        '/^[^ #]/ { source = ($0 ~ only) } { print > (folder (source ? "/source.txt" : "/wheels.txt")) }' "$1"
    "${pip[@]}" install --require-hashes --only-binary :all: -r "$folder/wheels.txt" >&2 || status=1
    if [ $status = 0 ] && [ -s "$folder/source.txt" ]; then
        "${pip[@]}" install --require-hashes --no-deps --no-build-isolation -r "$folder/source.txt" >&2 || status=1
    fi
    rm -rf -- "$folder"
    return $status
}

prepare_environment() {
    local requirements=$1 stamp=".venv/.installed-$1" key
    key=$(installation_key "$requirements")
    if [ -x .venv/bin/python ] && .venv/bin/python -c '' >/dev/null 2>&1; then
        [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ] && return 0
    else
        create_environment
    fi
    say "Installing what $requirements pins (once, needs the network) ..."
    local pip=(.venv/bin/python -m pip --disable-pip-version-check --quiet)
    install_pinned "$requirements" || stop "Installing the requirements failed; the lines above say why. Run the same command again to retry."
    "${pip[@]}" install --no-deps --no-build-isolation --editable . >&2 ||
        stop "Installing calcipath into .venv failed; the lines above say why."
    printf '%s' "$key" >"$stamp"
}
