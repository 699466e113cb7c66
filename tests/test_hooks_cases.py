"""CDS Hooks requests, each the clean one with one thing changed, and what the gate must say of it.

Expected answers are derived by hand from the specification, not from what the engine says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import hooks as h
import pytest
from hooks import AT, JSON, SCT, before

Change = Callable[[JSON], None]

STAGE = "clinical-stage-missing"
RISK = "neutropenia-risk-not-assessed"
CONSENT = "consent-missing"
CRITICAL = "anc-critical"
RECENT = "anc-not-recent"
START = "anc-below-start-limit"
PATHOLOGY = "pathology-missing"
MARKER = "molecular-result-missing"
PSTAGE = "pathologic-stage-missing"
WORKUP = "staging-workup-incomplete"
LINE = "not-first-line"
GCSF = "prophylaxis-missing"
NAME = "drug-not-recognised"


@dataclass
class Case:
    """What is changed, and what is expected: the outcome, who asks (`u`nmet, `?`), and a reason code."""

    name: str
    change: Change
    outcome: str = "allow"
    asks: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    critical: bool = False
    free: tuple[str, ...] = ()
    at: str = AT


CASES: list[Case] = []


def case(
    name: str, change: Change, outcome: str = "allow", asks: dict[str, str] | None = None, **more: Any
) -> None:
    CASES.append(Case(name, change, outcome, asks or {}, **more))


def unmet(*rules: str) -> dict[str, str]:
    return dict.fromkeys(rules, "u")


def unknown(*rules: str) -> dict[str, str]:
    return dict.fromkeys(rules, "?")


def put(section: str, *resources: JSON, next_page: bool = False) -> Change:
    return lambda hook: h.supply(hook, section, *resources, next_page=next_page)


def more(section: str, *resources: JSON) -> Change:
    return lambda hook: h.add(hook, section, *resources)


def ordered(*atc: str, regimen: str | None = None) -> Change:
    return lambda hook: h.order_of(hook, *atc, regimen=regimen)


def named(*texts: str, **fields: Any) -> Change:
    """Drugs that have a name and no code."""
    return lambda hook: h.order(
        hook, *(h.drug(f"mr{n}", None, text, **fields) for n, text in enumerate(texts, 1))
    )


def drafts(*drafts: JSON) -> Change:
    return lambda hook: h.order(hook, *drafts)


def absent(*sections: str) -> Change:
    return lambda hook: h.empty(hook, *sections)


def withheld(*sections: str) -> Change:
    return lambda hook: h.withhold(hook, *sections)


def failed(section: str) -> Change:
    def change(hook: JSON) -> None:
        hook["prefetch"][section] = h.OUTCOME

    return change


def tumour(code: str, *names: str) -> Change:
    return both(put("diagnoses", h.condition(code=code)), put("exams", *h.exams(*names)))


def both(*changes: Change) -> Change:
    def change(hook: JSON) -> None:
        for one in changes:
            one(hook)

    return change


BREAST = tumour("C50.4", *h.BREAST)
COLON = tumour("C18.7", "电子结肠镜", "胸部增强CT", "腹部增强CT", "盆腔增强CT")
NOTHING = absent(*h.RULED_ON)
OTHER = {"subject": {"reference": "Patient/p2"}}


def without(resource: JSON, *keys: str) -> JSON:
    return {key: value for key, value in resource.items() if key not in keys}


# -- the clean request and its forms -------------------------------------------------------------------------

case("clean", lambda hook: None)
case("group first, drugs after", drafts(h.group(), h.drug("a", "L01CD02"), h.drug("b", "L01XA01")))
case("no request group", ordered("L01CD02", "L01XA01"))
case(
    "null for sections that are not needed", absent("markers", "vitals", "allergies", "orders", "treatments")
)
case(
    "contained medication",
    drafts({
        **without(h.drug("a"), "medicationCodeableConcept"), "medicationReference": {"reference": "#m"},
        "contained": [{"resourceType": "Medication", "id": "m", "code": h.coded("L01CD02", h.ATC)}],
    }),
)  # fmt: skip
case(
    "contained medication, count below its limit",
    both(
        drafts({
            **without(h.drug("a"), "medicationCodeableConcept"), "medicationReference": {"reference": "#m"},
            "contained": [{"resourceType": "Medication", "id": "m", "code": h.coded("L01XA02", h.ATC)}],
        }),
        put("labs", h.anc(1.9)),
    ),
    "block", unmet(START),
)  # fmt: skip
case(
    "medication referred to in the bundle of drafts",
    both(
        drafts(
            {**without(h.drug("a"), "medicationCodeableConcept"), "medicationReference": {"reference": "Medication/m9"}},
            {"resourceType": "Medication", "id": "m9", "code": h.coded("L01XA02", h.ATC)},
        ),
        put("labs", h.anc(1.9)),
    ),
    "block", unmet(START),
)  # fmt: skip
case(
    "an active order among the drafts is not part of the order",
    both(
        drafts(h.drug("a", "L01CD02"), {**h.drug("b", "L01XA02"), "status": "active"}),
        put("labs", h.anc(1.9)),
    ),
)
case(
    "a draft of another patient is not part of the order",
    both(drafts(h.drug("a", "L01CD02"), h.drug("b", "L01XA02", **OTHER)), put("labs", h.anc(1.9))),
)
case(
    "patient by absolute address",
    lambda hook: (
        hook["context"].update(patientId="p1")
        or h.supply(hook, "consents", h.consent(patient={"reference": "https://fhir.example/r4/Patient/p1"}))
    ),
)

# -- consent -------------------------------------------------------------------------------------------------

case("consent: none", absent("consents"), "block", unmet(CONSENT), why={CONSENT: "absent"})
case("consent: empty bundle", put("consents"), "block", unmet(CONSENT), why={CONSENT: "absent"})
case("consent: not supplied", withheld("consents"), "block", unknown(CONSENT), why={CONSENT: "not_supplied"})
case("consent: the query failed", failed("consents"), "block", unknown(CONSENT))
case("consent: page missing, none read", put("consents", next_page=True), "block", unknown(CONSENT))
case("consent: signed at the moment", put("consents", h.consent(when=AT)))
case(
    "consent: signed a second after", put("consents", h.consent(when=before(seconds=-1))),
    "block", unmet(CONSENT), why={CONSENT: "in_the_future"},
)  # fmt: skip
case("consent: a second before, in UTC", put("consents", h.consent(when="2026-03-02T01:29:59Z")))
case("consent: at the moment, in UTC", put("consents", h.consent(when="2026-03-02T01:30:00Z")))
case(
    "consent: after the moment, though the clock reads earlier",
    put("consents", h.consent(when="2026-03-02T01:31:00Z")), "block", unmet(CONSENT), why={CONSENT: "in_the_future"},
)  # fmt: skip
case("consent: dated today", put("consents", h.consent(when="2026-03-02")))
case("consent: dated tomorrow", put("consents", h.consent(when="2026-03-03")), "block", unmet(CONSENT), why={CONSENT: "in_the_future"})  # fmt: skip
case(
    "consent: today in China, tomorrow in the zone of the moment", put("consents", h.consent(when="2026-03-02")),
    "block", unmet(CONSENT), why={CONSENT: "in_the_future"}, at="2026-03-01T20:00:00Z", free=(CRITICAL, START, RECENT),
)  # fmt: skip
case(
    "consent: same instant, zone in which the day has begun", put("consents", h.consent(when="2026-03-02")),
    at="2026-03-02T04:00:00+08:00",
)  # fmt: skip
case("consent: years old", put("consents", h.consent(when="2024-01-01")))
case(
    "consent: a time without a zone", put("consents", h.consent(when="2026-03-01T16:00:00")),
    "block", unknown(CONSENT), why={CONSENT: "unread"},
)  # fmt: skip
case("consent: a time that is none", put("consents", h.consent(when="yesterday")), "block", unknown(CONSENT), why={CONSENT: "unread"})  # fmt: skip
case(
    "consent: entered after the moment",
    put("consents", h.consent(meta={"lastUpdated": before(minutes=-5)})), "block", unmet(CONSENT), why={CONSENT: "recorded_late"},
)  # fmt: skip
case("consent: entered at the moment", put("consents", h.consent(meta={"lastUpdated": AT})))
for status in ("inactive", "rejected"):
    case(f"consent: {status}", put("consents", h.consent(status=status)), "block", unmet(CONSENT), why={CONSENT: "withdrawn"})  # fmt: skip
for status in ("draft", "proposed", "entered-in-error"):
    case(f"consent: {status}", put("consents", h.consent(status=status)), "block", unmet(CONSENT))
case("consent: draft is not final", put("consents", h.consent(status="draft")), "block", unmet(CONSENT), why={CONSENT: "not_final"})  # fmt: skip
DENY = {"type": "deny", "code": [h.coded("367336001", SCT)]}
case(
    "consent: denied",
    put("consents", h.consent(provision=DENY)),
    "block",
    unmet(CONSENT),
    why={CONSENT: "withdrawn"},
)
case(
    "consent: of another patient", put("consents", h.consent(patient={"reference": "Patient/p2"})),
    "block", unmet(CONSENT), why={CONSENT: "wrong_patient"},
)  # fmt: skip
case(
    "consent: of a patient whose id begins alike", put("consents", h.consent(patient={"reference": "Patient/p11"})),
    "block", unmet(CONSENT), why={CONSENT: "wrong_patient"},
)  # fmt: skip
case(
    "consent: another patient's beside one's own",
    put("consents", h.consent(), h.consent("co2", patient={"reference": "Patient/p2"}, status="inactive")),
)
case(
    "consent: to an operation",
    put("consents", h.consent(category=[h.coded("59284-0", h.LOINC, "手术知情同意书")], provision={"type": "permit", "code": [h.coded("387713003", SCT)]})),
    "block", unmet(CONSENT),
)  # fmt: skip
case(
    "consent: the code of chemotherapy in another system",
    put("consents", h.consent(provision={"type": "permit", "code": [h.coded("367336001", "urn:local")]})),
    "block", unmet(CONSENT),
)  # fmt: skip
case("consent: category chemotherapy", put("consents", h.consent(category=[h.coded("367336001", SCT)], provision={"type": "permit"})))  # fmt: skip
case(
    "consent: LOINC with text naming chemotherapy",
    put(
        "consents",
        h.consent(category=[h.coded("59284-0", h.LOINC, "化疗知情同意书")], provision={"type": "permit"}),
    ),
)
case(
    "consent: LOINC with no text",
    put("consents", h.consent(category=[h.coded("59284-0", h.LOINC)], provision={"type": "permit"})), "block", unmet(CONSENT),
)  # fmt: skip


def regimen_consent(text: str, id: str = "co1", **fields: Any) -> JSON:
    return h.consent(id, provision={"type": "permit", "code": [h.coded("367336001", SCT, text)]}, **fields)


case("consent: names this regimen", put("consents", regimen_consent("多西他赛+顺铂")))
case("consent: names another regimen", put("consents", regimen_consent("FOLFOX")), "block", unmet(CONSENT), why={CONSENT: "other_regimen"})  # fmt: skip
case(
    "consent: names a regimen that begins alike",
    put("consents", regimen_consent("多西他赛+顺铂+氟尿嘧啶")), "block", unmet(CONSENT), why={CONSENT: "other_regimen"},
)  # fmt: skip
case("consent: other regimen and a general one", put("consents", regimen_consent("FOLFOX"), h.consent("co2")))
for text in ("化疗", "化学治疗", "Chemotherapy", "Chemotherapy (procedure)"):
    case(f"consent: the text `{text}` names no regimen", put("consents", regimen_consent(text)))

OLD, NEW = "2026-02-20T10:00:00+08:00", "2026-02-25T10:00:00+08:00"
case(
    "consent: refused later", put("consents", h.consent(when=OLD), h.consent("co2", NEW, provision=DENY)),
    "block", unmet(CONSENT), why={CONSENT: "withdrawn"},
)  # fmt: skip
case(
    "consent: refused earlier, signed later",
    put("consents", h.consent(when=NEW), h.consent("co2", OLD, provision=DENY)),
)
case("consent: refused earlier, in the other order", put("consents", h.consent("co2", OLD, provision=DENY), h.consent(when=NEW)))  # fmt: skip
case(
    "consent: an old one withdrawn after a new one was signed",
    put("consents", h.consent(when=OLD), h.consent("co2", "2026-02-10T10:00:00+08:00", status="inactive", meta={"lastUpdated": NEW})),
    "block", unmet(CONSENT), why={CONSENT: "withdrawn"},
)  # fmt: skip
case(
    "consent: withdrawn, then signed anew",
    put("consents", h.consent(when=NEW), h.consent("co2", "2026-02-10T10:00:00+08:00", status="inactive", meta={"lastUpdated": OLD})),
)  # fmt: skip
case(
    "consent: signed, withdrawn, signed, withdrawn",
    put(
        "consents", h.consent("a", "2026-02-20T10:00:00+08:00"), h.consent("b", "2026-02-21T10:00:00+08:00", provision=DENY),
        h.consent("c", "2026-02-22T10:00:00+08:00"), h.consent("d", "2026-02-23T10:00:00+08:00", provision=DENY),
    ),
    "block", unmet(CONSENT), why={CONSENT: "withdrawn"},
)  # fmt: skip
case(
    "consent: a withdrawal recorded after the moment",
    put(
        "consents",
        h.consent(when=OLD),
        h.consent("co2", NEW, provision=DENY, meta={"lastUpdated": before(minutes=-5)}),
    ),
)
case(
    "consent: a refusal dated after the moment",
    put("consents", h.consent(when=OLD), h.consent("co2", before(hours=-1), provision=DENY)),
)
case(
    "consent: a refusal entered in error",
    put("consents", h.consent(when=OLD), h.consent("co2", NEW, provision=DENY, status="entered-in-error")),
)
case("consent: a refusal of another patient", put("consents", h.consent(when=OLD), h.consent("co2", NEW, provision=DENY, patient={"reference": "Patient/p2"})))  # fmt: skip
case("consent: a scanned form", put("consents", h.signed_form()))
case("consent: a scanned form entered in error", put("consents", h.signed_form(status="entered-in-error")), "block", unmet(CONSENT))  # fmt: skip
case("consent: a scanned form of tomorrow", put("consents", h.signed_form(date="2026-03-03T08:00:00+08:00")), "block", unmet(CONSENT))  # fmt: skip
case(
    "consent: a scanned form about anaesthesia",
    put("consents", h.signed_form(type=h.coded("59284-0", h.LOINC, "麻醉知情同意书"), description="麻醉知情同意书", content=[{"attachment": {"title": "麻醉知情同意书"}}])),
    "block", unmet(CONSENT),
)  # fmt: skip
case(
    "consent: a scanned form preliminary",
    put("consents", h.signed_form(docStatus="preliminary")), "block", unmet(CONSENT),
)  # fmt: skip
case("consent: targeted drug", both(BREAST, ordered("L01FD01"), put("markers", h.marker("48676-1")), absent("consents")), "block", unmet(CONSENT), free=(LINE, RISK))  # fmt: skip
case("consent: immunotherapy", both(ordered("L01FF02"), absent("consents", "assessments", "labs")), "block", unmet(CONSENT), free=(LINE,))  # fmt: skip
case("consent: endocrine drugs need none", both(BREAST, ordered("L02BG04"), absent("consents", "assessments", "labs")), free=(LINE,))  # fmt: skip
case("consent: endocrine with a cytotoxic drug", both(BREAST, ordered("L02BG04", "L01BC06"), absent("consents")), "block", unmet(CONSENT), free=(LINE,))  # fmt: skip

# -- the assessment of the risk of neutropenia --------------------------------------------------------------

case("assessment: none", absent("assessments"), "block", unmet(RISK), why={RISK: "absent"})
case(
    "assessment: not supplied",
    withheld("assessments"),
    "block",
    unknown(RISK),
    why={RISK: "not_supplied"},
    free=(GCSF,),
)
case("assessment: the query failed", failed("assessments"), "block", unknown(RISK), free=(GCSF,))
case(
    "assessment: page missing, one read",
    put("assessments", h.assessment(), next_page=True),
    free=(GCSF,),
    outcome="allow",
)
case("assessment: neutropenia instead of febrile", put("assessments", h.assessment(outcome="165517008")))
case(
    "assessment: of another risk", put("assessments", h.assessment(outcome="131148009")), "block", unmet(RISK)
)
case("assessment: its code in another system", put("assessments", h.assessment() | {"prediction": [{"outcome": h.coded("409089005", h.LOINC), "qualitativeRisk": h.coded("moderate", h.RISK)}]}), "block", unmet(RISK))  # fmt: skip
case("assessment: in the second prediction", put("assessments", h.assessment() | {"prediction": [{"outcome": h.coded("131148009", SCT)}, *h.assessment()["prediction"]]}))  # fmt: skip
for days, late in ((21, 0), (20, 0), (0, 0)):
    case(
        f"assessment: {days} d old",
        put("assessments", h.assessment(occurrenceDateTime=before(days=days, minutes=late))),
    )
case("assessment: 21 d and a second old", put("assessments", h.assessment(occurrenceDateTime=before(days=21, seconds=1))), "block", unmet(RISK), why={RISK: "too_old"}, free=(GCSF,))  # fmt: skip
case(
    "assessment: 21 d old in UTC", put("assessments", h.assessment(occurrenceDateTime="2026-02-09T01:30:00Z"))
)
case("assessment: 21 d and a minute old in UTC", put("assessments", h.assessment(occurrenceDateTime="2026-02-09T01:29:00Z")), "block", unmet(RISK), why={RISK: "too_old"})  # fmt: skip
case("assessment: dated 20 days ago", put("assessments", h.assessment(occurrenceDateTime="2026-02-10")))
case("assessment: dated 21 days ago begins before the window", put("assessments", h.assessment(occurrenceDateTime="2026-02-09")), "block", unmet(RISK), why={RISK: "too_old"})  # fmt: skip
case("assessment: dated 21 days ago, judged at midnight", put("assessments", h.assessment(occurrenceDateTime="2026-02-09")), at="2026-03-02T00:00:00+08:00")  # fmt: skip
case("assessment: a second after the moment", put("assessments", h.assessment(occurrenceDateTime=before(seconds=-1))), "block", unmet(RISK), why={RISK: "in_the_future"})  # fmt: skip
case("assessment: entered after the moment", put("assessments", h.assessment(meta={"lastUpdated": before(hours=-1)})), "block", unmet(RISK), why={RISK: "recorded_late"})  # fmt: skip
case("assessment: naive time", put("assessments", h.assessment(occurrenceDateTime="2026-03-01T15:00:00")), "block", unknown(RISK), why={RISK: "unread"}, free=(GCSF,))  # fmt: skip
case("assessment: naive time, beside a good one", put("assessments", h.assessment(), h.assessment(id="ra2", occurrenceDateTime="2026-03-01T15:00:00")), free=(GCSF,), outcome="allow")  # fmt: skip
for status in ("registered", "preliminary"):
    case(f"assessment: {status}", put("assessments", h.assessment(status=status)), "block", unmet(RISK), why={RISK: "not_final"})  # fmt: skip
for status in ("amended", "corrected"):
    case(f"assessment: {status}", put("assessments", h.assessment(status=status)))
for status in ("cancelled", "entered-in-error"):
    case(f"assessment: {status}", put("assessments", h.assessment(status=status)), "block", unmet(RISK))
case("assessment: of another patient", put("assessments", h.assessment(**OTHER)), "block", unmet(RISK), why={RISK: "wrong_patient"})  # fmt: skip
case(
    "assessment: old and new",
    put("assessments", h.assessment(occurrenceDateTime=before(days=60)), h.assessment(id="ra2")),
)
case("assessment: not needed for endocrine drugs", both(BREAST, ordered("L02BA01"), absent("assessments", "labs", "consents")), free=(LINE,))  # fmt: skip
case(
    "assessment: not needed for immunotherapy",
    both(ordered("L01FF02"), absent("assessments", "labs")),
    free=(LINE,),
)
case("assessment: not needed for an antibiotic", both(drafts(without(h.drug("a", "J01DD04", "头孢曲松"), "reasonReference")), NOTHING))  # fmt: skip

# -- prophylaxis ---------------------------------------------------------------------------------------------

HIGH = put("assessments", h.assessment("high"))
case("prophylaxis: high and none", HIGH, "warn", unmet(GCSF))
case("prophylaxis: high, orders null", both(HIGH, absent("orders")), "warn", unmet(GCSF))
case("prophylaxis: high, orders not supplied", both(HIGH, withheld("orders")), "warn", unknown(GCSF))
case("prophylaxis: moderate, orders not supplied", withheld("orders"))
case("prophylaxis: low", put("assessments", h.assessment("low")))
case(
    "prophylaxis: drafted with the order",
    both(HIGH, lambda hook: h.order(hook, *h.drafts(hook), h.drug("g", "L03AA13"))),
)
case("prophylaxis: drafted, orders not supplied", both(HIGH, withheld("orders"), lambda hook: h.order(hook, *h.drafts(hook), h.drug("g", "L03AA13"))))  # fmt: skip
for code in ("L03AA02", "L03AA10", "L03AA13", "L03AA14", "L03AA16", "L03AA18", "L03AA19"):
    case(f"prophylaxis: {code} on order", both(HIGH, put("orders", h.prescribed(code, authoredOn="2026-03-02T09:00:00+08:00"))))  # fmt: skip
for code in ("L03AA03", "L03AA09"):
    case(f"prophylaxis: {code} is no G-CSF", both(HIGH, put("orders", h.prescribed(code, authoredOn="2026-03-02T09:00:00+08:00"))), "warn", unmet(GCSF))  # fmt: skip
for status in ("cancelled", "stopped", "entered-in-error"):
    case(f"prophylaxis: {status}", both(HIGH, put("orders", h.prescribed("L03AA13", status=status, authoredOn="2026-03-02T09:00:00+08:00"))), "warn", unmet(GCSF))  # fmt: skip
case("prophylaxis: in the plan of a protocol", both(HIGH, put("orders", h.prescribed("L03AA13", authoredOn="2026-03-02T09:00:00+08:00", intent="plan"))))  # fmt: skip
PAST = {"boundsPeriod": {"start": "2025-06-01", "end": "2025-06-08"}}
for label, fields in (
    ("proposed", {"intent": "proposal"}),
    ("an option", {"intent": "option"}),
    ("over", {"dosageInstruction": [{"timing": {"repeat": PAST}}]}),
):
    case(f"prophylaxis: {label}", both(HIGH, put("orders", h.prescribed("L03AA13", authoredOn="2025-01-01", **fields))), "warn", unmet(GCSF))  # fmt: skip
case("prophylaxis: another patient's", both(HIGH, put("orders", h.prescribed("L03AA13", authoredOn="2026-03-02T09:00:00+08:00", **OTHER))), "warn", unmet(GCSF))  # fmt: skip
case("prophylaxis: ordered after the moment", both(HIGH, put("orders", h.prescribed("L03AA13", authoredOn=before(hours=-1)))), "warn", unmet(GCSF))  # fmt: skip
case("prophylaxis: an antiemetic is none", both(HIGH, put("orders", h.prescribed("A04AA01", authoredOn="2026-03-02T09:00:00+08:00"))), "warn", unmet(GCSF))  # fmt: skip
TAC = both(BREAST, ordered("L01CD02", "L01DB01", "L01AA01", regimen="TAC"))
case("prophylaxis: low assessment, regimen of high risk", both(TAC, put("assessments", h.assessment("low"))), "warn", unmet(GCSF), free=(LINE,))  # fmt: skip
case("prophylaxis: no assessment, regimen of high risk", both(TAC, absent("assessments")), "block", unmet(RISK, GCSF), free=(LINE,))  # fmt: skip
case("prophylaxis: high assessment, regimen of low risk", both(ordered("L01BA04", "L01XA01", regimen="pem-cis"), HIGH), "warn", unmet(GCSF), free=(LINE,))  # fmt: skip
case("prophylaxis: low assessment, regimen of low risk", both(ordered("L01BA04", "L01XA01", regimen="pem-cis"), put("assessments", h.assessment("low"))), free=(LINE,))  # fmt: skip
case("prophylaxis: regimen not in the table", both(ordered("L01CD02", "L01XA01", regimen="本院自拟方案"), put("assessments", h.assessment("low"))), free=(LINE,))  # fmt: skip
case("prophylaxis: regimen not in the table, high", both(ordered("L01CD02", "L01XA01", regimen="本院自拟方案"), HIGH), "warn", unmet(GCSF), free=(LINE,))  # fmt: skip
case(
    "prophylaxis: high of another patient",
    put("assessments", h.assessment(), h.assessment("high", "ra2", **OTHER)),
)

# -- the neutrophil count ------------------------------------------------------------------------------------


def count(*found: JSON) -> Change:
    return put("labs", *found)


COUNT = (RECENT, START, CRITICAL)
case("count: none", absent("labs"), "warn", unmet(RECENT))
case("count: empty bundle", put("labs"), "warn", unmet(RECENT))
case("count: not supplied", withheld("labs"), "block", unknown(*COUNT))
case("count: the query failed", failed("labs"), "block", unknown(*COUNT))
case("count: not supplied, endocrine order", both(BREAST, ordered("L02BG04"), withheld("labs")), free=(LINE,))
case("count: not supplied, immunotherapy", both(ordered("L01FF02"), withheld("labs")), free=(LINE,))
case("count: critical with an endocrine order", both(BREAST, ordered("L02BG04"), count(h.anc(0.9))), critical=True, free=(LINE,))  # fmt: skip
case(
    "count: critical with an antibiotic",
    both(drafts(h.drug("a", "J01DD04")), count(h.anc(0.9))),
    critical=True,
)
for value, outcome, critical in (
    (1.5, "allow", False), (1.499, "block", False), (1.0, "block", False), (0.999, "block", True), (0, "block", True),
    (1.51, "allow", False), (1.0000001, "block", False), (0.9999999, "block", True), (200, "allow", False),
):  # fmt: skip
    case(
        f"count: {value}",
        count(h.anc(value)),
        outcome,
        unmet(START) if outcome == "block" else {},
        critical=critical,
    )
for value in (200.1, 1500, 3000, -0.1):
    case(f"count: {value} is implausible", count(h.anc(value)), "block", unknown(START, CRITICAL), why={START: "implausible"}, free=(RECENT,))  # fmt: skip

ONE = (
    "10*9/L", "10^9/L", "x10*9/L", r"10\S\9/L", "giga.l-1", "10*3/uL", "x10E3/uL", "10E3/uL", "1E03/mm3", "Thousand/uL",
    "10~9/L", "10`9/L", "E+9/L", "10E9/L", "*10^9/L", "×10⁹/L", "x10 9/L", "x10^9/L", "10^9个/L", "G/L", "Gpt/L", "K/uL",
    "K/mcL", "千/μL", "千/µL", "10^3/mm3", "thou/cumm", "X10^9/L", "·10^9/L", "１０＾９／Ｌ",
)  # fmt: skip
THOUSANDTH = (
    "/uL",
    "{cells}/uL",
    "cells/uL",
    "/mm3",
    "cells/mm3",
    "/cumm",
    "cells/cumm",
    "/cmm",
    "/µL",
    "/μL",
)
for unit in ONE:
    case(f"unit: 1.5 {unit}", count(h.anc(1.5, unit)))
    case(f"unit: 1.49 {unit}", count(h.anc(1.49, unit)), "block", unmet(START))
for unit in THOUSANDTH:
    case(f"unit: 1500 {unit}", count(h.anc(1500, unit)))
    case(f"unit: 1499 {unit}", count(h.anc(1499, unit)), "block", unmet(START))
    case(f"unit: 999 {unit}", count(h.anc(999, unit)), "block", unmet(START), critical=True)
case("unit: 0.015 lakh/cumm", count(h.anc(0.015, "lakh/cumm")))
case("unit: 0.0149 lakh/cumm", count(h.anc(0.0149, "lakh/cumm")), "block", unmet(START))
for unit in (
    None,
    "",
    "%",
    "x109/L",
    "109/L",
    "10?/L",
    "10*6/L",
    "10*9/mL",
    "g/L",
    "mmol/L",
    "L",
    "10*12/L",
    "cells/HPF",
):
    case(f"unit: {unit} can't be read", count(h.anc(2.4, unit)), "block", unknown(START, CRITICAL), why={START: "unreadable_unit"}, free=(RECENT,))  # fmt: skip
case("unit: code alone", count(h.anc(1.5, None, ucum="10*9/L")))
case("unit: code alone, thousandth", count(h.anc(1499, None, ucum="/uL")), "block", unmet(START))
case("unit: code and unit agree", count(h.anc(1.5, "×10⁹/L", ucum="10*9/L")))
case("unit: code and unit agree in other words", count(h.anc(1.5, "K/uL", ucum="10*3/uL")))
case("unit: code and unit disagree", count(h.anc(2.4, "/uL", ucum="10*9/L")), "block", unknown(START, CRITICAL), why={START: "conflicting"}, free=(RECENT,))  # fmt: skip
case("unit: code and unit disagree the other way", count(h.anc(2400, "10*9/L", ucum="/uL")), "block", unknown(START, CRITICAL), free=(RECENT,))  # fmt: skip
case("unit: the value is a text", count(h.anc("2.4")), "block", unknown(START, CRITICAL), free=(RECENT,))

for comparator, value, outcome, start, critical, raised in (
    ("<", 0.5, "block", "u", "", True), ("<", 1.0, "block", "u", "", True), ("<", 1.5, "block", "u", "?", False),
    ("<", 2.0, "block", "?", "?", False), ("<=", 1.0, "block", "u", "?", False), ("<=", 0.99, "block", "u", "", True),
    ("<=", 1.5, "block", "?", "?", False), (">", 1.5, "allow", "", "", False), (">=", 1.5, "allow", "", "", False),
    (">", 1.0, "block", "?", "", False), (">=", 1.0, "block", "?", "", False), (">", 0.5, "block", "?", "?", False),
    (">", 100, "allow", "", "", False), (">=", 0.99, "block", "?", "?", False),
):  # fmt: skip
    case(
        f"censored: {comparator}{value}", count(h.anc(value, comparator=comparator)), outcome,
        {k: v for k, v in ((START, start), (CRITICAL, critical)) if v}, critical=raised,
    )  # fmt: skip

case("window: 7 d old", count(h.anc(effectiveDateTime=before(days=7))))
case("window: 7 d and a second old", count(h.anc(effectiveDateTime=before(days=7, seconds=1))), "warn", unmet(RECENT), why={RECENT: "too_old"})  # fmt: skip
case(
    "window: 7 d old and low",
    count(h.anc(0.4, effectiveDateTime=before(days=7))),
    "block",
    unmet(START),
    critical=True,
)
case(
    "window: just past and low",
    count(h.anc(0.4, effectiveDateTime=before(days=7, seconds=1))),
    "warn",
    unmet(RECENT),
)
case("window: dated 6 days ago", count(h.anc(effectiveDateTime="2026-02-24")))
case("window: dated 7 days ago begins before the window", count(h.anc(effectiveDateTime="2026-02-23")), "warn", unmet(RECENT), why={RECENT: "too_old"})  # fmt: skip
case("window: 7 d old in UTC", count(h.anc(effectiveDateTime="2026-02-23T01:30:00Z")))
case(
    "window: 7 d and a second old in UTC",
    count(h.anc(effectiveDateTime="2026-02-23T01:29:59Z")),
    "warn",
    unmet(RECENT),
)
case("window: dated today", count(h.anc(effectiveDateTime="2026-03-02")))
case("window: at the moment", count(h.anc(effectiveDateTime=AT)))
case("window: a second after", count(h.anc(effectiveDateTime=before(seconds=-1))), "warn", unmet(RECENT), why={RECENT: "in_the_future"})  # fmt: skip
case(
    "window: a low one in the future",
    count(h.anc(), h.anc(0.3, id="b", effectiveDateTime=before(seconds=-1))),
)
case("window: reported after the moment", count(h.anc(issued=before(minutes=-1))), "warn", unmet(RECENT), why={RECENT: "recorded_late"})  # fmt: skip
case("window: reported at the moment", count(h.anc(issued=AT)))
case("window: a low one reported after the moment", count(h.anc(), h.anc(0.3, id="b", effectiveDateTime=before(hours=2), issued=before(minutes=-1))))  # fmt: skip
case("window: entered after the moment, no report time", count(h.anc(meta={"lastUpdated": before(minutes=-1)})), "warn", unmet(RECENT))  # fmt: skip
case("window: reported in time, the copy updated later", count(h.anc(issued="2026-03-01T08:00:00+08:00", meta={"lastUpdated": before(days=-1)})))  # fmt: skip

LATER = before(hours=2)
EARLIER = before(days=2)
case(
    "latest: recovered",
    count(h.anc(0.7, id="a", effectiveDateTime=EARLIER), h.anc(1.8, id="b", effectiveDateTime=LATER)),
)
case("latest: recovered, other order", count(h.anc(1.8, id="b", effectiveDateTime=LATER), h.anc(0.7, id="a", effectiveDateTime=EARLIER)))  # fmt: skip
case("latest: fallen", count(h.anc(1.8, id="a", effectiveDateTime=EARLIER), h.anc(0.7, id="b", effectiveDateTime=LATER)), "block", unmet(START), critical=True)  # fmt: skip
case("latest: other zones sort by instant", count(h.anc(1.8, id="a", effectiveDateTime="2026-03-02T01:00:00Z"), h.anc(0.7, id="b", effectiveDateTime="2026-03-02T08:30:00+08:00")))  # fmt: skip
for status in ("preliminary", "registered", "entered-in-error", "cancelled"):
    case(f"latest: a low one, {status}, is passed over", count(h.anc(), h.anc(0.3, id="b", effectiveDateTime=LATER, status=status)))  # fmt: skip
    case(f"latest: only one, {status}", count(h.anc(0.3, status=status)), "warn", unmet(RECENT))
case(
    "latest: only a preliminary one",
    count(h.anc(status="preliminary")),
    "warn",
    unmet(RECENT),
    why={RECENT: "not_final"},
)
for status in ("amended", "corrected"):
    case(f"latest: {status} counts", count(h.anc(1.4, status=status)), "block", unmet(START))
case(
    "latest: a newer percentage is passed over",
    count(h.anc(), h.anc(0.6, "%", "b", "770-8", effectiveDateTime=LATER)),
)
case("latest: only a percentage", count(h.anc(62, "%", loinc="770-8")), "warn", unmet(RECENT))
case("latest: only white cells", count(h.anc(5.2, loinc="6690-2")), "warn", unmet(RECENT))
for code in ("768-2", "30451-9", "26511-6", "23761-0"):
    case(
        f"latest: {code} is no ANC",
        count(h.anc(2.4, loinc=code)),
        "warn",
        unmet(RECENT),
        free=(START, CRITICAL),
    )
for code in ("26499-4", "753-4"):
    case(f"latest: {code} is one", count(h.anc(1.4, loinc=code)), "block", unmet(START))
case("latest: the code in another system", count(h.anc() | {"code": h.coded("751-8", "urn:oid:2.16.840.1.113883.6.238")}), "warn", unmet(RECENT))  # fmt: skip
case("latest: another patient's", count(h.anc(**OTHER)), "warn", unmet(RECENT), why={RECENT: "wrong_patient"})
case(
    "latest: another patient's low one", count(h.anc(), h.anc(0.3, id="b", effectiveDateTime=LATER, **OTHER))
)
case("latest: newest can't be read", count(h.anc(), h.anc(2.0, "10?/L", "b", effectiveDateTime=LATER)), "block", unknown(START, CRITICAL), why={START: "unreadable_unit"}, free=(RECENT,))  # fmt: skip
case(
    "latest: an older one can't be read", count(h.anc(), h.anc(2.0, "10?/L", "b", effectiveDateTime=EARLIER))
)
case("latest: newest implausible", count(h.anc(), h.anc(2400, id="b", effectiveDateTime=LATER)), "block", unknown(START, CRITICAL), free=(RECENT,))  # fmt: skip
PENDING = {
    "dataAbsentReason": h.coded("temp-unknown", "http://terminology.hl7.org/CodeSystem/data-absent-reason")
}
case("latest: a newer one without a value", count(h.anc(), without(h.anc(id="b", effectiveDateTime=LATER), "valueQuantity") | PENDING))  # fmt: skip
case("latest: one without a value", count(without(h.anc(), "valueQuantity") | PENDING), "warn", unmet(RECENT))
case("latest: a naive time beside a good one", count(h.anc(), h.anc(2.2, id="b", effectiveDateTime="2026-03-02T08:00:00")), "block", unknown(START, CRITICAL), free=(RECENT,))  # fmt: skip
case(
    "latest: only a naive time",
    count(h.anc(effectiveDateTime="2026-03-01T07:00:00")),
    "block",
    unknown(*COUNT),
)
case(
    "latest: a page missing",
    put("labs", h.anc(), next_page=True),
    "block",
    unknown(START, CRITICAL),
    free=(RECENT,),
)
case("latest: a page missing, none read", put("labs", next_page=True), "block", unknown(*COUNT))
SAME = "2026-03-01T07:00:00+08:00"
case("conflict: one above, one below the limit", count(h.anc(1.6, id="a"), h.anc(1.4, id="b")), "block", unknown(START), why={START: "conflicting"})  # fmt: skip
case("conflict: both above", count(h.anc(1.6, id="a"), h.anc(1.8, id="b")))
case("conflict: both below", count(h.anc(1.2, id="a"), h.anc(1.4, id="b")), "block", unmet(START))
case(
    "conflict: one critical",
    count(h.anc(1.2, id="a"), h.anc(0.9, id="b")),
    "block",
    unmet(START),
    critical=True,
)
case(
    "conflict: across both limits",
    count(h.anc(1.6, id="a"), h.anc(0.9, id="b")),
    "block",
    unknown(START),
    critical=True,
)
case("conflict: same instant in two zones", count(h.anc(1.6, id="a"), h.anc(1.4, id="b", effectiveDateTime="2026-02-28T23:00:00Z")), "block", unknown(START), why={START: "conflicting"})  # fmt: skip
case("conflict: same value in two units", count(h.anc(1.6, id="a"), h.anc(1600, "/uL", "b", "753-4")))
case("conflict: an older pair doesn't matter", count(h.anc(1.6, id="a"), h.anc(0.4, id="b"), h.anc(1.9, id="c", effectiveDateTime=LATER)))  # fmt: skip
CORRECTED = {"status": "corrected", "issued": "2026-03-01T10:00:00+08:00"}
NUMBER = {"identifier": [{"system": "urn:lis", "value": "26-7781"}]}
case("correction: the same result, now low", count(h.anc(2.4, issued="2026-03-01T08:00:00+08:00"), h.anc(0.8, **CORRECTED)), "block", unmet(START), critical=True)  # fmt: skip
case(
    "correction: the same result, now good",
    count(h.anc(0.8, issued="2026-03-01T08:00:00+08:00"), h.anc(2.4, **CORRECTED)),
)
case("correction: the same result, corrected after the moment", count(h.anc(2.4, issued="2026-03-01T08:00:00+08:00"), h.anc(0.8, status="corrected", issued=before(minutes=-5))))  # fmt: skip
case("correction: the same number", count(h.anc(0.8, id="a", issued="2026-03-01T08:00:00+08:00", **NUMBER), h.anc(2.4, id="b", **CORRECTED, **NUMBER)))  # fmt: skip
case("correction: of no later record, so a conflict", count(h.anc(0.9, id="a"), h.anc(2.4, id="b", status="corrected")), "block", unknown(START), why={START: "conflicting"}, critical=True)  # fmt: skip
case("correction: under another code, so a conflict", count(h.anc(0.9, id="a", loinc="26499-4"), h.anc(2.4, id="b", **CORRECTED)), "block", unknown(START), why={START: "conflicting"}, critical=True)  # fmt: skip
case("conflict: critical and an unreadable twin", count(h.anc(0.9, id="a"), h.anc(2.4, "10?/L", "b")), "block", {START: "u?"}, free=(RECENT, CRITICAL))  # fmt: skip

# -- the limit to start ------------------------------------------------------------------------------------

for atc, text, at_least in (
    ("L01CD02", "docetaxel", 1.5), ("L01DB01", "多柔比星", 1.0), ("L01XA02", "卡铂", 2.0), ("L01XA03", "奥沙利铂", 1.5),
    ("L01BC05", "吉西他滨", 1.0), ("L01CA04", "长春瑞滨", 1.5), ("L01XX41", "艾立布林", 1.0), ("L01CB01", "依托泊苷", 0.5),
    ("L01CE01", "拓扑替康", 1.5), ("L01AA09", "苯达莫司汀", 1.0), ("L01BC02", "氟尿嘧啶", 1.5), ("L01AA01", "环磷酰胺", 1.5),
    ("L01DB03", "表柔比星", 1.5), ("L01BC06", "卡培他滨", 1.5),
):  # fmt: skip
    drug = drafts(h.drug("a", atc, text))
    at, under = count(h.anc(at_least)), count(h.anc(round(at_least - 0.01, 2)))
    case(f"limit: {text} at {at_least}", both(drug, at), critical=at_least < 1, free=(LINE,))
    case(f"limit: {text} under {at_least}", both(drug, under), "block", unmet(START), critical=at_least - 0.01 < 1, free=(LINE,))  # fmt: skip
case("limit: cisplatin has none", both(ordered("L01XA01"), count(h.anc(1.0))), free=(LINE,))
case("limit: cisplatin has none, critical all the same", both(ordered("L01XA01"), count(h.anc(0.2))), critical=True, free=(LINE,))  # fmt: skip
case(
    "limit: ifosfamide has none",
    both(drafts(h.drug("a", "L01AA06", "异环磷酰胺")), count(h.anc(1.0))),
    free=(LINE,),
)
case("limit: ifosfamide by name only", both(named("注射用异环磷酰胺"), count(h.anc(1.0))), free=(LINE,))
case("limit: cyclophosphamide by name only", both(named("注射用环磷酰胺"), count(h.anc(1.0))), "block", unmet(START), free=(LINE,))  # fmt: skip
case("limit: the strictest of two", both(ordered("L01CB01", "L01XA02"), count(h.anc(1.99))), "block", unmet(START), free=(LINE,))  # fmt: skip
case("limit: the strictest of two, met", both(ordered("L01CB01", "L01XA02"), count(h.anc(2.0))), free=(LINE,))
case(
    "limit: etoposide and cisplatin",
    both(ordered("L01CB01", "L01XA01"), count(h.anc(0.5))),
    critical=True,
    free=(LINE,),
)
case("limit: gemcitabine and cisplatin", both(ordered("L01BC05", "L01XA01"), count(h.anc(1.0))), free=(LINE,))
case("limit: none for immunotherapy", both(ordered("L01FF02"), count(h.anc(1.2))), free=(LINE,))
case(
    "limit: immunotherapy beside gemcitabine",
    both(ordered("L01FF02", "L01BC05"), count(h.anc(1.2))),
    free=(LINE,),
)
case("limit: carboplatin ordered as an alternative name", both(named("卡铂注射液"), count(h.anc(1.99))), "block", unmet(START), free=(LINE,))  # fmt: skip
case("limit: unreadable doesn't matter to cisplatin alone", both(ordered("L01XA01"), count(h.anc(2.4, "10?/L"))), "warn", unknown(CRITICAL), free=(LINE, RECENT))  # fmt: skip

# -- the clinical stage ------------------------------------------------------------------------------------


def staged(*found: JSON) -> Change:
    return put("stages", *found)


case("stage: none", absent("stages"), "block", unmet(STAGE), why={STAGE: "absent"})
case(
    "stage: not supplied",
    withheld("stages"),
    "block",
    unknown(STAGE),
    why={STAGE: "not_supplied"},
    free=(PSTAGE,),
)
case("stage: the query failed", failed("stages"), "block", unknown(STAGE), free=(PSTAGE,))
case("stage: page missing, one read", put("stages", h.stage(), next_page=True))
case("stage: page missing, none read", put("stages", next_page=True), "block", unknown(STAGE))
for text in (
    "cT2aN1M0", "T2aN1M0", "cT2aN1M0,IIB期", "cT2aN1M0,ⅡB期", "cT2aN1M0，ⅡB期", "ⅡB期", "IIB", "cTXN2M0", "cTxNxM1",
    "cT4N3M1c, IVB", "cT2a N1 M0", "ｃＴ２ａＮ１Ｍ０", "cT2N1cM0", "cT1miN0M0", "Ⅳ期", "cTisN0M0", "IIIA期",
):  # fmt: skip
    case(f"stage: `{text}`", staged(h.stage(text)))
    case(f"stage: `{text}` as a concept", staged(h.stage({"text": text})))
for text in (
    "cT3-4N1M0",
    "cT3-4N+M0",
    "cT2N1MX",
    "cT5N1M0",
    "cT2N4M0",
    "cT2N1M2",
    "不详",
    "待定",
    "cT2N1",
    "VI期",
    "T",
    "cN1M0",
):
    case(f"stage: `{text}` is invalid", staged(h.stage(text)), "block", unmet(STAGE), why={STAGE: "invalid"})
for text in ("pT2aN1M0", "ypT1N0M0", "ycT2N1M0", "rcT2N1M0", "aT2N1M0", "pT3N1cM0", "rT2N1M0", "yT2N1M0"):
    case(
        f"stage: `{text}` is no clinical one",
        staged(h.stage(text)),
        "block",
        unmet(STAGE),
        why={STAGE: "wrong_kind"},
    )
case("stage: the code says pathologic", staged(h.stage("T2aN1M0", "399588009")), "block", unmet(STAGE), why={STAGE: "wrong_kind"})  # fmt: skip
case(
    "stage: the LOINC code says pathologic",
    staged(h.stage("T2aN1M0", "21902-2", h.LOINC)),
    "block",
    unmet(STAGE),
)
case("stage: the LOINC code says clinical", staged(h.stage("IIB", "21908-9", h.LOINC)))
case(
    "stage: its code in another system",
    staged(h.stage("cT2aN1M0", "399537006", h.LOINC)),
    "block",
    {STAGE: "u?"},
)
case("stage: TNM and group that can't both be", staged(h.stage("cT2aN1M1,ⅡB期")), "block", {STAGE: "u?"}, why={STAGE: "conflicting"})  # fmt: skip
TNM = (
    h.stage({"text": "cT2a"}, "399504009", id="t"), h.stage({"text": "cN1"}, "399534004", id="n"),
    h.stage({"text": "cM0"}, "399387003", id="m"),
)  # fmt: skip
case("stage: the three categories", staged(*TNM))
case("stage: the three categories, LOINC", staged(h.stage("T2a", "21905-5", h.LOINC, "t"), h.stage("N1", "21906-3", h.LOINC, "n"), h.stage("M0", "21907-1", h.LOINC, "m")))  # fmt: skip
case("stage: the three pathologic categories", staged(h.stage("pT2a", "384625004", id="t"), h.stage("pN1", "371494008", id="n"), h.stage("pM0", "371497001", id="m")), "block", unmet(STAGE))  # fmt: skip
case("stage: T alone", staged(TNM[0]), "block", unmet(STAGE))
case("stage: categories beside a group", staged(h.stage("IIB"), *TNM))
case("stage: M preliminary", staged(*TNM[:2], TNM[2] | {"status": "preliminary"}), "block", unmet(STAGE))
case(
    "stage: M entered after the moment",
    staged(*TNM[:2], TNM[2] | {"issued": before(hours=-1)}),
    "block",
    unmet(STAGE),
)
case("stage: of the future", staged(h.stage(effectiveDateTime=before(seconds=-1), issued=before(seconds=-1))), "block", unmet(STAGE), why={STAGE: "in_the_future"})  # fmt: skip
case("stage: at the moment", staged(h.stage(effectiveDateTime=AT, issued=AT)))
case("stage: typed in late", staged(h.stage(issued="2026-03-05T10:00:00+08:00")), "block", unmet(STAGE), why={STAGE: "recorded_late"})  # fmt: skip
case("stage: typed in late, by its update", staged(without(h.stage(meta={"lastUpdated": "2026-03-05T10:00:00+08:00"}), "issued")), "block", unmet(STAGE), why={STAGE: "recorded_late"})  # fmt: skip
case("stage: naive time", staged(without(h.stage(effectiveDateTime="2026-02-20T10:00:00"), "issued")), "block", unknown(STAGE), why={STAGE: "unread"})  # fmt: skip
case("stage: naive time beside a good one", staged(h.stage(), without(h.stage("IIB", id="b", effectiveDateTime="2026-02-20T10:00:00"), "issued")))  # fmt: skip
case("stage: dated today", staged(without(h.stage(effectiveDateTime="2026-03-02"), "issued")))
case(
    "stage: dated tomorrow",
    staged(without(h.stage(effectiveDateTime="2026-03-03"), "issued")),
    "block",
    unmet(STAGE),
)
for status in ("registered", "preliminary"):
    case(f"stage: {status}", staged(h.stage(status=status)), "block", unmet(STAGE), why={STAGE: "not_final"})
case("stage: entered in error", staged(h.stage(status="entered-in-error")), "block", unmet(STAGE))
for status in ("amended", "corrected"):
    case(f"stage: {status}", staged(h.stage(status=status)))
case(
    "stage: of another patient", staged(h.stage(**OTHER)), "block", unmet(STAGE), why={STAGE: "wrong_patient"}
)
case("stage: pathologic beside clinical", staged(h.stage(), h.stage("pT2aN1M0", "399588009", id="b")))
case("stage: invalid beside valid", staged(h.stage("cT3-4N+M0"), h.stage("IIB", id="b")))
case(
    "stage: in the condition",
    both(absent("stages"), put("diagnoses", h.condition(stage=[{"type": h.coded("399537006", SCT), "summary": {"text": "cT2aN1M0"}}]))),
)  # fmt: skip
case(
    "stage: pathologic, in the condition",
    both(absent("stages"), put("diagnoses", h.condition(stage=[{"type": h.coded("399588009", SCT), "summary": {"text": "T2aN1M0"}}]))),
    "block", unmet(STAGE),
)  # fmt: skip
case("stage: FIGO doesn't fit the lung", staged(h.stage("IIB", "385367008")), "block", unmet(STAGE))
case("stage: Ann Arbor doesn't fit the lung", staged(h.stage("IIB", "385388004")), "block", unmet(STAGE))

CERVIX = both(
    tumour("C53.9", "妇科检查", "盆腔增强MRI", "PET-CT"), ordered("L01CD01", "L01XA01", regimen="TP-cervix")
)
case("stage: FIGO of the cervix", both(CERVIX, staged(h.stage("IIIC1r", "385367008"))), free=(LINE, WORKUP))
case("stage: FIGO of the cervix, invalid", both(CERVIX, staged(h.stage("IIIE", "385367008"))), "block", unmet(STAGE), free=(LINE, WORKUP))  # fmt: skip
LYMPHOMA = both(
    tumour("C83.3", "PET-CT", "骨髓穿刺", "骨髓活检"),
    ordered("L01AA01", "L01DB01", "L01CA02", regimen="CHOP-21"),
)
case(
    "stage: Ann Arbor of a lymphoma",
    both(LYMPHOMA, staged(h.stage("ⅢB期", "385388004"))),
    free=(LINE, WORKUP),
)
case("stage: TNM doesn't fit a lymphoma", both(LYMPHOMA, staged(h.stage("cT2N1M0"))), "block", unmet(STAGE), free=(LINE, WORKUP))  # fmt: skip
LIVER = both(tumour("C22.0"), ordered("L01EX08"), put("stages"))
case("stage: CNLC of the liver", both(LIVER, staged(h.stage("CNLC IIIa"))), "warn", unmet(WORKUP), free=(LINE, WORKUP, RISK, START, RECENT, CRITICAL, GCSF))  # fmt: skip
case("stage: endocrine treatment needs one", both(BREAST, ordered("L02BA01"), absent("stages")), "block", unmet(STAGE), free=(LINE,))  # fmt: skip
case("stage: an antibiotic needs none", both(drafts(without(h.drug("a", "J01DD04"), "reasonReference")), absent("stages", "pathology", "exams")))  # fmt: skip
for code in ("L03AA13", "A04AA01", "V03AF03"):
    case(f"stage: {code} needs none", both(drafts(without(h.drug("a", code), "reasonReference")), NOTHING))

# -- first treatment ---------------------------------------------------------------------------------------

UNSTAGED = absent("stages", "exams")
case("first: no stage and no work-up", UNSTAGED, "block", unmet(STAGE, WORKUP))
case("first: a cycle was given", both(UNSTAGED, put("treatments", h.given("L01CD02"))))
case(
    "first: radiotherapy was given",
    both(UNSTAGED, put("procedures", h.procedure("胸部放射治疗", category="108290001"))),
)
case("first: a tablet is being taken", both(UNSTAGED, put("treatments", h.prescribed("L01EB04"))))
case(
    "first: a tablet was taken",
    both(UNSTAGED, put("treatments", h.prescribed("L01EB04", status="completed"))),
)
TWO = (h.condition(), h.condition("dx2", "C50.4"))
LUNG_CANCER = h.condition() | {"code": h.coded("254637007", SCT)}


def given_for(code: str) -> Change:
    return put("treatments", h.given("L01CD02", reasonCode=[h.coded(code, h.ICD10)]))


for code in ("C34.9", "C34", "C34.100x001", "C79.3"):
    case(f"first: a cycle for {code}, the tumour is C34.1", both(UNSTAGED, given_for(code)))
case("first: a cycle for C34.3, the tumour is C34.1", both(UNSTAGED, given_for("C34.3")), "block", unmet(STAGE, WORKUP))  # fmt: skip
case("first: a cycle for C34.9, one of two lung cancers", both(UNSTAGED, put("diagnoses", h.condition(), h.condition("dx2", "C34.3")), given_for("C34.9")), "block", unknown(STAGE), free=(WORKUP, PATHOLOGY))  # fmt: skip
case("first: a cycle for C34.9, the other tumour is no lung cancer", both(UNSTAGED, put("diagnoses", *TWO), given_for("C34.9")), free=(WORKUP, PATHOLOGY))  # fmt: skip
case("first: a cycle by ICD-10, the tumour is in SNOMED CT", both(UNSTAGED, put("diagnoses", LUNG_CANCER), given_for("C34.1")))  # fmt: skip
case("first: a cycle for the breast, the lung cancer is in SNOMED CT", both(UNSTAGED, put("diagnoses", LUNG_CANCER), given_for("C50.4")), "block", unmet(STAGE, WORKUP))  # fmt: skip
for status in ("not-done", "entered-in-error"):
    case(f"first: a cycle {status}", both(UNSTAGED, put("treatments", h.given("L01CD02", status=status))), "block", unmet(STAGE, WORKUP))  # fmt: skip
for status in ("cancelled", "draft", "entered-in-error"):
    case(f"first: a prescription {status}", both(UNSTAGED, put("treatments", h.prescribed("L01EB04", status=status))), "block", unmet(STAGE, WORKUP))  # fmt: skip
for code in ("A04AA01", "L03AA13", "J01DD04", "H02AB02", "V03AF03"):
    case(
        f"first: {code} is no treatment",
        both(UNSTAGED, put("treatments", h.given(code))),
        "block",
        unmet(STAGE, WORKUP),
    )
case("first: a cycle after the moment", both(UNSTAGED, put("treatments", h.given("L01CD02", when=before(hours=-1)))), "block", unmet(STAGE, WORKUP))  # fmt: skip
case("first: a cycle of another patient", both(UNSTAGED, put("treatments", h.given("L01CD02", **OTHER))), "block", unmet(STAGE, WORKUP))  # fmt: skip
case("first: a cycle recorded after the moment", both(UNSTAGED, put("treatments", h.given("L01CD02", meta={"lastUpdated": before(hours=-1)}))), "block", unmet(STAGE, WORKUP))  # fmt: skip
for text, category in (
    ("CT引导下右肺穿刺活检术", "387713003"),
    ("纤维支气管镜检查+活检", "387713003"),
    ("支气管镜检查", "103693007"),
):
    case(f"first: {text}", both(UNSTAGED, put("procedures", h.procedure(text, category=category))), "block", unmet(STAGE, WORKUP))  # fmt: skip
case("first: a biopsy by its code", both(UNSTAGED, put("procedures", h.procedure("活检", code=h.coded("86273004", SCT)))), "block", unmet(STAGE, WORKUP))  # fmt: skip
case("first: an operation not done", both(UNSTAGED, put("procedures", h.procedure("右肺上叶切除术", status="not-done"))), "block", unmet(STAGE, WORKUP))  # fmt: skip
case(
    "first: treatments not supplied", both(UNSTAGED, withheld("treatments")), "block", unknown(STAGE, WORKUP)
)
case(
    "first: procedures not supplied",
    both(UNSTAGED, withheld("procedures")),
    "block",
    unknown(STAGE, WORKUP, PSTAGE),
)
case("first: procedures not supplied, a cycle given", both(UNSTAGED, withheld("procedures"), put("treatments", h.given("L01CD02"))), "warn", unknown(PSTAGE))  # fmt: skip
case("first: treatments not supplied, staged", withheld("treatments"))
case("first: procedures not supplied, staged", withheld("procedures"), "warn", unknown(PSTAGE))
case("first: a cycle with a naive time", both(UNSTAGED, put("treatments", h.given("L01CD02", when="2026-02-08T10:00:00"))), "block", unknown(STAGE, WORKUP))  # fmt: skip
case(
    "first: a cycle for another tumour",
    both(put("diagnoses", *TWO), put("pathology", h.report(conclusionCode=[h.coded("C34.1", h.ICD10)])), UNSTAGED,
         put("treatments", h.given("L01CD02", reasonReference=[{"reference": "Condition/dx2"}]))),
    "block", unmet(STAGE, WORKUP),
)  # fmt: skip
case("first: an exploration is no treatment", both(UNSTAGED, put("procedures", h.procedure("胸腔镜探查术"))), "block", {STAGE: "u?", WORKUP: "u?"}, free=(PSTAGE,))  # fmt: skip
for code in ("86273004", "122548005"):
    case(f"first: a biopsy by its code {code} alone", both(UNSTAGED, put("procedures", h.procedure("", code=h.coded(code, SCT)))), "block", {STAGE: "u?", WORKUP: "u?"}, free=(PSTAGE,))  # fmt: skip

# -- the operation and its pathologic stage ------------------------------------------------------------------


def operated(when: str, **fields: Any) -> Change:
    return put("procedures", h.procedure("右肺上叶切除术", when=when, **fields))


case("resection: 30 d ago", operated(before(days=30)))
case("resection: 30 d and a minute ago", operated(before(days=30, minutes=1)), "warn", unmet(PSTAGE))
case("resection: 29 d ago", operated(before(days=29)))
case("resection: dated 31 days ago", operated("2026-01-30"), "warn", unmet(PSTAGE))
case("resection: dated 29 days ago", operated("2026-02-01"))
P = h.stage(
    "pT2aN1M0",
    "399588009",
    id="p",
    effectiveDateTime="2026-01-25T10:00:00+08:00",
    issued="2026-01-25T10:00:00+08:00",
)
case("resection: staged", both(operated("2026-01-15T09:00:00+08:00"), more("stages", P)))
case(
    "resection: staged yp",
    both(operated("2026-01-15T09:00:00+08:00"), more("stages", {**P, "valueString": "ypT1aN0M0"})),
)
case(
    "resection: staged before it",
    both(operated("2026-01-28T09:00:00+08:00"), more("stages", P)),
    "warn",
    unmet(PSTAGE),
)
case("resection: staged with a clinical one", both(operated("2026-01-15T09:00:00+08:00"), more("stages", {**P, "valueString": "cT2aN1M0", "code": h.coded("399537006", SCT)})), "warn", unmet(PSTAGE))  # fmt: skip
case("resection: pathologic stage invalid", both(operated("2026-01-15T09:00:00+08:00"), more("stages", {**P, "valueString": "pT3-4N+M0"})), "warn", unmet(PSTAGE))  # fmt: skip
case("resection: pathologic stage preliminary", both(operated("2026-01-15T09:00:00+08:00"), more("stages", {**P, "status": "preliminary"})), "warn", unmet(PSTAGE))  # fmt: skip
case("resection: pathologic stage late", both(operated("2026-01-15T09:00:00+08:00"), more("stages", {**P, "issued": before(days=-1)})), "warn", unmet(PSTAGE), why={PSTAGE: "recorded_late"})  # fmt: skip
case("resection: not done", operated("2026-01-15T09:00:00+08:00", status="not-done"))
case("resection: of another patient", operated("2026-01-15T09:00:00+08:00", **OTHER))
case("resection: a biopsy isn't one", put("procedures", h.procedure("CT引导下右肺穿刺活检术")))
case(
    "resection: stages not supplied",
    both(operated("2026-01-15T09:00:00+08:00"), withheld("stages")),
    "warn",
    unknown(PSTAGE),
)
case("resection: an earlier treatment, no clinical stage", both(operated("2026-01-15T09:00:00+08:00"), put("stages", P), absent("exams")))  # fmt: skip

# -- pathology -------------------------------------------------------------------------------------------------

case("pathology: none", absent("pathology"), "block", unmet(PATHOLOGY), why={PATHOLOGY: "absent"})
case(
    "pathology: not supplied",
    withheld("pathology"),
    "block",
    unknown(PATHOLOGY),
    why={PATHOLOGY: "not_supplied"},
)
case("pathology: the query failed", failed("pathology"), "block", unknown(PATHOLOGY))
case("pathology: page missing, one read", put("pathology", h.report(), next_page=True))
case("pathology: page missing, none read", put("pathology", next_page=True), "block", unknown(PATHOLOGY))
case("pathology: synoptic", put("pathology", h.report(code="60568-3")))
SERVICE = "http://terminology.hl7.org/CodeSystem/v2-0074"
for code in ("PAT", "SP"):
    case(f"pathology: category {code}", put("pathology", h.report(code={"text": "病理"}) | {"code": {"text": "病理诊断报告"}, "category": [h.coded(code, SERVICE)]}))  # fmt: skip
case("pathology: a laboratory report", put("pathology", h.report() | {"code": h.coded("58410-2", h.LOINC), "category": [h.coded("LAB", SERVICE)]}), "block", unmet(PATHOLOGY))  # fmt: skip
case("pathology: its code in another system", put("pathology", h.report() | {"code": h.coded("22637-3", SCT)}), "block", unmet(PATHOLOGY))  # fmt: skip
for status in ("registered", "partial", "preliminary"):
    case(f"pathology: {status}", put("pathology", h.report(status=status)), "block", unmet(PATHOLOGY), why={PATHOLOGY: "not_final"})  # fmt: skip
for status in ("amended", "corrected"):
    case(f"pathology: {status}", put("pathology", h.report(status=status)))
for status in ("entered-in-error", "cancelled"):
    case(f"pathology: {status}", put("pathology", h.report(status=status)), "block", unmet(PATHOLOGY))
case("pathology: of another patient", put("pathology", h.report(**OTHER)), "block", unmet(PATHOLOGY), why={PATHOLOGY: "wrong_patient"})  # fmt: skip
case("pathology: reported after the moment", put("pathology", h.report(issued=before(minutes=-1))), "block", unmet(PATHOLOGY), why={PATHOLOGY: "recorded_late"})  # fmt: skip
case("pathology: taken after the moment", put("pathology", h.report(effectiveDateTime=before(minutes=-1), issued=before(minutes=-1))), "block", unmet(PATHOLOGY), why={PATHOLOGY: "in_the_future"})  # fmt: skip
case("pathology: naive time", put("pathology", h.report(effectiveDateTime="2026-02-14T09:00:00")), "block", unknown(PATHOLOGY), why={PATHOLOGY: "unread"})  # fmt: skip
case(
    "pathology: years old",
    put("pathology", h.report(effectiveDateTime="2019-02-14", issued="2019-02-16T16:00:00+08:00")),
)
case("pathology: endocrine treatment needs it", both(BREAST, ordered("L02BG04"), absent("pathology")), "block", unmet(PATHOLOGY), free=(LINE,))  # fmt: skip
case("pathology: immunotherapy needs it", both(ordered("L01FF02"), absent("pathology")), "block", unmet(PATHOLOGY), free=(LINE,))  # fmt: skip
case("pathology: preliminary beside final", put("pathology", h.report(), h.report("b", status="preliminary")))

# -- which tumour ----------------------------------------------------------------------------------------------

OWN = h.report(conclusionCode=[h.coded("C34.1", h.ICD10)])
case("two tumours: all of this one", both(put("diagnoses", *TWO), put("pathology", OWN)))
case("two tumours: a stage without a focus", both(put("diagnoses", *TWO), put("pathology", OWN), staged(without(h.stage(), "focus"))), "block", unmet(STAGE))  # fmt: skip
case("two tumours: the other's stage", both(put("diagnoses", *TWO), put("pathology", OWN), staged(h.stage(focus=[{"reference": "Condition/dx2"}]))), "block", unmet(STAGE), why={STAGE: "wrong_focus"})  # fmt: skip
case("two tumours: a report without a tumour", put("diagnoses", *TWO), "block", unmet(PATHOLOGY))
case("two tumours: the other's report", both(put("diagnoses", *TWO), put("pathology", h.report(conclusionCode=[h.coded("C50.4", h.ICD10)]))), "block", unmet(PATHOLOGY), why={PATHOLOGY: "wrong_focus"})  # fmt: skip
EVIDENCE = {"evidence": [{"detail": [{"reference": "DiagnosticReport/path1"}]}]}
case("two tumours: the condition points to its report", put("diagnoses", h.condition(**EVIDENCE), TWO[1]))
case("two tumours: the other condition points to it", put("diagnoses", TWO[0], h.condition("dx2", "C50.4", **EVIDENCE)), "block", unmet(PATHOLOGY), why={PATHOLOGY: "wrong_focus"})  # fmt: skip
case("two tumours: the stage's assessment points to it", put("diagnoses", h.condition(stage=[{"assessment": [{"reference": "DiagnosticReport/path1"}]}]), TWO[1]))  # fmt: skip
UNREASONED = (
    without(h.drug("mr1", "L01CD02"), "reasonReference"),
    without(h.drug("mr2", "L01XA01"), "reasonReference"),
)
case("two tumours: the order doesn't say which", both(put("diagnoses", *TWO), put("pathology", OWN), drafts(*UNREASONED)), "block", unknown(STAGE, PATHOLOGY), free=(WORKUP, LINE, PSTAGE))  # fmt: skip
case("one tumour: the order needn't say which", drafts(*UNREASONED))
for why, more_of_it in (
    ("another patient's", {"subject": {"reference": "Patient/p2"}}),
    ("refuted", {"verificationStatus": h.coded("refuted", "http://terminology.hl7.org/CodeSystem/condition-ver-status")}),
):  # fmt: skip
    case(f"the order's reason is a leukaemia that is {why}", both(put("diagnoses", h.condition(), h.condition("dx2", "C91.0", **more_of_it)), absent("stages"), drafts(h.drug("mr1", "L01CD02", reasonReference=[{"reference": "Condition/dx2"}]))), "block", unmet(STAGE), free=(WORKUP, LINE, GCSF, RISK, PATHOLOGY, CONSENT, PSTAGE))  # fmt: skip
case("one tumour: nothing says which", both(drafts(*UNREASONED), staged(without(h.stage(), "focus"))))
case("one tumour and its metastasis", both(put("diagnoses", h.condition(), h.condition("dx2", "C79.3")), staged(without(h.stage(), "focus"))))  # fmt: skip
case("one tumour and its metastasis, order silent", both(put("diagnoses", h.condition(), h.condition("dx2", "C77.1")), drafts(*UNREASONED)))  # fmt: skip
for code in ("I10", "D70", "E11.9", "Z51.1", "D12.6"):
    case(f"one tumour and {code}", both(put("diagnoses", h.condition(), h.condition("dx2", code)), drafts(*UNREASONED), staged(without(h.stage(), "focus"))))  # fmt: skip
VERIFIED = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
for status in ("refuted", "entered-in-error"):
    case(f"one tumour and another {status}", both(put("diagnoses", h.condition(), h.condition("dx2", "C50.4", verificationStatus=h.coded(status, VERIFIED))), drafts(*UNREASONED), staged(without(h.stage(), "focus"))))  # fmt: skip
case(
    "one tumour: the reason is its code",
    drafts(*({**d, "reasonCode": [h.coded("C34.1", h.ICD10)]} for d in UNREASONED)),
)
case("two tumours: the reason is a code", both(put("diagnoses", *TWO), put("pathology", OWN), drafts(*({**d, "reasonCode": [h.coded("C34.1", h.ICD10)]} for d in UNREASONED))))  # fmt: skip
case("two tumours: the reason is the other's code", both(put("diagnoses", *TWO), put("pathology", OWN), drafts(*({**d, "reasonCode": [h.coded("C50.4", h.ICD10)]} for d in UNREASONED))), "block", unmet(STAGE, PATHOLOGY, WORKUP), free=(LINE,))  # fmt: skip
case("Chinese extension of the code", put("diagnoses", h.condition(code="C34.100x001")))
case("two tumours: the other one operated on", both(put("diagnoses", *TWO), put("pathology", OWN), put("procedures", h.procedure("乳房切除术", reasonReference=[{"reference": "Condition/dx2"}]))), free=(PSTAGE,))  # fmt: skip

# -- markers ---------------------------------------------------------------------------------------------------

EGFR = both(ordered("L01EB04"), absent("assessments"))
TESTED = (LINE, RISK, RECENT, START, GCSF)
case("marker: none", both(EGFR, absent("markers")), "block", unmet(MARKER), free=TESTED)
case("marker: not supplied", both(EGFR, withheld("markers")), "block", unknown(MARKER), why={MARKER: "not_supplied"}, free=TESTED)  # fmt: skip
case("marker: the query failed", both(EGFR, failed("markers")), "block", unknown(MARKER), free=TESTED)
case("marker: present", both(EGFR, put("markers", h.variant("EGFR"))), free=TESTED)
case("marker: absent is a result", both(EGFR, put("markers", h.variant("EGFR", value={"valueCodeableConcept": h.coded("LA9634-2", h.LOINC, "Absent")}))), free=TESTED)  # fmt: skip
case(
    "marker: page missing, one read",
    both(EGFR, put("markers", h.variant("EGFR"), next_page=True)),
    free=TESTED,
)
case(
    "marker: page missing, none read",
    both(EGFR, put("markers", next_page=True)),
    "block",
    unknown(MARKER),
    free=TESTED,
)
case(
    "marker: another gene", both(EGFR, put("markers", h.variant("KRAS"))), "block", unmet(MARKER), free=TESTED
)
case("marker: a gene that begins alike", both(EGFR, put("markers", h.variant("EGFRvIII-like"))), "block", {MARKER: "u?"}, free=TESTED)  # fmt: skip
for status in ("registered", "preliminary"):
    case(f"marker: {status}", both(EGFR, put("markers", h.variant("EGFR", status=status))), "block", unmet(MARKER), why={MARKER: "not_final"}, free=TESTED)  # fmt: skip
for status in ("amended", "corrected"):
    case(f"marker: {status}", both(EGFR, put("markers", h.variant("EGFR", status=status))), free=TESTED)
for status in ("cancelled", "entered-in-error"):
    case(f"marker: {status}", both(EGFR, put("markers", h.variant("EGFR", status=status))), "block", unmet(MARKER), free=TESTED)  # fmt: skip
case(
    "marker: no value yet",
    both(EGFR, put("markers", h.variant("EGFR", value=PENDING))),
    "block",
    unmet(MARKER),
    free=TESTED,
)
for text in ("标本不足", "检测失败", "待出", "insufficient", "QNS", "failed", "pending"):
    case(f"marker: `{text}` is no result", both(EGFR, put("markers", h.variant("EGFR", value={"valueString": text}))), "block", unmet(MARKER), free=TESTED)  # fmt: skip
for text in ("阳性", "阴性", "Negative", "L858R"):
    case(f"marker: `{text}` is a result", both(EGFR, put("markers", h.variant("EGFR", value={"valueString": text}))), free=TESTED)  # fmt: skip
case("marker: of another patient", both(EGFR, put("markers", h.variant("EGFR", **OTHER))), "block", unmet(MARKER), why={MARKER: "wrong_patient"}, free=TESTED)  # fmt: skip
case("marker: of the future", both(EGFR, put("markers", h.variant("EGFR", effectiveDateTime=before(hours=-1), issued=before(hours=-1)))), "block", unmet(MARKER), why={MARKER: "in_the_future"}, free=TESTED)  # fmt: skip
case("marker: reported late", both(EGFR, put("markers", h.variant("EGFR", issued=before(hours=-1)))), "block", unmet(MARKER), why={MARKER: "recorded_late"}, free=TESTED)  # fmt: skip
case("marker: tumour unknown, needed in all rows", both(EGFR, absent("markers", "diagnoses"), drafts(without(h.drug("a", "L01EB04"), "reasonReference"))), "block", unmet(MARKER), free=(*TESTED, STAGE, PATHOLOGY, WORKUP, PSTAGE))  # fmt: skip
HER2 = both(BREAST, ordered("L01FD01"))
case("marker: HER2 missing", both(HER2, absent("markers")), "block", unmet(MARKER), free=TESTED)
for code in ("48676-1", "85319-2", "85318-4", "96893-3"):
    case(f"marker: HER2 by {code}", both(HER2, put("markers", h.marker(code))), free=TESTED)
case("marker: HER2 negative is a result", both(HER2, put("markers", h.marker("48676-1", value={"valueString": "Negative"}))), free=TESTED)  # fmt: skip
case(
    "marker: ER is not HER2",
    both(HER2, put("markers", h.marker("85337-4"))),
    "block",
    unmet(MARKER),
    free=TESTED,
)
case("marker: HER2's code in another system", both(HER2, put("markers", h.marker("48676-1") | {"code": h.coded("48676-1", SCT)})), "block", unmet(MARKER), free=TESTED)  # fmt: skip
CDK = both(BREAST, ordered("L01EF01"))
for code in ("85337-4", "85339-0", "48676-1"):
    case(f"marker: palbociclib with {code}", both(CDK, put("markers", h.marker(code))), free=TESTED)
case("marker: palbociclib with none", both(CDK, absent("markers")), "block", unmet(MARKER), free=TESTED)
case("marker: RAS for cetuximab in the colon", both(COLON, ordered("L01FE01"), absent("markers")), "block", unmet(MARKER), free=(*TESTED, WORKUP))  # fmt: skip
for code in ("81420-2", "85509-8"):
    case(f"marker: cetuximab with {code}", both(COLON, ordered("L01FE01"), put("markers", h.marker(code))), free=(*TESTED, WORKUP))  # fmt: skip
case("marker: cetuximab for the larynx needs none", both(tumour("C32.0"), ordered("L01FE01"), absent("markers")), "warn", unmet(WORKUP), free=(*TESTED, WORKUP))  # fmt: skip
case("marker: crizotinib with ROS1", both(ordered("L01ED01"), put("markers", h.variant("ROS1"))), free=TESTED)
case("marker: crizotinib with ALK", both(ordered("L01ED01"), put("markers", h.variant("ALK"))), free=TESTED)
case("marker: crizotinib with EGFR only", both(ordered("L01ED01"), put("markers", h.variant("EGFR"))), "block", unmet(MARKER), free=TESTED)  # fmt: skip
for code, name in (
    ("L01FG01", "bevacizumab"),
    ("L01EX02", "sorafenib"),
    ("L01FF02", "pembrolizumab"),
    ("L01FF09", "tislelizumab"),
):
    case(f"marker: {name} needs none", both(ordered(code), absent("markers")), free=TESTED)
case("marker: tamoxifen needs none here", both(BREAST, ordered("L02BA01"), absent("markers")), free=TESTED)
case("marker: cytotoxic drugs need none", absent("markers"))
case("marker: withheld, cytotoxic drugs", withheld("markers"))

# -- names that look alike -----------------------------------------------------------------------------------

case(
    "name: 甲磺酸奥希替尼片",
    both(named("甲磺酸奥希替尼片"), absent("markers")),
    "block",
    unmet(MARKER),
    free=TESTED,
)
case(
    "name: 瑞普替尼 (repotrectinib)",
    both(named("瑞普替尼胶囊"), absent("markers")),
    "block",
    unmet(MARKER),
    free=TESTED,
)
GIST = tumour("C16.2", "胃镜活检", "胸部增强CT", "腹部增强CT", "盆腔增强CT")
case("name: 瑞派替尼 (ripretinib)", both(named("瑞派替尼片"), absent("markers")), free=(*TESTED, WORKUP))
case(
    "name: 阿帕他胺 is endocrine",
    both(named("阿帕他胺片"), absent("consents", "markers", "assessments", "labs")),
    free=(LINE,),
)
case("name: 阿帕替尼 is targeted", both(GIST, named("甲磺酸阿帕替尼片"), absent("consents", "markers")), "block", unmet(CONSENT), free=(*TESTED, WORKUP))  # fmt: skip
case(
    "name: 恩美曲妥珠单抗",
    both(BREAST, named("注射用恩美曲妥珠单抗"), absent("markers")),
    "block",
    unmet(MARKER),
    free=TESTED,
)
case(
    "name: 德曲妥珠单抗",
    both(BREAST, named("注射用德曲妥珠单抗"), absent("markers")),
    "block",
    unmet(MARKER),
    free=TESTED,
)
case("name: 德曲妥珠单抗 has the limit 1.0", both(BREAST, named("注射用德曲妥珠单抗"), put("markers", h.marker("48676-1")), count(h.anc(1.0))), free=(LINE,))  # fmt: skip
case("name: 德曲妥珠单抗 under its limit", both(BREAST, named("注射用德曲妥珠单抗"), put("markers", h.marker("48676-1")), count(h.anc(0.99))), "block", unmet(START), critical=True, free=(LINE,))  # fmt: skip
case("name: 曲妥珠单抗 has no limit", both(BREAST, named("注射用曲妥珠单抗"), put("markers", h.marker("48676-1")), absent("labs", "assessments")), free=(LINE,))  # fmt: skip
case(
    "name: 多西他赛注射液",
    both(named("多西他赛注射液"), count(h.anc(1.4))),
    "block",
    unmet(START),
    free=(LINE,),
)
case(
    "name: Docetaxel 80mg/4mL",
    both(named("DOCETAXEL"), count(h.anc(1.4))),
    "block",
    unmet(START),
    free=(LINE,),
)
case(
    "name: 紫杉醇(白蛋白结合型)",
    both(named("注射用紫杉醇(白蛋白结合型)"), count(h.anc(1.4))),
    "block",
    unmet(START),
    free=(LINE,),
)
case("name: 盐酸多柔比星", both(named("注射用盐酸多柔比星"), count(h.anc(1.0))), free=(LINE,))
case(
    "name: 多柔比星脂质体",
    both(named("盐酸多柔比星脂质体注射液"), count(h.anc(1.4))),
    "block",
    unmet(START),
    free=(LINE,),
)


def unreasoned(*texts: str) -> Change:
    return lambda hook: h.order(
        hook, *(without(h.drug(f"x{n}", None, text), "reasonReference") for n, text in enumerate(texts))
    )


for text in ("多西环素片", "doxycycline", "顺铂敷料XQ", "某某注射液"):
    case(f"name: {text} isn't recognised", both(unreasoned(text), NOTHING), "warn", {NAME: "u?"})
case("name: not recognised, no tumour", both(unreasoned("某某注射液"), NOTHING, absent("diagnoses")))
case("name: not recognised, another diagnosis", both(unreasoned("某某注射液"), NOTHING, put("diagnoses", h.condition(code="I10"))))  # fmt: skip
case("name: not recognised, given for the tumour", both(named("某某注射液"), NOTHING), "block", unknown(STAGE, CONSENT, PATHOLOGY), free=(RISK, RECENT, START, CRITICAL, MARKER, WORKUP, LINE, GCSF, NAME, PSTAGE))  # fmt: skip
case("name: not recognised, in a regimen", both(lambda hook: h.order(hook, without(h.drug("x", None, "某某注射液"), "reasonReference"), h.group("FOLFOX")), NOTHING), "block", unknown(CONSENT), free=(STAGE, PATHOLOGY, RISK, RECENT, START, CRITICAL, MARKER, WORKUP, LINE, GCSF, NAME, PSTAGE))  # fmt: skip
case(
    "name: a code outside the classes settles it", both(drafts(h.drug("a", "B01AB05", "某某注射液")), NOTHING)
)
for texts in (
    ("0.9%氯化钠注射液",),
    ("地塞米松磷酸钠注射液",),
    ("盐酸昂丹司琼注射液",),
    ("叶酸片",),
    ("5%葡萄糖注射液", "维生素B12注射液"),
    ("亚叶酸钙注射液",),
):
    case(f"name: {'、'.join(texts)} alone", both(unreasoned(*texts), NOTHING))
case(
    "name: companions beside docetaxel",
    lambda hook: h.order(hook, *h.drafts(hook), *(h.drug(f"x{n}", None, text) for n, text in enumerate(("0.9%氯化钠注射液", "地塞米松磷酸钠注射液", "盐酸帕洛诺司琼注射液")))),
)  # fmt: skip
case("name: albumin is no taxane", both(drafts(h.drug("a", "B05AA01", "人血白蛋白")), NOTHING))

# -- the work-up ------------------------------------------------------------------------------------------------

case("work-up: none", absent("exams"), "warn", unmet(WORKUP))
case("work-up: not supplied", withheld("exams"), "warn", unknown(WORKUP))
case("work-up: lung without the brain", put("exams", *h.exams("胸部增强CT", "PET-CT")), "warn", unmet(WORKUP))
case(
    "work-up: lung without the chest",
    put("exams", *h.exams("头颅增强MRI", "腹部增强CT", "全身骨显像")),
    "warn",
    unmet(WORKUP),
)
case(
    "work-up: lung, bone scan and abdomen",
    put("exams", *h.exams("胸部增强CT", "头颅增强MRI", "腹部增强CT", "全身骨显像")),
)
case("work-up: lung, bone scan without abdomen", put("exams", *h.exams("胸部增强CT", "头颅增强MRI", "全身骨显像")), "warn", unmet(WORKUP))  # fmt: skip
case("work-up: lung, CT of the brain", put("exams", *h.exams("胸部CT平扫+增强", "头颅CT", "PET-CT")))
case("work-up: an exam cancelled", put("exams", *h.exams("胸部增强CT", "头颅增强MRI"), h.exam("PET-CT", "ex9", status="cancelled")), "warn", unmet(WORKUP))  # fmt: skip
case("work-up: an exam of the future", put("exams", *h.exams("胸部增强CT", "头颅增强MRI"), h.exam("PET-CT", "ex9", effectiveDateTime=before(hours=-1), issued=before(hours=-1))), "warn", unmet(WORKUP))  # fmt: skip
case("work-up: an exam of another patient", put("exams", *h.exams("胸部增强CT", "头颅增强MRI"), h.exam("PET-CT", "ex9", **OTHER)), "warn", unmet(WORKUP))  # fmt: skip
case(
    "work-up: page missing",
    put("exams", *h.exams("胸部增强CT", "头颅增强MRI"), next_page=True),
    "warn",
    unknown(WORKUP),
)
case("work-up: page missing, settled", put("exams", *h.exams(*h.LUNG), next_page=True))
AC = ordered("L01DB01", "L01AA01", regimen="AC-q21")
case("work-up: breast", both(BREAST, AC), free=(LINE,))
case("work-up: breast with PET", both(BREAST, AC, put("exams", *h.exams("乳腺钼靶", "PET-CT"))), free=(LINE,))
case("work-up: breast without the breast", both(BREAST, AC, put("exams", *h.exams("胸部CT", "腹部超声"))), "warn", unmet(WORKUP), free=(LINE,))  # fmt: skip
case("work-up: breast without the abdomen", both(BREAST, AC, put("exams", *h.exams("乳腺MRI", "胸部CT"))), "warn", unmet(WORKUP), free=(LINE,))  # fmt: skip
case("work-up: not asked again later", both(absent("exams"), put("treatments", h.given("L01CD02"))))

# -- what was never done ------------------------------------------------------------------------------------

for label, fields in (
    ("proposed", {"intent": "proposal"}),
    ("planned", {"intent": "plan"}),
    ("an option", {"intent": "option"}),
    ("on hold", {"status": "on-hold"}),
    ("for later", {"dosageInstruction": [{"timing": {"event": [before(days=-30)]}}]}),
):
    case(f"first: an earlier drug that is {label}", both(absent("stages"), put("treatments", h.drug("old", "L01CD02", **{"status": "active", **fields}))), "block", unmet(STAGE))  # fmt: skip
for label, fields in (("reported", {"reportedBoolean": True}), ("reported by somebody", {"reportedReference": {"reference": h.PATIENT}})):  # fmt: skip
    case(f"first: an earlier drug of a plan that is {label}", both(absent("stages"), put("treatments", h.drug("old", "L01CD02", status="active", intent="plan", **fields))), free=(WORKUP,))  # fmt: skip
case("first: an earlier drug of a plan that isn't reported", both(absent("stages"), put("treatments", h.drug("old", "L01CD02", status="active", intent="plan", reportedBoolean=False))), "block", unmet(STAGE))  # fmt: skip
case("first: an earlier drug that was ordered", both(absent("stages"), put("treatments", h.drug("old", "L01CD02", status="active"))), free=(WORKUP,))  # fmt: skip

# -- drafts that hide a drug --------------------------------------------------------------------------------

HELD = without(h.drug("mr1", "L01CD02"), "subject")
REFERRED = {"resource": {"reference": "MedicationRequest/unsent"}}
case("group: a drug that it contains", both(absent("stages"), drafts(h.group(None, contained=[HELD], action=[{"resource": {"reference": "#mr1"}}]))), "block", unmet(STAGE))  # fmt: skip
case(
    "group: a drug that it refers to wasn't sent",
    drafts(h.group(None, action=[REFERRED])),
    "warn",
    {NAME: "u?"},
)
COMPANION = without(h.drug("o", "A04AA01"), "subject")
NAMED = [{"resource": {"reference": "#o"}}, {"title": "多西他赛 75mg/m2"}]
case("group: a drug that a title names beside a companion", both(absent("stages"), drafts(h.group(None, contained=[COMPANION], action=NAMED))), "block", unmet(STAGE))  # fmt: skip
case("group: a draft in one that is active", both(absent("stages"), drafts(h.group(None, status="active", contained=[HELD]), h.drug("o", "A04AA01"))), "block", unmet(STAGE))  # fmt: skip
case("draft: of an unknown status", both(absent("stages"), drafts(h.drug("mr1", "L01CD02", status="unknown"))), "block", unmet(STAGE))  # fmt: skip
CHEMOTHERAPY = {"resourceType": "ServiceRequest", "id": "s1", "status": "draft", "subject": {"reference": h.PATIENT}, "code": {"text": "静脉化疗（TC方案）"}}  # fmt: skip
case("draft: a service that says chemotherapy", both(drafts(CHEMOTHERAPY), NOTHING), "block", unknown(STAGE, CONSENT, PATHOLOGY), free=(RISK, RECENT, START, CRITICAL, MARKER, WORKUP, LINE, GCSF, NAME, PSTAGE))  # fmt: skip

SALINE = {"resourceType": "Medication", "id": "bag", "code": h.coded("B05BB01", h.ATC, "氯化钠注射液"), "ingredient": [{"itemCodeableConcept": h.coded("L01CD02", h.ATC)}]}  # fmt: skip
MIXED = without(h.drug("mr1", contained=[SALINE], medicationReference={"reference": "#bag"}), "medicationCodeableConcept")  # fmt: skip
case("draft: a bag of saline with a drug in it", both(absent("stages"), drafts(MIXED)), "block", unmet(STAGE))

# -- several at once ----------------------------------------------------------------------------------------

case("all: nothing there", NOTHING, "block", unmet(STAGE, RISK, CONSENT, RECENT, PATHOLOGY, WORKUP))
case(
    "all: nothing supplied", lambda hook: hook.update(prefetch={}),
    "block", unknown(STAGE, RISK, CONSENT, RECENT, START, CRITICAL, PATHOLOGY), free=(MARKER, PSTAGE, WORKUP, LINE, GCSF, NAME),
)  # fmt: skip
case(
    "all: a warning doesn't hide a block",
    both(absent("exams"), absent("consents")),
    "block",
    unmet(WORKUP, CONSENT),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_gate_says_what_the_text_says(case: Case) -> None:
    hook = h.clean()
    case.change(hook)
    decision = h.decide(hook, case.at)
    found = {rule: verdict for rule, verdict in h.asking(decision).items() if rule not in (LINE, *case.free)}
    short = {rule: "u" if verdict == "unmet" else "?" for rule, verdict in found.items()}
    expected = {rule: verdict for rule, verdict in case.asks.items() if rule not in case.free}
    said = {
        rule: expected[rule] if verdict in expected.get(rule, "") else verdict
        for rule, verdict in short.items()
    }
    assert said == expected, _story(decision)
    if CRITICAL not in case.free:
        assert bool(decision["critical_values"]) == case.critical, _story(decision)
    if not case.free or case.outcome == "block":
        assert decision["outcome"] == case.outcome, _story(decision)
    for rule, why in case.why.items():
        assert why in h.whys(decision, rule), _story(decision)


def test_every_name_is_of_one_case() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))
    assert len(names) > 200


def _story(decision: JSON) -> str:
    return "\n".join(
        [decision["outcome"]]
        + [
            f"{f['rule']} {f['verdict']} {f['asks']}: {f['reason']['en']} {sorted(h.whys(decision, f['rule'][5:]))}"
            for f in decision["findings"]
        ]
    )
