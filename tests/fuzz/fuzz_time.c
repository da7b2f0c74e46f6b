/* Times: what is read is printed, in each form, as a text that is read as the same moment. */
#include <string.h>

#include "common/base/iso8601.h"
#include "tests/fuzz/support/fuzz.h"

#define MICROSECONDS 1000000 /* of a second */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct text input = {len ? (const char *)bytes : "", len};
    struct moment moment, again;
    char printed[TIME_TEXT_MAX];

    if (iso8601_is_date(input))
        HOLDS(input.len == DATE_TEXT && iso8601_read_time(input, &moment));
    if (!iso8601_read_time(input, &moment))
        return 0;
    HOLDS(!moment_is_null(moment));
    /* An offset may lead out of the years that can be printed. */
    bool within =
        moment.us >= -INT64_C(62135596800) * MICROSECONDS && moment.us < INT64_C(253402300800) * MICROSECONDS;
    for (int form = TIME_NAIVE; form <= TIME_OFFSET; form++) {
        struct text t = {printed, time_print(printed, moment, (enum time_form)form)};
        HOLDS(t.len <= TIME_TEXT_MAX);
        HOLDS(iso8601_read_time(t, &again));
        HOLDS(!within || again.us == moment.us);
    }
    return 0;
}
