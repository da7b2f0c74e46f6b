// Opening /dashboard in a browser, and what every test of it wants to know about a page.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { launch } from "./browser.js";
import { address, services } from "./services.js";

const PORTS = { "user-progress": 8004, "performance-reporting": 8005, "usage-analytics": 8006 }; // by default
const HOST = "labs.test";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// By default a page finds the services by their usual ports, which a test must not use: the browser resolves them to the
// ports that the services have. Behind a proxy's prefix the addresses are as they are.
const direct = services.every((service) => new URL(address(service)).pathname === "/");
const mapped = services.map((service) => `MAP ${HOST}:${PORTS[service]} ${new URL(address(service)).host}`);

export const base = (service) => (direct ? `http://${HOST}:${PORTS[service]}` : address(service));

// A URL of the page, as one that this process can ask.
export const real = (url) => services.reduce((text, service) => text.replace(base(service), address(service)), url);

export const start = () =>
    launch({ locale: "en-GB", timezoneId: "Europe/Berlin" }, direct ? [`--host-resolver-rules=${mapped.join(",")}`] : []);

export const settled = (page) =>
    page.waitForFunction(() => {
        const busy = document.querySelector("main [aria-busy='true']");
        return !busy && document.querySelector("#today .body[aria-busy='false']");
    });

// Opens the page of a service and waits until nothing loads. `answers` has what the services answered, by path;
// `end` asserts that nobody else was asked and that nothing failed, unless `faults` are expected.
export async function open(browser, service, query = "", { faults = false, prepare = async () => {} } = {}) {
    const page = await browser.newPage();
    const [asked, errors, answers] = [[], [], []];
    page.on("request", (request) => asked.push(request.url()));
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && errors.push(message.text()));
    page.on("response", async (response) => {
        const url = new URL(response.url());
        if (response.status() === 200 && response.headers()["content-type"] === "application/json")
            answers.push({ path: url.pathname, query: Object.fromEntries(url.searchParams), body: await response.json().catch(() => null) });
    });
    await prepare(page);
    await page.goto(`${base(service)}/dashboard${query}`);
    await settled(page);
    const end = async () => {
        const own = services.map((name) => `${base(name)}/`);
        assert.deepEqual(asked.filter((url) => !url.startsWith("data:") && !own.some((prefix) => url.startsWith(prefix))), []);
        if (!faults) assert.deepEqual(errors, []);
        await page.close();
    };
    // The body of the last answer of a path whose query has these members.
    const answer = (path, query_ = {}) => {
        const fits = ({ query: had }) => Object.entries(query_).every(([name, value]) => had[name] === value);
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
