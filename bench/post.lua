-- post.lua - wrk posts one body, read from a file, over and over; prints one line of results.
-- SPDX-License-Identifier: Apache-2.0
-- BODY names the file, TYPE its content type; without BODY it sends GET.

local body = os.getenv("BODY")

if body then
    local file = assert(io.open(body, "rb"))
    wrk.method = "POST"
    wrk.body = file:read("*a")
    wrk.headers["Content-Type"] = os.getenv("TYPE")
    file:close()
end

done = function(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '{"requests": %d, "seconds": %.6f, "failures": %d, "p50_us": %d, "p99_us": %d}\n',
        summary.requests, summary.duration / 1e6,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout,
        latency:percentile(50), latency:percentile(99)))
end
