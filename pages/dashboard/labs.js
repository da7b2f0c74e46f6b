// All labs: how often they are tried, how hard they are, where people leave; and one of them.
import { bar, duration, figure, h, link, part, rate, table } from "./dom.js";
import { count, number, percent, seconds } from "./format.js";
import { call, settle } from "./services.js";
import { get, range, set } from "./state.js";

const FEW = 5; // a lab with fewer users is not ranked
const LABS = 50; // the most labs that are counted, and whose times are requested

const below = (lab, what) => `/performance/lab/${encodeURIComponent(lab)}/${what}`;
const sum = (values) => values.reduce((all, one) => all + one, 0);

// Of the attempts that were started and are not open any more, those that were dropped.
export const dropOff = (lab) => lab && (lab.started > lab.open ? lab.dropped / (lab.started - lab.open) : null);

const orders = {
    lab: (row) => row.lab_name ?? row.lab_type,
    users: (row) => row.users,
    attempts: (row) => row.attempts,
    first: (row) => row.first_try_rate,
    p50: (row) => row.times?.p50,
    p90: (row) => row.times?.p90,
    drop: (row) => row.drop,
};

// What is not known comes last in both directions.
function sorted(rows, by, down) {
    const key = orders[by];
    const known = rows.filter((row) => key(row) != null);
    const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);
    known.sort((a, b) => compare(key(a), key(b)) * (down ? -1 : 1));
    return [...known, ...rows.filter((row) => key(row) == null)];
}

function show(rows, open) {
    const [by = "first", direction = "up"] = get("sort") ? get("sort").split("-") : [];
    const box = h("div", {});
    const draw = (order) => {
        const columns = [
            { name: "Lab", sort: "lab", cell: (row) => [link(row.lab_name ?? row.lab_type, () => open(row.lab_type), `${row.lab_name ?? row.lab_type}: show this lab`), row.few ? h("small", {}, ` ${row.lab_difficulty ?? ""} · few users`) : h("small", {}, ` ${row.lab_difficulty ?? ""}`)] },
            { name: "Users", sort: "users", number: true, cell: (row) => figure(row.users) },
            { name: "Attempts", sort: "attempts", number: true, cell: (row) => figure(row.attempts) },
            { name: "First-try rate", sort: "first", number: true, cell: (row) => bar(row.first_try_rate, rate(row.first_try_rate)) },
            { name: "p50", sort: "p50", number: true, cell: (row) => duration(row.times?.p50) },
            { name: "p90", sort: "p90", number: true, cell: (row) => duration(row.times?.p90) },
            { name: "Drop-off", sort: "drop", number: true, cell: (row) => bar(row.drop, rate(row.drop)) },
            { name: "Most frequent error", cell: (row) => row.top_error ? h("code", {}, row.top_error) : h("span", { class: "none" }, "–") },
        ];
        const choose = (column) => {
            const next = { by: column, down: order.by === column && !order.down };
            set({ sort: column === "first" && !next.down ? "" : `${column}-${next.down ? "down" : "up"}` });
            draw(next);
            box.querySelector("[aria-sort] button").focus();
        };
        box.replaceChildren(table("All labs", columns, sorted(rows, order.by, order.down), { ...order, choose }));
    };
    draw({ by: by in orders ? by : "first", down: direction === "down" });
    return box;
}

