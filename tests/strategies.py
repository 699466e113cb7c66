"""Hypothesis strategies: small packs of rules and requests that stand on their limits.

Rules ask for a handful of generic facts of the shipped `facts.yaml`; requests are drawn around the
limits and window edges that those rules can name, with every way in which an entry may fail to count.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from oncogate.base.texts import Text
from oncogate.base.times import go_back
from oncogate.model import condition as leaves
from oncogate.model import record as records
from oncogate.model import rule as rules
from oncogate.model.facts import Branch, Fact, Points
from oncogate.model.parameter import Parameter, Source
from oncogate.model.request import Order, Request
from oncogate.model.values import Code, Quantity
from oncogate.testing.values import MOMENTS, Draw, mostly

DRUGS = {
    "多西他赛": ("cytotoxic", True),
    "奥希替尼": ("targeted", False),
    "帕博利珠单抗": ("immunotherapy", False),
    "来曲唑": ("endocrine", False),
    "昂丹司琼": ("companion", False),
}
"""Drugs of the shipped table: class, and whether they suppress the marrow."""
UNRECOGNISED = "XR-17"

ICD10 = "http://hl7.org/fhir/sid/icd-10"
LOINC = "http://loinc.org"
ANC, ANC_TOO = Code(system=LOINC, code="26499-4"), Code(system=LOINC, code="751-8")
OTHER_CODE, OTHER_SYSTEM = Code(system=LOINC, code="718-7"), Code(system="urn:local", code="26499-4")

WINDOWS = {
    "minutes": (90, "min"), "day": (24, "h"), "week": (7, "d"), "weeks": (3, "wk"), "thirty": (30, "d"),
    "month": (1, "mo"), "year": (1, "a"),
}  # fmt: skip
LIMITS = {"half": "0.5", "one": "1.0", "start": "1.5"}
LEVELS = {"only_high": ("high",), "not_low": ("intermediate", "high")}
CLASSES = {"needs_consent": ("cytotoxic", "targeted", "immunotherapy"), "mild": ("endocrine", "companion")}
COUNTS = {"one_of": 1, "two_of": 2, "three_of": 3}
POLICIES = ("every_time", "first_only", "if_worse")


def _parameters() -> dict[str, Parameter]:
    values = {name: (Decimal(n), unit) for name, (n, unit) in WINDOWS.items()}
    values |= {name: (Decimal(limit), "10*9/L") for name, limit in LIMITS.items()}
    values |= {name: (Decimal(count), None) for name, count in COUNTS.items()}
    values |= {name: (listed, None) for name, listed in (LEVELS | CLASSES).items()}
    values |= {policy: (policy, None) for policy in POLICIES}
    return {n: Parameter(value=v, unit=u, source="s") for n, (v, u) in values.items()}


PARAMETERS = _parameters()
SOURCES = {"s": Source(cite="test", verification="general_knowledge")}
TEXT = Text(zh="试验", en="a test")
FACT_COMMON = {"label": TEXT, "parameters": PARAMETERS, "sources": SOURCES}
COMMON = {
    "version": 1, "title": TEXT, "rationale": TEXT, "sources": SOURCES, "parameters": PARAMETERS,
    "reason": rules.Said(unmet=TEXT),
}  # fmt: skip
"""What rules and facts of our own have in common, which no engine looks at."""

FACTS = (
    "lab.anc", "consent.chemotherapy", "assessment.neutropenia", "procedure.resection",
    "treatment.anti_tumour", "treatment.systemic", "pathology.report", "exam.done",
)  # fmt: skip
SECTIONS = ("labs", "consents", "assessments", "procedures", "treatments", "pathology", "exams")

# -- rules -----------------------------------------------------------------------------------------

_maybe_window = st.sampled_from((None, None, *WINDOWS))
_exists = st.builds(leaves.Exists, exists=st.sampled_from(FACTS), within=_maybe_window)
_older = st.builds(leaves.Exists, exists=st.sampled_from(FACTS), older_than=st.sampled_from((*WINDOWS,)))
_since = st.builds(
    leaves.Exists, exists=st.sampled_from(FACTS), since=st.sampled_from(("procedure.resection", "consent.chemotherapy")),
    within=_maybe_window,
)  # fmt: skip
_latest_anc = st.builds(
    lambda within, comparison, limit: leaves.Latest(latest="lab.anc", within=within, **{comparison: limit}),
    _maybe_window,
    st.sampled_from(leaves.COMPARISONS),
    st.sampled_from((*LIMITS,)),
)
_latest_repeated = st.builds(
    lambda within, comparison, limit, policy, quiet: leaves.Latest(
        latest="lab.anc", within=within, repeats=policy, quiet=quiet, **{comparison: limit}
    ),
    _maybe_window,
    st.sampled_from(leaves.COMPARISONS),
    st.sampled_from((*LIMITS,)),
    st.sampled_from(POLICIES),
    st.sampled_from((*WINDOWS,)),
)
_latest_level = st.builds(
    lambda within, listed: leaves.Latest.model_validate(
        {"latest": "assessment.neutropenia", "within": within, "in": listed}
    ),
    _maybe_window,
    st.sampled_from((*LEVELS,)),
)
_drugs = st.builds(
    lambda quantifier, classes: leaves.Drugs.model_validate({quantifier: "order.drugs", "in": classes}),
    st.sampled_from(("any_of", "all_of", "none_of")),
    st.sampled_from(("drugs/cytotoxic", "drugs/myelosuppressive", "drugs/anti_tumour", *CLASSES)),
)
_supplied = st.builds(leaves.Supplied, supplied=st.sampled_from(SECTIONS))
_plain_leaves = (
    _exists, _exists, _older, _since, _since, _latest_anc, _latest_anc, _latest_repeated, _latest_level, _drugs,
)  # fmt: skip
_derived_leaves = (
    st.just(leaves.Holds(holds="made.truth")),
    st.sampled_from((*LEVELS,)).map(
        lambda listed: leaves.Value.model_validate({"value": "made.level", "in": listed})
    ),
    st.builds(
        lambda comparison, count: leaves.Value(value="made.score", **{comparison: count}),
        st.sampled_from(leaves.COMPARISONS),
        st.sampled_from((*COUNTS,)),
    ),
)
"""Leaves that ask for the facts of `derived_facts`."""


def conditions(*, supplied: bool = True, derived: bool = False) -> st.SearchStrategy[Any]:
    """Trees of conditions to a depth of three.

    `supplied` asks whether a section was handed over at all, `derived` for facts of `derived_facts`.
    """
    leaf = st.one_of(
        *_plain_leaves,
        *([_supplied] if supplied else []),
        *([*_derived_leaves, *_derived_leaves] if derived else []),
    )
    return _deeper(_deeper(leaf, leaf), leaf)


def _deeper(inner: st.SearchStrategy[Any], leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    negated = inner.map(lambda c: leaves.Not.model_construct(not_=c))
    return st.one_of(
        leaf,
        leaf,
        several.map(lambda cs: leaves.All.model_construct(all=cs)),
        several.map(lambda cs: leaves.AnyOf.model_construct(any=cs)),
        negated,
        st.builds(
            lambda cs, n: leaves.AtLeastN.model_construct(of=cs, at_least_n=n),
            several,
            st.sampled_from((*COUNTS,)),
        ),
    )


_TREES, _TREES_WITHOUT_SUPPLIED = conditions(), conditions(supplied=False)
_TREES_WITH_DERIVED = conditions(derived=True)


@st.composite
def derived_facts(draw: Draw) -> dict[str, Fact]:
    """Three facts derived from conditions: a truth, a level by cases, a score by points."""
    trees = st.lists(_TREES, min_size=1, max_size=2).map(tuple)
    cases = [
        Branch(then=then, when=draw(trees)) for then in draw(st.permutations(["low", "intermediate", "high"]))
    ]
    if draw(st.booleans()):
        cases[-1] = Branch(then=cases[-1].then)
    points = [
        Points(points=p, when=draw(trees))
        for p in draw(st.lists(st.sampled_from((*COUNTS,)), min_size=1, max_size=3))
    ]
    return {
        "made.truth": Fact(gives="truth", when=draw(trees), **FACT_COMMON),
        "made.level": Fact(gives="level", cases=tuple(cases), **FACT_COMMON),
        "made.score": Fact(gives="quantity", unit="1", points=tuple(points), **FACT_COMMON),
    }


@st.composite
def rules_of_one_pack(
    draw: Draw, supplied: bool = True, largest: int = 5, derived: bool = False
) -> tuple[rules.Rule, ...]:
    """One to five rules of any effect, most of them stable."""
    trees = _TREES_WITH_DERIVED if derived else _TREES if supplied else _TREES_WITHOUT_SUPPLIED
    trees_in_order = st.one_of(
        *[trees.map(lambda tree: (tree,))] * 2, st.lists(trees, min_size=2, max_size=2).map(tuple)
    )
    found = []
    for index in range(draw(st.integers(1, largest))):
        effect = draw(st.sampled_from(("block", "block", "warn", "inform", "critical_value")))
        required = (
            None if effect == "critical_value" else draw(st.one_of(st.none(), trees_in_order, trees_in_order))
        )
        found.append(
            rules.Rule.model_construct(
                **COMMON,
                id=f"made/rule-{index}",
                status=draw(st.sampled_from(("stable", "stable", "stable", "stable", "stable", "trial"))),
                effect=effect,
                on_unknown=draw(st.sampled_from((None, None, "warn", "block"))),
                when=draw(trees_in_order),
                require=required,
            )
        )
    return tuple(found)


# -- requests --------------------------------------------------------------------------------------

_STEPS = (
    timedelta(),
    timedelta(),
    timedelta(seconds=1),
    timedelta(minutes=1),
    -timedelta(seconds=1),
    -timedelta(minutes=1),
)


def _times(at: datetime) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Times by the moment, and times around it that may be later."""
    edges = [go_back(at, *window) for window in WINDOWS.values()]
    around = [edge + step for edge in edges for step in _STEPS]
    days = [go_back(at, n, "d").date() for n in (0, 1, 7, 21, 30)]
    past = [at, *(at - timedelta(hours=h) for h in (1, 2, 3, 20, 48, 200)), *around, *days, *days]
    abroad = [t.astimezone(timezone(timedelta(hours=-5))) for t in around[::5]]
    later = [
        at,
        at,
        at + timedelta(seconds=1),
        at + timedelta(minutes=1),
        at + timedelta(days=2),
        go_back(at, -1, "d").date(),
    ]
    return (*past, *abroad), (*past[:12], *later)


