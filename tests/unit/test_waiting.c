/* Queues with deadlines: the order of turns, and members that leave before theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/waiting.h"

#define MEMBERS 200
#define FAR     (3600 * SECOND)

struct member {
    struct waiting waiting; /* first */
    int late;
};

static struct loop loop;
static struct waiting_queue queue;
static struct member members[MEMBERS];
static int late_count;

static void note_late(struct waiting *waiting)
{
    struct member *member = (struct member *)waiting;

    assert_null(waiting->queue);
    assert_true(waiting->timer.at <= loop.now);
    member->late++;
    late_count++;
}

static int begin(void **state)
{
    (void)state;
    late_count = 0;
    for (int i = 0; i < MEMBERS; i++)
        members[i] = (struct member){.late = 0};
    if (!loop_open(&loop))
        return -1;
    waiting_open(&queue, &loop, MEMBERS, note_late);
    return 0;
}

static int end(void **state)
{
    (void)state;
    while (waiting_next(&queue))
        ;
    assert_int_equal(loop.timers, 0);
    assert_int_equal(queue.length, 0);
    loop_close(&loop);
    return 0;
}

static void join(int i, int64_t wait)
{
    assert_true(waiting_join(&queue, &members[i].waiting, loop.now + wait));
}

static void the_first_member_to_join_has_the_first_turn(void **state)
{
    (void)state;
    for (int i = 0; i < MEMBERS; i++)
        join(i, FAR - i);
    assert_int_equal(queue.length, MEMBERS);
    for (int i = 0; i < MEMBERS; i++)
        assert_ptr_equal(waiting_next(&queue), &members[i].waiting);
    assert_null(waiting_next(&queue));
}

static void a_member_that_rejoins_goes_before_all_others(void **state)
{
    (void)state;
    join(0, FAR);
    join(1, FAR);
    assert_ptr_equal(waiting_next(&queue), &members[0].waiting);
    assert_true(waiting_rejoin(&queue, &members[0].waiting, loop.now + FAR));
    assert_ptr_equal(waiting_next(&queue), &members[0].waiting);
    assert_ptr_equal(waiting_next(&queue), &members[1].waiting);
}

static void each_member_leaves_at_its_own_deadline_at_any_place(void **state)
{
    (void)state;
    for (int i = 0; i < MEMBERS; i++)
        join(i, i % 3 == 1 ? 0 : FAR);
    loop_turn(&loop, 0);
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(members[i].late, i % 3 == 1);
    for (int i = 0; i < MEMBERS; i++)
        if (i % 3 != 1)
            assert_ptr_equal(waiting_next(&queue), &members[i].waiting);
    assert_null(queue.first);
}

static void a_member_with_a_later_deadline_continues_to_wait(void **state)
{
    (void)state;
    join(0, FAR);
    join(1, 5 * MILLISECOND);
    loop_turn(&loop, 0);
    assert_int_equal(late_count, 0);
    while (!members[1].late)
        loop_turn(&loop, SECOND);
    assert_int_equal(late_count, 1);
    assert_ptr_equal(queue.first, &members[0].waiting);
}

static void a_member_that_left_is_never_late(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        join(i, 0);
    waiting_leave(&members[0].waiting);
    waiting_leave(&members[2].waiting);
    waiting_leave(&members[4].waiting);
    waiting_leave(&members[4].waiting);
    assert_int_equal(queue.length, 2);
    loop_turn(&loop, 0);
    assert_int_equal(late_count, 2);
    assert_true(members[1].late && members[3].late);
}

static void a_full_queue_accepts_only_members_that_rejoin(void **state)
{
    struct member again = {.late = 0}, more = {.late = 0};

    (void)state;
    for (int i = 0; i < MEMBERS; i++)
        join(i, FAR);
    assert_false(waiting_join(&queue, &more.waiting, loop.now + FAR));
    assert_null(more.waiting.queue);
    assert_true(waiting_rejoin(&queue, &again.waiting, loop.now + FAR));
    assert_ptr_equal(waiting_next(&queue), &again.waiting);
}

static void take_all_others(struct waiting *waiting)
{
    note_late(waiting);
    while (waiting_next(&queue))
        ;
}

static void a_late_member_may_empty_the_queue(void **state)
{
    (void)state;
    queue.late = take_all_others;
    for (int i = 0; i < 10; i++)
        join(i, 0);
    loop_turn(&loop, 0);
    assert_int_equal(late_count, 1);
    assert_int_equal(queue.length, 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_first_member_to_join_has_the_first_turn),
        test(a_member_that_rejoins_goes_before_all_others),
        test(each_member_leaves_at_its_own_deadline_at_any_place),
        test(a_member_with_a_later_deadline_continues_to_wait),
        test(a_member_that_left_is_never_late),
        test(a_full_queue_accepts_only_members_that_rejoin),
        test(a_late_member_may_empty_the_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
