// /dashboard by keyboard alone, with a service that is away, with nothing to show, and where a token is required.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CORS, findings, open, rowsOf, settled, stage } from "./dashboard.js";
import { address, services } from "./services.js";

let browser, close, term, query;

before(async () => {
    ({ browser, close, term } = await stage("k"));
    query = `?lab=${term.labs[1]}&user=${term.users[6]}`;
});

after(async () => {
    await close?.();
});

const focused = (page) =>
    page.evaluate(() => {
        const one = document.activeElement;
        return one.id || one.name || one.getAttribute("aria-label") || one.textContent;
    });

// Tab until the focus is there.
async function reach(page, name) {
    for (let i = 0; i < 400; i++) {
        if ((await focused(page)) === name) return;
        await page.keyboard.press("Tab");
    }
    assert.fail(`${name} is not reached`);
}

test("Tab reaches every control in the order of the page, and each shows that it has the focus", async () => {
    const { page, end } = await open(browser, "user-progress", query);
    const all = await page.evaluate(() => {
        const controls = [...document.querySelectorAll("a[href], button, input, select, [tabindex='0']")];
        const reachable = controls.filter((one) => one.checkVisibility() && !one.disabled);
        reachable.forEach((one, i) => (one.dataset.place = i));
        return reachable.length;
    });
    assert.ok(all > 40);
    for (let i = 0; i < all; i++) {
        await page.keyboard.press("Tab");
        const [place, outline] = await page.evaluate(() => {
            const one = document.activeElement;
            return [one.dataset.place, getComputedStyle(one).outlineStyle];
        });
        assert.equal(place, String(i));
        assert.notEqual(outline, "none");
    }
    await end();
});

