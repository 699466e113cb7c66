"""business-rules (Venmo, pure Python), over flat facts with ages. It has neither null nor negation: the variables have them."""

from business_rules import run_all
from business_rules.actions import BaseActions, rule_action
from business_rules.fields import FIELD_TEXT
from business_rules.variables import (
    BaseVariables,
    boolean_rule_variable,
    numeric_rule_variable,
    string_rule_variable,
)

from tests.benchmarks.flat import aged
from tests.benchmarks.replicas import limits

KINDS = {
    string_rule_variable: ("cT", "cN", "cM", "treatment", "path_dx", "risk_level"),
    numeric_rule_variable: (
        "staging_age",
        "risk_age",
        "signed_age",
        "anc",
        "anc_age",
        "plt",
        "bili_ratio",
        "crcl",
    ),
    boolean_rule_variable: (
        "same_cycle",
        "withdrawn",
        "targeted",
        "molecular",
        "gcsf",
        "unsigned",
        "path_final",
    ),
}


class Variables(BaseVariables):
    def __init__(self, facts):
        self.facts = facts


for kind, names in KINDS.items():
    for name in names:

        def read(self, name=name):
            return self.facts[name]

        read.__name__ = name
        setattr(Variables, name, kind(label=name)(read))


class Actions(BaseActions):
    def __init__(self):
        self.fired = []

    @rule_action(params={"rule": FIELD_TEXT})
    def find(self, rule):
        self.fired.append(rule)


def c(name, operator, value=True):
    return {"name": name, "operator": operator, "value": value}


def conditions(p):
    def below(name, limit):
        return {"all": [c(name, "greater_than_or_equal_to", 0), c(name, "less_than", limit)]}

    return {
        "R1": {"any": [c("cT", "equal_to", ""), c("cN", "equal_to", ""), c("cM", "equal_to", ""), c("staging_age", "less_than", 0)]},
        "R2": {"any": [c("same_cycle", "is_false"), c("risk_age", "less_than", 0), c("risk_age", "greater_than", p["risk_s"])]},
        "R3": {"any": [c("unsigned", "is_true"), c("withdrawn", "is_true"), c("signed_age", "less_than", 0)]},
        "R4": {"all": [c("anc_age", "greater_than_or_equal_to", 0), c("anc_age", "less_than_or_equal_to", p["anc_s"]), c("anc", "less_than", p["anc_min"])]},
        "R5": {"any": [c("anc_age", "less_than", 0), c("anc_age", "greater_than", p["anc_s"])]},
        "R6": {"all": [c("treatment", "equal_to", "non_surgical"), {"any": [c("path_final", "is_false"), c("path_dx", "equal_to", "")]}]},
        "R7": {"all": [c("targeted", "is_true"), c("molecular", "is_false")]},
        "R8": {"all": [c("risk_level", "equal_to", "high"), c("gcsf", "is_false")]},
        "R9": below("plt", p["plt_min"]),
        "R10": {"any": [c("bili_ratio", "greater_than", p["bili_x"]), below("crcl", p["crcl_min"])]},
    }  # fmt: skip


def load(replicas=1):
    rules = [
        {"conditions": when, "actions": [{"name": "find", "params": {"rule": name + limits(k)["sfx"]}}]}
        for k in range(replicas)
        for name, when in conditions(limits(k)).items()
    ]

    def decide(record):
        facts = aged(record)
        facts["unsigned"] = facts["consent_status"] != "signed"
        facts["path_final"] = facts["path_status"] == "final"
        actions = Actions()
        run_all(rules, Variables(facts), actions)
        return actions.fired

    return decide
