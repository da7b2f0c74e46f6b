#include "common/base/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK_SIZE ((size_t)512 << 10) /* bytes, of a thread that asks, for any module of nsswitch.conf */

_Static_assert(RESOLVER_ADDRESS_MAX == INET6_ADDRSTRLEN, "what inet_ntop needs");

/* A name that is known or asked for; `text` is empty in a free place. */
struct resolver_name {
    char text[RESOLVER_NAME_MAX + 1];
    struct addresses addresses; /* `count` 0: none known */
    int64_t answered;           /* when the answer came, monotonic */
    bool asking;                /* a thread is looking it up */
    struct resolver_question *waiting;
};

/* What a thread is given, and what it brings back. */
struct errand {
    struct errand *next;
    struct mailbox *mailbox;
    struct resolver_name *name; /* the resolver's; not for the thread to touch */
    int failure;                /* of getaddrinfo; 0: none */
    struct addresses found;
    char text[RESOLVER_NAME_MAX + 1];
};

/*
 * Where threads leave their answers. A thread may outlive the resolver, if a name server does not answer;
 * whichever of them lets go last frees the mailbox.
 */
struct mailbox {
    _Atomic int holders;
    int event;
    pthread_mutex_t lock; /* of `answers` */
    struct errand *answers;
};

struct resolver {
    struct watch watch; /* first: the mailbox's event */
    struct loop *loop;
    struct mailbox *mailbox;
    unsigned versions;
    struct resolver_name names[RESOLVER_NAMES];
};

/* The threads' side */

static void let_go(struct mailbox *mailbox)
{
    if (atomic_fetch_sub(&mailbox->holders, 1) > 1)
        return;
    for (struct errand *errand = mailbox->answers; errand;) {
        struct errand *next = errand->next;
        free(errand);
        errand = next;
    }
    close(mailbox->event);
    pthread_mutex_destroy(&mailbox->lock);
    free(mailbox);
}

static bool print(const struct addrinfo *info, char text[static RESOLVER_ADDRESS_MAX])
{
    const void *address = info->ai_family == AF_INET
                              ? (const void *)&((const struct sockaddr_in *)info->ai_addr)->sin_addr
                              : (const void *)&((const struct sockaddr_in6 *)info->ai_addr)->sin6_addr;

    return (info->ai_family == AF_INET || info->ai_family == AF_INET6) &&
           inet_ntop(info->ai_family, address, text, RESOLVER_ADDRESS_MAX);
}

static void *run_errand(void *arg)
{
    struct errand *errand = arg;
    struct mailbox *mailbox = errand->mailbox;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;

    errand->failure = getaddrinfo(errand->text, NULL, &hints, &list);
    struct addresses *found = &errand->found;
    for (const struct addrinfo *info = errand->failure ? NULL : list;
         info && found->count < RESOLVER_ADDRESSES; info = info->ai_next)
        found->count += print(info, found->text[found->count]);
    if (!errand->failure)
        freeaddrinfo(list);
    pthread_mutex_lock(&mailbox->lock);
    errand->next = mailbox->answers;
    mailbox->answers = errand;
    pthread_mutex_unlock(&mailbox->lock);
    uint64_t one = 1;
    ssize_t written =
        write(mailbox->event, &one, sizeof(one)); /* a full counter has woken the loop already */
    (void)written;
    let_go(mailbox);
    return NULL;
}

static bool send_errand(struct resolver *resolver, struct resolver_name *name)
{
    struct errand *errand = calloc(1, sizeof(*errand));
    pthread_attr_t attributes;
    pthread_t thread;

    if (!errand)
        return false;
    errand->mailbox = resolver->mailbox;
    errand->name = name;
    memcpy(errand->text, name->text, sizeof(errand->text));
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    atomic_fetch_add(&resolver->mailbox->holders, 1);
    bool sent = pthread_create(&thread, &attributes, run_errand, errand) == 0;
    pthread_attr_destroy(&attributes);
    if (!sent) {
        atomic_fetch_sub(&resolver->mailbox->holders, 1);
        free(errand);
    }
    name->asking = sent;
    return sent;
}

/* The loop's side */

static void answer_all(struct resolver_name *name)
{
    struct resolver_question *question;

    /* A callback may ask again: the other questions then wait for that answer. */
    while (!name->asking && (question = name->waiting)) {
        name->waiting = question->next;
        question->name = NULL;
        question->found = name->addresses.count ? &name->addresses : NULL;
        question->done(question);
    }
}