_TIMES = {at: _times(at) for at in MOMENTS}
_REPORT = (
    "final",
    "final",
    "final",
    "amended",
    "corrected",
    "corrected",
    "preliminary",
    "cancelled",
    "entered-in-error",
    "unknown",
)
_DONE = (
    "completed",
    "completed",
    "completed",
    "in-progress",
    "stopped",
    "planned",
    "not-done",
    "entered-in-error",
)


@st.composite
def quantities(draw: Draw) -> Quantity:
    """A neutrophil count on a limit or one step beside it, in one of its units, sometimes censored or unreadable."""
    value = Decimal(draw(st.sampled_from((*LIMITS.values(), *LIMITS.values(), "3.2", "0", "200", "200.01"))))
    value += Decimal(draw(st.sampled_from(("0", "0", "0.01", "-0.01"))))
    if value < 0:
        value = -value
    unit, factor = draw(
        st.sampled_from(
            (
                ("10*9/L", 1),
                ("10*9/L", 1),
                ("10*3/uL", 1),
                ("K/uL", 1),
                ("/uL", 1000),
                ("109/L", 1),
                ("10?/L", 1),
            )
        )
    )
    comparator = draw(mostly(None, "<", "<=", ">", ">="))
    return Quantity(value=value * factor, unit=unit, comparator=comparator)


