"""The table of threats and faults is what the tests say."""

from tests import requirements_table as table


def test_the_table_is_current():
    assert table.TABLE.read_text() == table.table(), "run python -m tests.requirements_table"


def test_tests_and_reasons_are_of_rows_there_are():
    assert set(table.tests()) | set(table.reasons()) <= set(table.ROWS)
    assert list(table.ROWS) == list(range(1, 135))


def test_a_reason_says_why():
    assert all(len(why) > 20 for why in table.reasons().values())


def test_no_row_is_open():
    assert list(table.undone()) == []
