// What orval's clients send their requests with: each service at its own address. Where a body may have one of several
// types they leave Content-Type to this.
import type { Addresses } from "./workflow";

let addresses: Addresses;

export function useAddresses(given: Addresses): void {
    addresses = given;
}

async function send<T>(base: string, path: string, options: RequestInit): Promise<T> {
    const headers = { "Content-Type": "application/json", ...options.headers };
    const answer = await fetch(base + path, { ...options, headers });
    const { status, headers: received } = answer;
    if (received.get("Content-Type") === "application/x-ndjson") return { status, headers: received, stream: answer } as T;
    return { status, headers: received, data: await answer.json() } as T;
}

export const userProgress = <T>(path: string, options: RequestInit): Promise<T> => send(addresses.userProgress, path, options);

export const performanceReporting = <T>(path: string, options: RequestInit): Promise<T> =>
    send(addresses.performanceReporting, path, options);

export const usageAnalytics = <T>(path: string, options: RequestInit): Promise<T> =>
    send(addresses.usageAnalytics, path, options);
