"""datalogic-py (JSON Logic, Rust): all rules in one native call; "newest" is sorted inside the engine."""

from datalogic_py import DataHandle, Engine

from tests.benchmarks.replicas import limits


def at(path):
    return {"datetime": [path]}


def up(level, *path):
    return {"val": [[level], *path]}


NOW = at({"val": ["order", "ordered_at"]})


def results(code, seconds=None):
    wanted = [
        {"==": [{"val": "code"}, code]},
        {"<=": [at({"val": "time"}), at(up(2, "order", "ordered_at"))]},
    ]
    if seconds is not None:
        since = {"-": [at(up(2, "order", "ordered_at")), {"timestamp": f"{seconds}s"}]}
        wanted.append({">=": [at({"val": "time"}), since]})
    return {"filter": [{"val": "labs"}, {"and": wanted}]}


def newest(code, seconds=None):
    return {"slice": [{"sort": [results(code, seconds), False, {"val": "time"}]}, 0, 1]}


def before(*path):
    return {"<=": [at({"val": [*path]}), NOW]}


def rules(p):
    final = {"and": [{"===": [{"val": "status"}, "final"]}, {"!==": [{"val": "result"}, None]}]}
    stage = [{"val": ["staging", key]} for key in ("cT", "cN", "cM", "date")]
    since = {"-": [NOW, {"timestamp": f"{p['risk_s']}s"}]}
    bilirubin = {">": [{"val": "value"}, {"*": [p["bili_x"], {"val": "uln"}]}]}
    return {
        "R1": {"!": {"and": [*stage, before("staging", "date")]}},
        "R2": {"!": {"and": [
            {"val": ["fn_risk", "date"]}, {"===": [{"val": ["fn_risk", "cycle"]}, {"val": ["order", "cycle"]}]},
            before("fn_risk", "date"), {">=": [at({"val": ["fn_risk", "date"]}), since]},
        ]}},
        "R3": {"!": {"and": [
            {"===": [{"val": ["consent", "status"]}, "signed"]}, {"!": {"val": ["consent", "withdrawn_at"]}},
            {"val": ["consent", "signed_at"]}, before("consent", "signed_at"),
        ]}},
        "R4": {"some": [newest("ANC", p["anc_s"]), {"<": [{"val": "value"}, p["anc_min"]]}]},
        "R5": {"!": {"length": results("ANC", p["anc_s"])}},
        "R6": {"and": [
            {"===": [{"val": ["order", "treatment"]}, "non_surgical"]},
            {"!": {"and": [{"===": [{"val": ["pathology", "status"]}, "final"]}, {"val": ["pathology", "diagnosis"]}]}},
        ]},
        "R7": {"and": [
            {"some": [{"val": ["order", "drugs"]}, {"===": [{"val": "class"}, "targeted"]}]},
            {"!": {"some": [{"??": [{"val": "molecular"}, []]}, final]}},
        ]},
        "R8": {"and": [
            {"===": [{"val": ["fn_risk", "level"]}, "high"]},
            {"!": {"some": [{"val": ["order", "supportive"]}, {"===": [{"val": "class"}, "gcsf"]}]}},
        ]},
        "R9": {"some": [newest("PLT"), {"<": [{"val": "value"}, p["plt_min"]]}]},
        "R10": {"or": [{"some": [newest("BILI"), bilirubin]}, {"some": [newest("CRCL"), {"<": [{"val": "value"}, p["crcl_min"]]}]}]},
    }  # fmt: skip


def load(replicas=1):
    engine = Engine()
    rows = [
        (rule + limits(k)["sfx"], when) for k in range(replicas) for rule, when in rules(limits(k)).items()
    ]
    names = [name for name, _ in rows]
    compiled = [engine.compile(when) for _, when in rows]
    run = engine.session().evaluate_many
    return lambda record: [
        name for name, said in zip(names, run(compiled, DataHandle(record)), strict=True) if said == "true"
    ]
