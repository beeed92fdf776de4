"""Chains to a trust anchor that make much work. What else may be wrong with one: test_dane.py."""

import time
from time import thread_time

from exporter.net.tls.trust_anchor import MOST, anchored
from tests.support.chains import HOST, issue


def test_certificates_that_all_sign_each_other_are_soon_done_with() -> None:
    """All have one name and one key, so each has issued each."""
    first = issue("CA", is_ca=True)
    many = [issue("CA", is_ca=True, key=first.key).der for _ in range(30)]
    leaf = issue(HOST, first, hosts=[HOST]).der
    began = thread_time()
    assert anchored([leaf, *many], lambda _: False, {HOST}, time.time())
    assert thread_time() - began < 1
    assert not anchored([leaf, *many], many[3].__eq__, {HOST}, time.time())


def test_only_the_first_certificates_are_looked_at() -> None:
    ca = issue("CA", is_ca=True)
    leaf, other = issue(HOST, ca, hosts=[HOST]).der, issue("other").der
    chain = [leaf, *([other] * MOST), ca.der]
    assert "no chain" in anchored(chain, ca.der.__eq__, {HOST}, time.time())
    assert not anchored([leaf, other, ca.der], ca.der.__eq__, {HOST}, time.time())


def test_another_certificate_that_cannot_be_read_does_no_harm() -> None:
    """One that the server sends and nobody needs, or a record of DNS that holds no certificate."""
    ca = issue("CA", is_ca=True)
    leaf, rubbish = issue(HOST, ca, hosts=[HOST]).der, b"0\x03abc"
    chain = [leaf, rubbish, ca.der, rubbish]
    assert not anchored(chain, ca.der.__eq__, {HOST}, time.time())
    assert "no chain" in anchored(chain, rubbish.__eq__, {HOST}, time.time())
    assert "cannot be read" in anchored([rubbish, ca.der], ca.der.__eq__, {HOST}, time.time())
