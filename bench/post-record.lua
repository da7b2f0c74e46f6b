-- wrk: POST /performance/record for all users of seed.sql.
dofile("bench/summary.lua")

local rest = ',"lab_type":"filesystem","completion_time":295,"success":true,'
    .. '"errors":["permission_denied"],"resources_used":{"cpu":5}}'

wrk.headers["Content-Type"] = "application/json"

function request()
    return wrk.format("POST", "/performance/record", nil, '{"user_id":"' .. some_user() .. '"' .. rest)
end
