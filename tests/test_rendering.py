"""What a physician sees: as text in the terminal and as a page."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from cases import lab, request, written
from conftest import ROOT
from loaded import shipped_gate, shipped_library
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text as Styled

from oncogate import Decision, Gate, Request
from oncogate.base.texts import Text
from oncogate.explain.conditions import parameter_value
from oncogate.explain.findings import parameters_used
from oncogate.explain.prose import wrapped
from oncogate.explain.render_html import render_html
from oncogate.explain.render_text import render_text
from oncogate.explain.rows import rows_of
from oncogate.explain.view import MOST_WORDS, view_of
from oncogate.explain.words import CODES, WORDS, one_line, powers, printable, quantity_said
from oncogate.model.decision import Evidence
from oncogate.model.parameter import Parameter

GATE = Gate.load([ROOT / "rules" / "core"])
LABELS = {name: fact.label for name, fact in GATE.library.facts.items()}
HAN = re.compile(r"[\u3400-\u9fff，。；：（）]")

WITHDRAWN = [
    {"id": "c-9", "kind": "chemotherapy", "status": "inactive", "effective": "2026-03-01T16:00:00+08:00", "source": "Consent/c-9"}
]  # fmt: skip
CASES = {
    "allowed": request(),
    "withdrawn": request(consents=WITHDRAWN),
    "critical": request(labs=lab(0.8), consents=[]),
    "critical without an order": request(labs=lab(0.8), order=None),
    "not supplied": request(labs=..., consents=...),
    "warned": request(labs=[]),
    "everything wrong": request(
        labs=lab(0.8, "109/L"), consents=[], pathology=[], assessments=[], stages=[], treatments=[]
    ),
}


def decided(content: dict[str, Any]) -> Decision:
    return GATE.decide(Request.load(content))


def plain(decision: Decision, language: Any = "zh", *, width: int = 100, **kwargs: Any) -> str:
    made = io.StringIO()
    Console(file=made, width=width, color_system=None).print(render_text(decision, language, **kwargs))
    return "\n".join(line.rstrip() for line in made.getvalue().splitlines())


class TestText:
    def test_of_a_block(self) -> None:
        assert (
            plain(decided(CASES["withdrawn"]))
            == """\
 拦截   本次医嘱暂不能执行   拦截 1
医嘱      ord-1
患者      p-1
判定时刻  2026-03-02 09:30 +08:00

拦截  缺少有效的治疗知情同意
"""
            + self.middle("withdrawn")
            + """
下一步
  完成下列事项后，本次医嘱可以放行：
  1. 请向患者（或其授权人）充分告知并签署本次治疗的知情同意书，再提交医嘱。

"""
            + f"规则  {self.packs()}"
        )

    def middle(self, case: str) -> str:
        """The finding itself, from the decision: its sentences are tested where they are made."""
        finding = decided(CASES[case]).findings[0]
        row = next(e for e in finding.evidence if e.entry)
        reason = "\n".join("  " + str(line) for line in wrapped(Styled(finding.reason.zh), 98))
        why = row.detail.zh if row.detail else ""
        return f"""{reason}
  处理        请向患者（或其授权人）充分告知并签署本次治疗的知情同意书，再提交医嘱。
  例外放行    主治医师填写理由后可以继续（可用理由：肿瘤急症）
  查到的资料  ✓ 医嘱药品  多西他赛
              ✗ {LABELS["consent.chemotherapy"].zh}  2026-03-01 16:00  {why}  [Consent/c-9]
  所用限值    需要知情同意的药物类别：细胞毒药物、靶向药物、免疫治疗药物
  规则        core/consent-missing
