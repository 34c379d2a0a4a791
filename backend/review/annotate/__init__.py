"""What people say of stored searches: places and kinds of labels, agreement between two authors,
counts, and shapes for other programs.

Everything here is pure: rows in, numbers, rows or bytes out. `storage.annotations` keeps the
labels, `backend.service.annotating` asks for them.
"""
