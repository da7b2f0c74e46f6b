// The services under test: their names from tools/services, their addresses from the environment, as `make env`
// prints them.
import { readFileSync } from "node:fs";

export const root = new URL("../../", import.meta.url);

export const services = readFileSync(new URL("tools/services", root), "utf8")
    .split("\n")
    .filter((line) => line && !line.startsWith("#"))
    .map((line) => line.split(/\s+/)[0]);

export function address(service) {
    const variable = `${service.toUpperCase().replaceAll("-", "_")}_URL`;
    const url = process.env[variable];
    if (!url) throw new Error(`${variable} does not say where ${service} is`);
    return url.replace(/\/+$/, "");
}