"""

    def packs(self) -> str:
        pack = GATE.library.packs[0]
        return f"core {pack.version} ({pack.digest[7:15]}) · oncogate 0.1.0"

    def test_in_english(self) -> None:
        said = plain(decided(CASES["withdrawn"]), "en")
        for line in (
            " BLOCK   this order can't go on as it is   BLOCK 1", "Order       ord-1", "BLOCK  No valid informed consent",
            "  Override        attending physician, giving a reason (oncologic emergency)",
            "  After these the order is allowed:",
        ):  # fmt: skip
            assert line in said.splitlines()

    def test_of_an_allowed_order(self) -> None:
        assert plain(decided(CASES["allowed"])).splitlines()[:6] == [
            " 放行   可以继续", "医嘱      ord-1", "患者      p-1", "判定时刻  2026-03-02 09:30 +08:00", "", "未发现需要处理的问题。",
        ]  # fmt: skip

    def test_puts_the_critical_value_first(self) -> None:
        said = plain(decided(CASES["critical"]))
        assert said.startswith(" 拦截   本次医嘱暂不能执行    危急值 1    拦截 2\n")
        heads = [line for line in said.splitlines() if line.startswith(("危急值  ", "拦截  ", "警示  "))]
        assert heads == [
            "危急值  中性粒细胞绝对值危急值",
            "拦截  ANC 低于本方案起始限值",
            "拦截  缺少有效的治疗知情同意",
        ]
        assert f"{LABELS['lab.anc'].zh}0.8 ×10⁹/L · 危急界值 1.0 ×10⁹/L · 2026-03-01 07:00" in said
        assert "补做或补录资料不能使本次医嘱放行，先要解决：\n  - ANC 低于本方案起始限值：请暂缓给药" in said

    def test_of_a_critical_value_without_an_order(self) -> None:
        said = plain(decided(CASES["critical without an order"]))
        assert said.startswith(" 无医嘱   没有待判定的医嘱    危急值 1\n医嘱      无医嘱\n")
        assert "请立即启动危急值处置" in said

    def test_puts_the_strictest_first_and_says_what_is_not_known(self) -> None:
        said = plain(decided(CASES["not supplied"]))
        heads = [line for line in said.splitlines() if line.startswith(("拦截  ", "警示  "))]
        assert [head[:2] for head in heads] == ["拦截", "拦截", "警示", "警示"]
        assert all(head[4:].startswith("无法判定：") for head in heads)
        assert f"? {LABELS['consent.chemotherapy'].zh}" in said

    def test_names_the_layer_that_set_a_limit(self, tmp_path: Path) -> None:
        site = tmp_path / "site.yaml"
        site.write_text("id: h-1\nparameters:\n  core/anc-below-start-limit: {window: 3}\n", "utf-8")
        made = Gate.load(site=site).decide(Request.load(request(labs=lab(1.2))))
        said = plain(made)
        assert "药品未列限值时的默认限值：1.5 ×10⁹/L\n" in said
        assert "结果时限：3 天（由 h-1 设定）" in said

    def test_names_met_rules_only_when_asked(self) -> None:
        decision = decided(CASES["withdrawn"])
        assert "其余规则" not in plain(decision)
        said = plain(decision, everything=True)
        rows = said[said.index("其余规则") :].splitlines()[1:]
        shown = [row.split()[-1] for row in rows if "core/" in row]
        assert shown == [f.rule for f in decision.all_findings if f.asks is None]
        assert any(row.startswith("  通过    ") for row in rows)
        assert any(row.startswith("  不适用  ") for row in rows)

    @pytest.mark.parametrize("case", CASES)
    @pytest.mark.parametrize("language", ["zh", "en"])
    @pytest.mark.parametrize("width", [80, 100, 120])
    def test_keeps_within_the_columns(self, case: str, language: str, width: int) -> None:
        lines = plain(decided(CASES[case]), language, width=width, everything=True).splitlines()
        assert max(cell_len(line) for line in lines) <= width
        assert not [line for line in lines if line.strip()[:1] in tuple("，。；：、）") and line.strip()]

    @pytest.mark.parametrize("case", CASES)
    def test_has_no_english_sentence_in_chinese_and_the_other_way_round(self, case: str) -> None:
        view = view_of(decided(CASES[case]), "en")
        ours = [
            view.banner,
            view.means,
            view.counts,
            *(t for s in view.findings for t in (s.tag, s.title, s.override, s.verdict, *s.limits)),
        ]
        assert not [text for text in ours if HAN.search(text)]
        chinese = view_of(decided(CASES[case]), "zh")
        ours = [
            chinese.means,
            *(
                t
                for s in chinese.findings
                for t in (s.title, s.override, *s.limits, *(r.label for r in s.evidence))
                if t
            ),
        ]
        assert [text for text in ours if not HAN.search(text)] == []

    def test_is_made_from_the_decision_alone(self) -> None:
        """A decision that went through JSON shows the same."""
        for content in CASES.values():
            decision = decided(content)
            again = Decision.model_validate(json.loads(json.dumps(decision.to_dict())))
            assert plain(again) == plain(decision)

    def test_does_not_take_the_hosts_words_for_markup(self) -> None:
        said = plain(
            decided(
                request(
                    consents=[], order={"id": "[bold red]\x1b[31m\u202e", "drugs": [{"name": "多西他赛"}]}
                )
            )
        )
        assert r"医嘱      [bold red]\x1b[31m\u202e" in said.splitlines()

    def test_breaks_a_word_that_is_wider_than_the_line(self) -> None:
        said = plain(decided(request(order={"id": "x" * 300, "drugs": [{"name": "多西他赛"}]})), width=80)
        assert max(cell_len(line) for line in said.splitlines()) <= 80
        assert said.count("x") >= 300


def forward(way: list[list[str]], stuck: list[str], outcome: str = "block") -> str:
    """The way forward as shown, of a decision with other sets of actions."""
    decision = decided(CASES["everything wrong"])
    data = {**decision.to_dict(), "way_forward": way, "not_remediable": stuck, "outcome": outcome}
    said = plain(Decision.model_validate(data))
    return said[said.index("下一步\n") : said.index("\n\n规则")]


class TestTheWayForward:
    def test_of_one_set(self) -> None:
        said = forward([["sign-consent", "obtain-pathology"]], [])
        assert re.fullmatch(
            r"下一步\n  完成下列事项后，本次医嘱可以放行：\n  1\. 请向患者.*\n  2\. 请取得病理.*(\n     .*)?",
            said,
        )

    def test_of_several_sets_names_what_is_common_first(self) -> None:
        said = forward([["sign-consent", "obtain-pathology"], ["record-assessment", "sign-consent"]], [])
        heads = [line.split("（")[0] for line in said.splitlines() if re.match(r"\S|  \S|    \d", line)]
        assert heads == [
            "下一步", "  完成下列事项后，本次医嘱可以放行：", "  1. 请向患者", "  并任选下列一组完成：", "  方案1", "    1. 请取得病理",
            "  方案2", "    1. 请完成本周期的中性粒细胞减少",
        ]  # fmt: skip

    def test_of_several_sets_with_nothing_in_common(self) -> None:
        said = forward([["sign-consent"], ["obtain-pathology"]], [])
        assert said.splitlines()[1:3] == ["  任选下列一组完成后，本次医嘱可以放行：", "  方案1"]

    def test_says_when_a_warning_stays(self) -> None:
        said = forward([["sign-consent"]], ["core/staging-workup-incomplete"])
        assert "完成下列事项后，本次医嘱由拦截降为警示：" in said
        assert "此外，下列问题不能靠补做或补录解决：\n  - 首次治疗前分期检查不完整：" in said

    def test_of_an_action_without_words_is_its_name(self) -> None:
        assert "1. call-somebody" in forward([["call-somebody"]], [])


class Page(HTMLParser):
    """What an HTML page holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and "style" not in self.open:
            self.words.append(data.strip())


