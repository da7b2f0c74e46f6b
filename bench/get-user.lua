-- wrk: GET /users/{id} for all users of seed.sql.
dofile("bench/summary.lua")

function request()
    return wrk.format("GET", "/users/" .. some_user())
end
