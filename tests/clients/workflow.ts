// What each workflow is given, and what it found.

export interface Addresses {
    userProgress: string;
    performanceReporting: string;
    usageAnalytics: string;
}

export interface Names {
    user: string;
    lab: string;
}

export interface Found {
    username: string | null;
    attempt: number;
    stored: number;
    duplicates: number;
    refused: string;
    listed: number[];
    exported: string[];
    data: unknown;
    successRate: number;
    events: number;
}

// Two events with ids of the client's own, so that sending them again stores nothing twice.
export function events(names: Names) {
    return ["start", "complete"].map((event_type) => ({
        client_id: `${names.lab}:${event_type}`,
        user_id: names.user,
        lab_type: names.lab,
        event_type,
        event_data: { session_id: names.lab, nested: { any: [1, "two", null] } },
    }));
}

export function user(names: Names) {
    return { id: names.user, username: names.user, email: `${names.user}@example.com` };
}

export function lab(names: Names) {
    return { name: names.lab, description: "d", lab_type: names.lab, difficulty: "beginner" };
}

export function attempt(names: Names) {
    return { user_id: names.user, lab_type: names.lab, completion_status: true, time_spent: 300 };
}

export function record(names: Names) {
    return { user_id: names.user, lab_type: names.lab, completion_time: 295, success: true, resources_used: { cpu: 5 } };
}

// A value that must be there.
export function there<T>(value: T | undefined, what: string): T {
    if (value === undefined) throw new Error(`${what} failed`);
    return value;
}
