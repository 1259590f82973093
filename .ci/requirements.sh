#!/usr/bin/env bash
# Pins every dependency anew, for every Python from 3.11 on, without any index address. Needs uv.
set -euo pipefail
cd "$(dirname "$0")/.."

pin() { # file, note, further arguments of uv
  local file=$1 note=$2
  shift 2
  {
    echo "# $note"
    echo "# Made by .ci/requirements.sh from pyproject.toml; the last line is the project itself."
    uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate "$@" pyproject.toml
  } >"$file"
}

databases=(--extra sqlite --extra postgresql --extra mariadb)
pin requirements.txt "All that a run needs, pinned with its dependencies." "${databases[@]}"
echo "." >>requirements.txt
pin requirements-dev.txt "All that the tests and linters need, pinned with its dependencies." "${databases[@]}" --extra dask --extra dev
echo "-e ." >>requirements-dev.txt