@st.composite
def requests(draw: Draw, *, complete: bool = False) -> Request:
    """A request about one patient; `complete` supplies every section and leaves nothing unread."""
    at = draw(st.sampled_from(MOMENTS))
    past, around = _TIMES[at]
    # few times, so that entries meet at one moment
    effective = st.sampled_from(
        [*draw(st.lists(st.sampled_from(past), min_size=2, max_size=4)), draw(st.sampled_from(around))]
    )
    recorded = st.one_of(st.none(), effective, st.sampled_from(around))
    focus = st.sampled_from((None, None, None, "d1", "d1", "d2", "d1-again"))
    key, patient = mostly(None, "k1", "k2"), mostly(None, "p-1", "p-2")

    def entry(section: str, index: int, **fields: Any) -> dict[str, Any]:
        return {
            "id": f"{section}-{index}",
            "effective": draw(effective) if draw(st.integers(0, 40)) else None,
            "recorded": draw(recorded),
            "focus": draw(focus),
            "patient": draw(patient),
            "key": draw(key),
            **{name: draw(value) for name, value in fields.items()},
        }

    regimen = st.sampled_from((None, None, "Plan A", "Plan A", "Plan B"))
    cycle = st.sampled_from((None, None, 1, 2))
    drug = st.sampled_from((*DRUGS, *DRUGS, UNRECOGNISED))
    drugs = st.lists(drug, max_size=2).map(lambda names: tuple(records.Drug(name=n) for n in names))
    kinds: dict[str, tuple[Any, dict[str, Any]]] = {
        "labs": (records.Measurement, {
            "codes": st.sampled_from(((ANC,), (ANC,), (ANC,), (ANC_TOO,), (OTHER_CODE,), (OTHER_SYSTEM,), (OTHER_CODE, ANC))),
            "value": st.one_of(*[quantities()] * 6, st.none()), "text": mostly(None, "溶血"),
            "conflict": mostly(None, "ANC 与分类不符"), "status": st.sampled_from(_REPORT),
        }),
        "consents": (records.Consent, {
            "kind": st.sampled_from(("chemotherapy", "chemotherapy", "targeted", "immunotherapy", "surgery")),
            "regimen": regimen,
            "status": st.sampled_from(("active", "active", "active", "inactive", "rejected", "draft", "entered-in-error")),
        }),
        "assessments": (records.Assessment, {
            "kind": st.sampled_from(("neutropenia", "neutropenia", "febrile_neutropenia", "fall")), "regimen": regimen,
            "cycle": cycle, "level": st.sampled_from(("low", "low", "intermediate", "intermediate", "high", "high", "high", "High", None)),
            "status": st.sampled_from(_REPORT),
        }),
        "procedures": (records.Procedure, {
            "kind": st.sampled_from(("resection", "resection", "surgery", "operation", "radiotherapy", "biopsy")),
            "status": st.sampled_from(_DONE),
        }),
        "treatments": (records.Treatment, {
            "kind": st.sampled_from(("drugs", "drugs", "drugs", "radiotherapy", "biopsy")), "drugs": drugs,
            "status": st.sampled_from(_DONE),
        }),
        "pathology": (records.Pathology, {
            "kind": st.sampled_from(("histology", "cytology", None)), "status": st.sampled_from(_REPORT),
        }),
        "exams": (records.Exam, {"exams": st.just(("CECT_chest",)), "status": st.sampled_from(("final", "completed", "not-done"))}),
    }  # fmt: skip
    sections: dict[str, Any] = {}
    for name, (kind, fields) in kinds.items():
        size = draw(
            st.sampled_from((0, 1, 1, 2, 2, 3) if complete else (0, 1, 1, 2, 2, 3, 0, 1, 1, 2, 2, 3, None))
        )
        if size is not None:
            drawn = [entry(name, i, **fields) for i in range(size)]
            sections[name] = tuple(kind(**one) for one in drawn)
    sections["diagnoses"] = draw(diagnoses(at, complete))
    unread = () if complete else draw(st.one_of(*[st.just(())] * 4, st.lists(_marks, max_size=2).map(tuple)))
    patient_known = draw(mostly(records.Patient(id="p-1"), None))
    record = records.PatientRecord(patient=patient_known, unread=unread, **sections)
    return Request(at=at, order=draw(orders), record=record)


