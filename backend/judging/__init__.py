"""Who scores a path (`verifiers`) and who gives the answer (`selectors`)."""
