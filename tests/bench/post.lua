-- wrk script: posts the events of a file, a given number of them in each request.
--   wrk … -s post.lua URL -- FILE EVENTS_PER_REQUEST
local requests, at = {}, 0

function init(args)
  local per_request = tonumber(args[2])
  local headers = {["Content-Type"] = per_request > 1 and "application/x-ndjson" or "application/json"}
  local lines, limit = {}, per_request > 1 and 8 or 512
  for line in io.lines(args[1]) do
    lines[#lines + 1] = line
    if #lines == per_request then
      requests[#requests + 1] = wrk.format("POST", nil, headers, table.concat(lines, "\n"))
      lines = {}
      if #requests == limit then break end
    end
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    'BENCH {"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"bad_status":%d,"socket_errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
