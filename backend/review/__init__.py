"""What can be asked of a stored run: another final rule, a second run token by token, why it
failed, what if, labels of people."""
