// /dashboard shows what the services answer, to everybody, and nothing else is asked.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { screenshots } from "./browser.js";
import { findings, open, rowsOf, settled, stage, values } from "./dashboard.js";
import { address, services } from "./services.js";

const PANELS = ["today", "course", "labs", "lab", "risk", "user", "raw"];
const WIRE_MOST = 60 * 1024; // bytes of the page and its files
const zone = "America/New_York";
let browser, close, term, whole;

before(async () => {
    ({ browser, close, term } = await stage("d"));
    whole = `?range=90d&zone=${zone}&lab=${term.labs[1]}&user=${term.users[6]}&raw_user=${term.users[6]}`;
});

after(async () => {
    await close?.();
});

const number = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat("en-GB", { style: "percent", maximumFractionDigits: 1 });
// The day that it was or is in the zone, so many days from today.
const dayIn = (days) => {
    const today = new Intl.DateTimeFormat("sv-SE", { timeZone: zone }).format(new Date());
    return new Date(Date.parse(`${today}T00:00:00Z`) + days * 86400000).toISOString().slice(0, 10);
};
const sum = (list) => list.reduce((all, one) => all + one, 0);

for (const service of services)
    test(`every number in the tables is the answer's on the page of ${service}`, async () => {
        const { page, answer, end } = await open(browser, service, whole);
        const checked = [];
        const check = (shown, expected) => {
            assert.deepEqual(shown, expected);
            checked.push(...shown.flat());
        };
        for (const toggle of ["events", "users", "timeline"]) await page.locator(`#${toggle}-toggle`).click();
        const { total, starts, partial } = await answer("/analytics/series", { zone, interval: "day", from: dayIn(-89) });
        assert.deepEqual([starts.length, partial.includes(89), sum(total.events) > 0], [90, true, true]);
        for (const [caption, name] of [["Events, ", "events"], ["Active users, ", "users"]]) {
            const rows = await rowsOf(page, caption);
            check(values(rows), total[name].map((one) => [one]).reverse());
            assert.deepEqual(rows.map((row) => row[1].shown[0]), total[name].map((one) => number.format(one)).reverse());
            assert.match(rows[0][0].text, /unfinished/);
        }

        const difficulty = await answer("/performance/difficulty");
        const series = await answer("/performance/series");
        const funnel = await answer("/analytics/funnel", { by: "lab_type" });
        const found = new Map([...difficulty.labs, ...difficulty.few].map((lab) => [lab.lab_name ?? lab.lab_type, lab]));
        const labs = await rowsOf(page, "All labs");
        assert.ok(term.labs.every((lab) => [...found.values()].some((one) => one.lab_type === lab)));
        for (const row of labs) {
            const name = row[0].text.replace(/ [a-z]+( · few users)?$/, "").trim();
            const lab = found.get(name) ?? { lab_type: name };
            const one = funnel.labs.find(({ lab_type }) => lab_type === lab.lab_type);
            const none = series.series.some(({ other }) => other) ? null : [];
            const attempts = series.series.find(({ lab_type, other }) => lab_type === lab.lab_type && !other)?.attempts ?? none;
            const times = lab.users ? (await answer(`/performance/lab/${lab.lab_type}/times`)).all : {};
            const drop = one && one.started > one.open ? one.dropped / (one.started - one.open) : null;
            check([row.flatMap((cell) => cell.values)], [[lab.users, attempts && sum(attempts), lab.first_try_rate, times.p50, times.p90, drop].filter((value) => value != null)]);
            if (lab.first_try_rate != null) assert.equal(row[3].text, percent.format(lab.first_try_rate));
            assert.equal(row[7].text, lab.top_error ?? "–");
        }
        assert.deepEqual(labs.map((row) => row[3].values[0] ?? 2), labs.map((row) => row[3].values[0] ?? 2).sort((a, b) => a - b));

        const lab = term.labs[1];
        const times = await answer(`/performance/lab/${lab}/times`);
        check(values(await rowsOf(page, "Attempts by their length")), times.histogram.map((one) => [one.from, one.to, one.count]));
        const { errors } = await answer(`/performance/lab/${lab}/errors`);
        assert.ok(errors.length === 2);
        check(values(await rowsOf(page, "Errors")), errors.map((one) => [one.attempts, one.users, one.share, one.success_rate]));
        const [steps] = (await answer("/analytics/funnel", { lab_type: lab })).labs;
        check(values(await rowsOf(page, "Sessions")), ["started", "completed", "late", "open", "dropped"].map((name) => [steps[name], steps[name] / steps.started]));

        const report = await answer(`/analytics/user/${term.users[6]}`);
        const events = report.starts.map((_, i) => sum(report.labs.map((one) => one.events[i])));
        check(values(await rowsOf(page, "Events of this user, ")), events.map((one) => [one]).reverse());
        check(values(await rowsOf(page, "Labs that were used")), report.labs.map((one) => [sum(one.events), sum(one.sessions)]));
        const attempts = (await answer("/attempts", { user_id: term.users[6] })).items;
        assert.equal(attempts.length, 8);
        check(values(await rowsOf(page, "Last attempts")), attempts.map((one) => [one.time_spent]));
        const raw = (await answer("/analytics/events", { user_id: term.users[6] })).items;
        const rows = await rowsOf(page, "Last events");
        check(values(rows), raw.map((one) => [one.id]));
        assert.deepEqual(rows.map((row) => row[0].times[0]), raw.map((one) => one.timestamp));

        assert.equal(await page.locator("main table data").count(), checked.length, "a number is not held to an answer");
        await end();
    });

