"""The standard workflow: from data to a model that is served and watched."""
