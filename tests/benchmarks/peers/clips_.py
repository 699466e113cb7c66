"""clipspy (CLIPS, C), over flat facts with ages."""

import clips

from tests.benchmarks.flat import aged
from tests.benchmarks.replicas import limits

SLOTS = "cT cN cM staging_age same_cycle risk_age risk_level consent_status withdrawn signed_age treatment path_status path_dx targeted molecular gcsf anc anc_age plt bili_ratio crcl".split()
TRUTHS = ("same_cycle", "withdrawn", "targeted", "molecular", "gcsf")


def rules(p):
    tests = {
        "R1": ("cT cN cM staging_age", '(or (eq ?cT "") (eq ?cN "") (eq ?cM "") (< ?staging_age 0))'),
        "R2": ("same_cycle risk_age", f"(or (eq ?same_cycle FALSE) (< ?risk_age 0) (> ?risk_age {p['risk_s']}))"),
        "R3": ("consent_status withdrawn signed_age", '(or (neq ?consent_status "signed") (eq ?withdrawn TRUE) (< ?signed_age 0))'),
        "R4": ("anc anc_age", f"(and (<= 0 ?anc_age {p['anc_s']}) (< ?anc {p['anc_min']}))"),
        "R5": ("anc_age", f"(or (< ?anc_age 0) (> ?anc_age {p['anc_s']}))"),
        "R6": ("treatment path_status path_dx", '(and (eq ?treatment "non_surgical") (or (neq ?path_status "final") (eq ?path_dx "")))'),
        "R7": ("targeted molecular", "(and (eq ?targeted TRUE) (eq ?molecular FALSE))"),
        "R8": ("risk_level gcsf", '(and (eq ?risk_level "high") (eq ?gcsf FALSE))'),
        "R9": ("plt", f"(and (>= ?plt 0) (< ?plt {p['plt_min']}))"),
        "R10": ("bili_ratio crcl", f"(or (> ?bili_ratio {p['bili_x']}) (and (>= ?crcl 0) (< ?crcl {p['crcl_min']})))"),
    }  # fmt: skip
    for name, (slots, test) in tests.items():
        bound = " ".join(f"({slot} ?{slot})" for slot in slots.split())
        yield f"(defrule {name}{p['sfx']} (order {bound}) (test {test}) => (assert (finding (rule {name}{p['sfx']}))))"


def load(replicas=1):
    env = clips.Environment()
    env.build(f"(deftemplate order {' '.join(f'(slot {slot})' for slot in SLOTS)})")
    env.build("(deftemplate finding (slot rule))")
    for k in range(replicas):
        for rule in rules(limits(k)):
            env.build(rule)
    order, finding = env.find_template("order"), env.find_template("finding")

    def decide(record):
        env.reset()
        facts = aged(record)
        for name in TRUTHS:
            facts[name] = clips.Symbol("TRUE" if facts[name] else "FALSE")
        order.assert_fact(**facts)
        env.run()
        return [str(found["rule"]) for found in finding.facts()]

    return decide
