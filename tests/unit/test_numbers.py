"""Typed numbers: what the builder refuses in a lesson's text, and what it lets stand."""

import ast

import pytest

from mmlearn.course.builder import BuildError, build_lesson
from mmlearn.course.builder.alt import code_without_alt
from mmlearn.course.builder.numbers import code_with_numbers, settings, text_with_numbers

CODE = "batch, rate, many, share = 32, 2e-3, 1_000, 0.25\nrate_hz = 24_000\nup_to = -1\n# 77 and '55'\n"
KNOWN = settings([ast.parse(CODE)])


def refused(text):
    """What the rule quotes of each typed number: "86 million"."""
    return [message.split(": ")[0].removeprefix("a typed number, ") for _, message in text_with_numbers(text, KNOWN)]


def test_settings_are_the_numbers_of_the_code():
    assert sorted(KNOWN) == [2e-3, 0.25, 1, 32, 1000, 24000], "none of a comment or a text"


REFUSED = {
    "The CNN is right for 0.71 of them.": ["0.71"],
    "That is .5, or 3.5.": [".5", "3.5"],
    "It is right for 64 of them.": ["64"],
    "**64** and _65_ and (66), ~67, >68, =69": ["64", "65", "66", "67", "68", "69"],
    "There are 60,000 images and 60 000 more and 60_000.": ["60,000", "60 000", "60_000"],
    "About 10^6 or 10⁶ or 1e6 steps.": ["10^6", "10⁶", "1e6"],
    "It gains 5 % or 5% or 5 percent or 5 per cent.": ["5 %", "5%", "5 percent", "5 per cent"],
    "a gain of 3 percentage points": ["3 percentage"],
    "It takes 4 seconds, 4 s, 4s, 7 ms or a 4-second wait.": ["4 seconds", "4 s", "4s", "7 ms", "4-second"],
    "It takes 2 to 3 minutes, or 2–3 minutes.": ["2 to 3 minutes", "3 minutes", "2–3 minutes", "3 minutes"],
    "It takes 4\nseconds.": ["4 seconds"],
    "It needs 2 GiB, 3MB or 9 bytes.": ["2 GiB", "3MB", "9 bytes"],
    "Base has 86 million parameters, 7B or 86M.": ["86 million", "7B", "86M"],
    # A result is none the less typed where the same number happens to stand in the code.
    "It is right for 32 % and takes 32 seconds.": ["32 %", "32 seconds"],
    "sound of 8 kHz": ["8 kHz"],
    # A fraction reads as a result, also where the code has it: 0.25 may be the end of a slider, and 2e-3 a rate.
    "The CNN reaches an accuracy of 0.25.": ["0.25"],
    "a rate of 0.002 or 2e-3": ["0.002", "2e-3"],
    "It is right for 1.0 or 32.0 of them, or 1e3.": ["1.0", "32.0", "1e3"],
    "Table 1 gives 86, 307 and 632.": ["86", "307", "632"],
    "table 1, 86 million": ["86 million"],
    "Tables 1 and 2 give 64.": ["64"],
    "Table 64 % of them": ["64 %"],
    "From 2000 images to 2048 tokens.": ["2000", "2048"],
    "The CNN 2021 times": ["2021"],
    "## 64 images": ["64"],
    "[64 images](x.ipynb)": ["64"],
    "![64 images](x.png)": ["64"],
    "| ViT | 0.64 |": ["0.64"],
    "- 64 images": ["64"],
    "> 64 images": ["64"],
    "*It is 64 by far*, and more": ["64"],
    "A stray ` and 64.\n\nAnother ` here.": ["64"],
    "costs \\$5.5 and \\$6.5": ["5.5", "6.5"],
    "95 % of the pictures": ["95 %"],
    "N < 64 and M > 65": ["64", "65"],
}

FREE = [
    "lesson 01, Lessons 02 and 15 use it, section 3.1, sections 3 and 4.2, § 4.3",
    "sections 3.1, 3.2 and 13.3 show, equation (2), equations 1 to 14, Equations (13) and (14)",
    "figure 17, Figure 13a, table 1, appendix A.1, appendices B.13 and C, algorithm 13, question 13, part 14",
    "arXiv:2010.11929, arXiv: 2103.00020v2, https://arxiv.org/abs/2010.11929, 10.1145/3292500.3330701",
    "Dosovitskiy et al. 2021 show, Dosovitskiy et al., 2021, (Dosovitskiy et al., 2021), Radford (2021)",
    "ICLR 2021, NeurIPS 2017. In 2012, AlexNet; since 2020.",
    "Dosovitskiy et al., *An Image is Worth 16x16 Words: Transformers for Recognition*, ICLR 2021, arXiv:2010.11929.",
    "`64`, ``a ` 64``, `0.71 of\nthem`",
    "```\n64 %\n```",
    "$64$, $x = 0.5\ny$, $$\\frac{1}{64}$$",
    "[here](64.ipynb), [here](https://a.b/64), [15_encodec.ipynb](15_encodec.ipynb)\n\n[64x]: https://a.b/64",
    "# 01 · ViT",
    "13. thirteenth\n14) fourteenth\n  15. inner",
    "2 halves, 4 × 4 patches, 12 heads, -1 to 1, 1/8, 7/8, 3D, the 3rd, 3 times, 12.",
    "batches of 32, a rate of `0.002` or $2e-3$, 1,000 classes, 1000 classes, 24,000 Hz, accuracy 0 or 1",
    "ViT-B/16, noto-v1, UTF-8, GPT-4, Qwen2.5, conv2d, h264, x2",
    "a 95 % interval, the 95 % confidence interval, 99% intervals, with 95 % confidence",
    '<img alt="a dot" width="640"> &#8211; <br>',
    "seventy seconds, ninety-five percent",
]


