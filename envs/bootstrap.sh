# Sourced by ./reproduce and ./test in the repository's top folder: makes .venv and keeps it up to
# date. POSIX sh. Needs Python 3.11 or newer, and pip 22.3 or newer (the first with `pip --python`)
# or else ensurepip.
#
#   prepare_venv requirements.lock [requirements-test.lock]
#
# .venv/installed is a copy of the locks that were installed, written last. While it is missing,
# .venv counts as half made and is made anew: a pip that was killed leaves packages behind that look
# complete and are not.

say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

stop() {
    say "$*"
    exit 1
}

# True when .venv was once finished, its Python runs, and its typeone is the one in this folder:
# false in a tree that was copied or moved, or when the Python under it was upgraded.
venv_is_sound() {
    [ -f .venv/installed ] || return 1
    origin=$(.venv/bin/python -I -c \
        'import importlib.util as u; print(u.find_spec("typeone").origin)' 2>/dev/null)
    [ "$origin" = "$PWD/typeone/__init__.py" ]
}

# Sets $python to the Python that the variable PYTHON names, or else to the first on PATH that is new
# enough; where that one belongs to a virtual environment, to the one that it was made from.
find_python() {
    seen=
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
        if python=$("$candidate" -c 'import sys
if sys.version_info < (3, 11):
    sys.exit(1)
print(sys._base_executable)' 2>/dev/null); then
            return
        fi
        version=$("$candidate" --version 2>&1) || version="does not run"
        [ -z "${PYTHON:-}" ] || stop "needs Python 3.11 or newer; PYTHON=$PYTHON: $version"
        [ "$version" = "does not run" ] || seen="$seen; $candidate is ${version#Python }"
    done
    stop "needs Python 3.11 or newer on PATH (or its name in the variable PYTHON)$seen"
}

# True when $python has pip 22.3 or newer; prints the version when it is older, nothing without pip.
has_pip() {
    "$python" - <<'PY'
import re, sys
try:
    from pip import __version__ as version
except ImportError:
    sys.exit(1)
if [int(n) for n in re.findall("[0-9]+", version)[:2]] < [22, 3]:
    print(version)
    sys.exit(1)
PY
}

make_venv() {
    if old_pip=$(has_pip); then
        set -- --without-pip
    elif "$python" -c 'import ensurepip' 2>/dev/null; then
        set --
    elif [ -n "$old_pip" ]; then
        stop "needs pip 22.3 or newer; that of $python is $old_pip"
    else
        stop "$python has no pip; install it (Debian, Ubuntu: apt-get install python3-pip)"
    fi
    # By its physical name: .venv may be a link to a disk with more room, which venv refuses.
    said=$(mkdir -p .venv && cd -P .venv && "$python" -m venv --clear "$@" "$PWD" 2>&1) ||
        stop "cannot make .venv: $said"
}

pip_install() {
    if .venv/bin/python -c 'import pip' 2>/dev/null; then
        .venv/bin/python -m pip install "$@"
    else
        "$python" -m pip --python .venv/bin/python install "$@"
    fi >>.venv/install.log 2>&1 || {
        error=$(sed -n 's/^ERROR: //p' .venv/install.log | tail -n 1)
        stop "cannot install the packages${error:+ ($error)}; all that pip said: .venv/install.log"
    }
}

prepare_venv() {
    newline='
'
    wanted="$(cat "$@")$newline"
    if venv_is_sound; then
        # What ./test installed begins with what ./reproduce needs.
        case "$(cat .venv/installed)$newline" in "$wanted"*) return ;; esac
        find_python
    else
        find_python
        make_venv
    fi
    say "installing the packages of $* into .venv; the first time takes minutes and 1.6 GB"
    rm -f .venv/installed .venv/install.log
    PIP_USER=0 # some clusters set it to 1, which no virtual environment takes
    export PIP_USER
    pip_install -r "$1"
    pip_install --no-deps --no-build-isolation -e .
    [ $# -eq 1 ] || pip_install --no-deps -r "$2"
    cat "$@" >.venv/installed
}
