// The committed OpenAPI documents are valid OpenAPI 3.1.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { root, services } from "./services.js";

function read(service) {
    return JSON.parse(readFileSync(new URL(`${service}/openapi.json`, root), "utf8"));
}

for (const service of services) {
    test(`the document of ${service} is valid`, async () => {
        const validator = new Validator();
        const found = await validator.validate(read(service));
        assert.ok(found.valid, JSON.stringify(found.errors, null, 2));
        assert.equal(validator.version, "3.1");
    });
}

test("a document with an operation that has no responses' description is not valid", async () => {
    const document = read(services[0]);
    delete document.paths["/users/"].post.responses["200"].description;
    assert.equal((await new Validator().validate(document)).valid, false);
});
