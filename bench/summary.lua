-- wrk: prints what a load came to on one line, "good N seconds S bad N".
function done(summary)
    local e = summary.errors
    local bad = e.connect + e.read + e.write + e.status + e.timeout
    print(string.format("good %d seconds %.3f bad %d", summary.requests - e.status, summary.duration / 1e6, bad))
end