@pytest.mark.parametrize("text", REFUSED)
def test_a_typed_number_is_refused(text):
    assert refused(text) == REFUSED[text]


@pytest.mark.parametrize("text", FREE)
def test_what_is_no_result_stands(text):
    assert refused(text) == []


def test_lines_are_those_of_the_text():
    text = "one\n\n```\n64\n```\n\n64 and `a\nb`\n65"
    assert [line for line, _ in text_with_numbers(text, KNOWN)] == [7, 9]


# --- in code


def said(code):
    tree = ast.parse(code)
    return [(line, message.split(": ")[0]) for line, message in code_with_numbers(tree, KNOWN)]


NOTHING_FILLED_IN = "say(...) in which nothing is filled in"

SAID = {
    'say("The CNN wins.")': [(1, NOTHING_FILLED_IN)],
    'say(f"The CNN wins.")': [(1, NOTHING_FILLED_IN)],
    'say("The CNN " + "wins.")': [(1, NOTHING_FILLED_IN)],
    'text = "The CNN wins."\nsay(text)': [(2, NOTHING_FILLED_IN)],
    'course.say("Never.")': [(1, NOTHING_FILLED_IN)],
    'say(f"The CNN wins by {gain:.2f}, not by 0.5.")': [(1, "a typed number, 0.5")],
    'say(\n    f"{a} "\n    f"and 64 %"\n)': [(2, "a typed number, 64 %")],
    'say(f"{a} " + "and 64 of them")': [(1, "a typed number, 64")],
    'say("It is 64." if a else f"It is {a}.")': [(1, "a typed number, 64")],
    "say(f\"{'64 of them' if a else 'none'}\")": [(1, "a typed number, 64")],
    'text = f"{a} of 64"\nsay(text)': [(1, "a typed number, 64")],
    'say("\\n".join(f"| {a} | 64 |" for a in rows))': [(1, "a typed number, 64")],
    'reveal("q", a, text="It is 64.")': [(1, "a typed number, 64")],
    'reveal("q", a, fig, "64 bars", f"{a} of 65")': [(1, "a typed number, 64"), (1, "a typed number, 65")],
    'show(fig, alt="64 bars")': [(1, "a typed number, 64")],
    'show(fig, f"{n} of 64 bars")': [(1, "a typed number, 64")],
    'explore(draw, alt=lambda n: f"{n} of 64 bars", n=[1])': [(1, "a typed number, 64")],
    'predict("q", "You reached 0.25. And without 64?", (0.0, 0.7, 0.01))': [
        (1, "a typed number, 0.25"),
        (1, "a typed number, 64"),
    ],
    'predict("q", question=f"{a:.2f}, or 64 %?", choices=("64 %", "65 %"))': [(1, "a typed number, 64 %")],
    'print("accuracy 0.25", f"{a} of 64, or 64 %")': [(1, "a typed number, 0.25"), (1, "a typed number, 64 %")],
    # right
    'say(f"{share:.2f} of {n:,} after {seconds:.1f} s")': [],
    'say(f"{share:.0%} of 32, {7} halves")': [],
    "say(f\"{rows['64 of them']['share']:.2f}\")": [],
    'say("The ViT." if a > b else "The CNN.")': [],
    'say("\\n".join(lines))': [],
    "say(table(rows, 64))": [],
    'name = rows["64 of them"]\nsay(f"{name}")': [],
    'text = f"{a}"\ntext = text + f"{b}"\nsay(text)': [],
    "a = b\nb = a\nsay(a)": [],
    'reveal("q", a, text="A sentence of its own.")': [],
    'show(fig, alt="32 bars in 2 rows")': [],
    'x = "64 %"  # 64 %\n"""64 %"""': [],
    'print("lion", f"{a:<12.3f}{\'of\'}", 64, f"{b} of 64 x 64 pixels, {0.25}", sep="64 %")': [],
}


@pytest.mark.parametrize("code", SAID)
def test_what_code_says(code):
    assert said(code) == SAID[code]


REVEALED = {
    'reveal("q", a, fig)': ["reveal(...) without alt text"],
    'reveal("q", a, fig=fig, alt="")': ["reveal(...) without alt text"],
    'reveal("q", a, fig, None)': ["reveal(...) without alt text"],
    'reveal("q", a, fig, alt=words)': ["alt text in a variable"],
    'reveal("q", a, fig, "two bars")': [],
    'reveal("q", a, fig, alt=f"{n} bars")': [],
    'reveal("q", a)': [],
    'reveal("q", a, None, text="So it is.")': [],
}


@pytest.mark.parametrize("code", REVEALED)
def test_a_revealed_figure_is_described(code):
    assert [message.split(": ")[0] for _, message in code_without_alt(ast.parse(code))] == REVEALED[code]


# --- in a lesson

MASTER = """\
# %% [markdown]
# # 07 · A toy of 32
#
# First words, 64 of them, 48 more.

# %%
batch = 32
bins = 48

# %%
say(
    "Nothing."
)
show(fig, alt=f"{batch} of 99 bars")
"""


def test_the_builder_names_file_and_line(tmp_path):
    master = tmp_path / "solutions" / "07_toy.py"
    master.parent.mkdir()
    master.write_text(MASTER, encoding="utf-8")
    with pytest.raises(BuildError) as refusal:
        build_lesson(master, {}, str)
    told = [line.split(": ", 1) for line in str(refusal.value).split("\n")]
    assert [(place, text.split(":")[0]) for place, text in told] == [
        ("solutions/07_toy.py:4", "a typed number, 64"),
        ("solutions/07_toy.py:11", NOTHING_FILLED_IN),
        ("solutions/07_toy.py:14", "a typed number, 99"),
    ]
    assert 'say(f"... {value} ...")' in told[0][1]
