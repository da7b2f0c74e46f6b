-- wrk: shared by the scripts. Prints the result of a load on one line: "good N seconds S bad N".
function done(summary)
    local e = summary.errors
    local bad = e.connect + e.read + e.write + e.status + e.timeout
    print(string.format("good %d seconds %.3f bad %d", summary.requests - e.status, summary.duration / 1e6, bad))
end

local users = tonumber(os.getenv("BENCH_USERS"))
local one = os.getenv("BENCH_USER")

-- The id of a random user of seed.sql, or BENCH_USER if it is set.
function some_user()
    return one or "u" .. math.random(users)
end
