"""Text to token ids and back, and chats to prompts, for a model folder in the Hugging Face layout.

Two rules keep searches honest. Ids are the truth: a sampled sequence is kept as ids and never
re-encoded, because encoding decoded text need not give the same ids. And a step may end on any
token whose text contains a blank line: byte-level vocabularies merge `.` and a blank line into one
token, so waiting for the blank line's own id would wait for ever. The chat template is Jinja,
rendered in Jinja's sandbox: a model folder is data, not code.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from backend.core.errors import ArboretumError


class ChatTemplateError(ArboretumError):
    """The folder has no chat template, or its template refuses the messages."""


class ChatTokenizer:
    """A `tokenizer.json` with the chat template and the special tokens of
    `tokenizer_config.json`.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        template: str | None = None,
        special: Mapping[str, str] | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.template = template
        self.special = dict(special or {})
        self._containing: dict[str, frozenset[int]] = {}

    @classmethod
    def read(cls, folder: Path) -> ChatTokenizer:
        """The tokenizer of a model folder; a missing `tokenizer.json` is an error, a missing
        template only matters in a chat."""
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise ArboretumError(f"tokenizer.json is missing in model folder {folder}")
        settings_path = folder / "tokenizer_config.json"
        settings: dict[str, Any] = (
            json.loads(settings_path.read_text("utf-8")) if settings_path.is_file() else {}
        )
        template = settings.get("chat_template")
        if isinstance(template, list):  # several named templates
            template = next((t["template"] for t in template if t.get("name") == "default"), None)
        beside = folder / "chat_template.jinja"
        if template is None and beside.is_file():
            template = beside.read_text("utf-8")
        special = {
            name: text_of(settings[name])
            for name in ("bos_token", "eos_token", "pad_token")
            if settings.get(name)
        }
        return cls(Tokenizer.from_file(str(path)), template, special)

    @property
    def size(self) -> int:
        """Number of entries, special ones included."""
        return self.tokenizer.get_vocab_size(with_added_tokens=True)

    def encode(self, text: str) -> list[int]:
        """Token ids of the text; special tokens written out in it become their ids, none is
        added.
        """
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode` of many texts at once."""
        return [
            list(one.ids)
            for one in self.tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ]

    def decode(self, ids: Iterable[int], *, special: bool = False) -> str:
        """The text of the ids; special tokens are left out unless asked for."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=not special)

    def token_id(self, token: str) -> int:
        """The id of a token by its name, such as `<|im_end|>`; an unknown name is an error."""
        found = self.tokenizer.token_to_id(token)
        if found is None:
            raise ArboretumError(f"token {token!r} is not in this tokenizer's vocabulary")
        return int(found)

    def ids_containing(self, mark: str) -> frozenset[int]:
        """Every id whose own text contains the mark; looked for once."""
        if mark not in self._containing:
            texts = self.tokenizer.decode_batch(
                [[i] for i in range(self.size)], skip_special_tokens=True
            )
            self._containing[mark] = frozenset(i for i, text in enumerate(texts) if mark in text)
        return self._containing[mark]

    def chat(
        self, messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool = True
    ) -> str:
        """The prompt of a chat, messages of `role` and `content`, under the folder's own
        template.
        """
        if self.template is None:
            raise ChatTemplateError(
                "this model folder has no chat template; give a prompt instead of messages"
            )
        sandbox = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        sandbox.globals["raise_exception"] = refuse
        try:
            return sandbox.from_string(self.template).render(
                messages=[dict(m) for m in messages],
                add_generation_prompt=add_generation_prompt,
                tools=None,
                **self.special,
            )
        except TemplateError as error:
            raise ChatTemplateError(
                f"the chat template failed on roles {[m.get('role') for m in messages]}: {error}"
            ) from error


def refuse(message: str) -> str:
    """What templates call to reject messages that they do not support."""
    raise ChatTemplateError(f"the chat template refuses these messages: {message}")


def text_of(token: object) -> str:
    """A special token's text; older folders write it as an object with `content`."""
    return str(token["content"]) if isinstance(token, dict) else str(token)
