from inspect_ai import Task
from inspect_ai import eval as evaluate
from inspect_ai.dataset import Sample
from inspect_ai.model import ContentReasoning, ContentText, ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import match
from inspect_ai.solver import generate, system_message, user_message


def counted(out):
    words = len(out.completion.split())  # stated, so that no tokenizer is downloaded
    out.usage = ModelUsage(input_tokens=20, output_tokens=words, total_tokens=20 + words)
    return out


def outputs():
    for text in [
        "48 / 2 = 24.\n\n48 + 24 = 72.\n\nThe answer is 72.",
        "Sure.",
        "48 / 2 = 26.\n\nThe answer is 74.",
        "<b>Sure.</b>",
    ]:
        yield counted(ModelOutput.from_content("mockllm/model", text))
    while True:
        out = ModelOutput.from_content("mockllm/model", "The answer is 5.")
        out.choices[0].message.content = [
            ContentReasoning(reasoning="2 and 3 make 5."),
            ContentText(text="The answer is 5."),
        ]
        yield counted(out)


task = Task(
    dataset=[
        Sample(
            "Natalia sold 48 clips in April and half as many in May. How many in all?",
            target="72",
            id="clips",
        ),
        Sample("What is 2 + 3?", target="5", id="sum"),
    ],
    solver=[
        system_message("Reason step by step."),
        generate(),
        user_message("Are you sure?"),
        generate(),
    ],
    scorer=match(location="any"),
    epochs=2,
)
for form in ("json", "eval"):
    evaluate(
        task,
        model=get_model("mockllm/model", custom_outputs=outputs()),
        log_dir="inspect-logs",
        log_format=form,
        display="none",
        max_samples=1,
    )
