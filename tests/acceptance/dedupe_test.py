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


NUMBERED = """
name: hooks
log: {partitions: 3, partition_by: ["$input", "/n"]}
sources: [{name: hook, http: {path: /in}, dedupe: {key: ["$input", "/who"], sequence: ["$input", "/n"]}}]
sinks: [{name: all, file: {path: out.ndjson}}]
"""


def a_sender_that_counts_is_held_to_its_count_over_kills_and_stops():
    """Three senders; every event is sent twice, now and then one is left out, and the process is killed or stopped
    in between: each number is there once, and nothing was refused but what left out others."""
    with work_directory() as directory:
        (directory / "p.yaml").write_text(NUMBERED)
        numbers = {"a": 0, "b": 1000, "c": 2**62}
        begins = dict(numbers)
        instance = Instance("p.yaml", directory)
        for turn in range(12):
            for who in numbers:
                for _ in range(7):
                    event = {"who": who, "n": numbers[who]}
                    status, answer = post(instance, event)
                    check_equal((status, answer.get("accepted")), (200, 1), "%s: %s" % (event, answer))
                    status, answer = post(instance, event)
                    check_equal((status, answer.get("duplicates")), (200, 1), "%s again: %s" % (event, answer))
                    status, answer = post(instance, {"who": who, "n": numbers[who] + 2})
                    check_equal(status, 409, answer)
                    check("next number is %d;" % (numbers[who] + 1) in answer["detail"], answer)
                    numbers[who] += 1
            if turn % 3 == 2:
                check_equal(instance.stop(), 0, instance.stderr())
            else:
                instance.kill()
            instance = Instance("p.yaml", directory)
        for who, number in numbers.items():
            check_equal(post(instance, {"who": who, "n": number - 5})[1]["duplicates"], 1, "an old one")
        check_equal(instance.stop(), 0, instance.stderr())
        lines = read_lines(directory / "out.ndjson")
        for who, number in numbers.items():
            check_equal(sorted(line["n"] for line in lines if line["who"] == who), list(range(begins[who], number)), who)


main(a_sender_that_counts_is_held_to_its_count_over_kills_and_stops, different_ids_are_different_and_equal_ones_equal_over_a_restart, an_event_without_an_id_is_refused)
