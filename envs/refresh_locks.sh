#!/bin/sh
# Write requirements.lock and requirements-test.lock again, from what pyproject.toml asks for.
# With Python 3.11, in the top folder: sh envs/refresh_locks.sh
set -eu

lock=$(mktemp -d)
trap 'rm -rf "$lock"' EXIT
in_lock() { python3 -m pip --python "$lock/bin/python" "$@"; }
# Neither torch's "+cpu" nor the packages of its CUDA build: the locks serve both.
frozen() { in_lock freeze --all --exclude-editable | sed 's/+cpu$//' | grep -vE '^(nvidia|cuda|triton)'; }
header() { sed '/^[^#]/,$d' "$1"; }

python3 -m venv --without-pip "$lock"
in_lock install torch==2.13.0 -e .
{ header requirements.lock; frozen; } >"$lock/runtime"
in_lock install -e '.[test]'
in_lock install --no-deps adv-lib==0.2.8
{ header requirements-test.lock; frozen | grep -vxFf "$lock/runtime"; } >"$lock/test"
mv "$lock/runtime" requirements.lock
mv "$lock/test" requirements-test.lock
