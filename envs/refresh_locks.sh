#!/bin/sh
# Write requirements.lock and requirements-test.lock again, from what pyproject.toml asks for.
# With Python 3.11, in the top folder: sh envs/refresh_locks.sh
set -eu

lock=$(mktemp -d)
trap 'rm -rf "$lock"' EXIT
in_lock() { python3 -m pip --python "$lock/bin/python" "$@"; }
# Neither torch's "+cpu" nor the packages of its CUDA build: the locks serve both.
frozen() {
    in_lock freeze --all --exclude-editable >"$lock/raw"
    sed 's/+cpu$//' "$lock/raw" | grep -vE '^(nvidia|cuda|triton)'
}
header() { sed '/^[^#]/,$d' "$1"; }

python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "needs Python 3.11")'
python3 -m venv --without-pip "$lock"
in_lock install torch==2.13.0 -e .
{ header requirements.lock; frozen; } >"$lock/runtime"
in_lock install -e '.[test]'
in_lock install --no-deps adv-lib==0.2.8
frozen >"$lock/all"
{ header requirements-test.lock; grep -vxFf "$lock/runtime" "$lock/all"; } >"$lock/test"
mv "$lock/runtime" requirements.lock
mv "$lock/test" requirements-test.lock