static bool has_address(const struct addresses *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->text[i], text) == 0)
            return true;
    return false;
}

/* Ignores the order, which name servers change from answer to answer. */
static bool same_addresses(const struct addresses *a, const struct addresses *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (!has_address(a, b->text[i]))
            return false;
    return a->count == b->count;
}

static void take_answer(struct resolver *resolver, const struct errand *errand)
{
    struct resolver_name *name = errand->name;

    name->asking = false;
    if (errand->found.count && !same_addresses(&name->addresses, &errand->found)) {
        name->addresses = errand->found;
        name->addresses.version = ++resolver->versions;
    }
    if (errand->found.count)
        name->answered = resolver->loop->now;
    else if (errand->failure == EAI_NONAME || errand->failure == EAI_NODATA)
        name->addresses.count = 0;
    answer_all(name);
}

static void answers_are_here(struct watch *watch, uint32_t events)
{
    struct resolver *resolver = (struct resolver *)watch;
    struct mailbox *mailbox = resolver->mailbox;
    uint64_t count;

    (void)events;
    ssize_t got = read(mailbox->event, &count, sizeof(count)); /* an earlier turn may have taken it */
    (void)got;
    pthread_mutex_lock(&mailbox->lock);
    struct errand *errand = mailbox->answers;
    mailbox->answers = NULL;
    pthread_mutex_unlock(&mailbox->lock);
    while (errand) {
        struct errand *next = errand->next;
        take_answer(resolver, errand);
        free(errand);
        errand = next;
    }
}

/* The place of a name, or one that can be given to it; NULL: all are being asked for. */
static struct resolver_name *place_for(struct resolver *resolver, const char *text)
{
    struct resolver_name *oldest = NULL;

    for (size_t i = 0; i < RESOLVER_NAMES; i++) {
        struct resolver_name *name = &resolver->names[i];
        if (strcmp(name->text, text) == 0)
            return name;
        if (!name->asking && (!oldest || name->answered < oldest->answered))
            oldest = name;
    }
    if (oldest) {
        *oldest = (struct resolver_name){.text = ""};
        memcpy(oldest->text, text, strlen(text) + 1);
    }
    return oldest;
}

bool resolver_is_address(const char *host)
{
    struct in_addr four;

    /* A name has no colon: an address with a zone, fe80::1%eth0, is one too. */
    return strchr(host, ':') || inet_pton(AF_INET, host, &four) == 1;
}

bool resolver_ask(struct resolver *resolver, const char *text, bool refresh,
                  struct resolver_question *question)
{
    size_t len = strlen(text);
    struct resolver_name *name = len && len <= RESOLVER_NAME_MAX ? place_for(resolver, text) : NULL;

    question->found = NULL;
    question->name = NULL;
    if (!name)
        return true;
    bool known = name->addresses.count > 0;
    bool fresh = known && resolver->loop->now - name->answered < RESOLVER_FRESH;
    bool asking = name->asking || (!refresh && fresh) || send_errand(resolver, name);
    if ((known && !refresh) || !asking) {
        question->found = known ? &name->addresses : NULL;
        return true;
    }
    question->name = name;
    question->next = name->waiting;
    name->waiting = question;
    return false;
}

void resolver_withdraw(struct resolver_question *question)
{
    if (!question->name)
        return;
    for (struct resolver_question **at = &question->name->waiting; *at; at = &(*at)->next) {
        if (*at == question) {
            *at = question->next;
            break;
        }
    }
    question->name = NULL;
}

/* Opening and closing */

struct resolver *resolver_open(struct loop *loop)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver));
    struct mailbox *mailbox = calloc(1, sizeof(*mailbox));

    if (!resolver || !mailbox) {
        free(resolver);
        free(mailbox);
        return NULL;
    }
    *mailbox = (struct mailbox){.holders = 1, .event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    pthread_mutex_init(&mailbox->lock, NULL);
    resolver->loop = loop;
    resolver->mailbox = mailbox;
    resolver->watch = (struct watch){.fd = mailbox->event, .ready = answers_are_here};
    if (mailbox->event >= 0 && loop_watch(loop, &resolver->watch, EPOLLIN))
        return resolver;
    resolver_close(resolver);
    return NULL;
}

void resolver_close(struct resolver *resolver)
{
    if (!resolver)
        return;
    loop_unwatch(resolver->loop, &resolver->watch);
    let_go(resolver->mailbox);
    free(resolver);
}
