// The documents are what generators of clients need: each client compiles strictly and does the same work.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { before, test } from "node:test";
import { build } from "esbuild";
import { address, services } from "../browser/services.js";
import { document, generateAll, tool } from "./generate.js";

const token = `${process.pid}-${Date.now()}`;
const addresses = {
    userProgress: address("user-progress"),
    performanceReporting: address("performance-reporting"),
    usageAnalytics: address("usage-analytics"),
};
const built = fileURLToPath(new URL("generated/built/", import.meta.url));

before(async () => {
    await generateAll();
    mkdirSync(built, { recursive: true });
});

test("the documents follow Redocly's recommended rules", async () => {
    await tool("redocly", "lint", "--config", "redocly.yaml", "--format", "stylish", ...services.map(document));
});

test("a document with two operations of one name does not", async () => {
    const lint = tool("redocly", "lint", "--config", "redocly.yaml", "--format", "stylish", "broken.yaml");
    await assert.rejects(lint, (error) => error.stdout.includes("operation-operationId-unique"));
});

test("the generated clients and their use compile under the strictest settings", async () => {
    await tool("tsc", "--project", ".");
});

for (const client of ["openapi-fetch", "hey-api", "orval"])
    test(`the clients for ${client} record, load, page, export and report`, async () => {
        const outfile = `${built}${client}.mjs`;
        await build({ entryPoints: [fileURLToPath(new URL(`${client}.ts`, import.meta.url))], bundle: true, format: "esm", outfile });
        const names = { user: `${client}-${token}`, lab: `lab-${client}-${token}` };
        const { attempt, listed, exported, ...found } = await (await import(outfile)).run(addresses, names);
        assert.deepEqual(found, {
            username: names.user,
            stored: 2,
            duplicates: 2,
            refused: "User not found",
            data: { session_id: names.lab, nested: { any: [1, "two", null] } },
            successRate: 1,
            events: 2,
        });
        assert.ok(Number.isInteger(attempt));
        assert.deepEqual(listed, listed.toSorted((a, b) => a - b));
        assert.deepEqual(
            exported.map((line) => JSON.parse(line).id ?? JSON.parse(line)),
            [...listed, { end: true, rows: 2, last_id: listed.at(-1) }],
        );
    });
