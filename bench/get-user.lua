-- wrk: GET /users/{id} over all ids of seed.sql.
dofile("bench/summary.lua")

function request()
    return wrk.format("GET", "/users/" .. some_user())
end
