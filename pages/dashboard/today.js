// Today beside the same day last week: until the same time of day, and the whole day.
import { figure, h, rate } from "./dom.js";
import { day, number, percent, time, weekday } from "./format.js";
import { call, settle } from "./services.js";
import { dateIn, get, weekBefore } from "./state.js";

const usage = (query, signal) => call("usage-analytics", "/analytics/series", { ...query, figures: "events,users" }, signal);
const attempts = (query, signal) => call("user-progress", "/attempts/series", { ...query, figures: "attempts,success_rate" }, signal);

// How a value stands to an earlier one: a sign and words, no colour.
function comparison(now, then, before, show, isRate) {
    if (now === undefined || then === undefined) return "not known";
    if (now === null) return "no attempts yet";
    const by = `by then last ${before}`;
    if (then === null) return `none ${by}`;
    if (now === then) return `= the same ${by}`;
    const sign = now < then ? "▼" : "▲";
    if (isRate || !then) return `${sign} from ${show(then)} ${by}`;
    return `${sign} ${percent(Math.round(Math.abs(now / then - 1) * 100) / 100)} ${now < then ? "below" : "above"} ${show(then)} ${by}`;
}

function tile(id, name, [now, then, whole], before, isRate, more) {
    const show = isRate ? percent : number;
    return h("div", { class: "tile", id: `tile-${id}` },
        h("dt", {}, name),
        h("dd", { class: "big" }, isRate ? rate(now) : figure(now)),
        h("dd", {}, comparison(now, then, before, show, isRate)),
        whole != null && h("dd", { class: "quiet" }, `${show(whole)} on that whole day`),
        more,
    );
}

// Active users of longer times take longer to count than all else here, so they come later.
function recently(zone, signal) {
    const place = h("dd", { class: "quiet", "aria-busy": "true" }, "…");
    const show = (text) => {
        place.textContent = text;
        place.setAttribute("aria-busy", "false");
    };
    settle({ active: call("usage-analytics", "/analytics/active", { days: 1, zone }, signal) }, signal).then(
        ({ active, failures: [failure] }) =>
            show(failure ? `${failure.message} ${failure.help}` : `${number(active.active_7)} in 7 days, ${number(active.active_30)} in 30, of whom ${number(active.new_30)} new`),
        (error) => {
            if (signal.aborted) return;
            console.error(error);
            show(`${error} Reload the page.`);
        },
    );
    return place;
}

export async function load(signal) {
    const zone = get("zone");
    const now = new Date();
    const week = { zone, from: dateIn(zone, now, -7), interval: "day" }; // from the same day on, until now
    const until = { ...week, to: weekBefore(now, zone).toISOString() };
    const { failures, ...series } = await settle({
        usage: usage(week, signal),
        usage_then: usage(until, signal),
        attempts: attempts(week, signal),
        attempts_then: attempts(until, signal),
    }, signal);
    const before = weekday(new Date(now.getTime() - 7 * 86400000), zone);
    // Today, that day until the same time, that whole day. The rate of no attempts is 0 in a series; there is none.
    const three = (kind, name) =>
        [[kind, -1], [`${kind}_then`, 0], [kind, 0]].map(([one, place]) => {
            const total = series[one]?.total;
            return total && (name === "success_rate" && !total.attempts.at(place) ? null : total[name].at(place));
        });
    document.getElementById("today-when").textContent = `${day(now, zone)}, until ${time(now, zone)}`;
    return {
        failures,
        empty: [series.usage, series.attempts].every((one) => one && one.data_since === null),
        content: h("dl", { class: "tiles" },
            tile("events", "Events", three("usage", "events"), before),
            tile("users", "Active users", three("usage", "users"), before, false, recently(zone, signal)),
            tile("attempts", "Lab attempts", three("attempts", "attempts"), before),
            tile("success", "Success rate of attempts", three("attempts", "success_rate"), before, true),
        ),
    };
}