class TestHtml:
    @pytest.mark.parametrize("case", CASES)
    @pytest.mark.parametrize("language", ["zh", "en"])
    def test_is_one_page_that_needs_nothing_else(self, case: str, language: Any) -> None:
        text = render_html(decided(CASES[case]), language, everything=True)
        page = Page(text)
        assert page.open == []
        assert not {"script", "link", "img", "iframe", "form", "a"} & set(page.tags)
        assert not {"src", "href", "onclick", "onload"} & {name for name, _ in page.attributes}
        assert "url(" not in text
        assert "@import" not in text
        assert "http" not in re.sub(r"http-equiv", "", text)

    @pytest.mark.parametrize("language", ["zh", "en"])
    def test_says_what_the_text_says(self, language: Any) -> None:
        for content in CASES.values():
            decision = decided(content)
            words = " ".join(Page(render_html(decision, language)).words)
            view = view_of(decision, language)
            assert view.banner in words
            for section in (*view.critical, *view.findings):
                for said in (
                    section.title,
                    section.reason,
                    section.remedy,
                    section.override,
                    *section.values,
                    *section.limits,
                ):
                    assert said in words
                for row in section.evidence:
                    assert row.label in words
                    assert row.why in words

    @pytest.mark.parametrize(
        "evil",
        ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "&lt;b&gt;", "</style>"],
    )
    def test_escapes_what_the_host_says(self, evil: str) -> None:
        content = request(
            order={"id": evil, "drugs": [{"name": f"多西他赛{evil}"}, {"name": "多西他赛"}], "kind": "chemotherapy", "regimen": evil},
            patient={"id": evil}, consents=[{**WITHDRAWN[0], "source": evil}],
            stages=[{"id": evil, "stage": evil, "kind": "clinical", "status": "final", "effective": "2026-01-10"}], treatments=[],
        )  # fmt: skip
        text = render_html(decided(content), everything=True)
        page = Page(text)
        assert evil in " ".join(page.words)
        assert not {"script", "img", "b"} & set(page.tags)
        assert text.count("</style>") == 1

    def test_is_in_its_language(self) -> None:
        assert '<html lang="zh-CN">' in render_html(decided(CASES["allowed"]))
        assert '<html lang="en">' in render_html(decided(CASES["allowed"]), "en")


