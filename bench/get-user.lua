-- wrk: GET /users/{id} over all ids of seed.sql.
dofile("bench/summary.lua")

local users = tonumber(os.getenv("BENCH_USERS"))

function request()
    return wrk.format("GET", "/users/u" .. math.random(users))
end
