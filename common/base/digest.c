#include "common/base/digest.h"

#include <stdlib.h>

#include <openssl/evp.h>

struct digester {
    EVP_MD *sha256;
    EVP_MD_CTX *context;
};

struct digester *digester_open(void)
{
    struct digester *digester = calloc(1, sizeof(*digester));

    if (!digester)
        return NULL;
    digester->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    digester->context = EVP_MD_CTX_new();
    if (digester->sha256 && digester->context)
        return digester;
    digester_close(digester);
    return NULL;
}

void digester_close(struct digester *digester)
{
    if (!digester)
        return;
    EVP_MD_CTX_free(digester->context);
    EVP_MD_free(digester->sha256);
    free(digester);
}

bool digester_run(struct digester *digester, const struct text *texts, size_t count, struct digest *digest)
{
    bool run = EVP_DigestInit_ex(digester->context, digester->sha256, NULL);

    for (size_t i = 0; i < count && run; i++)
        run = EVP_DigestUpdate(digester->context, texts[i].at, texts[i].len);
    return run && EVP_DigestFinal_ex(digester->context, digest->bytes, NULL);
}

void digest_print(char *out, const struct digest *digest)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        *out++ = digits[digest->bytes[i] >> 4];
        *out++ = digits[digest->bytes[i] & 15];
    }
    *out = '\0';
}
