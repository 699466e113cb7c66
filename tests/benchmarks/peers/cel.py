"""cel-expr-python (Google's CEL in C++) and common-expression-language (Rust), over flat facts."""

from tests.benchmarks.flat import present
from tests.benchmarks.replicas import lines

RULES = """
R1{{sfx}}: !(has(f.cT) && has(f.cN) && has(f.cM) && (has(f.staging_at) ? f.staging_at <= f.now : false))
R2{{sfx}}: !(has(f.risk_at) && has(f.risk_cycle) ? f.risk_cycle == f.cycle && f.risk_at <= f.now && f.risk_at >= f.now - {{risk_s}} : false)
R3{{sfx}}: !(has(f.consent_status) && has(f.signed_at) && !has(f.withdrawn_at) ? f.consent_status == "signed" && f.signed_at <= f.now : false)
R4{{sfx}}: has(f.anc) ? f.anc_at >= f.now - {{anc_s}} && f.anc < {{anc_min}} : false
R5{{sfx}}: has(f.anc) ? f.anc_at < f.now - {{anc_s}} : true
R6{{sfx}}: f.treatment == "non_surgical" && !(has(f.path_status) && has(f.path_dx) ? f.path_status == "final" : false)
R7{{sfx}}: f.targeted && !f.molecular
R8{{sfx}}: has(f.risk_level) ? f.risk_level == "high" && !f.gcsf : false
R9{{sfx}}: has(f.plt) ? f.plt < {{plt_min}} : false
R10{{sfx}}: (has(f.bili) ? f.bili > {{bili_x}} * f.bili_uln : false) || (has(f.crcl) ? f.crcl < {{crcl_min}} : false)
"""


def load(replicas=1):
    from cel_expr_python import cel

    env = cel.NewEnv(variables={"f": cel.Type.DYN})
    rules = [(name, env.compile(text).eval) for name, text in lines(RULES, replicas)]

    def decide(record):
        given = env.Activation({"f": present(record)})
        return [name for name, evaluate in rules if evaluate(given).value() is True]

    return decide


def load_rust(replicas=1):
    import cel

    rules = [(name, cel.compile(text).execute) for name, text in lines(RULES, replicas)]

    def decide(record):
        given = cel.Context({"f": present(record)})
        return [name for name, execute in rules if execute(given)]

    return decide