class TestTheTerminal:
    def shown(self, tmp_path: Path, **env: str) -> str:
        """What `oncogate check` prints on a terminal of 90 columns."""
        import pty
        import termios

        mine, its = pty.openpty()
        termios.tcsetwinsize(its, (40, 90)) if hasattr(termios, "tcsetwinsize") else None
        base = {
            k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES", "FORCE_COLOR")
        }
        path = written(tmp_path, CASES["critical"])
        process = subprocess.Popen(
            [sys.executable, "-m", "oncogate.cli", "check", path], stdout=its, stderr=its, stdin=its, cwd=ROOT,
            env={**base, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), **env},
        )  # fmt: skip
        os.close(its)
        found = b""
        while True:
            try:
                part = os.read(mine, 65536)
            except OSError:
                break
            if not part:
                break
            found += part
        os.close(mine)
        assert process.wait(30) == 1
        return found.decode()

    def test_has_colours(self, tmp_path: Path) -> None:
        assert self.shown(tmp_path).startswith("\x1b[1;37;41m 拦截 \x1b[0m")

    def test_has_none_where_they_are_not_wanted(self, tmp_path: Path) -> None:
        for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            assert "\x1b" not in self.shown(tmp_path, **env)

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="termios.tcsetwinsize is of 3.11")
    def test_is_as_wide_as_it_is(self, tmp_path: Path) -> None:
        lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in self.shown(tmp_path).splitlines()]
        assert 80 < max(cell_len(line) for line in lines) <= 90


class TestWords:
    def test_are_there_for_every_role_and_reason_of_the_shipped_rules(self) -> None:
        used = {code for r in GATE.library.rules for code in (*r.rule.override.by, *r.rule.override.reasons)}
        assert used - set(CODES) == set()

    def test_are_chinese_in_chinese_and_english_in_english(self) -> None:
        for text in (*WORDS.values(), *CODES.values()):
            assert HAN.search(text.zh)
            assert not HAN.search(text.en)

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("10*9/L", "×10⁹/L"),
            ("0.8 10*9/L", "0.8 ×10⁹/L"),
            ("10*-3", "×10⁻³"),
            ("109/L", "109/L"),
            ("110*9/L", "110*9/L"),
            ("10?/L", "10?/L"),
        ],
    )
    def test_powers_of_ten_are_raised(self, text: str, shown: str) -> None:
        assert powers(text) == shown

    def test_what_cannot_be_seen_is_shown_as_an_escape(self) -> None:
        assert (
            printable("中 a\x00\x1b\x9b\u200f\u2028\ud800\n") == "中 a\\x00\\x1b\\x9b\\u200f\\u2028\\ud800\n"
        )
        assert one_line(" a\n b\tc ") == "a b c"

    @pytest.mark.parametrize(
        ("text", "width", "lines"),
        [
            ("截至今日没有记录。", 8, ["截至今日", "没有记", "录。"]),
            ("一二三（附件）说明", 8, ["一二三", "（附件）", "说明"]),
            ("于 2026-03-02 09:30 判定", 18, ["于", "2026-03-02 09:30", "判定"]),
            ("ANC 为 0.8 ×10⁹/L，低", 12, ["ANC 为", "0.8 ×10⁹/L，", "低"]),
            ("plain English words", 10, ["plain", "English", "words"]),
            ("", 10, [""]),
        ],
    )
    def test_lines_break_where_chinese_breaks(self, text: str, width: int, lines: list[str]) -> None:
        assert [str(line) for line in wrapped(Styled(text), width)] == lines


def test_a_level_that_was_worked_out_is_shown_by_its_label() -> None:
    drugs = [{"name": name} for name in ("多西他赛", "多柔比星", "环磷酰胺")]
    order = {"id": "o", "regimen": "TAC", "drugs": drugs, "kind": "chemotherapy"}
    decision = decided(request(order=order, assessments=[], orders=[]))
    finding = decision.finding("core/prophylaxis-missing")
    assert finding is not None
    assert [(e.fact, e.value) for e in finding.evidence if e.fact == "regimen.fn_category"] == [
        ("regimen.fn_category", "high")
    ]
    assert "高危（TAC）" in plain(decision, "zh")
    assert "high (TAC)" in plain(decision, "en")
    assert "high" not in plain(decision, "zh")


