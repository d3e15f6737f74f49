"""Structured logs: everything that the logger "aios.workflow" says, as one JSON object per line.

```python
handler = logging.StreamHandler()
handler.setFormatter(JsonFormatter())
logging.getLogger("aios").addHandler(handler)
```
"""

from __future__ import annotations

import json
import logging
import time
from typing import Final

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Time (UTC), level, logger, message, what was passed as `extra`, and the traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON; values that JSON doesn't know become text."""
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update((key, value) for key, value in vars(record).items() if key not in _STANDARD)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
