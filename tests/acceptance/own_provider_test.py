"""[REQ-090] The example examples/own-provider runs as its script starts it: a model that is a script sorts the reviews."""
import os
import subprocess

from harness import REPOSITORY, binary, check, check_equal, main, read_lines, work_directory


def reviews_go_where_their_mood_says():
    with work_directory() as directory:
        environment = {**os.environ, "REVIEWS_DIR": str(directory / "reviews"), "COLLOQUIUM": binary()}
        done = subprocess.run([REPOSITORY / "examples/own-provider/run.sh"], env=environment, capture_output=True, timeout=90)
        said = done.stdout.decode() + done.stderr.decode()
        check_equal(done.returncode, 0, said)
        out = directory / "reviews" / "out"
        found = {name: [(one["id"], one["mood"]) for one in read_lines(out / (name + ".ndjson"))] for name in ("displeased", "others")}
        check_equal(found, {"displeased": [(1, "displeased"), (4, "displeased")], "others": [(2, "pleased"), (3, "neither")]},
                    "where the reviews went")
        check(all(one["asked"]["cost_usd"] > 0 for one in read_lines(out / "others.ndjson")), said)
        check("asked about" in said, "what the script says to its standard error is in the log: " + said)
        check(any(line.split()[:3] == ["mood", "4", "4"] for line in done.stdout.decode().splitlines()), "the costs: " + said)


main(reviews_go_where_their_mood_says)
