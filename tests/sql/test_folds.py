"""What a fold reads grows with what there is to fold, whatever the statistics were when its statements were planned."""

import itertools
import json
from collections import Counter

import pytest

TABLES = {
    "user-progress": ("lab_attempts", "completion_status, time_spent, errors_encountered, timestamp", "n % 3 = 0, 60, '{}', now()"),
    "performance-reporting": ("user_performance", "success, completion_time, errors, timestamp", "n % 3 = 0, 60, '[\"e\"]', now()"),
    "usage-analytics": ("usage_events", "event_type, event_data, timestamp", "(ARRAY['start', 'complete'])[1 + n % 2], '{}', now()"),
}
FOLDS = {"user-progress": "attempt_fold(1)", "performance-reporting": "performance_fold(1)", "usage-analytics": "usage_fold(100000)"}
ADD = "INSERT INTO {table} (user_id, lab_type, {columns}) SELECT '{who}' || n / 5, 'l' || n % 5, {values} FROM generate_series(1, {rows}) AS n"
CHANGES = (  # what is done, and the rows that it concerns: some more than once, and in the end few of many
    (ADD, "a", 1000),
    (ADD, "b", 1000),
    (ADD, "b", 1000),
    ("UPDATE {table} SET user_id = user_id || 'a'", "", 3000),
    ("DELETE FROM {table} WHERE id % 2 = 0", "", 1500),
    (ADD, "c", 200),
    (ADD.replace("'{who}' || n / 5, 'l' || n % 5", "'one', '{who}'"), "one", 1000),
    ("DELETE FROM {table} WHERE user_id = 'one' AND id % 5 = 0", "", 200),
)
FEW = 7  # rows that a step of a plan may handle for each of these: less than the table has for each of the last


class Plans:
    """Takes what a connection is told in place of its list of notices: plans of what was run, by auto_explain."""

    def __init__(self):
        self.nodes = []

    def append(self, notice):
        if "plan:\n" in notice:
            plan = json.loads(notice.split("plan:\n", 1)[1])
            self.add(plan["Plan"], plan["Query Text"])

    def add(self, node, text):
        handled = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
        self.nodes.append((handled * node["Actual Loops"], node["Node Type"], node.get("Index Name"), text[:60], node.get("Relation Name")))
        for child in node.get("Plans", []):
            self.add(child, text)


@pytest.fixture(params=["VACUUM ANALYZE", ""], ids=["of the empty tables", "that nobody made"])
def folding(database, name, request):
    """A session that folds, in a database of the service with such statistics, and tells the plans of what it runs."""
    service = database(name)
    service.install()
    with service.connect().cursor() as cursor:
        if name == "usage-analytics":
            cursor.execute("SELECT usage_work_out_next()")  # there is nothing to take over
        if request.param:
            cursor.execute(request.param)
        cursor.execute("LOAD 'auto_explain'; SET client_min_messages = log; SET auto_explain.log_nested_statements = on;"
                       "SET auto_explain.log_analyze = on; SET auto_explain.log_timing = off; SET auto_explain.log_format = json;")  # fmt: skip
        yield cursor


@pytest.mark.parametrize("name", TABLES)
def test_a_fold_handles_no_more_rows_than_a_few_for_each_that_there_is_to_fold(folding, name):
    table, columns, values = TABLES[name]
    told = folding.connection
    for change, who, rows in CHANGES:
        folding.execute(change.format(table=table, columns=columns, values=values, who=who, rows=rows))
        told.notices = Plans()
        folding.execute("SET auto_explain.log_min_duration = 0")
        calls = itertools.count()
        while next(calls) < 2 or folding.fetchone()[0]:  # the first one may leave the time to writers
            folding.execute(f"SELECT {FOLDS[name]}")
        folding.execute("SET auto_explain.log_min_duration = -1")
        assert len(told.notices.nodes) > 20, "the plans were not seen"
        many = [node for node in told.notices.nodes if node[0] > FEW * rows]
        assert not many, change


@pytest.mark.parametrize("name", ["performance-reporting"])
def test_a_users_records_are_read_once_however_many_lab_types_lost_one(folding):
    """Nobody succeeded, so all records of a learner are before the first success."""
    told = folding.connection
    folding.execute("INSERT INTO user_performance (user_id, lab_type, success, completion_time, timestamp)"
                    " SELECT 'u' || n % 10, 'l' || n / 10 % 20, false, 60, now() FROM generate_series(0, 3999) AS n")  # fmt: skip
    folding.execute("SELECT performance_fold(1)")
    folding.execute("DELETE FROM user_performance WHERE id <= 200")  # one of each user in each lab type
    told.notices = Plans()
    folding.execute("SET auto_explain.log_min_duration = 0; SELECT performance_fold(1); SET auto_explain.log_min_duration = -1")
    assert [handled for handled, *_ in told.notices.nodes if handled >= 3800], "the records were not read"
    assert not [node for node in told.notices.nodes if node[0] > 2 * 3800]
    folding.execute("SELECT sum(tries), sum(seconds) FROM performance_learners")
    assert folding.fetchone() == (3800, 3800 * 60)


