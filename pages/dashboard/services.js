// The three services: where they are, calls to them, and what to tell the reader when one fails.
const TIMEOUT = 20000; // milliseconds: more than the services give a report
const TRIES = 3; // of a call that is answered 503
const PAUSE_MOST = 5; // seconds between them
const KEPT = "token"; // in sessionStorage: until the tab is closed

export const titles = {
    "user-progress": "User Progress",
    "performance-reporting": "Performance Reporting",
    "usage-analytics": "Usage Analytics",
};
export const changes = new EventTarget(); // "state": a service answered or not; "token": one is needed
export const states = {};

let places; // where they are, once known

// The address of a service, without a slash at its end; null if nothing says where it is.
export async function address(service) {
    places ??= fetch("dashboard/services.json").then((answer) => answer.json());
    try {
        const place = (await places)[service];
        return place ? new URL(place.replace(/\/*$/, "/"), document.baseURI).href.replace(/\/+$/, "") : null;
    } catch {
        places = undefined;
        return null;
    }
}

export const token = () => sessionStorage.getItem(KEPT);

export function setToken(text) {
    if (text) sessionStorage.setItem(KEPT, text);
    else sessionStorage.removeItem(KEPT);
}

// A call that failed: its message says what, `help` what to do.
export class Failure extends Error {
    constructor(service, message, help, status = 0) {
        super(`${titles[service]} ${message}`);
        Object.assign(this, { service, help, status });
    }
}

function note(service, state) {
    states[service] = state;
    changes.dispatchEvent(new Event("state"));
}

async function detailOf(answer) {
    try {
        const body = await answer.json();
        const detail = body.detail ?? body.message ?? body.error;
        return Array.isArray(detail) ? detail.map((one) => `${one.loc?.at(-1)}: ${one.msg}`).join("; ") : String(detail);
    } catch {
        return answer.statusText || answer.status;
    }
}

async function refusal(service, path, answer) {
    const detail = await detailOf(answer);
    if (answer.status === 401 || answer.status === 403) changes.dispatchEvent(new CustomEvent("token", { detail }));
    if (answer.status === 401) {
        note(service, "requires a token");
        return new Failure(service, "requires a token.", "Enter one at the top of the page.", 401);
    }
    note(service, "answers");
    if (answer.status === 403) return new Failure(service, `refuses: ${detail}`, "Enter a token that reaches all users at the top of the page.", 403);
    if (answer.status === 404 && detail === "Not Found")
        return new Failure(service, `does not offer ${path}.`, "It is an earlier version: update it.", 404);
    if (answer.status >= 500)
        return new Failure(service, `cannot answer: ${detail}.`, "Its log says why. Try again in a moment.", answer.status);
    return new Failure(service, `did not accept that: ${detail}.`, "Choose something else above.", answer.status);
}

// `isFile`: the limit is for its beginning; all of it may take as long as the service gives an export.
async function send(service, path, query, { signal, isFile, method }) {
    const base = await address(service);
    if (!base) throw new Failure(service, "is not known to this page.", "Name its address in DASHBOARD_URLS.");
    const url = new URL(base + path);
    for (const [name, value] of Object.entries(query)) if (value !== "" && value != null) url.searchParams.set(name, value);
    const late = new AbortController();
    const limit = late.signal;
    const timer = setTimeout(() => late.abort(), TIMEOUT);
    const headers = token() ? { Authorization: `Bearer ${token()}` } : {};
    try {
        const signals = signal ? [signal, limit] : [limit];
        const answer = await fetch(url, { method, headers, credentials: "omit", signal: AbortSignal.any?.(signals) ?? limit });
        if (isFile) clearTimeout(timer);
        return answer;
    } catch (error) {
        if (signal?.aborted) throw error;
        note(service, "does not answer");
        if (limit.aborted) throw new Failure(service, "took too long.", "Choose a shorter range, or try again.");
        throw new Failure(
            service,
            `does not answer at ${base}.`,
            `See whether it runs (${base}/readyz), and whether its CORS_ORIGINS allows ${location.origin}.`,
        );
    }
}

// A service that is just starting, or overloaded, says so and after how many seconds to try again.
async function sendAgain(service, path, query, signal) {
    for (let tries = 1; ; tries++) {
        const answer = await send(service, path, query, { signal });
        const pause = Number(answer.headers.get("Retry-After"));
        if (answer.status !== 503 || !pause || tries === TRIES) return answer;
        await new Promise((resolve) => setTimeout(resolve, Math.min(pause, PAUSE_MOST) * 1000));
        signal?.throwIfAborted();
    }
}

// The answer of GET path?query, its JSON read by `read`. Throws a Failure; what `signal` aborted fails as fetch does.
export async function call(service, path, query = {}, signal, read = JSON.parse) {
    const answer = await sendAgain(service, path, query, signal);
    if (!answer.ok) throw await refusal(service, path, answer);
    try {
        const value = read(await answer.text());
        note(service, "answers");
        return value;
    } catch (error) {
        if (signal?.aborted) throw error;
        throw new Failure(service, "broke off its answer.", "Try again.");
    }
}

// The answer that begins a file; with HEAD, that it would. Throws a Failure.
export async function begin(service, path, query, method) {
    const answer = await send(service, path, query, { isFile: true, method });
    if (!answer.ok) throw await refusal(service, path, answer);
    return answer;
}

// The whole answer as a file's content. Throws a Failure, also if it was cut.
export async function download(service, path, query) {
    const answer = await begin(service, path, query);
    try {
        return await answer.blob();
    } catch {
        throw new Failure(service, "broke off the download.", "Nothing was saved. Try again.");
    }
}

// Waits for calls by their names: the values of those that succeeded, and one failure for each service that failed.
export async function settle(calls, signal) {
    const names = Object.keys(calls);
    const results = await Promise.allSettled(Object.values(calls));
    signal?.throwIfAborted();
    const failures = new Map();
    const values = {};
    results.forEach(({ value, reason }, i) => {
        if (!reason) values[names[i]] = value;
        else if (reason instanceof Failure) failures.set(reason.message, reason);
        else throw reason;
    });
    return { ...values, failures: [...failures.values()] };
}
