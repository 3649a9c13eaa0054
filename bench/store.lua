-- store.lua - wrk keeps cases, one name after the other, or polls with an entity tag.
-- SPDX-License-Identifier: Apache-2.0
-- BODY is JSON to be kept under the path and a number; TAG is sent as If-None-Match.

local body, tag = os.getenv("BODY"), os.getenv("TAG")
local n = 0

if tag then
    wrk.headers["If-None-Match"] = tag
end

if body then
    wrk.headers["Content-Type"] = "application/json"
    request = function()
        n = n + 1
        return wrk.format("PUT", wrk.path .. n, nil, body)
    end
end

done = function(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '{"requests": %d, "seconds": %.6f, "failures": %d, "p50_us": %d, "p99_us": %d}\n',
        summary.requests, summary.duration / 1e6,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout,
        latency:percentile(50), latency:percentile(99)))
end
