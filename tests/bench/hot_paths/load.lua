-- wrk's script: sends the requests of the file LOAD_REQUESTS, and writes what came of them to LOAD_RESULT.
-- The file has one request a line: method, path, headers as name:value with \31 between, body; all with tabs between. Each thread has one connection, and takes its share of the lines, over and over.
-- A line whose body has TOKEN in it is one client's chain: the refresh token of a reply is sent with the next request.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
  thread:set("number", #threads)
  thread:set("of", tonumber(os.getenv("LOAD_THREADS")))
end

function init(args)
  prepared, next_line, wrong, chain = {}, 1, 0, nil
  local n = 0
  for line in io.lines(os.getenv("LOAD_REQUESTS")) do
    n = n + 1
    if n % of == number % of then
      local method, path, headers, body, token = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t?(.*)$")
      local fields = {}
      for name, value in headers:gmatch("([^:\31]+):([^\31]*)") do fields[name] = value end
      if token ~= "" then
        chain = { method = method, path = path, headers = fields, body = body, token = token }
      else
        table.insert(prepared, wrk.format(method, path, fields, body ~= "" and body or nil))
      end
    end
  end
end

function request()
  if chain then
    return wrk.format(chain.method, chain.path, chain.headers, (chain.body:gsub("TOKEN", chain.token)))
  end
  local one = prepared[next_line]
  next_line = next_line % #prepared + 1
  return one
end

function response(status, headers, body)
  if status ~= 200 or (body:sub(1, 1) == "{" and not body:find('"status":"OK"', 1, true) and not body:find('"keys":', 1, true)) then
    wrong = wrong + 1
    if wrong == 1 then first_wrong = status .. " " .. body:sub(1, 200) end
  elseif chain then
    chain.token = body:match('"refreshToken":{"token":"([^"]+)"')
  end
end

function done(summary, latency, requests)
  local wrong, first = 0, ""
  for _, thread in ipairs(threads) do
    wrong = wrong + thread:get("wrong")
    if thread:get("wrong") > 0 and first == "" then first = thread:get("first_wrong") end
  end
  local errors = summary.errors
  local file = io.open(os.getenv("LOAD_RESULT"), "w")
  file:write(string.format('{"requests": %d, "us": %d, "wrong": %d, "lost": %d, "p50_us": %d, "p99_us": %d, "p999_us": %d, "max_us": %d}\n', summary.requests, summary.duration, wrong,
    errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max))
  file:write(first)
  file:close()
end