export const load = (open) => async (signal) => {
    const { query, text } = range();
    const { failures, difficulty, series, funnel } = await settle({
        difficulty: call("performance-reporting", "/performance/difficulty", { ...query, min_users: FEW }, signal),
        series: call("performance-reporting", "/performance/series", { ...query, interval: "month", by: "lab_type", top: LABS, figures: "attempts" }, signal),
        funnel: call("usage-analytics", "/analytics/funnel", { ...query, by: "lab_type" }, signal),
    }, signal);
    const found = new Map(difficulty ? [...difficulty.labs, ...difficulty.few.map((one) => ({ ...one, few: true }))].map((one) => [one.lab_type, one]) : []);
    for (const one of funnel?.labs ?? []) if (!found.has(one.lab_type)) found.set(one.lab_type, { lab_type: one.lab_type });
    const names = [...found.keys()];
    const timed = await settle(Object.fromEntries((difficulty ? names.filter((name) => found.get(name).users).slice(0, LABS) : []).map((name) => [name, call("performance-reporting", below(name, "times"), query, signal)])), signal);
    const together = series?.series.find((one) => one.other); // of labs that are not counted each
    const attemptsOf = (name) => {
        const own = series?.series.find((one) => one.lab_type === name && !one.other);
        return own ? sum(own.attempts) : series && !together ? 0 : null;
    };
    const rows = names.map((name) => ({
        ...found.get(name),
        times: timed[name]?.all,
        attempts: attemptsOf(name),
        drop: dropOff(funnel?.labs.find((one) => one.lab_type === name)),
    }));
    const all = [...failures, ...timed.failures.filter(({ message }) => !failures.some((one) => one.message === message))];
    if (!rows.length) return { failures: all, content: all.length ? [] : h("p", { class: "quiet" }, `No lab was tried ${text}.`) };
    const hardest = difficulty?.labs[0];
    return {
        failures: all,
        content: [
            hardest && h("p", { class: "finding" }, `Hardest ${text}: ${hardest.lab_name ?? hardest.lab_type}, solved at the first try by ${percent(hardest.first_try_rate)} of ${count(hardest.users, "user")}.`),
            show(rows, open),
            h("p", { class: "quiet" }, "p50, p90: half and nine tenths of the attempts took at most that long. Drop-off: sessions that were never completed, of those that had a day for it. Labs with few users are not ranked.", together && ` Attempts are counted for the ${LABS} labs with the most.`),
        ],
    };
};

function histogram({ histogram: steps, all }) {
    const most = Math.max(...steps.map(({ count: times }) => times));
    return part("How long attempts take",
        h("p", { class: "finding" }, all.count ? `Half took at most ${seconds(all.p50)}, nine tenths at most ${seconds(all.p90)}; the longest ${seconds(all.max)}.` : "No attempt with a time."),
        all.count > 0 && table("Attempts by their length", [
            { name: "Length", cell: (step) => [duration(step.from), " to below ", duration(step.to)] },
            { name: "Attempts", number: true, cell: (step) => bar(step.count / most, figure(step.count), true) },
        ], steps),
    );
}

function errors({ errors: list, attempts, attempts_with_errors: failed, more }) {
    return part("What goes wrong",
        h("p", { class: "finding" }, attempts ? `${count(failed, "attempt")} of ${number(attempts)} met an error.` : "No attempt."),
        list.length > 0 && table("Errors", [
            { name: "Error", cell: (one) => h("code", {}, one.error) },
            { name: "Attempts", number: true, cell: (one) => figure(one.attempts) },
            { name: "Users", number: true, cell: (one) => figure(one.users) },
            { name: "Of all", number: true, cell: (one) => bar(one.share, rate(one.share)) },
            { name: "Solved anyway", number: true, cell: (one) => rate(one.success_rate) },
        ], list),
        more > 0 && h("p", { class: "quiet" }, `and ${count(more, "more", "more")}.`),
    );
}

const steps = [
    ["started", "Started"],
    ["completed", "Completed within a day"],
    ["late", "Completed later"],
    ["open", "Still open"],
    ["dropped", "Dropped"],
];

function funnelOf(lab) {
    if (!lab?.started) return part("From start to end", h("p", { class: "finding" }, "No session was started."));
    return part("From start to end",
        h("p", { class: "finding" }, `${count(lab.users_completed, "user")} of ${number(lab.users_started)} completed it${lab.time.p50 == null ? "" : `, half within ${seconds(lab.time.p50)}`}.`),
        table("Sessions", [
            { name: "Sessions", cell: ([, name]) => name },
            { name: "Number", number: true, cell: ([member]) => bar(lab[member] / lab.started, figure(lab[member])) },
            { name: "Of started", number: true, cell: ([member]) => rate(lab.started ? lab[member] / lab.started : null) },
        ], steps),
    );
}

export async function loadOne(signal) {
    const lab = get("lab");
    if (!lab) return {};
    const { query } = range();
    const { failures, times, wrong, funnel } = await settle({
        times: call("performance-reporting", below(lab, "times"), query, signal),
        wrong: call("performance-reporting", below(lab, "errors"), { ...query, limit: 10 }, signal),
        funnel: call("usage-analytics", "/analytics/funnel", { ...query, lab_type: lab }, signal),
    }, signal);
    document.getElementById("lab-name").textContent = times?.lab_name ?? lab;
    return {
        failures,
        content: h("div", { class: "parts" },
            times && histogram(times),
            h("div", { class: "parts one" }, wrong && errors(wrong), funnel && funnelOf(funnel.labs[0])),
        ),
    };
}
