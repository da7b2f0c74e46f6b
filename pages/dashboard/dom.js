// Elements, tables and panels.
import { moment, number, percent, seconds } from "./format.js";
import { get } from "./state.js";

// h("a", { href: "…", onclick: f, "aria-label": "…" }, "text", child): an element. false and null are left out.
export function h(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties))
        if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
        else if (value === true) element.setAttribute(name, "");
        else if (value !== false && value != null) element.setAttribute(name, value);
    element.append(...children.flat(2).filter((child) => child != null && child !== false));
    return element;
}

// A figure as people read it, with its value for programs; a dash if it is not known.
export function figure(value, format = number) {
    return value == null ? h("span", { class: "none" }, "–") : h("data", { value }, format(value));
}
export const rate = (value) => figure(value, percent);
export const duration = (value) => figure(value, seconds);
export const at = (text) =>
    text == null ? h("span", { class: "none" }, "–") : h("time", { datetime: text }, moment(text, get("zone")));

// A button that looks like a link: it shows something on this page.
export const link = (text, onclick, label) => h("button", { type: "button", class: "link", onclick, "aria-label": label }, text);

// A table in a box that scrolls by itself. Columns: { name, cell(row), number, sort } — `sort` is a name for the order.
export function table(caption, columns, rows, order = {}) {
    const heads = columns.map(({ name, number: right, sort }) => {
        const sorted = sort && order.by === sort && (order.down ? "descending" : "ascending");
        const text = sort ? h("button", { type: "button", class: "sort", onclick: () => order.choose(sort) }, name) : name;
        return h("th", { scope: "col", class: right && "number", "aria-sort": sorted }, text);
    });
    const body = rows.map((row) =>
        h("tr", {}, columns.map(({ cell, number: right }, i) => h(i ? "td" : "th", { scope: !i && "row", class: right && "number" }, cell(row)))),
    );
    return h(
        "div",
        { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
        h("table", {}, h("caption", { class: "hidden" }, caption), h("thead", {}, h("tr", {}, heads)), h("tbody", {}, body)),
    );
}

// A cell with a bar behind its figure: a shade of `share` of the cell's width.
export function bar(share, content, wide = false) {
    const element = h("span", { class: wide ? "wide bar" : "bar" }, content);
    element.style.setProperty("--share", `${Math.round(Math.max(0, Math.min(1, share || 0)) * 1000) / 10}%`);
    return element;
}

const controls = (box) => [...box.querySelectorAll("button, [tabindex='0']")];
const nameOf = (one) => one.id || one.getAttribute("aria-label") || one.textContent;

// Replaces what is in a box. If the focus was there it goes to the control of the same name, or to what is in its place;
// what is being read stays where it is.
export function replace(box, ...content) {
    const before = controls(box);
    const place = before.indexOf(document.activeElement);
    box.replaceChildren(...content);
    if (place < 0) return;
    const now = controls(box);
    const same = now.find((one) => nameOf(one) === nameOf(before[place]));
    (same ?? now[place] ?? now.at(-1) ?? box.closest("section").querySelector("h2")).focus({ preventScroll: true });
}

// A button that loads something, once at a time. It is not disabled meanwhile: it would lose the focus.
export function loadButton(text, load) {
    const press = async () => {
        if (button.ariaDisabled) return;
        button.ariaDisabled = "true";
        await load();
        button.ariaDisabled = null;
    };
    const button = h("button", { type: "button", onclick: press }, text);
    return button;
}

// A heading for a part of a panel.
export const part = (title, ...content) => h("div", { class: "part" }, h("h3", {}, title), content);

export function problem(failure, again) {
    return h(
        "p",
        { class: "problem", role: "alert" },
        h("strong", {}, failure.message),
        ` ${failure.help} `,
        again && loadButton("Try again", again),
    );
}

// What no service answered. Zones and dates come from the URL, and need not be any.
const unforeseen = (error) => ({
    message: `${error.message}.`,
    help: error instanceof RangeError ? "Choose another zone or range." : "Reload the page.",
});

// A panel: `load(signal)` makes its content; a newer show() ends an older one. What was there stays, faded, until
// the new content is there.
export function panel(id, load) {
    const body = document.querySelector(`#${id} .body`);
    let current;
    return async function show() {
        current?.abort();
        const { signal } = (current = new AbortController());
        body.setAttribute("aria-busy", "true");
        if (!body.childElementCount) body.append(h("p", { class: "waiting" }, "Loading…"));
        let content;
        try {
            const { failures = [], content: made = [] } = await load(signal);
            content = [failures.map((failure) => problem(failure, show)), made].flat(2);
        } catch (error) {
            if (signal.aborted) return;
            if (!error.help) console.error(error);
            content = [problem(error.help ? error : unforeseen(error), show)];
        }
        if (signal.aborted) return;
        replace(body, ...content.filter(Boolean));
        body.setAttribute("aria-busy", "false");
    };
}
