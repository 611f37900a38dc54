"""The named stores of tensors."""
