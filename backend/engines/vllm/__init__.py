"""The engine of vLLM in process."""
