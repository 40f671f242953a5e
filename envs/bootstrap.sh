# Sourced by ./reproduce and ./test in the repository's top folder: makes .venv and keeps it up to date.
# Needs Python 3.11 or newer, and pip 22.3 or newer (the first with `pip --python`) or else ensurepip.
#
# .venv/installed is a copy of the locks that were installed, written last. While it is missing, .venv
# counts as half made and is made anew: a pip that was killed leaves packages behind that look complete
# and are not.

# No other checkout's code, and no module that only the caller's Python has.
unset PYTHONHOME PYTHONPATH PYTHONSTARTUP PYTHONINSPECT PYTHONOPTIMIZE PYTHONWARNINGS MPLBACKEND
export PYTHONUTF8=1 # whatever the locale

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

stop() { say "$*" && exit 1; }

# True when .venv was once finished, its Python runs, and its typeone is the one in this folder:
# false in a tree that was copied or moved, or when the Python under it was upgraded.
venv_is_sound() {
    [ -f .venv/installed ] && origin=$(.venv/bin/python -I -X utf8 -c \
        'import importlib.util as u; print(u.find_spec("typeone").origin)' 2>/dev/null) &&
        [ "$origin" = "$PWD/typeone/__init__.py" ]
}

# True when .venv is sound and has the packages of these locks: what ./test installed begins with what
# ./reproduce needs.
venv_is_current() {
    venv_is_sound && [ -f .venv/bin/typeone ] && # which .venv of older checkouts lack
        [ "$(head -c "$(cat "$@" | wc -c)" .venv/installed)" = "$(cat "$@")" ]
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
    "$python" - 2>/dev/null <<'PY'
import pip, re, sys
if [int(n) for n in re.findall("[0-9]+", pip.__version__)[:2]] < [22, 3]:
    print(pip.__version__)
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

# Makes .venv or installs into it where needed; no run and no other set-up may use it meanwhile.
set_up() {
    ! venv_is_current "$@" || return 0
    find_python
    said=$( (mkdir -p .snakemake && true >>.snakemake/setup.lock) 2>&1) || stop "$said"
    exec 9<>.snakemake/setup.lock
    said=$("$python" -I -X utf8 typeone/workflow/lock.py "${0##*/}" "$PWD") || stop "$said"
    if ! venv_is_current "$@"; then # another one may just have made it
        venv_is_sound || make_venv
        say "installing the packages of $* into .venv; the first time takes minutes and 1.6 GB"
        rm -f .venv/installed .venv/install.log
        export PIP_USER=0 # some clusters set it to 1, which no virtual environment takes
        pip_install -r "$1"
        pip_install --no-deps --no-build-isolation -e .
        [ $# -eq 1 ] || pip_install --no-deps -r "$2"
        cat "$@" >.venv/installed
    fi
    exec 9>&-
}
