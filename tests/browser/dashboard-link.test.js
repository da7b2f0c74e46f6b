// /dashboard as links, the browser's history, the choice of a zone and the keyboard lead through it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, settled, start } from "./dashboard.js";
import { fill } from "./term.js";

const token = `n${process.pid}-${Date.now()}`;
let browser, close, term;

before(async () => {
    term = await fill(token);
    ({ browser, end: close } = await start());
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
