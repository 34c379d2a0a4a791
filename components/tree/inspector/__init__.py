"""One node: text, tokens, scores, cost, the record."""
