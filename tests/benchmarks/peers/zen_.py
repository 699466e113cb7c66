"""zen-engine (GoRules, Rust): the same rules as one compiled expression, and as a graph with a decision table."""

import json
import re

import zen

from tests.benchmarks.replicas import render

FACTS = {
    "ot": "d(order.ordered_at).timestamp()",
    "stage_at": "d(staging.date).timestamp() ?? (ot + 1)",
    "risk_at": "d(fn_risk.date).timestamp() ?? (ot + 1)",
    "signed_at": "d(consent.signed_at).timestamp() ?? (ot + 1)",
    "rows": "filter(map(filter(labs as l, l.code in ['ANC', 'PLT', 'BILI', 'CRCL']) as l, {code: l.code, at: d(l.time).timestamp(), value: l.value, uln: l.uln}) as r, r.at <= ot)",
    **{f"{c}_rows": f"filter(rows as r, r.code == '{c.upper()}')" for c in ("anc", "plt", "bili", "crcl")},
    **{
        f"{c}_at": f"len({c}_rows) > 0 ? max(map({c}_rows as r, r.at)) : 0"
        for c in ("anc", "plt", "bili", "crcl")
    },
    "anc": "filter(anc_rows as r, r.at == anc_at)[0].value ?? 1e9",
    "plt": "filter(plt_rows as r, r.at == plt_at)[0].value ?? 1e9",
    "bili": "filter(bili_rows as r, r.at == bili_at)[0] ?? {value: 0, uln: 1}",
    "crcl": "filter(crcl_rows as r, r.at == crcl_at)[0].value ?? 1e9",
    "targeted": "some(order.drugs as x, x.class == 'targeted')",
    "gcsf": "some(order.supportive as x, x.class == 'gcsf')",
    "tested": "some(molecular ?? [] as m, m.status == 'final' and m.result != null)",
}
RULES = """
R1{{sfx}}: (staging.cT ?? '') == '' or (staging.cN ?? '') == '' or (staging.cM ?? '') == '' or stage_at > ot
R2{{sfx}}: fn_risk.cycle != order.cycle or risk_at > ot or risk_at < ot - {{risk_s}} * 1000
R3{{sfx}}: consent.status != 'signed' or consent.withdrawn_at != null or signed_at > ot
R4{{sfx}}: anc_at >= ot - {{anc_s}} * 1000 and anc < {{anc_min}}
R5{{sfx}}: anc_at < ot - {{anc_s}} * 1000
R6{{sfx}}: order.treatment == 'non_surgical' and (pathology.status != 'final' or (pathology.diagnosis ?? '') == '')
R7{{sfx}}: targeted and not tested
R8{{sfx}}: fn_risk.level == 'high' and not gcsf
R9{{sfx}}: plt < {{plt_min}}
R10{{sfx}}: bili.value > {{bili_x}} * bili.uln or crcl < {{crcl_min}}
"""


def _rules(replicas):
    rows = (line.split(": ", 1) for text in render(RULES, replicas) for line in text.strip().splitlines())
    return list(rows)


def load(replicas=1):
    facts = [f"{name} = {value}" for name, value in FACTS.items()]
    rows = ["{fires: %s, rule: '%s'}" % (when, name) for name, when in _rules(replicas)]  # noqa: UP031
    program = ";\n".join([*facts, "map(filter([" + ",\n".join(rows) + "] as r, r.fires) as r, r.rule)"])
    return zen.compile_expression(program).evaluate


def load_graph(replicas=1):
    names = [*FACTS]

    def own(text):  # in an expression node the facts before are `$.name`
        for name in names:
            text = re.sub(rf"(?<![\w.$']){name}\b", f"$.{name}", text)
        return text

    place = {"position": {"x": 0, "y": 0}}
    facts = {
        "passThrough": True, "inputField": None, "outputPath": None, "executionMode": "single",
        "expressions": [{"id": f"e{n}", "key": name, "value": own(value)} for n, (name, value) in enumerate(FACTS.items())],
    }  # fmt: skip
    table = {
        "hitPolicy": "collect", "passThrough": False, "inputField": None, "outputPath": "found", "executionMode": "single",
        "inputs": [{"id": "when", "name": "when"}], "outputs": [{"id": "rule", "name": "rule", "field": "rule"}],
        "rules": [{"_id": name, "when": when, "rule": f"'{name}'"} for name, when in _rules(replicas)],
    }  # fmt: skip
    nodes = [
        {"id": "in", "type": "inputNode", "name": "in", **place},
        {"id": "facts", "type": "expressionNode", "name": "facts", "content": facts, **place},
        {"id": "rules", "type": "decisionTableNode", "name": "rules", "content": table, **place},
        {"id": "out", "type": "outputNode", "name": "out", **place},
    ]
    edges = [
        {"id": f"{a}-{b}", "sourceId": a, "targetId": b, "type": "edge"}
        for a, b in (("in", "facts"), ("facts", "rules"), ("rules", "out"))
    ]
    content = json.dumps({"nodes": nodes, "edges": edges})
    evaluate = zen.ZenEngine().create_decision(zen.ZenDecisionContent(content)).evaluate
    return lambda record: [found["rule"] for found in evaluate(record)["result"]["found"]]
