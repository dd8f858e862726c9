"""[REQ-008] `dedupe` over http: what counts as the same id, and what is answered."""
import json

from harness import Instance, check, check_equal, main, read_lines, request, wait_for, work_directory

PIPELINE = """
name: hooks
sources: [{name: hook, http: {path: /in}, dedupe: {key: ["$input", "/id"], window: 1h}}]
sinks: [{name: all, file: {path: out.ndjson}}]
"""

# Pairwise different as JSON, though not as text.
IDS = [1, "1", True, "true", [1], "[1]", {"a": 1}, '{"a":1}', "null", "", 0, False]


def post(instance, event):
    status, _, body = request(instance.listen, "POST", "/in", json.dumps(event))
    return status, json.loads(body)


def different_ids_are_different_and_equal_ones_equal_over_a_restart():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        with Instance("p.yaml", directory) as instance:
            for n, id in enumerate(IDS):
                status, answer = post(instance, {"id": id, "n": n})
                check_equal((status, answer["accepted"], answer["duplicates"]), (200, 1, 0), repr(id))
            check_equal(instance.stop(), 0, instance.stderr())
        with Instance("p.yaml", directory) as instance:
            for id in IDS:
                status, answer = post(instance, {"n": -1, "id": id})
                check_equal((status, answer["accepted"], answer["duplicates"]), (200, 0, 1), repr(id))
            check_equal(instance.stop(), 0, instance.stderr())
        lines = read_lines(directory / "out.ndjson")
        check_equal([line["n"] for line in lines], list(range(len(IDS))), "the lines")


def an_event_without_an_id_is_refused():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        with Instance("p.yaml", directory) as instance:
            for event in ({"id": None, "a": 1}, {"id": None, "a": 2}, {"a": 3}):
                status, answer = post(instance, event)
                check_equal(status, 400, event)
                check("dedupe.key" in answer["detail"], answer)
            check_equal(post(instance, {"id": "null"})[0], 200, "the string null")
            wait_for(lambda: len(read_lines(directory / "out.ndjson")) == 1, "the one event with an id")


main(different_ids_are_different_and_equal_ones_equal_over_a_restart, an_event_without_an_id_is_refused)
