import io
import json
import logging

from aios.telemetry.logs import JsonFormatter


def test_a_log_line_is_json_with_what_was_passed_along():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("aios.workflow.test_logs")
    logger.addHandler(handler)
    try:
        raise ValueError("no")
    except ValueError:
        logger.exception("step %s failed", "train", extra={"run_id": "r1", "odd": {1}})
    line = json.loads(stream.getvalue())
    assert (line["level"], line["message"], line["run_id"]) == ("ERROR", "step train failed", "r1")
    assert line["odd"] == "{1}"
    assert line["traceback"].endswith("ValueError: no")
    assert line["time"].endswith("Z")
