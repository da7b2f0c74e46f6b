-- wrk: POST /analytics/event with the body of the documented example, for all users of seed.sql.
dofile("bench/summary.lua")

local rest = ',"lab_type":"filesystem","event_type":"start","event_data":{"session_id":"test-session-1"}}'

wrk.headers["Content-Type"] = "application/json"

function request()
    return wrk.format("POST", "/analytics/event", nil, '{"user_id":"' .. some_user() .. '"' .. rest)
end
