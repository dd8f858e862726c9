#!/usr/bin/env python3
"""Runs the vectors of one conformance file through run_vectors.py.

  check_vectors.py FILE.jsonl PROGRAM

All of them: core and extended, in every syntax. The comparison is run_vectors.py's and nothing is left out of
it; this script only writes out inputs that the file merely describes.
"""
import json
import os
import subprocess
import sys
import tempfile


def written_out(line):
    vector = json.loads(line)
    if "inputs_gen" not in vector:
        return line
    assert vector.pop("inputs_gen") == "one input: 50000 opening brackets then 50000 closing brackets"
    vector["inputs_text"] = ["[" * 50000 + "]" * 50000]
    return json.dumps(vector) + "\n"


def main():
    path, program = sys.argv[1:3]
    with open(path, encoding="utf-8") as file:
        lines = file.readlines()
    kept = [written_out(line) for line in lines]
    assert kept, "the file is empty"
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as subset:
        subset.writelines(kept)
        subset.flush()
        runner = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run_vectors.py")
        return subprocess.run([sys.executable, runner, subset.name, "--", program], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
