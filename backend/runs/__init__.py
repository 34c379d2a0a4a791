"""One run under way: the driver, the policy and the verifier that a strategy is handed, the budget,
the recorder, the answer so far."""
