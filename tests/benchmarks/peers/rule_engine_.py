"""rule-engine (pure Python), over flat facts."""

import rule_engine

from tests.benchmarks.flat import flat
from tests.benchmarks.replicas import lines

RULES = """
R1{{sfx}}: not (cT and cN and cM and staging_at != null and staging_at <= now)
R2{{sfx}}: not (risk_cycle == cycle and risk_at != null and risk_at <= now and risk_at >= now - {{risk_s}})
R3{{sfx}}: not (consent_status == "signed" and withdrawn_at == null and signed_at != null and signed_at <= now)
R4{{sfx}}: anc != null and anc_at >= now - {{anc_s}} and anc < {{anc_min}}
R5{{sfx}}: anc_at == null or anc_at < now - {{anc_s}}
R6{{sfx}}: treatment == "non_surgical" and not (path_status == "final" and path_dx)
R7{{sfx}}: targeted and not molecular
R8{{sfx}}: risk_level == "high" and not gcsf
R9{{sfx}}: plt != null and plt < {{plt_min}}
R10{{sfx}}: (bili != null and bili > {{bili_x}} * bili_uln) or (crcl != null and crcl < {{crcl_min}})
"""


def load(replicas=1):
    context = rule_engine.Context(resolver=rule_engine.resolve_item)
    rules = [(name, rule_engine.Rule(text, context=context).matches) for name, text in lines(RULES, replicas)]

    def decide(record):
        facts = flat(record)
        return [name for name, matches in rules if matches(facts)]

    return decide
