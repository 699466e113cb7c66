"""regorus (Rego in Rust): the policy compiled once for its register machine; JSON text in and out."""

import json

import regorus

from tests.benchmarks.replicas import render

HEAD = """package gate
import rego.v1
now := time.parse_rfc3339_ns(input.order.ordered_at)
staged if {
  is_string(input.staging.cT)
  is_string(input.staging.cN)
  is_string(input.staging.cM)
  is_string(input.staging.date)
  time.parse_rfc3339_ns(input.staging.date) <= now
}
risk_at := time.parse_rfc3339_ns(input.fn_risk.date) if input.fn_risk.cycle == input.order.cycle
consented if {
  input.consent.status == "signed"
  input.consent.withdrawn_at == null
  is_string(input.consent.signed_at)
  time.parse_rfc3339_ns(input.consent.signed_at) <= now
}
pathology_final if {
  input.pathology.status == "final"
  input.pathology.diagnosis != null
}
targeted if {
  some drug in input.order.drugs
  drug.class == "targeted"
}
tested if {
  is_array(input.molecular)
  some test in input.molecular
  test.status == "final"
  test.result != null
}
gcsf if {
  some drug in input.order.supportive
  drug.class == "gcsf"
}
"""
NEWEST = """
NAME_times := [t | some lab in input.labs; lab.code == "CODE"; t := time.parse_rfc3339_ns(lab.time); t <= now]
NAME_at := max(NAME_times)
NAME := lab if {
  some lab in input.labs
  lab.code == "CODE"
  time.parse_rfc3339_ns(lab.time) == NAME_at
}
"""
RULES = """
found contains "R1{{sfx}}" if not staged
assessed_{{n}} if {
  risk_at <= now
  risk_at >= now - {{risk_s}} * 1000000000
}
found contains "R2{{sfx}}" if not assessed_{{n}}
found contains "R3{{sfx}}" if not consented
found contains "R4{{sfx}}" if {
  anc_at >= now - {{anc_s}} * 1000000000
  anc.value < {{anc_min}}
}
recent_{{n}} if anc_at >= now - {{anc_s}} * 1000000000
found contains "R5{{sfx}}" if not recent_{{n}}
found contains "R6{{sfx}}" if {
  input.order.treatment == "non_surgical"
  not pathology_final
}
found contains "R7{{sfx}}" if {
  targeted
  not tested
}
found contains "R8{{sfx}}" if {
  input.fn_risk.level == "high"
  not gcsf
}
found contains "R9{{sfx}}" if plt.value < {{plt_min}}
impaired_{{n}} if bili.value > {{bili_x}} * bili.uln
impaired_{{n}} if crcl.value < {{crcl_min}}
found contains "R10{{sfx}}" if impaired_{{n}}
"""


def load(replicas=1):
    newest = "".join(
        NEWEST.replace("NAME", name).replace("CODE", name.upper()) for name in ("anc", "plt", "bili", "crcl")
    )
    policy = HEAD + newest + "".join(
        render(RULES.replace("{{n}}", str(k)), k + 1)[k] for k in range(replicas)
    )  # fmt: skip
    program = regorus.Program.compile_from_modules("{}", [("gate.rego", policy)], ["data.gate.found"])
    machine = regorus.Rvm()
    machine.load_program(program)

    def decide(record):
        machine.set_input_json(json.dumps(record))
        return json.loads(machine.execute())

    return decide
