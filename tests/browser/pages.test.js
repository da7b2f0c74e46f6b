// The pages at /docs and /redoc work in a browser that reaches nothing but the service.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, screenshots } from "./browser.js";
import { address, services } from "./services.js";

const token = `${process.pid}-${Date.now()}`;

// What is tried out on each service: an operation by its tag and name, and what is sent.
const tried = {
    "user-progress": {
        operation: "Users-create_user",
        body: () => ({ username: `browser-${token}`, full_name: "B", email: `browser-${token}@example.com` }),
    },
    "performance-reporting": {
        operation: "Performance-record_performance",
        body: () => ({ user_id: user, lab_type: lab, completion_time: 295, success: true }),
    },
    "usage-analytics": {
        operation: "Analytics-record_usage_event",
        body: () => ({ user_id: user, lab_type: lab, event_type: "start", event_data: { session_id: token } }),
    },
};
const user = `user-${token}`;
const lab = `type-${token}`;
let browser;
let close;

async function create(path, body) {
    const answer = await fetch(address("user-progress") + path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
    });
    assert.equal(answer.status, 200, await answer.text());
}

before(async () => {
    ({ browser, end: close } = await launch());
    await create("/users/", { id: user, username: user, email: `${user}@example.com` });
    await create("/labs/", { name: lab, description: "d", lab_type: lab, difficulty: "beginner" });
});

after(async () => {
    await close?.();
});

// Opens a page of a service; `end` asserts that nothing was asked of anyone else, and that no script failed. What the
// page's policy has stopped, as it does Redoc's link to its logo, was asked of nobody.
async function open(service, path) {
    const page = await browser.newPage();
    const asked = [];
    const errors = [];
    page.on("request", (request) => asked.push(request));
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(address(service) + path);
    const end = async () => {
        const sent = asked.filter((request) => request.failure()?.errorText !== "csp").map((request) => request.url());
        const elsewhere = sent.filter((url) => !url.startsWith("data:") && !url.startsWith(`${address(service)}/`));
        assert.deepEqual(elsewhere, []);
        assert.deepEqual(errors, []);
        assert.ok(sent.some((url) => url.endsWith("/openapi.json")));
        await page.close();
    };
    return { page, end };
}

for (const service of services) {
    test(`an operation of ${service} can be tried out at /docs`, async () => {
        const { page, end } = await open(service, "/docs");
        const { operation, body } = tried[service];
        const block = page.locator(`#operations-${operation}`);
        await block.waitFor();
        await page.screenshot({ path: join(screenshots, `${service}-docs.png`) });
        await block.locator(".opblock-summary-control").click();
        await block.locator(".try-out__btn").click();
        await block.locator("textarea.body-param__text").fill(JSON.stringify(body()));
        await block.locator(".execute").click();
        const row = block.locator(".live-responses-table .response");
        await row.waitFor();
        assert.match(await row.locator(".response-col_status").innerText(), /^200\b/);
        const answered = JSON.parse(await row.locator(".response-col_description code").first().innerText());
        for (const [name, value] of Object.entries(body())) assert.deepEqual(answered[name], value);
        await row.scrollIntoViewIfNeeded();
        await page.screenshot({ path: join(screenshots, `${service}-tried.png`) });
        await end();
    });

    test(`the example that /docs shows for an operation of ${service} is the document's`, async () => {
        const { page, end } = await open(service, "/docs");
        const block = page.locator(`#operations-${tried[service].operation}`);
        await block.locator(".opblock-summary-control").click();
        await block.locator(".try-out__btn").click();
        const shown = JSON.parse(await block.locator("textarea.body-param__text").inputValue());
        const document = await (await fetch(`${address(service)}/openapi.json`)).json();
        const [operation] = Object.values(document.paths)
            .flatMap((path) => Object.values(path))
            .filter((one) => tried[service].operation === `${one.tags[0]}-${one.operationId}`);
        assert.deepEqual(shown, operation.requestBody.content["application/json"].example);
        await end();
    });

    test(`/redoc shows all operations of ${service}`, async () => {
        const { page, end } = await open(service, "/redoc");
        await page.locator("h1").first().waitFor();
        const document = await (await fetch(`${address(service)}/openapi.json`)).json();
        for (const operations of Object.values(document.paths))
            for (const { summary } of Object.values(operations))
                assert.ok((await page.locator("h2", { hasText: summary }).count()) > 0, summary);
        await page.screenshot({ path: join(screenshots, `${service}-redoc.png`) });
        await end();
    });
}
