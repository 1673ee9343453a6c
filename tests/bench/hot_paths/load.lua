-- wrk's script: sends the requests of the file LOAD_REQUESTS, and writes what came of them to LOAD_RESULT.
-- The file has one request a line: method, path, headers as name:value with \31 between, body; all with tabs between. Each thread has one connection, and takes its share of the lines, over and over.
-- A line whose body has TOKEN in it begins a chain: the refresh token of its reply is sent when the line's turn comes again.
-- A line whose body has LINK_CODE in it gets the code and the device that the thread's reply before it brought.
-- With LOAD_RATE, requests a second of all threads together, each request has its time, whatever became of those before it: its latency counts from then on, or from when it was sent, up to a millisecond before.

local threads = {}

local ffi = require("ffi")
ffi.cdef("typedef struct { long seconds, nanoseconds; } timespec; int clock_gettime(int, timespec *);")
local time = ffi.new("timespec")
local function now_us()
  ffi.C.clock_gettime(1, time)  -- CLOCK_MONOTONIC
  return tonumber(time.seconds) * 1e6 + tonumber(time.nanoseconds) / 1e3
end
local rate = tonumber(os.getenv("LOAD_RATE"))
latencies = {}

function setup(thread)
  table.insert(threads, thread)
  thread:set("number", #threads)
  thread:set("of", tonumber(os.getenv("LOAD_THREADS")))
end

function init(args)
  prepared, next_line, wrong = {}, 1, 0
  local n = 0
  for line in io.lines(os.getenv("LOAD_REQUESTS")) do
    n = n + 1
    if n % of == number % of then
      local method, path, headers, body, token = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t?(.*)$")
      local fields = {}
      for name, value in headers:gmatch("([^:\31]+):([^\31]*)") do fields[name] = value end
      if token ~= "" then
        table.insert(prepared, { method = method, path = path, headers = fields, body = body, token = token })
      elseif body:find("LINK_CODE", 1, true) then
        table.insert(prepared, { method = method, path = path, headers = fields, body = body })
      else
        table.insert(prepared, wrk.format(method, path, fields, body ~= "" and body or nil))
      end
    end
  end
end

if rate then
  function delay()
    due_us = due_us and due_us + of / rate * 1e6 or now_us() + number / rate * 1e6
    return math.max(0, math.floor((due_us - now_us()) / 1000))
  end
end

function request()
  -- wrk asks for one request before any delay.
  if rate then begun_us = due_us and math.min(due_us, now_us()) or now_us() end
  local one = prepared[next_line]
  next_line = next_line % #prepared + 1
  -- What wrk asked for before it began may have been the code's turn.
  if type(one) == "table" and not one.token and not link_code then return request() end
  chain = one.token and one
  if type(one) == "string" then return one end
  if not chain then
    return wrk.format(one.method, one.path, one.headers, (one.body:gsub("LINK_CODE", link_code):gsub("DEVICE", device)))
  end
  return wrk.format(chain.method, chain.path, chain.headers, (chain.body:gsub("TOKEN", chain.token)))
end

function response(status, headers, body)
  if rate then table.insert(latencies, math.floor(now_us() - begun_us)) end
  if status ~= 200 or (body:sub(1, 1) == "{" and not body:find('"status":"OK"', 1, true) and not body:find('"keys":', 1, true)) then
    wrong = wrong + 1
    if wrong == 1 then first_wrong = status .. " " .. body:sub(1, 200) end
  elseif chain then
    chain.token = body:match('"refreshToken":{"token":"([^"]+)"')
  else
    link_code, device = body:match('"linkCode":"([^"]+)"'), body:match('"preAuthSessionId":"([^"]+)"')
  end
end

function done(summary, latency, requests)
  local wrong, first = 0, ""
  for _, thread in ipairs(threads) do
    wrong = wrong + thread:get("wrong")
    if thread:get("wrong") > 0 and first == "" then first = thread:get("first_wrong") end
  end
  if rate then
    local all = {}
    for _, thread in ipairs(threads) do
      for _, us in ipairs(thread:get("latencies")) do table.insert(all, us) end
    end
    table.sort(all)
    latency = { max = all[#all], percentile = function(_, part) return all[math.max(1, math.ceil(#all * part / 100))] end }
  end
  local errors = summary.errors
  local file = io.open(os.getenv("LOAD_RESULT"), "w")
  file:write(string.format('{"requests": %d, "us": %d, "wrong": %d, "lost": %d, "p50_us": %d, "p99_us": %d, "p999_us": %d, "max_us": %d}\n', summary.requests, summary.duration, wrong,
    errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max))
  file:write(first)
  file:close()
end
