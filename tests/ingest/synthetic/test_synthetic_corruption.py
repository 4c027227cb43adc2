from __future__ import annotations

import random
from datetime import date

import phonenumbers
import pytest

from dmp.ingest.synthetic.corruption import (
    CRM_ERRORS,
    misread,
    typo,
    unaccented,
    written_date,
    written_name,
    written_phone,
    wrong_birth,
)


@pytest.fixture
def dice():
    return random.Random(7)


def test_a_slip_changes_one_place(dice):
    for _ in range(300):
        slipped = typo(dice, "margaret")
        assert abs(len(slipped) - 8) <= 1
        assert slipped[0] == "m"


def test_short_words_stay(dice):
    assert typo(dice, "Al") == "Al"


def test_misreading_swaps_letters_that_look_alike(dice):
    assert misread(dice, "Barn") in {"Bam", "8arn"}
    assert misread(dice, "Fay") == "Fay"


@pytest.mark.parametrize(
    ("name", "plain"), [("Zoë", "Zoe"), ("O'Brien", "O'Brien"), ("Søren", "Soren")]
)
def test_accents_go_and_nothing_else(name, plain):
    assert unaccented(name) == plain


def test_dates_come_in_three_forms(dice):
    forms = {written_date(dice, date(1980, 12, 31)) for _ in range(100)}
    assert forms == {"31/12/1980", "1980-12-31", "31 Dec 1980"}


def test_every_written_number_is_the_same_number(dice):
    for _ in range(200):
        written = written_phone(dice, "07700900123")
        parsed = phonenumbers.parse(written, "GB")
        assert parsed.national_number == 7700900123


@pytest.mark.parametrize("born", [date(1980, 3, 4), date(2000, 2, 29)])
def test_a_wrong_birth_date_is_another_real_day(dice, born):
    for _ in range(100):
        assert wrong_birth(dice, born) != born or born.day == born.month


def test_most_names_are_written_as_they_are(dice):
    written = [
        written_name(dice, CRM_ERRORS, "Susan", "Sue", "Hall") for _ in range(2000)
    ]
    same = sum(name == ("Susan", "Hall") for name in written)
    assert 0.65 < same / 2000 < 0.85
    assert ("Hall", "Susan") in written
    assert ("Sue", "Hall") in written
