"""Steps in processes of their own: the parent's side, the child's, and what guards both."""
