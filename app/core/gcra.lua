-- Generic cell rate algorithm over all buckets of one request, all or nothing: a refused request costs none
-- of them anything. KEYS: the buckets. ARGV: for each its interval and its tolerance, in microseconds.
-- A bucket holds its theoretical arrival time (TAT). Answers per bucket: allowed, remaining, microseconds
-- until the next is allowed, microseconds until it is full again. app/core/gcra.py is the same in Python.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local tats, all_allowed = {}, true
for i, key in ipairs(KEYS) do
  local interval, tolerance = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local stored = tonumber(redis.call('GET', key) or 0) or 0
  -- The upper bound frees a bucket that was filled before the server's clock was set back.
  tats[i] = math.min(math.max(stored, now), now + tolerance)
  if tats[i] + interval > now + tolerance then all_allowed = false end
end
local answer = {}
for i, key in ipairs(KEYS) do
  local interval, tolerance = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local tat = tats[i]
  local wait = math.max(0, tat + interval - tolerance - now)
  if all_allowed then
    tat = tat + interval
    redis.call('SET', key, string.format('%.0f', tat), 'PX', math.ceil((tat - now) / 1000))
  end
  answer[#answer + 1] = wait == 0 and 1 or 0
  answer[#answer + 1] = math.floor((now + tolerance - tat) / interval)
  answer[#answer + 1] = wait
  answer[#answer + 1] = tat - now
end
return answer
