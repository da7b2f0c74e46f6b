// Opening /dashboard in a browser, and what every test of it wants to know about a page.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { launch } from "./browser.js";
import { address, services } from "./services.js";
import { fill } from "./term.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const start = (options = {}) => launch({ locale: "en-GB", timezoneId: "Europe/Berlin", ...options });

// A browser, and a term of the file's own, whose names begin with the letter; close() ends the browser.
export async function stage(letter) {
    const term = await fill(`${letter}${process.pid}-${Date.now()}`);
    const { browser, end } = await start();
    return { term, browser, close: end };
}

export const CORS = { "Access-Control-Allow-Origin": "*" };

export const settled = (page) =>
    page.waitForFunction(() => {
        const busy = document.querySelector("main [aria-busy='true']");
        return !busy && document.querySelector("#today .body[aria-busy='false']");
    });

// What a request was answered, of answers with JSON.
async function read(request) {
    const response = await request.response().catch(() => null);
    if (response?.status() !== 200 || response.headers()["content-type"] !== "application/json") return [];
    const url = new URL(request.url());
    const body = await response.json().catch(() => null);
    return [{ path: url.pathname, query: Object.fromEntries(url.searchParams), body }];
}

// Opens the page of a service and waits until nothing loads. `answer` finds what the services answered;
// `end` asserts that nobody else was asked and that nothing failed, unless `faults` are expected.
export async function open(browser, service, query = "", { faults = false, prepare = async () => {} } = {}) {
    const page = await browser.newPage();
    const [asked, errors, reading] = [[], [], []];
    page.on("request", (request) => {
        asked.push(request.url());
        reading.push(read(request));
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && errors.push(message.text()));
    await prepare(page);
    await page.goto(`${address(service)}/dashboard${query}`);
    await settled(page);
    const end = async () => {
        const own = services.map((name) => `${address(name)}/`);
        assert.deepEqual(asked.filter((url) => !url.startsWith("data:") && !own.some((prefix) => url.startsWith(prefix))), []);
        if (!faults) assert.deepEqual(errors, []);
        await page.close();
    };
    // The body of the last answer of a path whose query has these members, of all that the page has asked until now: it
    // may show one before it is read here.
    const answer = async (path, query_ = {}) => {
        const fits = ({ query: had }) => Object.entries(query_).every(([name, value]) => had[name] === value);
        const answers = (await Promise.all(reading)).flat();
        const found = answers.filter((one) => one.path.endsWith(path) && fits(one)).at(-1);
        assert.ok(found, `no answer of ${path} with ${JSON.stringify(query_)}`);
        return found.body;
    };
    return { page, answer, asked, end };
}

// What axe-core finds; nothing is left out.
export async function findings(page) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run(document));
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("\n")}`);
}

// The rows of a table by the beginning of its caption: of each cell its text, and the values that programs read.
export async function rowsOf(page, caption) {
    const table = page.locator("table", { has: page.locator(`caption:text-matches("^${caption}")`) });
    await table.first().waitFor();
    return table.first().locator("tbody tr").evaluateAll((rows) =>
        rows.map((row) =>
            [...row.cells].map((cell) => ({
                text: cell.textContent,
                values: [...cell.querySelectorAll("data")].map((one) => Number(one.value)),
                shown: [...cell.querySelectorAll("data")].map((one) => one.textContent),
                times: [...cell.querySelectorAll("time")].map((one) => one.dateTime),
            })),
        ),
    );
}

export const values = (rows) => rows.map((row) => row.flatMap((cell) => cell.values));
