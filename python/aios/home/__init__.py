"""The folder that holds everything a manager knows: records, contents by hash, messages."""
