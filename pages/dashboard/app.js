// The page: its controls, its panels, and which of them a choice changes.
import { load as loadCourse } from "./course.js";
import { h, panel } from "./dom.js";
import { load as loadLabs, loadOne } from "./labs.js";
import * as raw from "./raw.js";
import { load as loadRisk } from "./risk.js";
import { address, changes, setToken, states, titles, token } from "./services.js";
import { get, ranges, set, zones } from "./state.js";
import { load as loadToday } from "./today.js";
import { find, load as loadUser } from "./user.js";

const $ = (id) => document.getElementById(id);

// Shows a panel that was asked for elsewhere on the page, and takes the reader to it or to another one: unless something
// else was chosen before it was there, or the browser's Back.
async function go(values, name, to = name) {
    set(values, true);
    raw.showForm($("raw-form"));
    await show[name]();
    if (Object.entries(values).some(([key, value]) => get(key) !== value)) return;
    showChoices();
    $(to).querySelector("h2").focus();
    $(to).scrollIntoView({ block: "start" });
}

const openLab = (lab) => go({ lab }, "lab");
const openUser = (user) => go({ user }, "user");
const openRaw = (list, user) => go({ raw: list, raw_user: user, raw_lab: "", raw_kind: "" }, "raw");
const lists = { of: Object.fromEntries(Object.entries(raw.kinds).map(([name, { title }]) => [name, title])), open: openRaw };

const show = {
    today: panel("today", async (signal) => {
        const result = await loadToday(signal);
        $("start").hidden = !result.empty;
        return result;
    }),
    course: panel("course", loadCourse),
    labs: panel("labs", loadLabs(openLab)),
    lab: panel("lab", loadOne),
    risk: panel("risk", loadRisk(openUser)),
    user: panel("user", loadUser(lists)),
    raw: panel("raw", raw.load),
};
const ofRange = ["course", "labs", "lab", "user"];
const all = Object.keys(show);

// The first panel is filled before the others ask: they ask the same services, and it would wait for all of them.
async function showAll([first, ...others] = all) {
    await show[first]?.();
    fillZones();
    await Promise.all(others.map((name) => show[name]()));
}

// Hundreds of zones, which nobody needs before the first panel.
function fillZones() {
    const list = $("choices").zone;
    if (list.length === 1) list.append(...zones().filter((zone) => zone !== list.value).map((zone) => h("option", {}, zone)));
}

// The controls show what the URL says.
function showChoices() {
    const form = $("choices");
    for (const name of ["range", "interval", "zone", "from", "to"]) form[name].value = get(name);
    $("custom").hidden = get("range") !== "custom";
    $("inactive").value = get("inactive");
    $("failures").value = get("failures");
    $("lab").hidden = !get("lab");
    $("user-close").hidden = !get("user");
    raw.showForm($("raw-form"));
}

function choose(form) {
    const values = Object.fromEntries(["range", "interval", "zone", "from", "to"].map((name) => [name, form[name].value]));
    if (values.range !== "custom") values.from = values.to = "";
    const zoned = values.zone !== get("zone");
    const waits = values.range === "custom" && !values.from; // until it is known from when
    set(values);
    $("custom").hidden = values.range !== "custom";
    showAll(all.filter((name) => (ofRange.includes(name) ? !waits : zoned)));
}

function showStates() {
    $("states").replaceChildren(
        ...Object.entries(titles).map(([service, title]) => {
            const state = states[service] ?? "not asked yet";
            return h("li", { "data-state": state }, h("span", { "aria-hidden": "true" }, state === "answers" ? "●" : "○"), ` ${title} `, h("small", {}, state));
        }),
    );
}

function askForToken(detail) {
    $("token").hidden = false;
    $("token-detail").textContent = token() ? `The services refuse the token: ${detail}.` : "The services require a token (AUTH_REQUIRED).";
}

// The addresses in the commands that send the first event.
async function fillCommands() {
    for (const place of document.querySelectorAll("[data-address]")) place.textContent = (await address(place.dataset.address)) ?? "…";
}

function listen() {
    $("choices").addEventListener("change", () => choose($("choices")));
    $("choices").addEventListener("submit", (event) => event.preventDefault());
    $("refresh").addEventListener("click", () => showAll());
    $("risk-form").addEventListener("change", () => {
        if (!$("risk-form").reportValidity()) return;
        set({ inactive: $("inactive").value, failures: $("failures").value });
        show.risk();
    });
    $("risk-form").addEventListener("submit", (event) => event.preventDefault());
    $("user-form").addEventListener("submit", (event) => {
        event.preventDefault();
        const text = $("user-text").value.trim();
        if (text) find(text, $("user-found"), openUser);
    });
    $("user-close").addEventListener("click", () => go({ user: "" }, "user"));
    $("lab-close").addEventListener("click", () => go({ lab: "" }, "lab", "labs"));
    $("raw-form").addEventListener("submit", (event) => event.preventDefault());
    $("raw-form").addEventListener("change", () => {
        raw.choose($("raw-form"));
        show.raw();
    });
    $("token-form").addEventListener("submit", (event) => {
        event.preventDefault();
        setToken($("token-text").value.trim());
        $("token-text").value = "";
        $("token").hidden = true;
        showAll();
    });
    changes.addEventListener("state", showStates);
    changes.addEventListener("token", ({ detail }) => askForToken(detail));
    // Not by an address with #main, which would be a step of the history: all would be loaded again.
    document.querySelector(".skip").addEventListener("click", (event) => {
        event.preventDefault();
        $("main").focus();
        $("main").scrollIntoView();
    });
    window.addEventListener("popstate", () => {
        showChoices();
        showAll();
    });
}

$("choices").range.append(...[...Object.entries(ranges), ["custom", "from … to"]].map(([value, text]) => h("option", { value }, text)));
$("choices").zone.append(h("option", {}, get("zone")));
$("raw-form").raw.append(...Object.entries(raw.kinds).map(([value, { title }]) => h("option", { value }, title)));
set({ zone: get("zone") });
showStates();
showChoices();
listen();
showAll();
fillCommands();
