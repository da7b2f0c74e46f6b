// /dashboard with odd data and odd tokens: what is not known, numbers of any length, users without a name.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CORS, findings, open, rowsOf, settled, stage } from "./dashboard.js";
import { address } from "./services.js";

let browser, close, term;

before(async () => {
    ({ browser, close, term } = await stage("o"));
});

after(async () => {
    await close?.();
});

const calls = /\/(analytics|attempts|performance|users|directory)\b/;

test("attempts of a lab that is counted with others are not known, and the page says why", async () => {
    const [lab, other] = term.labs;
    const together = async (route) => {
        const answer = await (await fetch(route.request().url())).json();
        const mine = answer.series.find((one) => one.lab_type === lab);
        const series = [...answer.series.filter((one) => one !== mine && !one.other), { ...mine, lab_type: null, lab_name: null, other: true }];
        await route.fulfill({ headers: CORS, json: { ...answer, series } });
    };
    const { page, end } = await open(browser, "user-progress", "", { prepare: (one) => one.route(/\/performance\/series/, together) });
    const attemptsOf = async (name) => (await rowsOf(page, "All labs")).find(([cell]) => cell.text.startsWith(`Lab ${name} `))[2].text;
    assert.equal(await attemptsOf(lab), "–");
    assert.match(await attemptsOf(other), /^\d+$/);
    assert.match(await page.locator("#labs .body").innerText(), /Attempts are counted for the 50 labs with the most/);
    assert.deepEqual(await findings(page), []);
    await end();
    const all = await open(browser, "user-progress");
    if (!(await all.answer("/performance/series")).series.some((one) => one.other))
        assert.doesNotMatch(await all.page.locator("#labs .body").innerText(), /Attempts are counted for/);
    await all.end();
});

test("numbers in recorded data are shown as they were sent", async () => {
    const data = '{"b":12345678901234567890,"f":1.0,"e":[1e3,-0.10],"s":"1.0"}';
    const answer = await fetch(`${address("usage-analytics")}/analytics/event`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: `{"user_id":"${term.users[0]}","lab_type":"${term.labs[0]}","event_type":"odd","event_data":${data}}`,
    });
    assert.equal(answer.status, 200);
    const { page, end } = await open(browser, "user-progress", `?raw_user=${term.users[0]}&raw_kind=odd`);
    const cell = page.locator("#raw code.json");
    assert.deepEqual([await cell.innerText(), await cell.getAttribute("title")], [data, data]);
    await end();
});

test("a user without a name is found and opened by the id", async () => {
    const items = [{ id: term.users[1], username: null, full_name: null, email: null }];
    const reply = (route) => route.fulfill({ headers: CORS, json: { items, next: null } });
    const { page, end } = await open(browser, "user-progress", "", { prepare: (one) => one.route(/\/directory\/users/, reply) });
    await page.locator("#user-text").fill("a");
    await page.locator("#user-text").press("Enter");
    await page.locator("#user-found .link", { hasText: term.users[1] }).click();
    await page.locator("#user-name").waitFor();
    await end();
});

test("a token that does not reach all users can be replaced", async () => {
    const guard = async (route) => {
        const request = route.request();
        const headers = await request.allHeaders();
        if (request.method() === "OPTIONS" || headers.authorization === "Bearer all") return route.continue({ headers: { ...headers, authorization: undefined } });
        return route.fulfill({ status: 403, headers: CORS, json: { detail: "Only one's own" } });
    };
    const prepare = async (page) => {
        await page.addInitScript(() => sessionStorage.token ?? sessionStorage.setItem("token", "own"));
        await page.route((url) => calls.test(url.pathname) && !url.pathname.includes("/dashboard/"), guard);
    };
    const { page, end } = await open(browser, "user-progress", "", { faults: true, prepare });
    assert.match(await page.locator("#token-detail").innerText(), /refuse the token: Only one's own/);
    assert.deepEqual(await findings(page), []);
    await page.locator("#token-text").fill("all");
    await page.locator("#token-text").press("Enter");
    await page.locator(".problem").first().waitFor({ state: "detached" });
    await settled(page);
    assert.equal(await page.locator(".problem").count(), 0);
    assert.ok(await page.locator("#token").isHidden());
    await end();
});

test("what cannot be a token is not taken for one, and the form says why", async () => {
    const prepare = (page) => page.route(/\/attempts\/at-risk/, (route) => route.fulfill({ status: 401, headers: CORS, json: { message: "None" } }));
    const { page, end } = await open(browser, "user-progress", "", { faults: true, prepare });
    const field = page.locator("#token-text");
    for (const text of ["tokén", "Bearer abc", "“abc”"]) {
        await field.fill(text);
        await field.press("Enter");
        assert.deepEqual(await field.evaluate((one) => [one.validity.patternMismatch, sessionStorage.getItem("token")]), [true, null], text);
    }
    assert.match(await field.getAttribute("title"), /letters, digits and signs of ASCII, without spaces/);
    await field.fill(" a.b-c_d~ ");
    await field.press("Enter");
    assert.equal(await page.evaluate(() => sessionStorage.getItem("token")), "a.b-c_d~");
    await end();
});

test("a chart that was replaced is gone, and does not pile up while the page stays open", async () => {
    const { page, end } = await open(browser, "user-progress", `?user=${term.users[0]}`);
    await page.evaluate(() => {
        const made = window.uPlot;
        window.plots = { made: 0, ended: 0 };
        window.uPlot = function (...what) {
            const plot = made(...what);
            const end = plot.destroy;
            plot.destroy = () => {
                window.plots.ended++;
                end();
            };
            window.plots.made++;
            return plot;
        };
    });
    for (const rounds of [1, 2, 3]) {
        await page.locator("#refresh").click();
        await page.waitForFunction((made) => window.plots.made === made, 3 * rounds);
        await page.waitForFunction((ended) => window.plots.ended === ended, 3 * (rounds - 1));
    }
    await end();
});
