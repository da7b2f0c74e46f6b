// How numbers, lengths of time and moments are written: by the reader's language, in the zone that was chosen.
const language = navigator.language;
const formats = {}; // made when they are needed, not while the page opens: the first takes tens of milliseconds
const as = (style) => (formats[style] ??= new Intl.NumberFormat(language, { style, maximumFractionDigits: 1 }));

export const number = (value) => as("decimal").format(value);
export const percent = (value) => as("percent").format(value);

// One thing, many things.
export const count = (value, one, many = `${one}s`) => `${number(value)} ${value === 1 ? one : many}`;

const units = { h: 3600, min: 60, s: 1 };

// Seconds in at most two units: 4 min 55 s; from an hour on to the next minute.
export function seconds(value) {
    const step = Math.abs(value) < 3600 ? 1 : 60;
    let left = Math.round(value / step) * step;
    const parts = [];
    for (const [unit, size] of Object.entries(units)) {
        const times = Math.trunc(left / size);
        left -= times * size;
        if (times && parts.length < 2) parts.push(`${number(times)} ${unit}`);
    }
    return parts.join(" ") || "0 s";
}

// A label of an interval has the local time and the offset: 2025-10-26T02:00:00+01:00. The local time is formatted as
// if it were UTC's, so that no zone shifts it, however old this browser's zones are.
function wall(label, options) {
    return new Intl.DateTimeFormat(language, { ...options, timeZone: "UTC" }).format(new Date(`${label.slice(0, 19)}Z`));
}

const date = { day: "numeric", month: "short" };
const clock = { hour: "2-digit", minute: "2-digit" };
const shorts = { hour: clock, day: date, week: date, month: { month: "short", year: "numeric" } };
const longs = {
    hour: { weekday: "short", ...date, year: "numeric", ...clock },
    day: { weekday: "short", ...date, year: "numeric" },
    week: { ...date, year: "numeric" },
    month: { month: "long", year: "numeric" },
};

// On an axis; hours show the date at midnight.
export function shortStart(label, interval) {
    return wall(label, interval === "hour" && label.slice(11, 16) === "00:00" ? date : shorts[interval]);
}

// In tables and sentences; hours with their offset, which tells the two of a doubled hour apart.
export function longStart(label, interval) {
    const text = wall(label, longs[interval]);
    if (interval === "hour") return `${text} (UTC${label.slice(19) === "Z" ? "" : label.slice(19)})`;
    return interval === "week" ? `week of ${text}` : text;
}

// A moment as the services print it, in the zone; those of User Progress are UTC without saying so.
export function moment(text, zone, options = { ...date, year: "numeric", ...clock, timeZoneName: "short" }) {
    const utc = /(Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`;
    return new Intl.DateTimeFormat(language, { ...options, timeZone: zone }).format(new Date(utc));
}

export const time = (at, zone) => moment(at.toISOString(), zone, { ...clock, timeZoneName: "short" });
export const day = (at, zone) => moment(at.toISOString(), zone, { weekday: "long", ...date });
export const weekday = (at, zone) => moment(at.toISOString(), zone, { weekday: "long" });