test("the tiles have the numbers of today", async () => {
    const { page, answer, end } = await open(browser, "user-progress", whole);
    const big = page.locator(".tile .big");
    const shown = await big.evaluateAll((tiles) => tiles.map((tile) => tile.querySelector("data")).map((data) => data && Number(data.value)));
    const [today, that] = [{ from: dayIn(0), to: undefined }, { from: dayIn(-7), to: dayIn(-6) }];
    const usage = async (figures, time) => (await answer("/analytics/series", { figures, ...time })).total[figures][0];
    const { attempts, success_rate } = (await answer("/attempts/series", today)).total;
    const rate = attempts[0] ? success_rate[0] : null;
    assert.deepEqual(shown, [await usage("events", today), await usage("users", today), attempts[0], rate]);
    for (const figures of ["events", "users"]) {
        const text = await page.locator(`#tile-${figures}`).innerText();
        assert.ok(text.includes(`${number.format(await usage(figures, that))} on that whole day`), text);
    }
    const active = await answer("/analytics/active");
    assert.ok((await page.locator("#tile-users").innerText()).includes(`${number.format(active.active_7)} in 7 days`));
    await end();
});

test("who fails, who stopped and who never began is listed with the reasons", async () => {
    const { page, answer, end } = await open(browser, "usage-analytics", "?failures=3&inactive=7");
    const listed = await answer("/attempts/at-risk", { failures: "3" });
    const rows = await rowsOf(page, "Failing or stopped");
    assert.equal(rows.length, listed.items.length);
    listed.items.forEach((item, i) => {
        assert.equal(rows[i][0].text, item.username ?? item.user_id);
        for (const reason of item.reasons) {
            if (reason.reason === "failing") assert.ok(rows[i][1].text.includes(`${reason.lab_type}: failed ${number.format(reason.failures_in_a_row)} times in a row`));
            if (reason.reason === "inactive") assert.ok(rows[i][1].text.includes(`no attempt for ${number.format(reason.days)} day`));
        }
    });
    await end();
});

test("who never began is listed as the service answers, page by page", async () => {
    const item = (n) => ({ user_id: `u${n}`, username: n % 2 ? null : `Person ${n}`, last_attempt: null, reasons: [{ reason: "never", days: 20 - n }] });
    const items = Array.from({ length: 12 }, (_, n) => item(n));
    const asked = [];
    const reply = (route) => {
        const query = Object.fromEntries(new URL(route.request().url()).searchParams);
        asked.push(query);
        const [shown, next] = query.cursor === "more" ? [items.slice(10), null] : [items.slice(0, 10), "more"];
        return route.fulfill({ json: { rule: { inactive_days: 3, never: true }, at: new Date().toISOString(), items: shown, next } });
    };
    const isNever = (url) => url.pathname.endsWith("/attempts/at-risk") && url.searchParams.has("never");
    const { page, end } = await open(browser, "user-progress", "?inactive=3", { prepare: (one) => one.route(isNever, reply) });
    const texts = (rows) => rows.map(([user, why]) => [user.text, why.text]);
    const expected = items.map((one) => [one.username ?? one.user_id, `created ${one.reasons[0].days} day${one.reasons[0].days === 1 ? "" : "s"} ago, no attempt`]);
    assert.deepEqual(texts(await rowsOf(page, "Never began")), expected.slice(0, 10));
    await page.locator("#risk button", { hasText: "Show more" }).last().click();
    await page.locator("#risk td", { hasText: "Person 10" }).or(page.locator("#risk th", { hasText: "Person 10" })).first().waitFor();
    assert.deepEqual(texts(await rowsOf(page, "Never began")), expected);
    const query = { inactive_days: "3", limit: "10", never: "true" };
    assert.deepEqual(asked, [query, { ...query, cursor: "more" }]);
    await end();
});