@pytest.mark.parametrize(
    ("recorded", "zh", "en"),
    [
        ("39.5 Cel", "39.5 ℃", "39.5 °C"), ("<0.5 10*9/L", "<0.5 ×10⁹/L", "<0.5 ×10⁹/L"), ("21 d", "21 天", "21 days"),
        ("2", "2", "2"), ("2.5 109/L", "2.5 109/L", "2.5 109/L"), ("TAC", "TAC", "TAC"), ("", "", ""),
    ],
)  # fmt: skip
def test_a_quantity_as_recorded_is_read_in_the_units_of_the_ward(recorded: str, zh: str, en: str) -> None:
    said = quantity_said(recorded)
    assert (said.zh, said.en) == (zh, en)


def test_an_entry_is_shown_in_the_units_of_the_ward_and_an_unreadable_unit_as_it_came() -> None:
    assert "0.8 ×10⁹/L" in plain(decided(CASES["critical"]), "zh")
    assert "0.8 109/L" in plain(decided(CASES["everything wrong"]), "zh")


def test_parameters_are_shown_in_words() -> None:
    library = shipped_library()
    spellings = {"tab", "caps", "restricted"}
    force = library.always
    assert force is not None
    for rule in force.rules:
        for name, used in parameters_used(rule, force, library.tables).items():
            assert used.said is not None
            if used.label is None or used.value.count(", ") >= MOST_WORDS:
                continue  # neither is shown
            codes = set(used.value.split(", ")) & set(used.said.zh.split("、")) - spellings
            assert not any(re.fullmatch("[a-z_0-9]{3,}", code) for code in codes), (rule.id, name, codes)


def test_an_age_is_in_years_of_age_and_a_window_in_years() -> None:
    of_age = Parameter(value=65, unit="a", source="s", label=Text(zh="年龄界值", en="age limit"))
    window = Parameter(value=2, unit="a", source="s", label=Text(zh="结果时限", en="age of the result"))
    tables = shipped_library().tables
    assert parameter_value(of_age, tables) == Text(zh="65 岁", en="65 years")
    assert parameter_value(window, tables) == Text(zh="2 年", en="2 years")


def test_what_is_not_known_is_not_said_to_be_so() -> None:
    """The title of a rule says what is wrong."""
    said = plain(decided(CASES["not supplied"]), "en")
    assert "BLOCK  Can't be judged: No valid informed consent" in said.splitlines()


@pytest.mark.parametrize(
    ("evidence", "zh"),
    [
        (Evidence(fact="f", entry="a", counted=True, value="high", detail=Text(zh="高危", en="high risk")), "高危"),
        (Evidence(fact="f", entry="a", counted=True, value="H", detail=Text(zh="高危", en="high risk")), "H（高危）"),
        (Evidence(fact="f", entry="a", counted=False, why="too_old", value="low"), "低危"),
        (Evidence(fact="f", counted=True, value="docetaxel", detail=Text(zh="多西他赛", en="docetaxel")), "docetaxel（多西他赛）"),
    ],
)  # fmt: skip
def test_a_code_of_the_record_is_shown_by_what_it_means(evidence: Evidence, zh: str) -> None:
    (row,) = rows_of([evidence], decided(CASES["allowed"]).at, "zh")
    assert row.value == zh


@pytest.mark.parametrize("width", [80, 100])
def test_the_ids_of_other_rules_and_what_they_ask_are_never_cut(width: int) -> None:
    """They are there to be copied; a title gives way to them."""
    gate = shipped_gate()
    decision = gate.decide(Request.load(request(consents=[])))
    lines = plain(decision, "en", width=width, everything=True).splitlines()
    named = {word for line in lines for word in line.split()}
    assert {f.rule for f in decision.shadow if f.asks} <= named
    assert not any("…" in line for line in lines)


def test_what_must_be_carried_out_is_a_sentence_without_a_rules_id() -> None:
    decision = shipped_gate().decide(Request.load(ROOT / "examples" / "no-consent.json"))
    (first, *_) = view_of(decision, "zh").obligations
    assert first == "请设置床头标识：粒缺伴发热高危。"
