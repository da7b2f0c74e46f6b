// Who needs a person: users who fail again and again or stopped, and those who never began.
import { at, h, link, loadButton, part, replace, table } from "./dom.js";
import { count, moment } from "./format.js";
import { call, settle } from "./services.js";
import { get } from "./state.js";

const PAGE = 10; // users at a time

const since = (text) => moment(text, get("zone"), { day: "numeric", month: "short" });

const sentences = {
    failing: (one) => [
        h("strong", {}, one.lab_type), `: failed ${count(one.failures_in_a_row, "time")} in a row`,
        one.since && `, since ${since(one.since)}`,
        one.last_errors?.length > 0 && [" (", h("code", {}, one.last_errors[0]), ")"],
    ],
    inactive: (one) => [one.days == null ? "no attempt with a time" : `no attempt for ${count(one.days, "day")}`, one.unfinished?.length > 0 && `; unfinished: ${one.unfinished.join(", ")}`],
    never: (one) => [`created ${count(one.days, "day")} ago, no attempt`],
};

const reason = (one) => h("li", {}, (sentences[one.reason] ?? (() => [one.reason]))(one).flat(2).filter(Boolean));

function list(caption, query, first, open) {
    const rows = [...first.items];
    const box = h("div", {});
    const more = async (next) => {
        try {
            const page = await call("user-progress", "/attempts/at-risk", { ...query, cursor: next });
            rows.push(...page.items);
            draw(page.next);
        } catch (failure) {
            box.append(h("p", { class: "problem", role: "status" }, failure.message, " ", failure.help ?? ""));
        }
    };
    const draw = (next) =>
        replace(
            box,
            table(caption, [
                { name: "User", cell: (row) => link(row.username ?? row.user_id, () => open(row.user_id)) },
                { name: "Why", cell: (row) => h("ul", { class: "reasons" }, row.reasons.map(reason)) },
                ...(query.never ? [] : [{ name: "Last attempt", cell: (row) => at(row.last_attempt) }]),
            ], rows),
            ...(next ? [loadButton("Show more", () => more(next))] : []),
        );
    draw(first.next);
    return box;
}

export const load = (open) => async (signal) => {
    const rule = { inactive_days: get("inactive"), limit: PAGE };
    const queries = { failing: { ...rule, failures: get("failures") }, never: { ...rule, never: true } };
    const ask = (query) => call("user-progress", "/attempts/at-risk", query, signal);
    const { failures, failing, never } = await settle({ failing: ask(queries.failing), never: ask(queries.never) }, signal);
    const show = (title, none, answer, query) =>
        answer && part(title, answer.items.length ? list(title, query, answer, open) : h("p", { class: "quiet" }, none));
    return {
        failures,
        content: h("div", { class: "parts wide-first" },
            show("Failing or stopped", "Nobody, by these limits.", failing, queries.failing),
            show("Never began", "Nobody: everyone who was created before that has tried a lab.", never, queries.never),
        ),
    };
};
