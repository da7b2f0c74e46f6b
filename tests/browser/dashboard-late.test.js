// /dashboard while answers are late, come twice, in another order or not at all.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { CORS, open, settled, stage } from "./dashboard.js";

let browser, close, term;

before(async () => {
    ({ browser, close, term } = await stage("l"));
});

after(async () => {
    await close?.();
});

// A promise, and the function that keeps it.
function gate() {
    let open;
    const opened = new Promise((resolve) => (open = resolve));
    return { opened, open };
}

// Until the page has had the time for an answer to a call that it makes now.
const turn = (page) => page.evaluate(() => fetch("dashboard/services.json").then((answer) => answer.text()));

const at = (path) => (url) => url.pathname.endsWith(path);
const isExport = at("/export");

test("with a token a download may take longer than any other call", async () => {
    const rest = gate();
    const slow = createServer(async (_, answer) => {
        answer.writeHead(200, { "Content-Type": "text/csv" });
        answer.write("id\r\n");
        await rest.opened;
        answer.end("1\r\n");
    });
    await new Promise((resolve) => slow.listen(0, "127.0.0.1", resolve));
    const prepare = async (page) => {
        await page.clock.install();
        await page.addInitScript(() => {
            sessionStorage.setItem("token", "t");
            // By the clock of the test, as all other timers.
            AbortSignal.timeout = (delay) => {
                const limit = new AbortController();
                setTimeout(() => limit.abort(), delay);
                return limit.signal;
            };
            const ask = window.fetch;
            window.fetch = async (...what) => {
                const answer = await ask(...what);
                window.begun = String(what[0]).includes("/export");
                return answer;
            };
        });
        const known = async (route) => route.continue({ headers: { ...(await route.request().allHeaders()), authorization: undefined } });
        await page.route(/\/(analytics|attempts|performance)\//, known);
        await page.route(isExport, (route) => route.continue({ url: `http://127.0.0.1:${slow.address().port}/` }));
    };
    const { page, end } = await open(browser, "usage-analytics", "", { prepare });
    await page.locator("#raw button", { hasText: "Download CSV" }).click();
    await page.waitForFunction(() => window.begun);
    await page.clock.runFor(60000);
    const file = page.waitForEvent("download");
    rest.open();
    assert.equal(readFileSync(await (await file).path(), "utf8"), "id\r\n1\r\n");
    assert.match(await page.locator("#raw [role=status]").innerText(), /Downloaded/);
    await end();
    slow.close();
});

test("a search that is answered after a newer one does not take its place", async () => {
    const late = gate();
    const reply = async (route) => {
        const name = new URL(route.request().url()).searchParams.get("prefix");
        if (name === "older") await late.opened;
        await route.fulfill({ headers: CORS, json: { items: [{ id: name, username: name }], next: null } }).catch(() => {});
    };
    const { page, end } = await open(browser, "user-progress", "", { prepare: (one) => one.route(at("/directory/users"), reply) });
    const find = async (name) => {
        const asked = page.waitForRequest((request) => request.url().includes(`prefix=${name}`));
        await page.locator("#user-text").fill(name);
        await page.locator("#user-text").press("Enter");
        return asked;
    };
    const older = await find("older");
    await find("newer");
    await page.locator("#user-found .link").waitFor();
    late.open();
    await older.response().catch(() => null);
    await turn(page);
    assert.equal(await page.locator("#user-found .link").innerText(), "newer");
    await end();
});

// Answers with lists of two pages, whatever is listed; the second waits for `until`.
function paged(path, asked, until) {
    const item = (n) => ({ id: n, user_id: `u${n}`, username: `Person ${n}`, reasons: [], last_attempt: null, timestamp: null, event_data: {} });
    const reply = async (route) => {
        const cursor = new URL(route.request().url()).searchParams.get("cursor");
        if (!cursor) return route.fulfill({ headers: CORS, json: { items: [1, 2, 3].map(item), next: "more" } });
        asked.push(cursor);
        await until;
        return route.fulfill({ headers: CORS, json: { items: [4, 5].map(item), next: null } });
    };
    return (page) => page.route(at(path), reply);
}

const lists = [
    ["events", "#raw .body", "/analytics/events", "Show older", "tbody tr"],
    ["users at risk", "#risk .part:first-child", "/attempts/at-risk", "Show more", "tbody tr"],
    ["users that were found", "#user-found", "/directory/users", "Show more", "li"],
];

async function openList(panel, prepare) {
    const opened = await open(browser, "user-progress", "", { prepare });
    if (panel !== "#user-found") return opened;
    await opened.page.locator("#user-text").fill("Person");
    await opened.page.locator("#user-text").press("Enter");
    await opened.page.locator(`${panel} li`).first().waitFor();
    return opened;
}

for (const [name, panel, path, button, row] of lists)
    test(`older ${name} that are asked for twice are shown once`, async () => {
        const asked = [];
        const both = gate();
        const { page, end } = await openList(panel, paged(path, asked, both.opened));
        await page.locator(`${panel} button`, { hasText: button }).dblclick();
        await turn(page);
        both.open();
        await page.locator(`${panel} button`, { hasText: button }).waitFor({ state: "detached" });
        await turn(page);
        assert.deepEqual([await page.locator(`${panel} ${row}`).count(), asked], [5, ["more"]]);
        await end();
    });

for (const [name, panel, path, button] of lists)
    test(`the keyboard stays among the ${name} when older ones were asked for`, async () => {
        const { page, end } = await openList(panel, paged(path, []));
        await page.locator(`${panel} button`, { hasText: button }).focus();
        await page.keyboard.press("Enter");
        await page.locator(`${panel} button`, { hasText: button }).waitFor({ state: "detached" });
        assert.ok(await page.locator(`${panel} :focus`).count(), "the focus is elsewhere");
        await end();
    });

test("older rows that did not come can be asked for again, and then nothing says that they did not come", async () => {
    let away = true;
    const item = (n) => ({ id: n, timestamp: null });
    const reply = (route) => {
        if (!route.request().url().includes("cursor")) return route.fulfill({ headers: CORS, json: { items: [item(1)], next: "more" } });
        return away ? route.abort() : route.fulfill({ headers: CORS, json: { items: [item(2)], next: null } });
    };
    const { page, end } = await open(browser, "user-progress", "", { faults: true, prepare: (one) => one.route(at("/analytics/events"), reply) });
    await page.locator("#raw button", { hasText: "Show older" }).click();
    await page.locator("#raw [role=status]", { hasText: "does not answer" }).waitFor();
    away = false;
    await page.locator("#raw button", { hasText: "Show older" }).click();
    await page.locator("#raw tbody tr").nth(1).waitFor();
    assert.equal(await page.locator("#raw [role=status]").innerText(), "");
    await end();
});

test("the keyboard stays in a panel whose calls are tried again", async () => {
    const { page, end } = await open(browser, "user-progress", "", { faults: true, prepare: (one) => one.route(at("/attempts/at-risk"), (route) => route.abort()) });
    await page.unrouteAll();
    await page.locator("#risk .problem button").focus();
    await page.keyboard.press("Enter");
    await page.locator("#risk .problem").waitFor({ state: "detached" });
    assert.ok(await page.locator("#risk :focus").count(), "the focus is elsewhere");
    await end();
});

test("Back before a lab has loaded leads back: no empty panel appears", async () => {
    const late = gate();
    const hold = async (route) => {
        await late.opened;
        await route.continue().catch(() => {});
    };
    const { page, end } = await open(browser, "user-progress");
    const path = at(`/performance/lab/${term.labs[0]}/errors`);
    await page.route(path, hold);
    const asked = page.waitForRequest((request) => path(new URL(request.url())));
    await page.locator(`#labs button[aria-label^="Lab ${term.labs[0]}:"]`).click();
    await asked;
    await page.goBack();
    late.open();
    await settled(page);
    assert.ok(!new URL(page.url()).searchParams.has("lab"));
    assert.ok(await page.locator("#lab").isHidden());
    await end();
});

test("a download that a busy service refuses leaves the page as it is, and says so", async () => {
    const { page, end } = await open(browser, "user-progress", "", { faults: true });
    const url = page.url();
    const button = page.locator("#raw button", { hasText: "Download NDJSON" });
    const status = page.locator("#raw [role=status]");
    const says = (text) => page.locator("#raw [role=status]", { hasText: text }).waitFor();
    const refuse = (route) => route.fulfill({ status: 503, headers: CORS, body: route.request().method() === "HEAD" ? "" : '{"detail":"Busy"}' });
    await page.route(isExport, refuse);
    await button.click();
    await says("Usage Analytics cannot answer: Service Unavailable");
    // It became busy between the two requests.
    await page.unroute(isExport);
    await page.route(isExport, (route) => (route.request().method() === "HEAD" ? route.continue() : refuse(route)));
    await button.click();
    await says("Usage Analytics did not begin the download");
    assert.equal(page.url(), url);
    await page.unroute(isExport);
    const file = page.waitForEvent("download");
    await button.click();
    assert.match((await file).suggestedFilename(), /^usage-events-.*\.ndjson$/);
    assert.equal(await status.innerText(), "");
    await end();
});