_DIAGNOSES = {"d1": "C50.9", "d1-again": "C50.9", "d2": "C34.1", "d3": "C78.0", "d4": "I10"}


@st.composite
def diagnoses(draw: Draw, at: datetime, complete: bool = False) -> tuple[records.Diagnosis, ...] | None:
    """A breast cancer, perhaps recorded twice, a lung cancer, a metastasis, another disease; or not supplied."""
    if not complete and draw(st.integers(0, 11)) == 11:
        return None
    names = draw(
        st.sampled_from(
            (
                ("d1",),
                ("d1",),
                ("d1", "d2"),
                ("d1", "d1-again"),
                ("d1", "d3"),
                ("d2", "d4"),
                ("d2", "d1", "d4"),
                (),
            )
        )
    )
    return tuple(
        records.Diagnosis(
            id=name,
            codes=(Code(system=ICD10, code=_DIAGNOSES[name]),),
            status=draw(mostly("active", "remission", "recurrence", "refuted")),
            recorded=draw(mostly(None, at, at + timedelta(seconds=1))),
            patient=draw(mostly(None, "p-1", "p-2")),
        )
        for name in names
    )


orders = st.one_of(
    st.builds(
        Order,
        id=st.just("ord-1"),
        drugs=st.lists(
            st.sampled_from((*DRUGS, "多西他赛", *DRUGS, "多西他赛", UNRECOGNISED)), max_size=3
        ).map(lambda names: tuple(records.Drug(name=n) for n in names)),
        regimen=st.sampled_from((None, "Plan A", "Plan A", "Plan A", "Plan B")),
        cycle=st.sampled_from((None, 1, 2)),
        kind=st.sampled_from((None, None, "chemotherapy")),
        focus=st.sampled_from((None, None, "d1", "d1", "d1", "d1", "d2", "d9")),
    ),
    st.integers(0, 4).map(
        lambda n: (
            None
            if n == 4
            else Order(id="ord-1", drugs=(records.Drug(name="多西他赛"),), regimen="Plan A", cycle=1)
        )
    ),
)

_UNREAD = (
    ("labs", None), ("consents", None), ("consents", "chemotherapy"), ("consents", "targeted"), ("consents", "surgery"),
    ("assessments", None), ("assessments", "neutropenia"), ("assessments", "fall"), ("procedures", None),
    ("procedures", "resection"), ("procedures", "biopsy"), ("treatments", None), ("treatments", "drugs"),
    ("treatments", "biopsy"), ("treatments", "radiotherapy"), ("pathology", None), ("pathology", "histology"), ("exams", None),
    ("diagnoses", None),
)  # fmt: skip
_marks = st.builds(
    lambda where, codes: records.Unread(section=where[0], kind=where[1], codes=codes, problem="unreadable"),
    st.sampled_from(_UNREAD),
    st.sampled_from(((), (), (ANC,), (OTHER_CODE,))),
)
