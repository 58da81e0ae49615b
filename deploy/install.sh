# Sourced by ./run and ./test: a virtual environment that holds exactly what a lock file pins.
# Needs only Python 3.11 or later with pip; bare Debian has neither venv nor ensurepip, so uv makes it.

say() { printf '%s\n' "precis: $*"; }
fail() { printf '%s\n' "precis: $*" >&2; exit 1; }

find_python() {
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "Python 3.11 or later is needed, and none was found"
}

# install_lock LOCK...: nothing to do where the stamp says that one of these locks is installed already.
install_lock() {
    python=$(find_python) || exit 1
    for lock in "$@"; do
        [ "$(cat .venv/.installed 2>/dev/null)" = "$(stamp "$lock")" ] && return
    done
    lock=$1
    [ -w . ] || fail "$(pwd) cannot be written: the virtual environment goes there"
    say "installing the packages of $lock (first run only)"
    export UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy
    unset VIRTUAL_ENV PYTHONPATH
    if [ ! -x .tools/bin/uv ]; then
        "$python" -m pip --version >/dev/null 2>&1 || fail "pip is missing: install your system's python3-pip"
        "$python" -m pip install -q --disable-pip-version-check --root-user-action=ignore --target .tools 'uv==0.13.8' \
            2>.install.log || { tail -n 3 .install.log >&2; fail "uv could not be installed: is the network there?"; }
    fi
    rm -f .venv/.installed .install.log
    [ -x .venv/bin/python ] || .tools/bin/uv venv -q --clear --python "$python" .venv || fail "no virtual environment"
    .tools/bin/uv pip sync -q --python .venv/bin/python "$lock" || fail "the packages could not be installed"
    .tools/bin/uv pip install -q --python .venv/bin/python --no-deps -e . || fail "precis could not be installed"
    stamp "$lock" >.venv/.installed
}

stamp() { cat "$1" pyproject.toml | cksum; }
