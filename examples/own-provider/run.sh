#!/bin/bash
# Runs the reviews through a model of one's own, a Python script beside the pipeline, and shows where they went and what
# that cost. It ends by itself.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
binary=${COLLOQUIUM:-$top/build/release/colloquium}
work=${REVIEWS_DIR:-$top/build/own-provider}

[ -n "${REVIEWS_DIR:-}" ] || rm -rf "$work"
mkdir -p "$work"
cp "$here"/*.yaml "$here"/*.ndjson "$here"/*.json "$here"/*.py "$work"
cd "$work"

"$binary" run reviews.yaml --listen 127.0.0.1:0 --admin 127.0.0.1:0

for file in displeased others; do
  echo "out/$file.ndjson:"
  sed 's/^/  /' out/$file.ndjson
done
echo
"$binary" ai costs --by model
