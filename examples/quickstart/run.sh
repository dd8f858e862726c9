#!/bin/bash
# Starts the quickstart pipeline, posts its sample webhooks, shows the result, and keeps running until Ctrl-C.
# With QUICKSTART_ONCE=1 it stops by itself after that.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
binary=${COLLOQUIUM:-$top/build/release/colloquium}
listen=${LISTEN:-127.0.0.1:8080}
admin=${ADMIN:-127.0.0.1:9464}
work=${QUICKSTART_DIR:-$top/build/quickstart}

rm -rf "$work" && mkdir -p "$work"
cp -r "$here/orders.yaml" "$here/scripts" "$here/webhooks.ndjson" "$work"
cd "$work"

"$binary" run orders.yaml --listen "$listen" --admin "$admin" &
colloquium=$!
trap 'kill -TERM $colloquium 2>/dev/null; wait $colloquium' EXIT
for _ in $(seq 100); do
  curl -fs "http://$admin/readyz" >/dev/null && break
  kill -0 $colloquium 2>/dev/null || { echo "colloquium did not start" >&2; exit 1; }
  sleep 0.1
done
curl -fs "http://$admin/readyz" >/dev/null || { echo "colloquium is not ready" >&2; exit 1; }

echo
echo "Posting the webhooks of webhooks.ndjson to http://$listen/orders (o-1001 twice):"
while read -r order; do
  echo "  $(curl -s "http://$listen/orders" -H 'Content-Type: application/json' -d "$order")  <- $(cut -c1-60 <<<"$order")…"
done <webhooks.ndjson

# Sinks commit within 100 ms.
for _ in $(seq 50); do
  [ "$(cat out/orders.ndjson 2>/dev/null | wc -l)" -ge 3 ] && break
  sleep 0.1
done
echo
echo "out/orders.ndjson holds every order exactly once, the empty one filtered out:"
sed 's/^/  /' out/orders.ndjson
echo "out/large.ndjson holds those of 100 and more:"
sed 's/^/  /' out/large.ndjson
echo
echo "Metrics:     curl http://$admin/metrics"
echo "Post more:   curl -H 'Content-Type: application/json' http://$listen/orders -d '{\"id\":\"o-1\",\"customer\":{\"first\":\"A\",\"last\":\"B\"},\"items\":[{\"price\":1,\"quantity\":1}]}'"
echo "The log:     $binary log cat orders --data-dir $work/colloquium-data"
if [ -n "${QUICKSTART_ONCE:-}" ]; then
  exit 0
fi
echo "Stop with Ctrl-C. Everything is in $work."
wait $colloquium
