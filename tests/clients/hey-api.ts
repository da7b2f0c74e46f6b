// The workflow by hey-api's clients.
import { client as performanceClient } from "./generated/hey-api/performance-reporting/client.gen";
import { recordPerformance, reportOnLabType } from "./generated/hey-api/performance-reporting";
import { client as usageClient } from "./generated/hey-api/usage-analytics/client.gen";
import { analyzeUsageOfLabType, exportUsageEvents, listUsageEvents, recordManyUsageEvents } from "./generated/hey-api/usage-analytics";
import { client as progressClient } from "./generated/hey-api/user-progress/client.gen";
import { createLab, createUser, recordLabAttempt } from "./generated/hey-api/user-progress";
import { attempt, events, lab, record, there, user, type Addresses, type Found, type Names } from "./workflow";

export async function run(at: Addresses, names: Names): Promise<Found> {
    progressClient.setConfig({ baseUrl: at.userProgress });
    performanceClient.setConfig({ baseUrl: at.performanceReporting });
    usageClient.setConfig({ baseUrl: at.usageAnalytics });

    const created = there((await createUser({ body: user(names) })).data, "the user");
    there((await createLab({ body: lab(names) })).data, "the lab");
    const tried = there((await recordLabAttempt({ body: attempt(names) })).data, "the attempt");
    there((await recordPerformance({ body: record(names) })).data, "the record");
    const first = there((await recordManyUsageEvents({ body: events(names) })).data, "the events");
    const again = there((await recordManyUsageEvents({ body: events(names) })).data, "the same events");
    const stranger = events(names).map((event) => ({ ...event, user_id: "nobody" }));
    const refused = there((await recordManyUsageEvents({ body: stranger })).error, "a refusal");

    const listed: number[] = [];
    let data: unknown;
    for (let cursor: string | undefined; ; ) {
        const query = { lab_type: names.lab, limit: 1, order: "id" as const, ...(cursor ? { cursor } : {}) };
        const page = there((await listUsageEvents({ query })).data, "a page");
        for (const item of page.items) listed.push(item.id);
        data = page.items[0]?.event_data;
        if (page.next === null) break;
        cursor = page.next;
    }
    const query = { lab_type: names.lab, end: "line" as const };
    const exported = there((await exportUsageEvents({ query, parseAs: "text" })).data, "the export");
    const report = there((await reportOnLabType({ path: { lab_type: names.lab } })).data, "the report");
    const use = there((await analyzeUsageOfLabType({ path: { lab_type: names.lab } })).data, "the usage");
    return {
        username: created.username,
        attempt: tried.id,
        stored: first.stored,
        duplicates: again.duplicates,
        refused: "items" in refused ? (refused.items?.[0]?.detail ?? "") : "",
        listed,
        exported: exported.trimEnd().split("\n"),
        data,
        successRate: report.success_rate,
        events: use.total_events,
    };
}
