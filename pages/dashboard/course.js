// Events and active users over time.
import { chart } from "./chart.js";
import { h } from "./dom.js";
import { count, longStart, number } from "./format.js";
import { call } from "./services.js";
import { interval, range } from "./state.js";

const most = (values) => values.reduce((best, one, i) => (one > values[best] ? i : best), 0);

// In words; users are counted once in an interval, so there is no sum of them.
function findings({ starts, interval: length }, events, users, text) {
    const [busy, full] = [most(events), most(users)];
    const when = (i) => longStart(starts[i], length);
    if (!events[busy]) return [`none ${text}.`, `none ${text}.`];
    return [
        `${number(events.reduce((sum, one) => sum + one, 0))} ${text}, most (${number(events[busy])}): ${when(busy)}.`,
        `at most ${count(users[full], "user")} in one ${length} ${text}: ${when(full)}.`,
    ];
}

export async function load(signal) {
    const { query, text } = range();
    const chosen = interval();
    const series = await call("usage-analytics", "/analytics/series", { ...query, interval: chosen, figures: "events,users" }, signal);
    const { events, users } = series.total;
    const [ofEvents, ofUsers] = findings(series, events, users, text);
    const figures = [
        chart("events", "Events", { ...series, values: events }, ofEvents, "events"),
        chart("users", "Active users", { ...series, values: users }, ofUsers, "active users", "--two"),
    ];
    const since = series.data_since && series.data_since > new Date(series.from).toISOString();
    return {
        content: [
            h("div", { class: "pair" }, figures),
            since && h("p", { class: "quiet" }, "Nothing is known from before the first event that is stored."),
        ],
    };
}
