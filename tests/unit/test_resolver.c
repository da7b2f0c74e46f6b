/* The resolver, over a getaddrinfo of the test's own, which answers when and what the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/resolver.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static const char *address; /* what every name stands for; NULL: `failure` */
static int failure;
static bool silent; /* nobody is answered until this is false */
static unsigned asked;

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
    (void)name, (void)service, (void)hints;
    pthread_mutex_lock(&lock);
    asked++;
    while (silent)
        pthread_cond_wait(&changed, &lock);
    int result = address ? 0 : failure;
    if (address) {
        struct addrinfo *info = calloc(1, sizeof(*info) + sizeof(struct sockaddr_in));
        struct sockaddr_in *in = (struct sockaddr_in *)(info + 1);
        inet_pton(AF_INET, address, &in->sin_addr);
        info->ai_family = in->sin_family = AF_INET;
        info->ai_addr = (struct sockaddr *)in;
        *list = info;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

void freeaddrinfo(struct addrinfo *list)
{
    free(list);
}

static struct loop loop;
static struct resolver *resolver;

static void answer_with(const char *what, int otherwise, bool nobody)
{
    pthread_mutex_lock(&lock);
    address = what;
    failure = otherwise;
    silent = nobody;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static int begin(void **state)
{
    (void)state;
    answer_with("10.0.0.1", 0, false);
    asked = 0;
    if (!loop_open(&loop))
        return -1;
    resolver = resolver_open(&loop);
    return resolver ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    resolver_close(resolver);
    loop_close(&loop);
    return 0;
}

struct asker {
    struct resolver_question question; /* first */
    unsigned calls;
};

static void note(struct resolver_question *question)
{
    ((struct asker *)question)->calls++;
}

static bool ask(struct asker *asker, const char *name, bool refresh)
{
    *asker = (struct asker){.question = {.done = note}};
    return resolver_ask(resolver, name, refresh, &asker->question);
}

static void wait_for(struct asker *asker)
{
    int64_t end_of_test = clock_monotonic() + 30 * SECOND;

    while (!asker->calls && loop.now < end_of_test)
        loop_turn(&loop, SECOND);
    assert_int_equal(asker->calls, 1);
}

/* Until the thread that was sent is back; it has no other way to show. */
static void wait_for_address(const char *expected)
{
    int64_t end_of_test = clock_monotonic() + 30 * SECOND;
    struct asker asker;

    do {
        loop_turn(&loop, MILLISECOND);
        assert_true(ask(&asker, "a", false));
        assert_non_null(asker.question.found);
    } while (strcmp(asker.question.found->text[0], expected) != 0 && loop.now < end_of_test);
    assert_string_equal(asker.question.found->text[0], expected);
}

static void a_name_is_answered_by_the_loop_and_known_afterwards(void **state)
{
    (void)state;
    struct asker first, second;

    assert_false(ask(&first, "a", false));
    assert_int_equal(first.calls, 0);
    wait_for(&first);
    assert_non_null(first.question.found);
    assert_int_equal(first.question.found->count, 1);
    assert_string_equal(first.question.found->text[0], "10.0.0.1");
    assert_true(ask(&second, "a", false));
    assert_string_equal(second.question.found->text[0], "10.0.0.1");
    assert_int_equal(asked, 1);
}

static void all_who_ask_meanwhile_share_one_question(void **state)
{
    (void)state;
    struct asker askers[20];

    answer_with("10.0.0.1", 0, true);
    for (size_t i = 0; i < 20; i++)
        assert_false(ask(&askers[i], "a", false));
    answer_with("10.0.0.1", 0, false);
    for (size_t i = 0; i < 20; i++) {
        while (!askers[i].calls)
            loop_turn(&loop, SECOND);
        assert_non_null(askers[i].question.found);
    }
    assert_int_equal(asked, 1);
}

static void old_addresses_are_given_at_once_and_asked_for_again(void **state)
{
    (void)state;
    struct asker asker;

    assert_false(ask(&asker, "a", false));
    wait_for(&asker);
    unsigned version = asker.question.found->version;
    answer_with("10.0.0.2", 0, true);
    loop.now += RESOLVER_FRESH;
    assert_true(ask(&asker, "a", false));
    assert_string_equal(asker.question.found->text[0], "10.0.0.1");
    answer_with("10.0.0.2", 0, false);
    wait_for_address("10.0.0.2");
    assert_true(ask(&asker, "a", false));
    assert_int_not_equal(asker.question.found->version, version);
}

static void whoever_asks_anew_waits_for_the_new_answer(void **state)
{
    (void)state;
    struct asker asker;

    assert_false(ask(&asker, "a", false));
    wait_for(&asker);
    answer_with("10.0.0.3", 0, false);
    assert_false(ask(&asker, "a", true));
    wait_for(&asker);
    assert_string_equal(asker.question.found->text[0], "10.0.0.3");
}

static void a_name_server_in_trouble_leaves_what_was_known(void **state)
{
    (void)state;
    struct asker asker;

    assert_false(ask(&asker, "a", false));
    wait_for(&asker);
    answer_with(NULL, EAI_AGAIN, false);
    assert_false(ask(&asker, "a", true));
    wait_for(&asker);
    assert_non_null(asker.question.found);
}

static void a_name_that_is_gone_has_no_addresses(void **state)
{
    (void)state;
    struct asker asker;

    assert_false(ask(&asker, "a", false));
    wait_for(&asker);
    answer_with(NULL, EAI_NONAME, false);
    assert_false(ask(&asker, "a", true));
    wait_for(&asker);
    assert_null(asker.question.found);
    answer_with("10.0.0.1", 0, false);
    assert_false(ask(&asker, "a", false));
    wait_for(&asker);
    assert_non_null(asker.question.found);
}

static void a_question_taken_back_is_not_answered(void **state)
{
    (void)state;
    struct asker gone, stays;

    answer_with("10.0.0.1", 0, true);
    assert_false(ask(&gone, "a", false));
    assert_false(ask(&stays, "a", false));
    resolver_withdraw(&gone.question);
    resolver_withdraw(&gone.question);
    answer_with("10.0.0.1", 0, false);
    wait_for(&stays);
    assert_int_equal(gone.calls, 0);
}

static void no_more_names_are_asked_for_at_once_than_there_are_places(void **state)
{
    (void)state;
    static struct asker askers[RESOLVER_NAMES + 1];
    char name[RESOLVER_NAMES + 1][8];

    answer_with("10.0.0.1", 0, true);
    for (size_t i = 0; i < RESOLVER_NAMES; i++) {
        snprintf(name[i], sizeof(name[i]), "n%zu", i);
        assert_false(ask(&askers[i], name[i], false));
    }
    assert_true(ask(&askers[RESOLVER_NAMES], "more", false));
    assert_null(askers[RESOLVER_NAMES].question.found);
    answer_with("10.0.0.1", 0, false);
    for (size_t i = 0; i < RESOLVER_NAMES; i++)
        while (!askers[i].calls)
            loop_turn(&loop, SECOND);
    assert_false(ask(&askers[RESOLVER_NAMES], "more", false));
    wait_for(&askers[RESOLVER_NAMES]);
}

static void it_closes_while_a_name_server_is_silent(void **state)
{
    (void)state;
    struct asker asker;

    answer_with("10.0.0.1", 0, true);
    assert_false(ask(&asker, "a", false));
    resolver_close(resolver);
    resolver = NULL;
    answer_with("10.0.0.1", 0, false);
    assert_int_equal(asker.calls, 0);
}

static void addresses_are_told_from_names(void **state)
{
    (void)state;
    assert_true(resolver_is_address("127.0.0.1"));
    assert_true(resolver_is_address("::1"));
    assert_true(resolver_is_address("fe80::1%eth0"));
    assert_false(resolver_is_address("localhost"));
    assert_false(resolver_is_address("127.0.0.1.example"));
    assert_false(resolver_is_address(""));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_name_is_answered_by_the_loop_and_known_afterwards),
        TEST(all_who_ask_meanwhile_share_one_question),
        TEST(old_addresses_are_given_at_once_and_asked_for_again),
        TEST(whoever_asks_anew_waits_for_the_new_answer),
        TEST(a_name_server_in_trouble_leaves_what_was_known),
        TEST(a_name_that_is_gone_has_no_addresses),
        TEST(a_question_taken_back_is_not_answered),
        TEST(no_more_names_are_asked_for_at_once_than_there_are_places),
        TEST(it_closes_while_a_name_server_is_silent),
        TEST(addresses_are_told_from_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
