"""durable-rules (a Rete network in C), over flat facts with ages. It can't ask for what isn't there: that comes as `""` or -1."""

import itertools

from durable.engine import MessageNotHandledException
from durable.lang import assert_fact, get_host, m, retract_fact, ruleset, when_all

from tests.benchmarks.flat import aged
from tests.benchmarks.replicas import limits


def conditions(p):
    return {
        "R1": (m.cT == "") | (m.cN == "") | (m.cM == "") | (m.staging_age < 0),
        "R2": (m.same_cycle == False) | (m.risk_age < 0) | (m.risk_age > p["risk_s"]),  # noqa: E712
        "R3": (m.consent_status != "signed") | (m.withdrawn == True) | (m.signed_age < 0),  # noqa: E712
        "R4": (m.anc_age >= 0) & (m.anc_age <= p["anc_s"]) & (m.anc < p["anc_min"]),
        "R5": (m.anc_age < 0) | (m.anc_age > p["anc_s"]),
        "R6": (m.treatment == "non_surgical") & ((m.path_status != "final") | (m.path_dx == "")),
        "R7": (m.targeted == True) & (m.molecular == False),  # noqa: E712
        "R8": (m.risk_level == "high") & (m.gcsf == False),  # noqa: E712
        "R9": (m.plt >= 0) & (m.plt < p["plt_min"]),
        "R10": (m.bili_ratio > p["bili_x"]) | ((m.crcl >= 0) & (m.crcl < p["crcl_min"])),
    }


def load(replicas=1):
    fired = []

    def emits(name):
        return lambda c: fired.append(name)

    with ruleset("gate"):
        for k in range(replicas):
            p = limits(k)
            for name, condition in conditions(p).items():
                when_all(condition)(emits(name + p["sfx"]))
    get_host()
    number = itertools.count(1)

    def decide(record):
        facts = {**aged(record), "id": next(number)}
        fired.clear()
        try:
            assert_fact("gate", facts)
        except MessageNotHandledException:
            return []
        retract_fact("gate", facts)
        return set(fired)  # an "or" fires once for each side that holds

    return decide
