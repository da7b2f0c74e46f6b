// A series over time as a figure: a caption that says the finding, a drawing (uPlot), and a table of the same numbers.
import { figure as value, h, table } from "./dom.js";
import { longStart, number, shortStart } from "./format.js";

const HEIGHT = 190; // pixels
const LABEL = 76; // pixels that a label of the horizontal axis needs
const DOTS = 62; // intervals up to which each has a dot
const loaded = new Promise((resolve) => {
    if (window.uPlot || document.readyState === "complete") resolve();
    else document.addEventListener("DOMContentLoaded", resolve); // after all deferred scripts
});
const drawn = new Set();

const colour = (name) => () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const redraw = () => drawn.forEach((plot) => plot.redraw(false));
for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", redraw);

// The values as two lines: one for intervals that are over, and a dashed one to and from an interval that is not.
function split(values, partial) {
    const unfinished = new Set(partial);
    const solid = values.map((one, i) => (unfinished.has(i) ? null : one));
    const dashed = values.map((one, i) => ([i - 1, i, i + 1].some((near) => unfinished.has(near)) ? one : null));
    return [values.map((_, i) => i), solid, dashed];
}

// The places of labels: far enough apart not to touch; for hours, at distances that divide a day.
function labelled(starts, interval, width) {
    const apart = Math.ceil(starts.length / Math.max(1, Math.floor(width / LABEL)));
    const places = starts.map((_, i) => i);
    if (interval !== "hour") return places.filter((i) => i % apart === 0);
    const step = [1, 2, 3, 6, 12, 24].find((hours) => hours >= apart);
    const hour = (i) => (starts[i].slice(14, 16) === "00" ? Number(starts[i].slice(11, 13)) : NaN);
    if (step) return places.filter((i) => hour(i) % step === 0);
    const days = Math.ceil(apart / 24);
    return places.filter((i) => hour(i) === 0).filter((_, i) => i % days === 0);
}

const whole = [1, 2, 5].flatMap((step) => Array.from({ length: 10 }, (_, zeros) => step * 10 ** zeros)).sort((a, b) => a - b);

function options(width, series, hue, onMove) {
    const { starts, interval, values } = series;
    const axis = { stroke: colour("--quiet"), font: "12px system-ui, sans-serif", ticks: { show: false } };
    const line = {
        stroke: colour(hue),
        width: 2,
        points: { show: values.length <= DOTS, size: 5, fill: colour(hue), stroke: colour(hue) },
    };
    return {
        width,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 9, fill: colour("--ground"), stroke: colour(hue), width: 2 } },
        scales: {
            x: { time: false, range: (_, least, most) => (least === most ? [least - 1, most + 1] : [least, most]) },
            y: { range: (_, __, most) => [0, Math.max(1, most * 1.08)] },
        },
        axes: [
            {
                ...axis,
                size: 28,
                grid: { show: false },
                splits: (plot) => labelled(starts, interval, plot.width),
                values: (_, places) => places.map((i) => shortStart(starts[i], interval)),
            },
            {
                ...axis,
                size: 52,
                incrs: whole,
                grid: { stroke: colour("--line"), width: 1 },
                values: (_, ticks) => ticks.map((tick) => number(tick)),
            },
        ],
        series: [
            {},
            { ...line, fill: colour(`${hue}-fill`) },
            { ...line, dash: [5, 5], points: { ...line.points, fill: colour("--ground") } },
        ],
        hooks: { setCursor: [(plot) => onMove(plot.cursor.idx)] },
    };
}

// Arrow keys, Home and End move the cursor. The value is announced when a key was pressed, not while it repeats.
function followKeys(plot, box, length, announce) {
    let place = length - 1;
    const steps = { ArrowLeft: () => place - 1, ArrowRight: () => place + 1, Home: () => 0, End: () => length - 1 };
    box.addEventListener("keydown", (event) => {
        if (event.key === "Escape") plot.setCursor({ left: -10, top: -10 });
        if (!(event.key in steps)) return;
        event.preventDefault();
        place = Math.max(0, Math.min(length - 1, steps[event.key]()));
        plot.setCursor({ left: plot.valToPos(place, "x"), top: 0 });
        if (!event.repeat) announce(place);
    });
    box.addEventListener("keyup", (event) => event.key in steps && announce(place));
}

function draw(box, series, hue, read, announce) {
    let plot;
    // Called too when the box was taken off the page: the plot would stay in memory, and listen to the window.
    const make = () => {
        const width = box.clientWidth;
        if (!box.isConnected && drawn.delete(plot)) plot.destroy();
        if (!width || (plot && plot.width === width)) return;
        if (plot) {
            plot.setSize({ width, height: HEIGHT });
            return;
        }
        plot = new uPlot(options(width, series, hue, read), split(series.values, series.partial), box);
        drawn.add(plot);
        followKeys(plot, box, series.values.length, announce);
    };
    new ResizeObserver(make).observe(box);
}

// series: { starts, partial, interval, values }. `finding` is the sentence of the caption, `noun` what is counted.
export function chart(id, title, series, finding, noun, hue = "--one") {
    const { starts, partial, interval, values } = series;
    const unfinished = (i) => (partial.includes(i) ? " (unfinished)" : "");
    const sentence = (i) => `${longStart(starts[i], interval)}: ${number(values[i])} ${noun}${unfinished(i)}`;
    const reading = h("span", { class: "reading", "aria-hidden": "true" });
    const spoken = h("span", { class: "hidden", "aria-live": "polite" });
    const box = h("div", { class: "plot", id: `${id}-plot`, role: "img", tabindex: 0, "aria-label": `${title}: ${finding} Arrow keys read single values.` });
    const numbers = h("div", { id: `${id}-numbers`, hidden: true });
    const toggle = h("button", { type: "button", id: `${id}-toggle`, "aria-expanded": "false", "aria-controls": numbers.id }, "Show as a table");
    toggle.addEventListener("click", () => {
        if (!numbers.childElementCount)
            numbers.append(
                table(`${title}, ${noun}`, [
                    { name: interval === "hour" ? "Hour" : interval === "day" ? "Day" : interval === "week" ? "Week" : "Month", cell: (i) => longStart(starts[i], interval) + unfinished(i) },
                    { name: title, number: true, cell: (i) => value(values[i]) },
                ], values.map((_, i) => i).reverse()),
            );
        numbers.hidden = !numbers.hidden;
        toggle.setAttribute("aria-expanded", String(!numbers.hidden));
        toggle.textContent = numbers.hidden ? "Show as a table" : "Hide the table";
    });
    const read = (i) => (reading.textContent = i == null || values[i] == null ? "" : sentence(i));
    loaded.then(() => draw(box, series, hue, read, (i) => (spoken.textContent = sentence(i))));
    return h("figure", {},
        h("figcaption", {}, h("strong", {}, title), " ", h("span", {}, finding)),
        box,
        h("div", { class: "below" }, toggle, reading, spoken, partial.length > 0 && h("small", {}, "dashed: not over yet, or cut by the range")),
        numbers,
    );
}
