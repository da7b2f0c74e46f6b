// What was chosen, in the query of the page's URL, so that a view can be sent to somebody.
const defaults = {
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC",
    range: "30d",
    from: "",
    to: "",
    interval: "auto",
    sort: "",
    lab: "",
    user: "",
    inactive: "7",
    failures: "3",
    raw: "events",
    raw_user: "",
    raw_lab: "",
    raw_kind: "",
};
const DAY = 86400000; // milliseconds
const HOURS_MOST = 60; // days of which hours can be shown: the services answer at most 1,500 intervals

export const ranges = { "1d": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days", "365d": "a year" };
export const zones = () => [...new Set(["UTC", defaults.zone, ...(Intl.supportedValuesOf?.("timeZone") ?? [])])];

export function get(name) {
    return new URLSearchParams(location.search).get(name) || defaults[name];
}

// Sets several; what has its default value is left out, except the zone: that of another browser is another. `step`: the
// browser's Back returns to what was before.
export function set(values, step = false) {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(values))
        if (!value || (value === defaults[name] && name !== "zone")) query.delete(name);
        else query.set(name, value);
    const text = query.toString();
    history[step ? "pushState" : "replaceState"](null, "", text ? `?${text}` : location.pathname);
}

// The offset of a zone from UTC at a moment, in milliseconds.
function offset(at, zone) {
    const parts = new Intl.DateTimeFormat("en-US", {
        timeZone: zone,
        hourCycle: "h23",
        year: "numeric",
        month: "numeric",
        day: "numeric",
        hour: "numeric",
        minute: "numeric",
        second: "numeric",
    }).formatToParts(at);
    const [y, mo, d, h, mi, s] = ["year", "month", "day", "hour", "minute", "second"].map((type) =>
        Number(parts.find((part) => part.type === type).value),
    );
    return Date.UTC(y, mo - 1, d, h, mi, s) - Math.trunc(at.getTime() / 1000) * 1000;
}

// The date that a zone's calendars show so many days after a moment, as the services read it: 2025-04-19.
export function dateIn(zone, at, days = 0) {
    return new Date(at.getTime() + offset(at, zone) + days * DAY).toISOString().slice(0, 10);
}

// The moment a week earlier at which the clocks of the zone showed the same.
export function weekBefore(at, zone) {
    const then = new Date(at.getTime() - 7 * DAY);
    return new Date(then.getTime() + offset(at, zone) - offset(then, zone));
}

const dayAfter = (date) => new Date(Date.parse(`${date}T00:00:00Z`) + DAY).toISOString().slice(0, 10);

// The range of time that reports are about: parameters of a call, its name in a sentence, and its days.
export function range() {
    const [zone, now, name] = [get("zone"), new Date(), get("range")];
    const [from, to] = [get("from"), get("to")];
    if (name === "custom" && from) {
        const end = to ? Date.parse(to) : now.getTime();
        const days = Math.max(1, Math.round((end - Date.parse(from)) / DAY) + 1);
        return { query: { zone, from, ...(to && { to: dayAfter(to) }) }, text: `from ${from} to ${to || "now"}`, days };
    }
    const known = name in ranges ? name : defaults.range;
    const days = parseInt(known, 10);
    const start = days === 1 ? new Date(now.getTime() - DAY).toISOString().slice(0, 13) + ":00:00Z" : dateIn(zone, now, 1 - days);
    return { query: { zone, from: start }, text: `in ${ranges[known]}`, days };
}

// The interval that was chosen, or one that suits the range.
export function interval() {
    const { days } = range();
    const chosen = get("interval");
    if (chosen !== "auto" && !(chosen === "hour" && days > HOURS_MOST)) return chosen;
    return days <= 2 ? "hour" : days <= 120 ? "day" : "week";
}
