// One user: found by name or email, then what they did.
import { chart } from "./chart.js";
import { at, duration, figure, h, link, loadButton, part, problem, replace, table } from "./dom.js";
import { count, longStart, number } from "./format.js";
import { call, settle } from "./services.js";
import { get, interval, range } from "./state.js";

const PAGE = 10; // users found, and attempts shown

// The text is a whole email or the beginning of a name. A user with exactly this name comes first.
const queryOf = (text) => (text.includes("@") ? { email: text } : { prefix: text });

let searching; // the last search: an older one is given up

// Fills the list below the form with those who are found.
export async function find(text, box, open) {
    searching?.abort();
    const { signal } = (searching = new AbortController());
    const rows = [];
    const more = async (cursor) => {
        box.setAttribute("aria-busy", "true");
        try {
            const page = await call("user-progress", "/directory/users", { ...queryOf(text), limit: PAGE, cursor }, signal);
            signal.throwIfAborted();
            rows.push(...page.items);
            replace(
                box,
                h("p", { role: "status" }, rows.length ? `${count(rows.length, "user")}${page.next ? " and more" : ""}:` : "Nobody has a name or email like that."),
                h("ul", { class: "found" }, rows.map((one) => h("li", {}, link(one.username ?? one.id, () => open(one.id)), " ", h("small", {}, one.full_name ?? "", " ", one.email ?? "")))),
                page.next ? loadButton("Show more", () => more(page.next)) : "",
            );
        } catch (failure) {
            if (signal.aborted) return;
            replace(box, problem(failure, () => more(cursor)));
        }
        box.setAttribute("aria-busy", "false");
    };
    await more("");
}

function attemptsOf(page) {
    if (!page.items.length) return h("p", { class: "quiet" }, "No attempts.");
    return table("Last attempts", [
        { name: "When", cell: (one) => at(one.timestamp) },
        { name: "Lab", cell: (one) => one.lab_name ?? one.lab_type ?? "–" },
        { name: "Completed", cell: (one) => (one.completion_status ? "✓ yes" : "✗ no") },
        { name: "Time", number: true, cell: (one) => duration(one.time_spent) },
        { name: "Errors", cell: (one) => (one.errors_encountered ?? []).join(", ") || "none" },
    ], page.items);
}

const labsOf = (labs) =>
    table("Labs that were used", [
        { name: "Lab", cell: (lab) => lab.lab_type },
        { name: "Events", number: true, cell: (lab) => figure(sum(lab.events)) },
        { name: "Sessions", number: true, cell: (lab) => figure(sum(lab.sessions)) },
        { name: "First seen", cell: (lab) => at(lab.first_seen) },
        { name: "Last seen", cell: (lab) => at(lab.last_seen) },
    ], labs);

const sum = (values) => values.reduce((all, one) => all + one, 0);

function timeline(report, text) {
    const values = report.total.events;
    const top = values.indexOf(Math.max(...values));
    const finding = sum(values)
        ? `${number(sum(values))} in ${count(report.labs.length, "lab")} ${text}, most (${number(values[top])}) on ${longStart(report.starts[top], report.interval)}.`
        : `none ${text}.`;
    return chart("timeline", "Events of this user", { ...report, values }, finding, "events");
}

// Attempts and events outlive their user.
function unknown(failure) {
    if (failure.status !== 404) throw failure;
    return { email: "not in the directory (any more)" };
}

export const load = (lists) => async (signal) => {
    const user = get("user");
    if (!user) return {};
    const { query, text } = range();
    const { failures, person, report, attempts } = await settle({
        person: call("user-progress", `/users/${encodeURIComponent(user)}`, {}, signal).catch(unknown),
        report: call("usage-analytics", `/analytics/user/${encodeURIComponent(user)}`, { ...query, interval: interval() }, signal),
        attempts: call("user-progress", "/attempts", { user_id: user, limit: PAGE }, signal),
    }, signal);
    return {
        failures,
        content: [
            h("h3", { id: "user-name" }, person?.username ?? user),
            h("p", { class: "quiet" }, [person?.full_name, person?.email, `id ${user}`].filter(Boolean).join(" · ")),
            h("p", {}, "All of this user's ", Object.entries(lists.of).map(([name, title]) => [link(title, () => lists.open(name, user)), " "])),
            report && timeline(report, text),
            h("div", { class: "parts" },
                report?.labs.length > 0 && part("Labs", labsOf(report.labs)),
                attempts && part("Last attempts", attemptsOf(attempts)),
            ),
        ],
    };
};
