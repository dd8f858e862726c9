#!/bin/bash
# Starts the triage pipeline, posts its sample webhooks, shows where the issues went and what that cost, and keeps running
# until Ctrl-C. Without OPENAI_API_KEY a fake of OpenAI answers, on this machine. With TRIAGE_ONCE=1 it stops by itself.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
binary=${COLLOQUIUM:-$top/build/release/colloquium}
listen=${LISTEN:-127.0.0.1:8080}
admin=${ADMIN:-127.0.0.1:9464}
work=${TRIAGE_DIR:-$top/build/ai-triage}

# Answers that were paid for are not thrown away.
[ -n "${OPENAI_API_KEY:-}${TRIAGE_DIR:-}" ] || rm -rf "$work"
mkdir -p "$work"
cp -r "$here/issues.yaml" "$here/prompts" "$here/webhooks.ndjson" "$work"
cd "$work"

fake=
if [ -z "${OPENAI_API_KEY:-}" ]; then
  python3 "$top/tests/peers/fake_ai" --port 0 --triage >fake.txt 2>fake.log &
  fake=$!
  for _ in $(seq 100); do grep -q listening fake.txt && break; sleep 0.1; done
  export OPENAI_API_KEY=fake-key
  OPENAI_BASE_URL=http://$(sed -n 's/.*listening on \([^,]*\),.*/\1/p' fake.txt)/v1
  export OPENAI_BASE_URL
  echo "No OPENAI_API_KEY: a fake of OpenAI answers at $OPENAI_BASE_URL"
fi

"$binary" run issues.yaml --listen "$listen" --admin "$admin" &
colloquium=$!
trap 'kill -TERM $colloquium $fake 2>/dev/null; wait $colloquium $fake 2>/dev/null || true' EXIT
for _ in $(seq 100); do
  curl -fs "http://$admin/readyz" >/dev/null && break
  kill -0 $colloquium 2>/dev/null || { echo "colloquium did not start" >&2; exit 1; }
  sleep 0.1
done

echo
echo "Posting the webhooks of webhooks.ndjson to http://$listen/github:"
while read -r webhook; do
  echo "  $(curl -s "http://$listen/github" -H 'Content-Type: application/json' -d "$webhook")  <- $(cut -c1-70 <<<"$webhook")…"
done <webhooks.ndjson

for _ in $(seq 300); do
  [ "$(cat out/*.ndjson 2>/dev/null | wc -l)" -ge 4 ] && break
  sleep 0.1
done
echo
for file in security bugs others; do
  echo "out/$file.ndjson:"
  [ ! -f out/$file.ndjson ] || sed 's/^/  /' out/$file.ndjson
done
echo
echo "What that cost:               $binary ai costs --data-dir $work/colloquium-data"
echo "What was asked and answered:  $binary log cat issues.calls --data-dir $work/colloquium-data"
echo "Metrics:                      curl http://$admin/metrics"
[ -n "${TRIAGE_ONCE:-}" ] && exit 0
echo "Stop with Ctrl-C. Everything is in $work."
wait $colloquium
