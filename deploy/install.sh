# Sourced by ./run and ./test: a virtual environment that holds exactly what a lock file pins.
# Needs only Python 3.11 or later with pip; bare Debian has neither venv nor ensurepip, so uv makes it.

UV=.tools/bin/uv
STAMP=.venv/.installed

say() { printf '%s\n' "precis: $*"; }
fail() { printf '%s\n' "precis: $*" >&2; exit 1; }

find_python() {
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "Python 3.11 or later is needed, and none was found; PYTHON=/path/to/python names one"
}

# install_lock LOCK...: the first one, unless the stamp says that one of these is installed already.
install_lock() {
    for lock in "$@"; do
        [ -x .venv/bin/python ] && [ "$(cat $STAMP 2>/dev/null)" = "$(stamp "$lock")" ] && return
    done
    [ -w . ] || fail "$(pwd) cannot be written: the virtual environment goes there"
    say "installing the packages of $1 (first run only)"
    export UV_PYTHON_DOWNLOADS=never
    # The machine's own certificates, as pip uses them: a company's proxy is known there alone.
    [ ! -s /etc/ssl/certs/ca-certificates.crt ] || export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
    # A service account may have no home.
    [ -w "${HOME:-/nonexistent}" ] || export UV_CACHE_DIR="$(pwd)/.tools/cache" PIP_NO_CACHE_DIR=1
    unset VIRTUAL_ENV PYTHONPATH PYTHONHOME
    python=$(find_python) || exit 1
    install_uv
    rm -f $STAMP
    [ -x .venv/bin/python ] || quietly $UV venv -q --clear --python "$python" .venv ||
        fail "no virtual environment could be made with $python"
    quietly $UV pip sync -q --python .venv/bin/python "$1" ||
        fail "the packages of $1 could not be installed: is the network there, and space on the disk?"
    quietly $UV pip install -q --python .venv/bin/python --no-deps --build-constraints deploy/build.lock -e . ||
        fail "precis itself could not be installed"
    rm -f .install.log
    stamp "$1" >$STAMP
}

install_uv() {
    [ -x $UV ] && return
    "$python" -m pip --version >/dev/null 2>&1 || fail "pip is missing: install your system's python3-pip"
    quietly "$python" -m pip install -q --disable-pip-version-check --root-user-action=ignore --upgrade \
        --target .tools 'uv==0.13.8' || fail "uv could not be installed: is the network there?"
}

# quietly COMMAND...: what it said is shown where it fails.
quietly() {
    "$@" >.install.log 2>&1 || { tail -n 3 .install.log >&2; return 1; }
}

stamp() { cat "$1" pyproject.toml | cksum; }
