-- wrk: POST /progress/lab-attempt with the body of the documented example, for all users of seed.sql.
dofile("bench/summary.lua")

local rest = ',"lab_type":"filesystem","completion_status":true,"time_spent":300,'
    .. '"errors_encountered":["permission_denied","file_not_found"]}'

wrk.headers["Content-Type"] = "application/json"

function request()
    return wrk.format("POST", "/progress/lab-attempt", nil, '{"user_id":"' .. some_user() .. '"' .. rest)
end
