"""The process that computes: reads questions from standard input, answers on standard output, and
ends with its input. Run as `python -m backend.service.computing.worker MODULE:TYPE`, the type of
its questions.

It yields the processor to whatever else wants it. What it reads stays in its memory for the next
question about the same.
"""

from __future__ import annotations

import os
import sys
import threading
from importlib import import_module
from queue import SimpleQueue
from typing import BinaryIO

from msgspec.msgpack import Decoder

from backend.core.errors import ArboretumError
from backend.service.computing.question import ComputeQuestion
from backend.service.computing.wire import LENGTH, ComputeAnswer, ComputeRefusal, frame
from backend.service.result_cache import ResultCache

NICER = 10


def main(questions: str) -> None:
    """Answer question after question, of the type that is named."""
    os.nice(NICER)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not stand between answers
    orders: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=read, args=(sys.stdin.buffer, orders), daemon=True).start()
    module, _, name = questions.partition(":")
    decoder: Decoder[ComputeQuestion] = Decoder(getattr(import_module(module), name))
    memory = ResultCache()
    while True:
        answers.write(frame(compute(decoder.decode(orders.get()), memory)))
        answers.flush()


def read(stream: BinaryIO, orders: SimpleQueue[bytes]) -> None:
    """Pass questions on. The end of the stream is the end of whoever asked, so it ends this process
    in the middle of whatever it computes."""
    while len(head := stream.read(LENGTH.size)) == LENGTH.size:
        orders.put(stream.read(LENGTH.unpack(head)[0]))
    os._exit(0)


def compute(question: ComputeQuestion, memory: ResultCache) -> ComputeAnswer | ComputeRefusal:
    """The answer to a question, or why there is none. Anything else that goes wrong ends the
    process, with the traceback in the log of the service."""
    try:
        return ComputeAnswer(question.answer(memory))
    except ArboretumError as error:
        return ComputeRefusal.of(error)


if __name__ == "__main__":
    main(sys.argv[1])
