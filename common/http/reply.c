/* The replies that a handler can give (request.h). */
#include "common/http/request.h"

#include "common/http/header.h"

static enum reply begin(struct request *rq, int status)
{
    if (rq->streamed) {
        stream_break(rq); /* it has begun as another one */
        return REPLIED;
    }
    rq->status = status;
    rq->content_type = "application/json";
    rq->out = writer_start(&rq->arena);
    rq->gzipped = rq->tells_length = false;
    rq->told_length = 0;
    if (status == 200)
        stream_allow(rq);
    return REPLIED;
}

enum reply reply(struct request *rq, const struct shape *shape, const void *from)
{
    begin(rq, rq->endpoint->status ? rq->endpoint->status : 200);
    shape_write(&rq->out, shape, from);
    return REPLIED;
}

enum reply reply_list(struct request *rq, const struct shape *shape, struct rows rows)
{
    begin(rq, 200);
    shape_write_list(&rq->out, shape, rows);
    return REPLIED;
}

void reply_list_begin(struct request *rq)
{
    begin(rq, 200);
    write_char(&rq->out, '[');
}

enum reply reply_member(struct request *rq, int status, const char *member, const char *text)
{
    begin(rq, status);
    write_char(&rq->out, '{');
    write_json_text(&rq->out, text_of(member));
    write_char(&rq->out, ':');
    write_json_text(&rq->out, text_of(text));
    write_char(&rq->out, '}');
    return REPLIED;
}

enum reply reply_error(struct request *rq, int status, const char *detail)
{
    return reply_member(rq, status, "detail", detail);
}

enum reply reply_message(struct request *rq, const char *message)
{
    begin(rq, 200);
    write_literal(&rq->out, "{\"status\":\"success\",\"message\":");
    write_json_text(&rq->out, text_of(message));
    write_literal(&rq->out, "}");
    return REPLIED;
}

enum reply reply_faults(struct request *rq, const struct faults *faults)
{
    begin(rq, 422);
    write_literal(&rq->out, "{\"detail\":[");
    write_bytes(&rq->out, faults->out.at, faults->out.len);
    write_literal(&rq->out, "]}");
    return REPLIED;
}

enum reply reply_unavailable_because(struct request *rq, const char *detail)
{
    reply_header(rq, "Retry-After", "1");
    return reply_error(rq, 503, detail);
}

enum reply reply_unavailable(struct request *rq)
{
    return reply_unavailable_because(rq, "Service temporarily unavailable");
}

enum reply reply_redirect(struct request *rq, const char *location)
{
    begin(rq, 307);
    rq->content_type = NULL;
    reply_header(rq, "Location", location);
    return REPLIED;
}

enum reply reply_text(struct request *rq, int status, const char *content_type, struct text text)
{
    begin(rq, status);
    rq->content_type = content_type;
    write_text(&rq->out, text);
    return REPLIED;
}

enum reply reply_gzipped(struct request *rq, const char *content_type, struct text bytes, const char *version)
{
    begin(rq, 200);
    rq->content_type = content_type;
    rq->out = writer_over(bytes);
    rq->gzipped = true;
    rq->version = version;
    return REPLIED;
}

void reply_length(struct request *rq, uint64_t length)
{
    rq->tells_length = true;
    rq->told_length = length;
}

void reply_header(struct request *rq, const char *name, const char *value)
{
    if (rq->answer_header_count < HEADERS_MAX && header_is_value(text_of(value)) && *value)
        rq->answer_headers[rq->answer_header_count++] = (struct header){name, value};
}
