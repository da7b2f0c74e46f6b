/* What parses is printed as JSON that parses, and printing that changes nothing more. */
#include <stdint.h>
#include <stdlib.h>

#include "common/json/json.h"
#include "common/json/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct text print(struct arena *arena, const struct json *value)
{
    struct writer w = writer_start(arena);

    write_json_again(&w, value);
    if (w.failed)
        abort();
    return (struct text){w.at, w.len};
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct arena arena = {0};
    struct json_error error = {0};
    const struct json *value;
    enum json_status status = json_parse(&arena, (struct text){(const char *)bytes, len}, &value, &error);

    if (status == JSON_NO_MEMORY || (status == JSON_INVALID && (!error.reason || error.position > len)))
        abort();
    if (status == JSON_OK) {
        struct text once = print(&arena, value);
        if (json_parse(&arena, once, &value, &error) != JSON_OK || !text_equal(print(&arena, value), once))
            abort();
        if (json_raw(value).at != once.at || json_raw(value).len != once.len)
            abort();
    }
    arena_free(&arena);
    return 0;
}
