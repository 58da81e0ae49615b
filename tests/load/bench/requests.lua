-- Sends the requests of the file REQUESTS one after the other, then again from the first. A line is: method,
-- path, headers ("name: value", apart by \1), body; apart by tabs.
local requests, next_one = {}, 0

local function parsed(line)
  local method, path, headers, body = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$")
  local found = {}
  for name, value in headers:gmatch("([^:\1]+): ([^\1]*)") do found[name] = value end
  return wrk.format(method, path, found, body ~= "" and body or nil)
end

function init()
  for line in io.lines(os.getenv("REQUESTS")) do requests[#requests + 1] = parsed(line) end
end

function request()
  next_one = next_one % #requests + 1
  return requests[next_one]
end
