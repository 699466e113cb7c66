"""The traps of names: what looks alike and isn't, what looks different and is the same."""

from __future__ import annotations

import pytest

from oncogate.clinical.names import drug_keys, exam_ids, name_key


def finds(written: str, listed: str) -> bool:
    """Whether a written name meets a listed one, as the tables are asked."""
    index = set(drug_keys(listed))
    return any(key in index for key in drug_keys(written))


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("甲磺酸奥希替尼片", "奥希替尼"),
        ("奥希替尼片(泰瑞沙)80mg*30片", "奥希替尼"),
        ("奥希替尼片（泰瑞沙）80ｍｇ×30片/盒", "奥希替尼"),
        ("[泰瑞沙]奥希替尼片", "奥希替尼"),
        ("奥希替尼片【阿斯利康】【批号20260101】", "奥希替尼"),
        ("奥希替尼片(泰瑞沙", "奥希替尼"),
        ("奥\u200b希\ufeff替\u200d尼", "奥希替尼"),
        (" 奥希替尼 ", "奥希替尼"),
        ("注射用顺铂 10mg", "顺铂"),
        ("顺铂注射液 6ml:30mg", "顺铂"),
        ("紫杉醇注射液30mg:5ml×10支", "紫杉醇"),
        ("紫杉醇注射液(Ⅱ)", "紫杉醇"),
        ("卡培他滨片0.5g*12片", "卡培他滨"),
        ("枸橼酸他莫昔芬片", "他莫昔芬"),
        ("他莫昔芬(枸橼酸盐)", "他莫昔芬"),
        ("二甲苯磺酸拉帕替尼片", "拉帕替尼"),
        ("对甲苯磺酸索拉非尼片", "索拉非尼"),
        ("注射用培美曲塞二钠", "培美曲塞"),
        ("地塞米松磷酸钠注射液", "地塞米松"),
        ("注射用甲泼尼龙琥珀酸钠", "甲泼尼龙"),
        ("醋酸戈舍瑞林缓释植入剂3.6mg", "戈舍瑞林"),
        ("注射用醋酸亮丙瑞林微球", "亮丙瑞林"),
        ("重组人粒细胞刺激因子注射液", "重组人粒细胞刺激因子"),
        ("重组人干扰素α-2b注射液", "重组人干扰素α2b"),
        ("S-1胶囊", "S-1"),
        ("5-FU 0.25g", "5fu"),
        ("5－氟尿嘧啶注射液", "5-氟尿嘧啶"),
        ("盐酸X", "盐酸X"),
        ("OSIMERTINIB MESYLATE TABLETS 80 MG", "osimertinib"),
        ("1 ML DOCEtaxel 20 MG/ML Injection", "docetaxel"),
        ("docetaxel trihydrate concentrate for solution for infusion", "docetaxel"),
        ("Inj. Docetaxel 80mg", "docetaxel"),
        ("CISplatin 50 MG per 50 ML Injectable Solution", "cisplatin"),
        ("oxaliplatin 5 MG/ML [Eloxatin]", "oxaliplatin"),
        ("bevacizumab-awwb", "bevacizumab"),
        ("sodium chloride 0.9%", "0.9% Sodium Chloride"),
        ("注射用紫杉醇(白蛋白结合型)", "紫杉醇(白蛋白结合型)"),
        ("注射用紫杉醇(白蛋白结合型)(克艾力)100mg", "紫杉醇（白蛋白结合型）"),
        ("紫杉醇(白蛋白)", "紫杉醇(白蛋白结合型)"),
        ("盐酸多柔比星脂质体注射液 20mg:10ml", "多柔比星脂质体"),
        ("多柔比星(脂质体)", "多柔比星脂质体"),
    ],
)
def test_the_same_drug(written: str, listed: str) -> None:
    assert finds(written, listed)


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("瑞普替尼", "瑞派替尼"),
        ("阿帕替尼", "阿帕他胺"),
        ("索立德吉", "索凡替尼"),
        ("索凡替尼", "索拉非尼"),
        ("恩美曲妥珠单抗", "曲妥珠单抗"),
        ("德曲妥珠单抗", "曲妥珠单抗"),
        ("瑞康曲妥珠单抗", "曲妥珠单抗"),
        ("帕妥珠曲妥珠单抗", "曲妥珠单抗"),
        ("帕妥珠曲妥珠单抗", "帕妥珠单抗"),
        ("注射用紫杉醇(白蛋白结合型)", "紫杉醇"),
        ("注射用紫杉醇（白蛋白结合型）[克艾力]", "紫杉醇"),
        ("紫杉醇脂质体", "紫杉醇"),
        ("注射用紫杉醇聚合物胶束", "紫杉醇"),
        ("nab-paclitaxel", "paclitaxel"),
        ("paclitaxel (nab)", "paclitaxel"),
        ("paclitaxel protein-bound", "paclitaxel"),
        ("盐酸多柔比星脂质体注射液", "多柔比星"),
        ("doxorubicin liposomal injection", "doxorubicin"),
        ("聚乙二醇化重组人粒细胞刺激因子注射液", "重组人粒细胞刺激因子"),
        ("重组人粒细胞刺激因子(聚乙二醇化)", "重组人粒细胞刺激因子"),
        ("左亚叶酸钙", "亚叶酸钙"),
        ("亚叶酸钙", "叶酸"),
        ("potassium chloride", "sodium chloride"),
        ("氯化钾", "氯化钠"),
        ("多西他赛配套输液器", "多西他赛"),
        ("多西他赛(配套输液器)", "多西他赛"),
        ("吉非替尼类似物", "吉非替尼"),
        ("吉非替尼(类似物)", "吉非替尼"),
        ("安慰剂(吉非替尼)", "吉非替尼"),
        ("吉非替尼、奥希替尼", "吉非替尼"),
        ("吉非替尼 停用", "吉非替尼"),
        ("试验药物X-77", "吉非替尼"),
    ],
)
def test_another_drug(written: str, listed: str) -> None:
    assert not finds(written, listed)


