-- One request's turn at a host, for all workers together. KEYS: the host's pace (its theoretical arrival time),
-- its line (when the last of those sent away is to come back), and its pause (until when nobody comes). ARGV: the
-- interval, the burst and the longest wait that is worth holding a place for, in microseconds but the burst.
-- Answers whether the turn is the caller's, and in how many microseconds it is, or it may ask again.
-- app/summaries/citizen/pacing.py is the same in Python.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst, patience = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local function kept(key) return tonumber(redis.call('GET', key) or 0) or 0 end
local function keep(key, at)
  redis.call('SET', key, string.format('%.0f', at), 'PX', math.ceil((at - now) / 1000) + 1000)
end
local tat = kept(KEYS[1])
local earliest = math.max(now, tat - (burst - 1) * interval, kept(KEYS[3]))
if earliest - now <= patience then
  keep(KEYS[1], math.max(tat, earliest) + interval)
  return {1, earliest - now}
end
local back = math.max(kept(KEYS[2]), earliest)
keep(KEYS[2], back + interval)
return {0, back - now}
