import pytest
from hypothesis import given
from hypothesis import strategies as st

from archimeter.data.domains import SYNONYMS, domain_matches
from archimeter.data.records import DOMAINS


@pytest.mark.parametrize(
    ("word", "domain"),
    [
        ("satellite", "remote-sensing"),
        ("Aerial", "remote-sensing"),
        ("x-ray", "radiology"),
        ("chest X-Ray", "radiology"),
        ("skin lesions", "dermatology"),
        ("histology", "microscopy"),
        ("pathology", "microscopy"),
        ("galaxy", "astronomy"),
        ("leaf", "plants-animals"),
        ("animals", "plants-animals"),
        ("remote_sensing", "remote-sensing"),
        ("satelite", "remote-sensing"),
        ("histologie", "microscopy"),
        ("radiologie", "radiology"),
    ],
)
def test_a_word_finds_its_domain_first(word, domain):
    assert domain_matches(word)[0] == domain


def test_a_word_of_several_domains_names_them_all():
    assert set(domain_matches("medical")) == {"radiology", "microscopy", "dermatology"}


def test_a_word_that_means_nothing_here_finds_nothing():
    assert domain_matches("qwertz") == []


def test_every_domain_but_the_unknown_one_has_words():
    assert set(SYNONYMS) == set(DOMAINS) - {"unknown"}


@given(st.text(max_size=40))
def test_any_text_gives_known_domains_each_once(text):
    found = domain_matches(text)
    assert set(found) <= set(DOMAINS)
    assert len(found) == len(set(found))