def test_the_most_specific_form_comes_first() -> None:
    keys = drug_keys("注射用盐酸多柔比星(浙江)10mg")
    assert keys[0] == "注射用盐酸多柔比星浙江10mg"
    assert keys[-1] == "多柔比星"
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", ["", " ", "()", "\u200b", "—", "【】"])
def test_nothing_gives_no_key(name: str) -> None:
    assert drug_keys(name) == ()


@pytest.mark.parametrize(
    "name", ["片", "注射用水", "80mg", "((((", "))))", "(((a)))((", "盐酸", "a" * 2000, "(" * 2000]
)
def test_odd_names_neither_fail_nor_become_empty_keys(name: str) -> None:
    assert "" not in drug_keys(name)


def test_name_key() -> None:
    assert name_key("Ｒ－CHOP 14") == name_key("r-chop-14") == "rchop14"
    assert name_key("A+AVD") == name_key("a avd")


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("胸部增强CT", "CECT_chest"),
        ("胸部CT平扫", "CT_chest"),
        ("胸部CT平扫+增强", "CECT_chest"),
        ("胸部CT(平扫+增强)", "CECT_chest"),
        ("腹部CT(未增强)", "CT_abdomen"),
        ("CT chest with contrast", "CECT_chest"),
        ("CT chest without contrast", "CT_chest"),
        ("CT chest without and with contrast", "CECT_chest"),
        ("CT chest, abdomen and pelvis with contrast", "CECT_abdomen CECT_chest CECT_pelvis"),
        ("颅脑MRI(平扫+增强)", "MRI_brain"),
        ("头颅CT", "CT_brain"),
        ("胸腹盆增强CT", "CECT_abdomen CECT_chest CECT_pelvis"),
        ("胸部、腹部、盆腔增强CT", "CECT_abdomen CECT_chest CECT_pelvis"),
        ("颈胸腹盆CT增强", "CECT_abdomen CECT_chest CECT_neck CECT_pelvis"),
        ("胸部CT平扫+腹部增强CT", "CECT_abdomen CT_chest"),
        ("胸部CT(平扫)、头颅MRI(增强)", "CT_chest MRI_brain"),
        ("盆腔MRI+腹部彩超", "MRI_pelvis US_abdomen"),
        ("上腹部CT增强(动脉期+静脉期)", "CECT_abdomen"),
        ("低剂量胸部CT", "LDCT_chest"),
        ("PET-CT", "PET_CT"),
        ("18F-FDG全身PET/CT显像", "PET_CT"),
        ("68Ga-PSMA PET/CT", "PSMA_PET"),
        ("全身骨显像", "bone_scan"),
        ("腹部超声", "US_abdomen"),
        ("乳腺彩超", "US_breast"),
        ("甲状腺及颈部淋巴结彩超", "US_neck US_nodes"),
        ("双侧乳腺钼靶", "mammography"),
        ("鼻咽+颈部MRI平扫+增强", "MRI_nasopharynx MRI_neck"),
        ("直肠高分辨MRI", "MRI_rectum"),
        ("宫颈MRI", "MRI_pelvis"),
        ("胃镜+活检", "EGD biopsy"),
        ("超声胃镜", "EUS"),
        ("电子结肠镜检查", "colonoscopy"),
        ("TURBT", "biopsy cystoscopy"),
        ("骨髓穿刺+活检", "bone_marrow"),
        ("CT引导下肺穿刺活检", "biopsy"),
        ("血清AFP", "AFP"),
        ("CA-125", "CA125"),
        ("总PSA", "PSA"),
        ("EBV-DNA", "EBV_DNA"),
        ("Child-Pugh分级", "child_pugh"),
        ("ECOG评分", "ECOG"),
        ("MRI_brain", "MRI_brain"),
        ("CECT_pelvis", "CECT_pelvis"),
        ("宫颈癌", ""),
        ("下腹部CT", ""),
        ("颈椎MRI", ""),
        ("骨盆CT", ""),
        ("冠脉CTA", ""),
        ("颈部血管彩超", ""),
        ("心脏彩超", ""),
        ("颅脑PET-CT", ""),
        ("PET/MR", ""),
        ("胸部X线", ""),
        ("胶囊胃镜", ""),
        ("游离PSA", ""),
        ("拒绝胸部CT", ""),
        ("胸部CT会诊", ""),
        ("肿瘤标志物", ""),
        ("", ""),
    ],
)
def test_examinations(name: str, ids: str) -> None:
    assert exam_ids(name) == frozenset(ids.split())
