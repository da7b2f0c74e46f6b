// The workflow by orval's clients.
import { recordPerformance, reportOnLabType } from "./generated/orval/performance-reporting";
import { analyzeUsageOfLabType, exportUsageEvents, listUsageEvents, recordManyUsageEvents } from "./generated/orval/usage-analytics";
import { createLab, createUser, recordLabAttempt } from "./generated/orval/user-progress";
import { useAddresses } from "./orval-fetch";
import { attempt, events, lab, record, there, user, type Addresses, type Found, type Names } from "./workflow";

// The data of an answer with that status; which one it has decides its type.
function of<A extends { status: number; data: unknown }, S extends number>(answer: A, status: S): Extract<A, { status: S }>["data"] {
    return there(answer.status === status ? answer.data : undefined, `status ${answer.status}: the request`);
}

export async function run(at: Addresses, names: Names): Promise<Found> {
    useAddresses(at);
    const created = of(await createUser(user(names)), 200);
    of(await createLab(lab(names)), 200);
    const tried = of(await recordLabAttempt(attempt(names)), 200);
    of(await recordPerformance(record(names)), 200);
    const first = of(await recordManyUsageEvents(events(names)), 200);
    const again = of(await recordManyUsageEvents(events(names)), 200);
    const stranger = events(names).map((event) => ({ ...event, user_id: "nobody" }));
    const refused = of(await recordManyUsageEvents(stranger), 422);

    const listed: number[] = [];
    let data: unknown;
    for (let cursor: string | undefined; ; ) {
        const page = of(await listUsageEvents({ lab_type: names.lab, limit: 1, order: "id", ...(cursor ? { cursor } : {}) }), 200);
        for (const item of page.items) listed.push(item.id);
        data = page.items[0]?.event_data;
        if (page.next === null) break;
        cursor = page.next;
    }
    const exporting = await exportUsageEvents({ lab_type: names.lab, end: "line" });
    const exported = exporting.status === 200 ? await exporting.stream.text() : "";
    const report = of(await reportOnLabType(names.lab), 200);
    const use = of(await analyzeUsageOfLabType(names.lab), 200);
    return {
        username: created.username,
        attempt: tried.id,
        stored: first.stored,
        duplicates: again.duplicates,
        refused: refused.items?.[0]?.detail ?? "",
        listed,
        exported: exported.trimEnd().split("\n"),
        data,
        successRate: report.success_rate,
        events: use.total_events,
    };
}
