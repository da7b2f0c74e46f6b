#include "common/pg/listing.h"

#include <stdbool.h>
#include <stddef.h>

#include "common/pg/column.h"
#include "common/pg/session.h"
#include "common/pg/statement.h"

static const char *const kinds[STATEMENT_KINDS] = {
    [STATEMENT_READ] = "read",     [STATEMENT_REPORT] = "report", [STATEMENT_APPEND] = "append",
    [STATEMENT_CHANGE] = "change", [STATEMENT_INGEST] = "ingest", [STATEMENT_EXPORT] = "export",
};

/* A JSON string (RFC 8259, section 7). */
static void print_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            fprintf(out, "\\u%04x", (unsigned)*text);
        else
            fputc(*text, out);
    }
    fputc('"', out);
}

static void print_columns(FILE *out, const char *name, const struct column *columns, size_t count, bool set)
{
    fprintf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ",{\"name\":" : "{\"name\":", out);
        print_text(out, columns[i].name ? columns[i].name : "");
        fputs(",\"type\":", out);
        print_text(out, column_sql(columns[i].type, set));
        fputc('}', out);
    }
    fputc(']', out);
}

void listing_print(FILE *out, const struct pg_settings *settings)
{
    char session[SESSION_TEXT_MAX];

    for (size_t kind = 0; kind < STATEMENT_KINDS; kind++) {
        session_settings(session, (enum statement_kind)kind, settings);
        fprintf(out, "{\"kind\":\"%s\",\"session\":", kinds[kind]);
        print_text(out, session);
        fputs("}\n", out);
    }
    for (const struct statement *const *at = statements_begin; at < statements_end; at++) {
        const struct statement *st = *at;
        fputs("{\"name\":", out);
        print_text(out, st->name);
        fprintf(out, ",\"kind\":\"%s\",\"set\":%s,\"sql\":", kinds[st->kind], st->set ? "true" : "false");
        print_text(out, st->sql);
        print_columns(out, "parameters", st->params, st->param_count, st->set || st->of_rows);
        print_columns(out, "row", st->row, st->column_count, false);
        fputs("}\n", out);
    }
}
