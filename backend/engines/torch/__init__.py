"""The embedded engine: our own decoder of the Qwen2 family on PyTorch."""
