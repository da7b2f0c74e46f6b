/* Checks that the types of settings do not make: URLs, and settings that depend on or stand for others. */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/http/url.h"
#include "common/pg/url.h"
#include "common/serve/dashboard.h"
#include "common/serve/schema_command.h"
#include "common/serve/settings_table.h"

#define MEMORY_LEAST      ((int64_t)8 << 20) /* bytes: what a few requests need */
#define AUTH_URL_MAX      512                /* bytes of an address made from AUTH0_DOMAIN */
#define SERVICE_TOKEN_MIN 16                 /* bytes: a shorter one could be guessed */
#define SERVICE_TOKEN_MAX 4096

#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:"
#define DOMAIN_MAX      255 /* bytes (RFC 1035, section 2.3.4) */

/* The characters of a token (RFC 6750, section 2.1). */
#define TOKEN_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/="

/* Reports a fault, if there is one. */
static bool check(const char *name, const char *fault)
{
    return !fault || setting_complain(name, NULL, fault);
}

static bool check_database(const char *name, const char **url)
{
    return !*url || check(name, pg_url_fault(url));
}

/* A daemon that knew it could do whatever the owner can. */
static bool check_owner(struct settings *settings)
{
    if (settings->pg.owner_url && settings->command != &schema_command)
        return setting_complain("SCHEMA_DATABASE_URL", NULL,
                                "is for the command schema, not for the service");
    return check_database("SCHEMA_DATABASE_URL", &settings->pg.owner_url);
}

/* What a token has to have as a claim: with the blanks of a careless template no token would be valid. */
static bool check_claim(const char *name, const char *value)
{
    struct text claim = text_of(value);
    const char *fault = NULL;

    if (value && !claim.len)
        fault = "is empty";
    else if (text_has_control(claim))
        fault = "has a line break or another control character";
    else if (text_trimmed(claim).len < claim.len)
        fault = "begins or ends with a blank";
    return check(name, fault);
}

/* Fills in what AUTH0_DOMAIN stands for. */
static bool expand_auth0_domain(struct auth_settings *s)
{
    static char url[AUTH_URL_MAX], issuer[AUTH_URL_MAX];
    const char *domain = s->auth0_domain;

    if (!domain)
        return true;
    if (!*domain || strspn(domain, HOST_CHARACTERS) != strlen(domain) || strlen(domain) > DOMAIN_MAX)
        return setting_complain("AUTH0_DOMAIN", domain, "is not a domain name");
    snprintf(url, sizeof(url), "https://%s/.well-known/jwks.json", domain);
    snprintf(issuer, sizeof(issuer), "https://%s/", domain);
    if (!s->jwks_url) {
        if (!check("AUTH0_DOMAIN", url_fault(url, URL_HTTPS)))
            return false;
        s->jwks_url = url;
    }
    if (!s->issuer)
        s->issuer = issuer;
    return true;
}

/* A key set from an unprotected connection could be replaced by anyone's. */
static const char *jwks_fault(const char *url)
{
    if (url[0] == '/')
        return NULL;
    if (strncmp(url, "file:", 5) != 0)
        return strncmp(url, "https://", 8) == 0 ? url_fault(url, URL_HTTPS | URL_QUERY)
                                                : "does not begin with https:// or file:";
    const char *path = url + 5;
    if (strncmp(path, "//localhost/", 12) == 0 || strncmp(path, "///", 3) == 0)
        return NULL;
    return path[0] == '/' && path[1] != '/' && path[1] ? NULL
                                                       : "does not name an absolute path: file:///path";
}

static bool check_service_token(const char *token)
{
    if (!token)
        return true;
    if (strspn(token, TOKEN_CHARACTERS) != strlen(token))
        return setting_complain("SERVICE_TOKEN", NULL,
                                "has a character that a bearer token cannot have (RFC 6750, section 2.1)");
    if (strlen(token) < SERVICE_TOKEN_MIN)
        return setting_complain("SERVICE_TOKEN", NULL, "is shorter than 16 characters");
    return strlen(token) <= SERVICE_TOKEN_MAX ||
           setting_complain("SERVICE_TOKEN", NULL, "is longer than 4096 characters");
}

