from archimeter.data.records import Observation
from archimeter.data.replicates import check_replicates, number_replicates


def result(error, **values):
    return Observation(**({"study": "s", "dataset": "d", "backbone": "b", "error": error} | values))


def test_rows_of_one_setting_are_numbered_in_their_order():
    numbered, alike = number_replicates([result(0.1), result(0.2, dataset="e"), result(0.3)])
    assert [(o.error, o.replicate) for o in numbered] == [(0.1, 0), (0.2, 0), (0.3, 1)]
    assert alike == 2


def test_a_failed_run_takes_no_number_from_a_finished_one():
    numbered, _ = number_replicates([result(None, status="failed"), result(0.1)])
    assert [(o.status, o.replicate) for o in numbered] == [("ok", 0), ("failed", 1)]


def test_a_mean_over_runs_is_not_numbered():
    numbered, _ = number_replicates([result(0.1, n_replicates=3), result(0.2, error_sd=0.01)])
    assert [o.replicate for o in numbered] == [None, None]


def test_the_same_run_twice_is_kept_once_and_with_another_result_is_a_problem():
    rows = [(2, result(0.1, replicate=0)), (3, result(0.1, replicate=0)), (4, result(0.2, replicate=0))]
    kept, problems = check_replicates(rows, "line")
    assert kept == [result(0.1, replicate=0)]
    ((line, message),) = problems
    assert line == 4
    assert "line 2" in message


def test_of_a_run_that_went_well_no_other_outcome_is_kept():
    rows = [
        (2, result(0.1, status="excluded", reason="the same as line 3")),
        (3, result(0.1)),
        (4, result(None, dataset="e", status="failed")),
    ]
    assert check_replicates(rows, "line") == ([rows[1][1], rows[2][1]], [])
