r"""Texts as models write them, by kind, with the answer that a reader takes; None where the text
does not say one thing. Used by the tests of extraction, and as a table of kinds by
`python -m tests.problems.extraction_texts`.
"""

from __future__ import annotations

from collections import Counter

from backend.problems.extraction import READERS

TEXTS: tuple[tuple[str, str, str | None], ...] = (
    ("box", r"so \boxed{3} or rather \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
    ("box", r"\boxed{ 12 }", "12"),
    ("box", r"We get $\boxed{5!}$ ways.", "5!"),
    ("box", r"Hence $x=\boxed{\text{(B)}}$", r"\text{(B)}"),
    ("box", r"\boxed{$5$}", "5"),
    ("box", "First \\boxed{3}.\n\nThen the second part.\n\nSo \\boxed{8}.", "8"),
    ("box", "\\boxed{12}\n\nI hope that helps!", "12"),
    ("box", r"\boxed{\frac{\sqrt{2}}{2}} is what we want", r"\frac{\sqrt{2}}{2}"),
    ("box without braces", r"so $\boxed 5$.", "5"),
    ("box without braces", r"so \boxed 12 and nothing else", "12"),
    ("box without braces", r"so $\boxed\frac12$", r"\frac12"),
    ("box without braces", r"so $\boxed 3\sqrt{2}$ in all", r"3\sqrt{2}"),
    ("box without braces", r"hence \boxed\pi is it", r"\pi"),
    ("box without braces", r"hence \boxed x follows", "x"),
    ("box with space", "so \\boxed  {12} done", "12"),
    ("box with space", "so \\boxed\n{12} done", "12"),
    ("box by another name", r"so \fbox{7}", "7"),
    ("box by another name", r"so \framebox{7}", "7"),
    ("nested box", r"\boxed{\boxed{7}}", "7"),
    ("nested box", r"\boxed{y=\boxed{9}}", None),
    ("several boxes", r"Either \boxed{2} or \boxed{4}.", None),
    ("several boxes", r"Both ways give \boxed{6} and \boxed{6}.", "6"),
    ("several boxes", r"First we found \boxed{2}, but then \boxed{4}.", "4"),
    ("several boxes", r"The roots are $\boxed{1}$, $\boxed{2}$.", None),
    ("empty box", r"\boxed{}", None),
    ("empty box", r"It is \boxed{8}. I was to write it as \boxed{}.", "8"),
    ("empty box", r"I put the result in \boxed{\text{answer}}. The answer is 4.", "4"),
    ("empty box", r"Use \boxed{...} at the end.", None),
    ("unclosed box", r"\boxed{7} and \boxed{unclosed", "7"),
    ("unclosed box", r"The answer is \boxed{12", None),
    ("escaped", r"\\boxed{\\frac{1}{2}}", r"\frac{1}{2}"),
    ("escaped", r"\boxed{\left\{1,2\right\}}", r"\left\{1,2\right\}"),
    ("box against words", "\\boxed{12}\n\nSo the answer is 12 apples.", "12"),
    ("box against words", "\\boxed{12}\n\nThe answer is 14.", None),
    ("box against words", "\\boxed{12}\n\nWait, that is wrong. The answer is 14.", "14"),
    ("box against words", "The answer is 14. No: \\boxed{12}", "12"),
    ("box against words", "\\boxed{0.50} so the answer is .5", "0.50"),
    ("hashes", "work\n#### 72", "72"),
    ("hashes", "work\n#### **72**", "72"),
    ("hashes", "work\n#### 1,234 apples", "1,234 apples"),
    ("hashes", "work\n####\n72", "72"),
    ("hashes", "so it is 72 #### 72", "72"),
    ("hashes", "work\n#### -5", "-5"),
    ("heading with hashes", "The answer is 9.\n\n#### Step 2: check\n3 * 3 = 9", "9"),
    ("heading with hashes", "The answer is 9.\n#### 2. Conclusion\nFine.", "9"),
    ("heading with hashes", "#### Solution\nWe add.\nThe answer is 9.", "9"),
    ("heading with hashes", "#### Final Answer\n**9**", "9"),
    ("heading with hashes", "##### 12 months\nThe answer is 9", "9"),
    ("words", "I think.\nThe final answer is 42.\nThat is all.", "42"),
    ("words", "Answer: x = 3", "x = 3"),
    ("words", "ANSWER: 12", "12"),
    ("words", "Ans: 12", "12"),
    ("words", "Final answer = 12", "12"),
    ("words", "The correct option is (C).", "(C)"),
    ("words", "The answer is B", "B"),
    ("words", "The answer is Paris.", "Paris"),
    ("words", "The answer is 3.5.", "3.5"),
    ("words", "The answer is 3, 5 and 7.", "3, 5 and 7"),
    ("words", "The answer is (3, 5).", "(3, 5)"),
    ("words", "The answer is x = 3, y = 5.", "x = 3, y = 5"),
    ("words", "The answer is $12.", "$12"),
    ("words", "The answer is $12.50 because he paid it.", "$12.50"),
    ("words", "The answer equals 12", "12"),
    ("words", "The answer to the question is 12.", "12"),
    ("words", "The answer comes out to 12.", "12"),
    ("words", "12 is the answer.", "12"),
    ("words", "So $x+1$ is the final answer.", "x+1"),
    ("words", '{"steps": 3, "answer": "12"}', "12"),
    ("words", "Answer: 50%", "50%"),
    ("words", "The answer is 12!", "12"),
    ("emphasis", "**Answer:** 12", "12"),
    ("emphasis", "**Answer: 12**", "12"),
    ("emphasis", "**The final answer is $\\frac{3}{4}$.**", r"\frac{3}{4}"),
    ("emphasis", "*Answer*: `12`", "12"),
    ("emphasis", "The answer is **12** apples.", "12 apples"),
    ("heading", "### Final Answer\n\n**12**", "12"),
    ("heading", "**Final Answer:**\n\n12", "12"),
    ("heading", "## Answer\nThe total number of apples is 12.", "12"),
    ("heading", "**Final Answer**\n$$\n12\n$$", "12"),
    ("heading", "**Final Answer**\n\\[\n\\boxed{12}\n\\]", "12"),
    ("value on a later line", "The answer is:\n\n12", "12"),
    ("value on a later line", "The answer is:\n\n$$x = 12$$\n\nDone.", "x = 12"),
    ("value on a later line", "The final answer is\n\\[ 12 \\]", "12"),
    ("sentence goes on", "The answer is 42 apples because 40 + 2 = 42.", "42 apples"),
    ("sentence goes on", "The answer is 42, which is even.", "42"),
    ("sentence goes on", "The answer is 42; this is even.", "42"),
    ("sentence goes on", "The answer is 42 (since 40 + 2 = 42).", "42"),
    ("sentence goes on", "The answer is 42 as required.", "42"),
    ("sentence goes on", "The answer is 42 — a round number.", "42"),
    ("sentence goes on", "The answer is 42. I hope it is correct.", "42"),
    ("sentence goes on", "The answer is blue, because the sky is.", "blue"),
    ("sentence goes on", "The answer is 30 + 12 = 42.", "42"),
    ("story first", "The answer is the sum of the two, which is 42.", "42"),
    ("story first", "The answer is the number of apples: 42.", "42"),
    ("story first", "The answer is approximately 3.14", "3.14"),
    ("story first", "The answer is thus $x = 2$.", "x = 2"),
    ("negation", "The answer is not 5; the answer is 7.", "7"),
    ("negation", "The answer is not 5 but 7.", "7"),
    ("negation", "The answer isn't 5, it's 7.", "7"),
    ("negation", "The answer is 7, not 5.", "7"),
    ("negation", "Is the answer 5? The answer is 7.", "7"),
    (
        "negation",
        "If the answer is 5, then 3 is odd. The answer is 7. If the answer is 9, no.",
        "7",
    ),
    ("negation", "The answer is 7. Saying that the answer is 5 is wrong.", "7"),
    ("better one before", "Answer = 6.\nThe answer is clear now.", "6"),
    ("better one before", "The answer is 6. The answer is what we were asked to find here.", "6"),
    ("better one before", "The answer is 6.\nAnswer:", "6"),
    ("better one before", "The answer is 6.\nThe final answer is [your answer].", "6"),
    ("tag", "<answer>17</answer>", "17"),
    ("tag", "<answer>\n The answer is 17 apples.\n</answer>", "17 apples"),
    ("tag", "<answer>17</answer> and <answer></answer>", "17"),
    ("tag", "<answer>17", "17"),
    ("conclusion", "5 and 7.\nTherefore, the total is 12.", "12"),
    ("conclusion", "Thus x = 4.", "4"),
    ("conclusion", "So the farmer has 12 apples left.", "12 apples left"),
    ("conclusion", "Hence she earns a lot.", None),
    ("thinking", "<think>\\boxed{3}</think>\nThe answer is 4.", "4"),
    ("thinking", "it may be \\boxed{3}</think>\\boxed{4}", "4"),
    ("thinking", "<think>it may be \\boxed{3}", None),
    ("thinking", "<think>it may be \\boxed{3}</think>I cannot say.", None),
    ("thinking", "<think>a</think>42", "42"),
    ("new question", "The answer is 4.\n\nQuestion: what is 3 + 3?\nThe answer is 6.", "4"),
    ("new question", "\\boxed{4}\n\nProblem: what is 3 + 3?\n\\boxed{6}", "4"),
    ("new question", "Question: what is 2 + 2?\nThe answer is 4.", "4"),
    ("new question", "Question 1: 2 + 2? The answer is 4.\nQuestion 2: + 3? The answer is 7.", "7"),
    ("new question", "The answer is 4.<|im_end|>\n<|im_start|>user\nThe answer is 5.", "4"),
    ("alone", "42", "42"),
    ("alone", "**42**", "42"),
    ("alone", "$\\frac{1}{2}$", r"\frac{1}{2}"),
    ("alone", "B", "B"),
    ("alone", "(b)", "(b)"),
    ("none", "b", None),
    ("none", "no idea", None),
    ("none", "", None),
    ("none", "There are 5 apples.", None),
    ("none", "Die Antwort ist 12.", None),
)
"""Kind, text, answer."""


def table() -> str:
    """How many texts of each kind are read wrongly by the first reader and by this one."""
    tried, before, now = Counter[str](), Counter[str](), Counter[str]()
    for kind, text, answer in TEXTS:
        tried[kind] += 1
        before[kind] += READERS[1](text).answer != answer
        now[kind] += READERS[2](text).answer != answer
    rows = [(kind, tried[kind], before[kind], now[kind]) for kind in tried]
    rows.append(("all", tried.total(), before.total(), now.total()))
    return "\n".join(
        f"{kind:24} {count:5} {first:8} {last:6}"
        for kind, count, first, last in [("kind", "texts", "before", "now"), *rows]
    )


if __name__ == "__main__":
    print(table())
