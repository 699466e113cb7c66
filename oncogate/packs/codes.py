"""Code systems as hosts write them: ICD-10 and its editions, WHO's ATC, the codes of China's health insurance."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from oncogate.model.values import Code

SNOMED = "http://snomed.info/sct"


def is_nhsa(system: str | None) -> bool:
    """Whether a code system is that of China's health insurance (医保)."""
    plain = (system or "").casefold()
    return any(word in plain for word in ("nhsa", "医保", "yibao"))


def is_atc(system: str | None) -> bool:
    """Whether a code system is WHO's ATC."""
    plain = (system or "").casefold().rstrip("/")
    return plain in {"http://www.whocc.no/atc", "urn:oid:2.16.840.1.113883.6.73", "atc"} or plain.endswith(
        "/atc"
    )


def icd10(code: Code) -> str | None:
    """The ICD-10 code without its dot, upper case; `None` if the system isn't ICD-10 or one of its editions."""
    return icd10_of(code.system, code.code)


@lru_cache(maxsize=4096)
def icd10_of(system: str | None, code: str | None) -> str | None:
    """`icd10` of a code in its two parts."""
    return code.strip().upper().replace(".", "") if code and _is_icd10(system or "") else None


@lru_cache(maxsize=256)
def _is_icd10(system: str) -> bool:
    plain = re.sub(r"[^a-z0-9]", "", system.casefold())
    return "icd10" in plain or plain in {"urnoid216840111388363", "urnoid2168401113883690"}


def keys_of(codes: Iterable[Code]) -> frozenset[tuple[str | None, str | None]]:
    """The codes to compare by: ICD-10 of whichever edition is one system."""
    return frozenset(("icd10", icd10(c)) if icd10(c) else (c.system, c.code) for c in codes if c.code)


_TUMOUR = re.compile(
    "癌|恶性|肉瘤|肿瘤|白血病|淋巴瘤|骨髓瘤|黑色素瘤|carcinoma|cancer|malignan|sarcoma|leuka?emia|lymphoma|myeloma|melanoma"
    "|neoplasm|tumou?r",
    re.IGNORECASE,
)


_NO_TUMOUR = re.compile(
    "家族史|良性|恶性高血压|恶性(?:疟|贫血|高热)|抗原|筛查|体检|family history|benign|malignant (?:hypertension|hyperthermia)|antigen|screening",
    re.IGNORECASE,
)


def names_tumour(text: str) -> bool:
    """Whether a diagnosis in words names a malignancy, or may. General knowledge; it only ever makes something unknown."""
    return _TUMOUR.search(text) is not None and _NO_TUMOUR.search(text) is None


def looks_malignant(code: str) -> bool:
    """Whether a code of no known system has the form of a malignant neoplasm in ICD-10 (`C50.4`, `C50.900x001`)."""
    return re.match(r"[Cc]\d\d(?![0-9A-Za-z])", code.strip()) is not None and is_malignant(
        code.strip().upper()
    )


def is_malignant(plain: str) -> bool:
    """C00–C97, the malignant neoplasms of ICD-10."""
    return bool(re.match(r"C[0-9][0-9]", plain)) and plain[:3] <= "C97"
