// /dashboard with odd data and odd tokens: what is not known, numbers of any length, users without a name.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CORS, findings, open, rowsOf, settled, start } from "./dashboard.js";
import { address } from "./services.js";
import { fill } from "./term.js";

const token = `o${process.pid}-${Date.now()}`;
let browser, close, term;

before(async () => {
    term = await fill(token);
    ({ browser, end: close } = await start());
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