@pytest.mark.parametrize("name", ["performance-reporting"])
def test_lost_first_places_of_errors_are_found_in_one_pass_whatever_their_lab_types(folding):
    """Each of 20 lab types has an error in its first record and, again, in its last."""
    told = folding.connection
    folding.execute("INSERT INTO user_performance (user_id, lab_type, errors, timestamp)"
                    " SELECT 'u' || n, 'l' || n % 20, CASE WHEN n < 20 OR n >= 3980 THEN '[\"rare\"]' ELSE '[\"e\"]' END::json, now()"
                    "   FROM generate_series(0, 3999) AS n")  # fmt: skip
    folding.execute("SELECT performance_fold(1)")
    folding.execute("DELETE FROM user_performance WHERE id <= 20")
    told.notices = Plans()
    folding.execute("SET auto_explain.log_min_duration = 0; SELECT performance_fold(1); SET auto_explain.log_min_duration = -1")
    assert 3980 <= sum(handled for handled, _, index, *_ in told.notices.nodes if index == "user_performance_pkey") <= 3 * 3980
    folding.execute("SELECT array_agg(first ORDER BY first) FROM performance_errors WHERE error = 'rare'")
    assert folding.fetchone()[0] == [[id, 1] for id in range(3981, 4001)]


@pytest.mark.parametrize("name", ["performance-reporting"])
def test_no_row_is_kept_of_a_time_in_which_nobody_solves_any_more(folding):
    folding.execute("INSERT INTO user_performance (user_id, lab_type, success, completion_time, timestamp)"
                    " SELECT 'u' || n, 'l', true, n / 2, now() FROM generate_series(0, 199) AS n")  # fmt: skip
    folding.execute("SELECT performance_fold(1)")
    folding.execute("UPDATE user_performance SET completion_time = 1000 + completion_time WHERE id <= 101")
    folding.execute("SELECT performance_fold(1)")
    folding.execute("DELETE FROM user_performance WHERE id > 150")
    folding.execute("SELECT performance_fold(1)")
    folding.execute("SELECT seconds, users FROM performance_solutions ORDER BY seconds")
    solved = Counter(1000 + n // 2 if n < 101 else n // 2 for n in range(150))
    assert folding.fetchall() == sorted(solved.items())


@pytest.mark.parametrize("name", ["performance-reporting"])
def test_rows_that_an_earlier_version_left_without_users_go_with_its_other_objects(database, name):
    service = database(name)
    service.install()
    with service.connect().cursor() as cursor:
        cursor.execute("INSERT INTO performance_solutions VALUES ('l', 5, 0), ('l', 6, 1)")
        service.install()
        cursor.execute("SELECT * FROM performance_solutions")
        assert cursor.fetchall() == [("l", 6, 1)]


@pytest.mark.parametrize("name", ["performance-reporting"])
@pytest.mark.parametrize("unfolded", [400, 4000], ids=["less than is folded", "more than is folded"])
def test_difficulty_reads_the_records_that_are_not_folded_a_few_times_however_many_lab_types_there_are(folding, unfolded):
    told = folding.connection
    add = ("INSERT INTO user_performance (user_id, lab_type, success, completion_time, errors, timestamp)"
           " SELECT 'u' || n %% 100, 'l' || n %% 20, n %% 3 = 0, 60, '[\"e\"]', now() FROM generate_series(1, %s) AS n")  # fmt: skip
    folding.execute(add, [1000])
    folding.execute("SELECT performance_fold(1)")
    folding.execute(add, [unfolded])
    told.notices = Plans()
    folding.execute("SET auto_explain.log_min_duration = 0; EXECUTE difficulty_of_labs(NULL, NULL, 1)")
    shown = folding.fetchall()
    folding.execute("SET auto_explain.log_min_duration = -1")
    assert len(shown) == 20 and {row[-1] for row in shown} == {"e"}
    by_sums = unfolded < 1000
    read = sum(node[0] for node in told.notices.nodes if node[4] == "user_performance")
    assert unfolded <= read <= (4 * unfolded if by_sums else 3 * (1000 + unfolded))
    looked_up = sum(node[0] for node in told.notices.nodes if node[4] == "performance_learners")
    assert looked_up > 0 if by_sums else looked_up == 0
