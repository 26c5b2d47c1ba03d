import pytest
from hypothesis import given
from hypothesis import strategies as st

from archimeter.data.errors import InputError
from archimeter.data.units import Figure, decide_unit, error_of, parse_figure


def figures(*values):
    return [Figure(line, value) for line, value in enumerate(values, 2)]


@pytest.mark.parametrize(
    ("values", "is_error", "unit"),
    [
        ((0.93, 0.88), False, "fraction"),
        ((93.0, 88.5), False, "percent"),
        ((0.07, 0.12), True, "fraction"),
        ((7.0, 12.0), True, "percent"),
        ((0.0, 12.0), True, "percent"),
        ((1.0, 0.5), False, "fraction"),
    ],
)
def test_a_column_that_reads_one_way_is_read_that_way(values, is_error, unit):
    assert decide_unit(figures(*values), is_error=is_error)[0] == unit


def test_percents_mixed_with_fractions_are_refused_with_both_lines():
    with pytest.raises(InputError, match=r"93 \(line 3\) and 0\.88 \(line 2\).*--unit"):
        decide_unit(figures(0.88, 93.0), is_error=False)


def test_small_errors_that_may_be_percents_are_refused():
    with pytest.raises(InputError, match=r"0\.7 % or 70 %\?"):
        decide_unit(figures(0.7, 0.8), is_error=True)


def test_what_the_user_says_decides():
    assert decide_unit(figures(0.7, 0.8), is_error=True, given="percent")[0] == "percent"
    assert decide_unit(figures(0.7, 12.0), is_error=True, given="fraction")[0] == "fraction"


def test_the_columns_name_decides_over_its_figures():
    assert decide_unit(figures(0.7, 0.8), is_error=True, stated_percent=True)[0] == "percent"


def test_a_percent_sign_decides_for_its_own_cell():
    signed = parse_figure("93 %", 2, decimal_comma=False)
    assert error_of(signed, is_error=False, unit="fraction") == pytest.approx(0.07)


@pytest.mark.parametrize(
    ("text", "value"), [("0.93", 0.93), (" 1e-1 ", 0.1), ("+.5", 0.5), (0.25, 0.25), (1, 1.0)]
)
def test_numbers_are_read_as_people_write_them(text, value):
    assert parse_figure(text, 2, decimal_comma=False).value == value


def test_a_decimal_comma_counts_where_the_file_uses_them():
    assert parse_figure("93,5", 2, decimal_comma=True).value == 93.5
    with pytest.raises(InputError, match="with a point"):
        parse_figure("93,5", 2, decimal_comma=False)


@pytest.mark.parametrize("cell", ["nan", "inf", "-Infinity", "1e999"])
def test_what_is_not_finite_is_refused_with_what_to_do(cell):
    with pytest.raises(InputError, match="failed"):
        parse_figure(cell, 2, decimal_comma=False)


@pytest.mark.parametrize("cell", ["", "abc", "=1+1", "1.2.3", True, [0.1], "0x10", "9" * 10_000 + "x"])
def test_what_is_no_number_is_said_in_few_words(cell):
    with pytest.raises(InputError, match="not a number") as refused:
        parse_figure(cell, 2, decimal_comma=False)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(("value", "unit"), [(-0.1, "fraction"), (1.1, "fraction"), (100.1, "percent")])
def test_a_figure_outside_its_unit_is_refused(value, unit):
    with pytest.raises(InputError, match="outside"):
        error_of(Figure(2, value), is_error=True, unit=unit)


@given(st.integers(0, 10_000))
def test_an_accuracy_in_percent_and_as_a_fraction_give_the_same_error(hundredths):
    percent = error_of(Figure(2, hundredths / 100), is_error=False, unit="percent")
    fraction = error_of(Figure(2, hundredths / 10_000), is_error=False, unit="fraction")
    assert percent == fraction == pytest.approx((10_000 - hundredths) / 10_000, abs=1e-12)


@given(st.text(max_size=30), st.booleans())
def test_any_text_is_a_finite_number_or_refused(text, decimal_comma):
    try:
        figure = parse_figure(text, 2, decimal_comma=decimal_comma)
    except InputError:
        return
    assert abs(figure.value) < float("inf")