test("a user is found by the beginning of a name and by email, and shown", async () => {
    const { page, answer, end } = await open(browser, "performance-reporting");
    for (const text of [`${term.users[2]}`, `${term.users[2]}@example.com`]) {
        await page.locator("#user-text").fill(text);
        await page.locator("#user-text").press("Enter");
        await page.locator("#user-found .link").waitFor();
        assert.equal(await page.locator("#user-found .link").innerText(), term.users[2]);
    }
    await page.locator("#user-found .link").click();
    await page.locator("#user-name").waitFor();
    assert.ok(page.url().includes(`user=${term.users[2]}`));
    assert.ok((await page.locator("#user .body").innerText()).includes(`${term.users[2]}@example.com`));
    assert.equal((await rowsOf(page, "Last attempts")).length, (await answer("/attempts", { user_id: term.users[2] })).items.length);
    await end();
});

test("what is chosen is in the URL, and a page that is opened with it shows the same", async () => {
    const { page, asked, end } = await open(browser, "user-progress");
    await page.locator("select[name=zone]").selectOption("Asia/Tokyo");
    await page.locator("select[name=interval]").selectOption("week");
    await page.locator("select[name=range]").selectOption("90d");
    await settled(page);
    const url = new URL(page.url());
    assert.deepEqual(Object.fromEntries(url.searchParams), { zone: "Asia/Tokyo", interval: "week", range: "90d" });
    const last = (of) => new URL(of.filter((one) => one.includes("/analytics/series") && one.includes("interval=")).at(-1)).searchParams;
    const again = await open(browser, "user-progress", url.search);
    assert.deepEqual([...last(again.asked)], [...last(asked)]);
    assert.equal(last(asked).get("interval"), "week");
    await again.end();
    await end();
});

test("the page and all its files are small on the wire, headers included, and are asked for once", async () => {
    const page = await browser.newPage();
    const session = await page.context().newCDPSession(page);
    const urls = new Map();
    const sizes = new Map();
    await session.send("Network.enable");
    await session.send("Network.setCacheDisabled", { cacheDisabled: true });
    session.on("Network.requestWillBeSent", ({ requestId, request }) => urls.set(requestId, request.url));
    session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
        const url = urls.get(requestId);
        if (!url.includes("/dashboard")) return;
        assert.ok(!sizes.has(url), url);
        sizes.set(url, encodedDataLength);
    });
    await page.goto(`${address("user-progress")}/dashboard`);
    await settled(page);
    await page.waitForLoadState("networkidle");
    const bytes = sum([...sizes.values()]);
    assert.ok(sizes.size > 10 && bytes > 30000 && bytes <= WIRE_MOST, `${bytes} bytes of ${sizes.size} files`);
    await page.close();
});

for (const colorScheme of ["light", "dark"])
    test(`axe-core finds nothing in ${colorScheme}, and the whole page is shown at both widths`, async () => {
        const { page, end } = await open(browser, "user-progress", whole, { prepare: (one) => one.emulateMedia({ colorScheme }) });
        for (const width of [1280, 390]) {
            await page.setViewportSize({ width, height: 900 });
            await page.waitForFunction(() => [...document.querySelectorAll(".plot canvas")].length === 3);
            assert.deepEqual(await findings(page), []);
            assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, "it scrolls sideways");
            await page.screenshot({ path: join(screenshots, `dashboard-${colorScheme}-${width}.png`), fullPage: true });
            for (const panel of PANELS) await page.locator(`#${panel}`).screenshot({ path: join(screenshots, `panel-${panel}-${colorScheme}-${width}.png`) });
        }
        for (const toggle of ["events", "users", "timeline"]) await page.locator(`#${toggle}-toggle`).click();
        assert.deepEqual(await findings(page), []);
        await end();
    });
