"""How a store's tables came to be, step by step. A step that was released is never changed; there is no way back."""

REVISIONS = ("0001", "0002", "0003")  # all that this program knows, oldest first
NEWEST = REVISIONS[-1]
