// Today beside the same day last week: until the same time of day, and the whole day.
import { figure, h, rate } from "./dom.js";
import { day, number, percent, time, weekday } from "./format.js";
import { call, settle } from "./services.js";
import { dateIn, get, weekBefore } from "./state.js";

const sources = { usage: ["usage-analytics", "/analytics/series"], attempts: ["user-progress", "/attempts/series"] };

// The calls for figures of each of the times: usage_0, usage_1, …
const calls = (of, figures, times, signal) =>
    Object.fromEntries(times.map((query, n) => [`${of}_${n}`, call(...sources[of], { ...query, figures }, signal)]));

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

function figures([now, then, whole], before, isRate) {
    const show = isRate ? percent : number;
    return [
        h("dd", { class: "big" }, isRate ? rate(now) : figure(now)),
        h("dd", {}, comparison(now, then, before, show, isRate)),
        ...(whole == null ? [] : [h("dd", { class: "quiet" }, `${show(whole)} on that whole day`)]),
    ];
}

const tile = (id, name, ...content) => h("div", { class: "tile", id: `tile-${id}` }, h("dt", {}, name), content);

// A place for what comes later than the rest: until then it is busy, and if a call fails it says why.
function later(asked, signal, show) {
    const place = h("dd", { class: "quiet", "aria-busy": "true" }, "…");
    const tell = (text) => place.replaceWith(h("dd", { class: "quiet" }, text));
    settle(asked, signal).then(
        ({ failures: [failure], ...values }) => (failure ? tell(`${failure.message} ${failure.help}`) : place.replaceWith(...show(values))),
        (error) => {
            if (signal.aborted) return;
            console.error(error);
            tell(`${error} Reload the page.`);
        },
    );
    return place;
}

const recently = (zone, signal) =>
    later({ active: call("usage-analytics", "/analytics/active", { days: 1, zone }, signal) }, signal, ({ active }) => [
        h("dd", { class: "quiet" }, `${number(active.active_7)} in 7 days, ${number(active.active_30)} in 30, of whom ${number(active.new_30)} new`),
    ]);

export async function load(signal) {
    const zone = get("zone");
    const now = new Date();
    // Today until now, the same day last week until the same time, that whole day: no more days than are shown.
    const times = [
        { from: dateIn(zone, now) },
        { from: dateIn(zone, now, -7), to: weekBefore(now, zone).toISOString() },
        { from: dateIn(zone, now, -7), to: dateIn(zone, now, -6) },
    ].map((time) => ({ zone, interval: "day", ...time }));
    const { failures, ...series } = await settle(
        { ...calls("usage", "events", times, signal), ...calls("attempts", "attempts,success_rate", times, signal) },
        signal,
    );
    const before = weekday(new Date(now.getTime() - 7 * 86400000), zone);
    // The figure of the three times. The rate of no attempts is 0 in a series; there is none.
    const three = (from, of, name) =>
        times.map((_, n) => {
            const total = from[`${of}_${n}`]?.total;
            return total && (name === "success_rate" && !total.attempts[0] ? null : total[name][0]);
        });
    document.getElementById("today-when").textContent = `${day(now, zone)}, until ${time(now, zone)}`;
    return {
        failures,
        empty: [series.usage_0, series.attempts_0].every((one) => one && one.data_since === null),
        content: h("dl", { class: "tiles" },
            tile("events", "Events", figures(three(series, "usage", "events"), before)),
            // Users take longer to count than all else here: first those of a day, then those of a month.
            tile("users", "Active users", later(calls("usage", "users", times, signal), signal, (counted) => [
                ...figures(three(counted, "usage", "users"), before),
                recently(zone, signal),
            ])),
            tile("attempts", "Lab attempts", figures(three(series, "attempts", "attempts"), before)),
            tile("success", "Success rate of attempts", figures(three(series, "attempts", "success_rate"), before, true)),
        ),
    };
}
