// /dashboard as links, the browser's history, the choice of a zone and the keyboard lead through it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, settled, stage, start } from "./dashboard.js";

let browser, close, term;

before(async () => {
    ({ browser, close, term } = await stage("n"));
});

after(async () => {
    await close?.();
});

const inZone = (zone) => (url) => new URL(url).searchParams.get("zone") === zone;
const zoned = (asked) => asked.filter((url) => new URL(url).searchParams.has("zone") && !url.includes("/dashboard"));

test("whoever is sent the address of the page sees the days of the same zone", async () => {
    const { page, end } = await open(browser, "user-progress");
    const { search } = new URL(page.url());
    assert.equal(new URLSearchParams(search).get("zone"), "Europe/Berlin");
    await page.locator("select[name=zone]").selectOption("Asia/Tokyo");
    await page.locator("select[name=zone]").selectOption("Europe/Berlin");
    assert.equal(new URL(page.url()).search, search);
    await end();
    const elsewhere = await start({ timezoneId: "America/New_York" });
    const there = await open(elsewhere.browser, "user-progress", search);
    assert.ok(zoned(there.asked).length > 5 && zoned(there.asked).every(inZone("Europe/Berlin")));
    assert.match(await there.page.locator("#raw time").first().innerText(), /CES?T|GMT\+[12]/);
    await there.end();
    await elsewhere.end();
});

test("a zone that is chosen before a range has its first day is that of everything without a range", async () => {
    const { page, asked, end } = await open(browser, "user-progress");
    await page.locator("select[name=range]").selectOption("custom");
    const before = asked.length;
    await page.locator("select[name=zone]").selectOption("Asia/Tokyo");
    await page.locator("#raw time", { hasText: "GMT+9" }).first().waitFor();
    await settled(page);
    const series = zoned(asked.slice(before));
    assert.ok(series.some((url) => url.includes("/attempts/series")) && series.every(inZone("Asia/Tokyo")));
    assert.match(await page.locator("#today-when").innerText(), /GMT\+9/);
    await end();
});

test("a link with a zone that this browser does not know says so, and another can be chosen", async () => {
    const { page, end } = await open(browser, "user-progress", "?zone=Foo/Bar", { faults: true });
    for (const panel of ["today", "course", "labs", "raw"])
        assert.match(await page.locator(`#${panel} .problem`).first().innerText(), /Foo\/Bar.*Choose another zone/s);
    await page.locator("select[name=zone]").selectOption("Asia/Tokyo");
    await page.locator(".problem").first().waitFor({ state: "detached" });
    await settled(page);
    assert.equal(await page.locator(".problem").count(), 0);
    await end();
});

test("the link to the panels moves the keyboard there and loads nothing again", async () => {
    const { page, asked, end } = await open(browser, "user-progress", `?lab=${term.labs[0]}`);
    const before = asked.length;
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement.id === "main");
    await page.evaluate(() => fetch("dashboard/services.json").then((answer) => answer.text()));
    assert.equal(asked.length, before + 1);
    await end();
});

test("a filter of recorded rows is changed by arrow keys without leaving it", async () => {
    const { page, end } = await open(browser, "user-progress", "?raw=records");
    const filter = page.locator("#raw select[name=raw_kind]");
    await filter.focus();
    for (const value of ["true", "false"]) {
        await page.keyboard.press("ArrowDown");
        await settled(page);
        assert.deepEqual([await filter.inputValue(), new URL(page.url()).searchParams.get("raw_kind")], [value, value]);
        assert.equal(await page.evaluate(() => document.activeElement.name), "raw_kind");
    }
    await page.locator("#raw select[name=raw]").selectOption("events");
    assert.equal(await page.locator("#raw input[name=raw_kind]").inputValue(), "");
    await end();
});