test("charts, tables, lists and forms are used by keyboard alone", async () => {
    const { page, end } = await open(browser, "user-progress", "?range=30d");
    const press = (...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
    await reach(page, "events-plot");
    await press("End");
    const spoken = () => page.locator("#course figure").first().locator("[aria-live]").innerText();
    const last = await spoken();
    assert.match(last, /events \(unfinished\)$/);
    await press("ArrowLeft");
    assert.match(await spoken(), /: [\d,]+ events$/);
    await press("Home", "ArrowLeft", "End");
    assert.equal(await spoken(), last);
    await page.keyboard.down("ArrowLeft");
    const once = await spoken();
    await page.keyboard.down("ArrowLeft"); // repeats
    assert.equal(await spoken(), once);
    await page.keyboard.up("ArrowLeft");
    assert.notEqual(await spoken(), once);

    await reach(page, "events-toggle");
    await press("Enter");
    assert.equal((await rowsOf(page, "Events, ")).length, 30);
    assert.equal(await page.locator("#events-toggle").getAttribute("aria-expanded"), "true");
    await press("Enter");
    assert.ok(await page.locator("#events-numbers").isHidden());

    await reach(page, "Users");
    await press("Enter");
    assert.equal(await page.locator("#labs th[aria-sort='ascending']").innerText(), "Users");
    await press("Enter");
    assert.equal(await page.locator("#labs th[aria-sort='descending']").innerText(), "Users");
    assert.equal(await focused(page), "Users");
    await reach(page, `Lab ${term.labs[1]}: show this lab`);
    await press("Enter");
    await page.locator("#lab table").first().waitFor();
    await page.waitForFunction(() => document.activeElement.id === "lab-title");

    await reach(page, "failures");
    await page.keyboard.type("0");
    await press("ArrowLeft", "Backspace", "Delete");
    await page.keyboard.type("4");
    await press("Enter", "Tab");
    await settled(page);
    assert.equal(new URL(page.url()).searchParams.get("failures"), "4");
    await reach(page, "user-text");
    await page.keyboard.type(term.users[6]);
    await press("Enter");
    await page.locator("#user-found .link").waitFor();
    await reach(page, term.users[6]);
    await press("Enter");
    await page.waitForFunction(() => document.activeElement.id === "user-title");
    await reach(page, "performance records");
    await press("Enter");
    await page.waitForFunction(() => document.activeElement.id === "raw-title");
    assert.equal((await rowsOf(page, "Last performance records")).length, 8);
    await page.goBack();
    await page.waitForFunction(() => document.querySelector("[name=raw]").value === "events");
    await end();
});

const panels = {
    "user-progress": { own: ["#risk"], part: ["#today", "#user"], untouched: ["#course", "#labs", "#lab"] },
    "performance-reporting": { own: [], part: ["#labs", "#lab"], untouched: ["#today", "#course", "#risk", "#user"] },
    "usage-analytics": { own: ["#course", "#raw"], part: ["#today", "#labs", "#lab", "#user"], untouched: ["#risk"] },
};

for (const service of services)
    test(`without ${service} only its own panels say so, and what to do`, async () => {
        const other = services.find((name) => name !== service);
        const texts = async (page, names) => Promise.all(names.map((name) => page.locator(`${name} .body`).innerText()));
        const { own, part, untouched } = panels[service];
        const before = await open(browser, other, query);
        const timeless = untouched.filter((name) => name !== "#today"); // which tells the time of day
        const right = await texts(before.page, timeless);
        await before.end();
        const away = (url) => url.href.startsWith(`${address(service)}/`);
        const { page, end } = await open(browser, other, query, { faults: true, prepare: (one) => one.route(away, (route) => route.abort()) });
        for (const name of [...own, ...part]) {
            const problem = await page.locator(`${name} .problem`).first().innerText();
            assert.match(problem, /does not answer at http.*readyz.*CORS_ORIGINS.*Try again/s);
        }
        assert.deepEqual(await page.locator(untouched.map((name) => `${name} .problem`).join()).count(), 0);
        assert.deepEqual(await texts(page, timeless), right);
        assert.match(await page.locator("#states").innerText(), /does not answer/);
        assert.deepEqual(await findings(page), []);
        await page.unroute(away);
        await page.locator(`${[...own, ...part][0]} .problem button`).first().click();
        await page.locator(`${[...own, ...part][0]} .problem`).first().waitFor({ state: "detached" });
        await end();
    });

test("where nothing was recorded the page says how to send the first event", async () => {
    const empty = async (route) => {
        const answer = await (await fetch(route.request().url())).json();
        const none = (columns) => Object.fromEntries(Object.entries(columns).map(([name, list]) => [name, list && list.map(() => 0)]));
        await route.fulfill({ headers: CORS, json: { ...answer, data_since: null, series: [], total: none(answer.total) } });
    };
    const { page, end } = await open(browser, "performance-reporting", "", { prepare: (one) => one.route(/\/(analytics|attempts)\/series/, empty) });
    const commands = await page.locator("#start pre").innerText();
    assert.ok(commands.includes(`curl ${address("user-progress")}/users/`) && commands.includes(`curl ${address("usage-analytics")}/analytics/event `));
    assert.match(await page.locator("#course figcaption").first().innerText(), /none in 30 days/);
    assert.deepEqual(await findings(page), []);
    await end();
});

test("where calls require a token the page asks for one, keeps it for the tab and sends it to the services only", async () => {
    const seen = [];
    const guard = async (route) => {
        const request = route.request();
        const { authorization } = await request.allHeaders();
        if (authorization) seen.push([request.url(), authorization]);
        if (request.method() === "OPTIONS" || authorization === "Bearer good") return route.continue({ headers: { ...request.headers(), authorization: undefined } });
        return route.fulfill({ status: 401, headers: CORS, json: { message: "Invalid token" } });
    };
    const calls = (url) => /\/(analytics|attempts|performance|users|directory)\b/.test(url.pathname) && !url.pathname.includes("/dashboard/");
    const { page, end } = await open(browser, "usage-analytics", query, { faults: true, prepare: (one) => one.route(calls, guard) });
    assert.ok(await page.locator("#token").isVisible());
    assert.match(await page.locator("#risk .problem").first().innerText(), /User Progress requires a token/);
    assert.deepEqual(await findings(page), []);
    const send = async (text) => {
        await page.locator("#token-text").fill(text);
        await page.locator("#token-text").press("Enter");
        await settled(page);
    };
    await send("bad");
    assert.match(await page.locator("#token-detail").innerText(), /refuse the token: Invalid token/);
    await send("good");
    assert.equal(await page.locator(".problem").count(), 0);
    assert.ok(await page.locator("#token").isHidden());
    assert.equal(await page.evaluate(() => sessionStorage.getItem("token")), "good");
    const file = page.waitForEvent("download");
    await page.locator("#raw button", { hasText: "Download CSV" }).click();
    assert.equal((await file).suggestedFilename(), "events.csv");
    await page.reload();
    await settled(page);
    assert.equal(await page.locator(".problem").count(), 0);
    assert.ok(seen.every(([url]) => services.some((name) => url.startsWith(`${address(name)}/`))));
    await end();
});
