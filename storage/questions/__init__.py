"""Questions that readers put to the store in SQL: on a copy, in a process that can do nothing else,
within limits.

The process itself is `storage/questions/sandbox.py`; nothing that a query does, a crash included,
reaches the service or the store.
"""

from storage.questions.child import QueryAnswer, QueryRefusal, SqlLimits, ask
from storage.questions.copies import CopyInfo, StoreCopy
from storage.questions.desk import SqlDesk, StoreTable
from storage.questions.examples import EXAMPLES, Example

__all__ = [
    "EXAMPLES",
    "CopyInfo",
    "Example",
    "QueryAnswer",
    "QueryRefusal",
    "SqlDesk",
    "SqlLimits",
    "StoreCopy",
    "StoreTable",
    "ask",
]
