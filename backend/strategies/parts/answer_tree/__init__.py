"""The tree of answers of AB-MCTS."""
