// /dashboard as it opens on whatever the services have, before the other tests of it add to that.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { screenshots } from "./browser.js";
import { open, start } from "./dashboard.js";

let browser, close;

before(async () => {
    ({ browser, end: close } = await start());
});

after(async () => {
    await close?.();
});

for (const [name, width, height, colorScheme] of [
    ["wide", 1280, 840, "light"],
    ["narrow", 390, 840, "dark"],
])
    test(`it opens on a ${name} screen in ${colorScheme}, and every panel has its content`, async () => {
        const prepare = async (page) => {
            await page.setViewportSize({ width, height });
            await page.emulateMedia({ colorScheme });
        };
        const { page, end } = await open(browser, "user-progress", "?range=90d", { prepare });
        await page.waitForFunction(() => document.querySelectorAll("#course .plot canvas").length === 2);
        for (const panel of ["today", "course", "labs", "risk", "raw"]) {
            const text = await page.locator(`#${panel} .body`).innerText();
            assert.ok(text.length > 10 && !/undefined|NaN|null|\[object|Invalid/.test(text), `${panel}: ${text}`);
        }
        assert.equal(await page.locator(".problem").count(), 0);
        await page.screenshot({ path: join(screenshots, `dashboard-${name}.png`) });
        await end();
    });
