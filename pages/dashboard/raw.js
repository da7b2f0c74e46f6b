// What was recorded, as it is: the last rows of a service's list, filters, and all of them as a file.
import { at, duration, figure, h, loadButton, replace, table } from "./dom.js";
import { count } from "./format.js";
import { begin, call, download, titles, token } from "./services.js";
import { get, set } from "./state.js";

const PAGE = 20; // rows at a time

const yes = (value) => (value == null ? "–" : value ? "✓ yes" : "✗ no");
const json = (text) => ((text ?? "null") === "null" ? "–" : h("code", { class: "json", title: text }, text));
const list = (values) => json(JSON.stringify(values));
const common = [
    { name: "When", cell: (row) => at(row.timestamp) },
    { name: "User", cell: (row) => row.user_id ?? "–" },
    { name: "Lab", cell: (row) => row.lab_type ?? "–" },
];
const success = [["", "all"], ["true", "yes"], ["false", "no"]];

// A number as it was sent, where the browser tells: 1.0 and 12345678901234567890 would become others.
const sent = (_, value, context) => (typeof value === "number" && JSON.rawJSON ? JSON.rawJSON(context.source) : value);

// A page of events, each with its event_data as text: `data`.
function readEvents(text) {
    const page = JSON.parse(text);
    JSON.parse(text, sent).items.forEach(({ event_data }, i) => (page.items[i].data = JSON.stringify(event_data)));
    return page;
}

export const kinds = {
    events: {
        title: "events", service: "usage-analytics", path: "/analytics/events", filter: "event_type", label: "Event type", read: readEvents,
        columns: [...common, { name: "Event", cell: (row) => row.event_type ?? "–" }, { name: "Data", cell: (row) => json(row.data) }],
    },
    records: {
        title: "performance records", service: "performance-reporting", path: "/performance/records", filter: "success", label: "Success", choices: success,
        columns: [...common, { name: "Success", cell: (row) => yes(row.success) }, { name: "Time", number: true, cell: (row) => duration(row.completion_time) }, { name: "Errors", cell: (row) => list(row.errors) }],
    },
    attempts: {
        title: "lab attempts", service: "user-progress", path: "/attempts", filter: "completion_status", label: "Completed", choices: success,
        columns: [...common, { name: "Completed", cell: (row) => yes(row.completion_status) }, { name: "Time", number: true, cell: (row) => duration(row.time_spent) }, { name: "Errors", cell: (row) => list(row.errors_encountered) }],
    },
};

const chosen = () => kinds[get("raw")] ?? kinds.events;

function filters() {
    const kind = chosen();
    return { user_id: get("raw_user"), lab_type: get("raw_lab"), [kind.filter]: get("raw_kind") };
}

// The form shows what is chosen; its third filter depends on the list.
export function showForm(form) {
    const kind = chosen();
    form.raw.value = Object.keys(kinds).find((name) => kinds[name] === kind);
    form.raw_user.value = get("raw_user");
    form.raw_lab.value = get("raw_lab");
    const place = document.getElementById("raw-kind");
    if (place.firstChild?.data !== kind.label) {
        const control = kind.choices
            ? h("select", { name: "raw_kind" }, kind.choices.map(([value, text]) => h("option", { value }, text)))
            : h("input", { name: "raw_kind", autocomplete: "off", spellcheck: "false" });
        place.replaceChildren(kind.label, control);
    }
    form.raw_kind.value = get("raw_kind");
}

// Hands a file that is here to the browser.
function hand(blob, name) {
    const url = URL.createObjectURL(blob);
    h("a", { href: url, download: name }).click();
    URL.revokeObjectURL(url);
}

// Has the browser load a file and save it. In a frame: the page would be left for an answer that is none, which loads there.
function leave(url, fail) {
    const frame = h("iframe", { hidden: true, src: url, onload: () => (frame.remove(), fail()) });
    document.body.append(frame);
}

// A file is saved by the browser itself. With a token, which it could not send, the page fetches the file first.
async function save(format, status) {
    const { service, path } = chosen();
    const what = [service, `${path}/export`, { ...filters(), format, spreadsheet: format === "csv" || "" }];
    const say = (text) => (status.textContent = text);
    say("");
    try {
        if (token()) {
            say("Downloading…");
            hand(await download(...what), `${get("raw")}.${format}`);
            say("Downloaded.");
        } else {
            const { url } = await begin(...what, "HEAD");
            leave(url, () => say(`${titles[service]} did not begin the download. Try again in a moment.`));
        }
    } catch (failure) {
        say(`${failure.message} ${failure.help ?? ""}`);
    }
}

export async function load(signal) {
    const { service, path, columns, title, read } = chosen();
    const query = { ...filters(), limit: PAGE };
    const first = await call(service, path, query, signal, read);
    const rows = [...first.items];
    const box = h("div", {});
    const status = h("span", { role: "status" });
    const older = async (cursor) => {
        status.textContent = "";
        try {
            const page = await call(service, path, { ...query, cursor }, signal, read);
            rows.push(...page.items);
            draw(page.next);
        } catch (failure) {
            if (!signal.aborted) status.textContent = `${failure.message} ${failure.help ?? ""}`;
        }
    };
    const draw = (next) =>
        replace(
            box,
            rows.length ? table(`Last ${title}`, [...columns, { name: "id", number: true, cell: (row) => figure(row.id, String) }], rows) : h("p", { class: "quiet" }, `No ${title} match.`),
            h("p", { class: "row" },
                next && loadButton("Show older", () => older(next)),
                rows.length > 0 && [h("button", { type: "button", onclick: () => save("csv", status) }, "Download CSV"), " ", h("button", { type: "button", onclick: () => save("ndjson", status) }, "Download NDJSON")],
                h("span", { class: "quiet" }, `${count(rows.length, "row")} shown, the latest first`), status,
            ),
        );
    draw(first.next);
    return { content: box };
}

// Takes the filters of the form into the URL. Another list has another third filter.
export function choose(form) {
    const values = Object.fromEntries(["raw", "raw_user", "raw_lab", "raw_kind"].map((name) => [name, form[name].value.trim()]));
    if (values.raw !== get("raw")) values.raw_kind = "";
    set(values);
    showForm(form);
}
