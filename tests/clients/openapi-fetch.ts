// The workflow by openapi-typescript's types and openapi-fetch.
import createClient from "openapi-fetch";
import type { paths as PerformancePaths } from "./generated/openapi-typescript/performance-reporting";
import type { paths as UsagePaths } from "./generated/openapi-typescript/usage-analytics";
import type { paths as ProgressPaths } from "./generated/openapi-typescript/user-progress";
import { attempt, events, lab, record, there, user, type Addresses, type Found, type Names } from "./workflow";

export async function run(at: Addresses, names: Names): Promise<Found> {
    const progress = createClient<ProgressPaths>({ baseUrl: at.userProgress });
    const performance = createClient<PerformancePaths>({ baseUrl: at.performanceReporting });
    const usage = createClient<UsagePaths>({ baseUrl: at.usageAnalytics });

    const created = there((await progress.POST("/users/", { body: user(names) })).data, "the user");
    there((await progress.POST("/labs/", { body: lab(names) })).data, "the lab");
    const tried = there((await progress.POST("/progress/lab-attempt", { body: attempt(names) })).data, "the attempt");
    there((await performance.POST("/performance/record", { body: record(names) })).data, "the record");
    const first = there((await usage.POST("/analytics/events", { body: events(names) })).data, "the events");
    const again = there((await usage.POST("/analytics/events", { body: events(names) })).data, "the same events");
    const stranger = events(names).map((event) => ({ ...event, user_id: "nobody" }));
    const refused = there((await usage.POST("/analytics/events", { body: stranger })).error, "a refusal");

    const listed: number[] = [];
    let data: unknown;
    for (let cursor: string | undefined; ; ) {
        const query = { lab_type: names.lab, limit: 1, order: "id" as const, ...(cursor ? { cursor } : {}) };
        const page = there((await usage.GET("/analytics/events", { params: { query } })).data, "a page");
        for (const item of page.items) listed.push(item.id);
        data = page.items[0]?.event_data;
        if (page.next === null) break;
        cursor = page.next;
    }
    const exported = there(
        (
            await usage.GET("/analytics/events/export", {
                params: { query: { lab_type: names.lab, end: "line" } },
                parseAs: "text",
            })
        ).data,
        "the export",
    );
    const report = there(
        (await performance.GET("/performance/lab/{lab_type}", { params: { path: { lab_type: names.lab } } })).data,
        "the report",
    );
    const use = there(
        (await usage.GET("/analytics/usage/lab/{lab_type}", { params: { path: { lab_type: names.lab } } })).data,
        "the usage",
    );
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
