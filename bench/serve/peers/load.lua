-- One request again and again, from a file; the last line that wrk prints is JSON.

local function read(name)
	local f = assert(io.open(os.getenv("REQUESTS") .. "/" .. name, "rb"))
	local text = f:read("*a")
	f:close()
	return text
end

wrk.method = "POST"
wrk.body = read("body")
wrk.headers["Content-Type"] = "application/json"
local length = os.getenv("HEADER_LENGTH")
if length ~= "" then
	wrk.headers["Content-Type"] = "application/octet-stream"
	wrk.headers["Inference-Header-Content-Length"] = length
end

function done(summary, latency)
	local e = summary.errors
	io.write(string.format('\n{"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"errors":%d}\n', summary.requests, summary.duration / 1e6,
		latency:percentile(50) / 1e6, latency:percentile(99) / 1e6, e.connect + e.read + e.write + e.status + e.timeout))
end
