#include "common/pg/column.h"

#include "common/base/declare.h"

#define SOURCES_MAX 6 /* types of PostgreSQL that a column may be read from */

/* The OIDs are those of src/include/catalog/pg_type.dat. */
enum {
    OID_BOOL = 16,
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_JSON = 114,
    OID_JSON_ARRAY = 199,
    OID_FLOAT8 = 701,
    OID_BOOL_ARRAY = 1000,
    OID_TEXT_ARRAY = 1009,
    OID_VARCHAR_ARRAY = 1015,
    OID_INT8_ARRAY = 1016,
    OID_FLOAT8_ARRAY = 1022,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_TIMESTAMPTZ_ARRAY = 1185,
};

static const struct {
    uint32_t scalar, array;
    const char *sql, *sql_array;
    uint32_t sources[SOURCES_MAX]; /* 0 ends them */
} types[] = {
    [COLUMN_TEXT] =
        {OID_TEXT, OID_TEXT_ARRAY, "text", "text[]", {OID_TEXT, OID_VARCHAR, OID_JSON, OID_NAME, OID_BPCHAR}},
    [COLUMN_JSON] = {OID_JSON, OID_JSON_ARRAY, "json", "json[]", {OID_JSON, OID_TEXT, OID_VARCHAR}},
    [COLUMN_INT] = {OID_INT8, OID_INT8_ARRAY, "bigint", "bigint[]", {OID_INT8, OID_INT4, OID_INT2}},
    [COLUMN_BOOL] = {OID_BOOL, OID_BOOL_ARRAY, "boolean", "boolean[]", {OID_BOOL}},
    [COLUMN_FLOAT] = {OID_FLOAT8, OID_FLOAT8_ARRAY, "double precision", "double precision[]", {OID_FLOAT8}},
    [COLUMN_TIME] = {OID_TIMESTAMPTZ,
                     OID_TIMESTAMPTZ_ARRAY,
                     "timestamp with time zone",
                     "timestamp with time zone[]",
                     {OID_TIMESTAMPTZ, OID_TIMESTAMP}},
    [COLUMN_TEXTS] =
        {OID_TEXT_ARRAY, OID_TEXT_ARRAY, "text[]", "text[]", {OID_TEXT_ARRAY, OID_VARCHAR_ARRAY}},
    [COLUMN_TIMES] = {OID_TIMESTAMPTZ_ARRAY,
                      OID_TIMESTAMPTZ_ARRAY,
                      "timestamp with time zone[]",
                      "timestamp with time zone[]",
                      {0}},
};

uint32_t column_oid(enum column_type type, bool array)
{
    return array ? types[type].array : types[type].scalar;
}

const char *column_sql(enum column_type type, bool array)
{
    return array ? types[type].sql_array : types[type].sql;
}

bool column_takes(enum column_type type, uint32_t oid)
{
    for (size_t i = 0; i < SOURCES_MAX && types[type].sources[i]; i++)
        if (types[type].sources[i] == oid)
            return true;
    return false;
}
