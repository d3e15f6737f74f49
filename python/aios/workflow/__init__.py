"""The AI cell manager: durable workflows from data to a watched deployment, in one home."""