static bool check_auth(struct auth_settings *s)
{
    if (!expand_auth0_domain(s) || !check_claim("AUTH_ISSUER", s->issuer) ||
        !check_claim("AUTH_AUDIENCE", s->audience))
        return false;
    const char *url = s->jwks_url;
    if (url && !check("AUTH_JWKS_URL", jwks_fault(url)))
        return false;
    if (url && !s->issuer)
        return setting_complain("AUTH_ISSUER", NULL, "is not given, but AUTH_JWKS_URL is");
    if (url && !s->audience)
        return setting_complain("AUTH_AUDIENCE", NULL, "is not given, but AUTH_JWKS_URL or AUTH0_DOMAIN is");
    if (s->required && !url)
        return setting_complain("AUTH_REQUIRED", "on", "requires AUTH_JWKS_URL or AUTH0_DOMAIN");
    if (s->subject_scoped && !url)
        return setting_complain("AUTH_SUBJECT_SCOPED", "on", "requires AUTH_JWKS_URL or AUTH0_DOMAIN");
    if (s->ca_file && access(s->ca_file, R_OK) != 0)
        return setting_complain("AUTH_CA_FILE", s->ca_file, "cannot be read");
    return check_service_token(s->service_token);
}

static bool check_address(const char *address)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *info = NULL;

    if (getaddrinfo(address, NULL, &hints, &info) != 0)
        return setting_complain("BIND_ADDRESS", address, "is not an IP address");
    freeaddrinfo(info);
    return true;
}

static bool check_limits(const struct settings *s)
{
    char why[80];

    if (s->memory_limit && s->memory_limit < MEMORY_LEAST)
        return setting_complain("MEMORY_LIMIT", NULL, "is less than 8388608, and not 0");
    if (s->http.body_limit > s->memory_limit || s->ingest.body_limit > s->memory_limit)
        return setting_complain(s->http.body_limit > s->memory_limit ? "BODY_LIMIT" : "INGEST_BODY_LIMIT",
                                NULL, "is more than MEMORY_LIMIT, the bytes of all requests together");

    if (s->http.connection_limit >= s->workers)
        return true;
    snprintf(why, sizeof(why), "is less than one connection for each of the %lld workers",
             (long long)s->workers);
    return setting_complain("CONNECTION_LIMIT", NULL, why);
}

bool settings_check(struct settings *settings)
{
    const char *users = settings->directory.user_service_url;

    if (!settings->pg.url)
        return setting_complain("DATABASE_URL", NULL, "is not given");
    return check_address(settings->bind_address) && check_database("DATABASE_URL", &settings->pg.url) &&
           check_database("DATABASE_READ_URL", &settings->pg.read_url) && check_owner(settings) &&
           check("USER_PROGRESS_SERVICE_URL",
                 url_fault(settings->directory.user_progress_url, URL_HTTP | URL_HTTPS)) &&
           check("PERFORMANCE_REPORTING_SERVICE_URL",
                 url_fault(settings->directory.performance_reporting_url, URL_HTTP | URL_HTTPS)) &&
           check("USAGE_ANALYTICS_SERVICE_URL",
                 url_fault(settings->directory.usage_analytics_url, URL_HTTP | URL_HTTPS)) &&
           check("USER_SVC_BASE_URL", users ? url_fault(users, URL_HTTP | URL_HTTPS) : NULL) &&
           check("CORS_ORIGINS", url_origins_fault(settings->http.cors_origins)) &&
           check("DASHBOARD_URLS", dashboard_fault(settings->dashboard_urls)) &&
           check_auth(&settings->auth) && check_limits(settings);
}
