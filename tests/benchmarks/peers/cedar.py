"""cedarpy (AWS Cedar, Rust): every rule a forbid. Cedar has no fractions: values are flat and scaled to integers."""

import cedarpy

from tests.benchmarks.flat import present
from tests.benchmarks.replicas import limits

SCALED = ("anc", "plt", "bili", "bili_uln", "crcl")


def policies(p):
    def has(*names):
        return " && ".join(f"context has {name}" for name in names)

    forbidden = {  # when, unless
        "R1": ("", f"{has('cT', 'cN', 'cM', 'staging_at')} && context.staging_at <= context.now"),
        "R2": ("", f"{has('risk_cycle')} && context.risk_cycle == context.cycle && {has('risk_at')} && context.risk_at <= context.now && context.risk_at >= context.now - {p['risk_s']}"),
        "R3": ("", f'{has("consent_status")} && context.consent_status == "signed" && !(context has withdrawn_at) && {has("signed_at")} && context.signed_at <= context.now'),
        "R4": (f"{has('anc')} && context.anc_at >= context.now - {p['anc_s']} && context.anc < {round(p['anc_min'] * 1000)}", ""),
        "R5": ("", f"{has('anc_at')} && context.anc_at >= context.now - {p['anc_s']}"),
        "R6": ('context.treatment == "non_surgical"', f'{has("path_status")} && context.path_status == "final" && {has("path_dx")}'),
        "R7": ("context.targeted", "context.molecular"),
        "R8": (f'{has("risk_level")} && context.risk_level == "high"', "context.gcsf"),
        "R9": (f"{has('plt')} && context.plt < {round(p['plt_min'] * 1000)}", ""),
        "R10": (f"({has('bili')} && context.bili * 10000000 > context.bili_uln * {round(p['bili_x'] * 10**7)}) || ({has('crcl')} && context.crcl < {round(p['crcl_min'] * 1000)})", ""),
    }  # fmt: skip
    for name, (when, unless) in forbidden.items():
        conditions = (f" when {{ {when} }}" if when else "") + (f" unless {{ {unless} }}" if unless else "")
        yield f'@id("{name}{p["sfx"]}") forbid (principal, action, resource){conditions};'


def load(replicas=1):
    text = "\n".join(policy for k in range(replicas) for policy in policies(limits(k)))
    rules = cedarpy.PolicySet.from_str(text)
    entities = cedarpy.Entities.from_json_str("[]")
    request = {"principal": 'User::"his"', "action": 'Action::"order"', "resource": 'Order::"o"'}

    def decide(record):
        context = present(record)
        for name in SCALED:
            if name in context:
                context[name] = round(context[name] * 1000)
        answer = cedarpy.is_authorized({**request, "context": context}, rules, entities)
        if answer.diagnostics.errors:
            raise ValueError(answer.diagnostics.errors)
        return list(answer.diagnostics.id_annotations_by_reason.values())

    return decide
