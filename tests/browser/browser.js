// Debian's Chromium with a profile that is deleted afterwards, and which reaches nothing that a test did not name.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { root } from "./services.js";

const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];
export const WAIT = 15000; // milliseconds for anything to appear
export const screenshots = fileURLToPath(new URL("build/screenshots/", root));

// A browser, with the options of a context of playwright; end() closes it.
export async function launch(options = {}) {
    mkdirSync(screenshots, { recursive: true });
    const profile = mkdtempSync(join(tmpdir(), "browser-"));
    const browser = await chromium.launchPersistentContext(profile, {
        executablePath: BROWSER,
        headless: true,
        args: FLAGS,
        viewport: { width: 1280, height: 1000 },
        ...options,
    });
    browser.setDefaultTimeout(WAIT);
    const end = async () => {
        await browser.close();
        rmSync(profile, { recursive: true, force: true });
    };
    return { browser, end };
}
