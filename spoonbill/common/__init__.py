"""Small things that every part uses, and that use nothing but the errors."""
