// A small term of a course, sent to the services as batches: some who succeed, one who fails again and again, one who
// stopped, one who never began.
import assert from "node:assert/strict";
import { address } from "./services.js";

const DAY = 86400000; // milliseconds

async function post(service, path, body) {
    const answer = await fetch(address(service) + path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
    });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return JSON.parse(text);
}

// Names of users and labs begin with `token`. Resolves to { users, labs }, in the order that the tests rely on.
export async function fill(token) {
    const labs = ["easy", "hard"].map((name) => `${token}-${name}`);
    const users = Array.from({ length: 8 }, (_, i) => `${token}-u${i}`);
    for (const [i, lab_type] of labs.entries())
        await post("user-progress", "/labs/", {
            name: `Lab ${lab_type}`,
            description: "d",
            lab_type,
            difficulty: i ? "advanced" : "beginner",
        });
    for (const [i, id] of [...users, `${token}-never`].entries())
        await post("user-progress", "/users/", { id, username: id, full_name: `Person ${i}`, email: `${id}@example.com` });
    const attempts = [];
    const records = [];
    const events = [];
    users.forEach((user_id, u) =>
        labs.forEach((lab_type, hard) => {
            for (let n = 0; n < 4; n++) {
                const start = Date.now() - ((u === 7 ? 25 : 20) - n * 6 - hard) * DAY - u * 3600000;
                const timestamp = new Date(start).toISOString();
                const success = u !== 6 && (n === 3 || (!hard && u % 2 === 0));
                const errors = success ? [] : hard ? ["no_route", "timeout"] : ["permission_denied"];
                const time = 120 + 97 * u + 310 * n + 900 * hard;
                if (u === 7 && n > 1) continue; // stopped
                attempts.push({ user_id, lab_type, completion_status: success, time_spent: time, errors_encountered: errors, timestamp });
                records.push({ user_id, lab_type, completion_time: time, success, errors, resources_used: { cpu: u }, timestamp });
                events.push({ user_id, lab_type, event_type: "start", event_data: { session_id: `${u}-${n}` }, timestamp });
                const end = new Date(Math.min(start + time * 1000, Date.now())).toISOString();
                if (success || n % 2) events.push({ user_id, lab_type, event_type: "complete", event_data: { success }, timestamp: end });
            }
        }),
    );
    await post("user-progress", "/attempts", attempts);
    await post("performance-reporting", "/performance/records", records);
    await post("usage-analytics", "/analytics/events", events);
    return { users, labs };
}
