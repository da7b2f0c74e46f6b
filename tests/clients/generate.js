// Makes the clients: three generators, each from the three documents, into generated/GENERATOR/.
import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { generate } from "orval";
import { root, services } from "../browser/services.js";

const here = fileURLToPath(new URL(".", import.meta.url));

export function tool(name, ...args) {
    return promisify(execFile)(`${here}node_modules/.bin/${name}`, args, { cwd: here });
}

export function document(service) {
    return fileURLToPath(new URL(`${service}/openapi.json`, root));
}

// user-progress: userProgress
function camel(service) {
    return service.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}

const generators = {
    // A member with a default may be left out, which this generator assumes of answers alone.
    "openapi-typescript": (service, into) =>
        tool("openapi-typescript", document(service), "--default-non-nullable", "false", "-o", `${into}.d.ts`),
    "hey-api": (service, into) =>
        tool("openapi-ts", "-i", document(service), "-o", into, "-c", "@hey-api/client-fetch", "--no-log-file"),
    // Its requests go through the function of orval-fetch.ts that knows the address of the service.
    orval: (service, into) =>
        generate({
            input: document(service),
            output: {
                target: `${into}.ts`,
                client: "fetch",
                override: { mutator: { path: `${here}orval-fetch.ts`, name: camel(service) } },
            },
        }),
};

export async function generateAll() {
    rmSync(`${here}generated`, { recursive: true, force: true });
    for (const [name, generator] of Object.entries(generators))
        for (const service of services) await generator(service, `${here}generated/${name}/${service}`);
}
