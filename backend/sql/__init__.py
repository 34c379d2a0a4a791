"""Questions that readers put to the store in SQL: on a copy, in a process that can do nothing else, within limits.

The process itself is `storage/sandbox.py`; nothing that a query does, a crash included, reaches the service or the store.
"""

from backend.sql.child import Answer, Refusal, SqlLimits, ask
from backend.sql.copies import CopyInfo, StoreCopy
from backend.sql.desk import SqlDesk, Table
from backend.sql.examples import EXAMPLES, Example

__all__ = ["EXAMPLES", "Answer", "CopyInfo", "Example", "Refusal", "SqlDesk", "SqlLimits", "StoreCopy", "Table", "ask"]
