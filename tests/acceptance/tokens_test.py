"""[REQ-062] `ai tokens` beside OpenAI's tiktoken: the same ids, text by text, in both encodings; and how it is used."""
import json
import random
import re
import sys

from harness import REPOSITORY, check, check_equal, main, run, skip, work_directory

sys.path.insert(0, str(REPOSITORY / "tests" / "peers"))
import tiktoken  # noqa: E402

ENCODINGS = ("o200k_base", "cl100k_base")
TEXTS = 10000
# First and last code point of what texts are made of. Some of every kind the patterns tell apart, of several scripts.
BLOCKS = ((0x20, 0x7e), (0x20, 0x7e), (0x61, 0x7a), (0xa0, 0x17f), (0x180, 0x24f), (0x2b0, 0x36f), (0x370, 0x3ff),
          (0x400, 0x4ff), (0x590, 0x6ff), (0x900, 0x9ff), (0xe00, 0xe7f), (0x1100, 0x11ff), (0x1c80, 0x1c8f),
          (0x1f00, 0x1fff), (0x2000, 0x206f), (0x2150, 0x218f), (0x2200, 0x22ff), (0x3000, 0x30ff), (0x4e00, 0x9fff),
          (0xa7c0, 0xa7ff), (0xac00, 0xd7a3), (0xfb00, 0xfdff), (0xff00, 0xffef), (0x10400, 0x1044f), (0x1d400, 0x1d7ff),
          (0x1f300, 0x1faff), (0x20000, 0x323af), (0xe0100, 0xe01ef), (0x0, 0x1f), (0x0, 0x10ffff))
WORDS = ("it's", "DON'T", "I'LL", "we've", "they'RE", "'s", "'\u017f", "HTTPServer", "camelCase", "Straße", "naïve", "e\u0301",
         "Привет", "ПРИВЕТ", "你好", "こんにちは", "안녕하세요", "مرحبا", "नमस्ते", "ǅ", "½", "٣٤٥٦", "12345678", "3.14159", "🙂", "👩‍👩‍👧‍👦",
         "👍🏽", "<|endoftext|>", "<|endofprompt|>", "https://example.org/a/b?c=d&e=%20", "--------", "==/\n/", "\u0301\u0301", "\ufeff")
SPACES = (" ", " ", " ", "\n", "\t", "  ", "\r\n", "\u00a0", "\u2003", "\u3000", "\u2028", "\x85", "\x0b", "")


def of_blocks(chance):
    first, last = chance.choice(BLOCKS)
    other = chance.choice(BLOCKS)
    return "".join(chr(chance.randint(*((first, last) if chance.random() < 0.7 else other)))
                   for _ in range(chance.randint(1, 60)))


def of_words(chance):
    return "".join(chance.choice(WORDS) + chance.choice(SPACES) for _ in range(chance.randint(1, 30)))


def of_spaces(chance):
    return "".join(chance.choice(SPACES) * chance.randint(1, 40) + chance.choice(("", "x", "1", "!", "É", "中"))
                   for _ in range(chance.randint(1, 8)))


def of_json(chance):
    def value(depth):
        kind = chance.randint(0, 5 if depth else 3)
        if kind == 4:
            return [value(depth - 1) for _ in range(chance.randint(0, 4))]
        if kind == 5:
            return {chance.choice(WORDS): value(depth - 1) for _ in range(chance.randint(0, 4))}
        return (chance.random() * 1e6, chance.randint(-10**9, 10**9), chance.choice(WORDS), chance.choice((True, None)))[kind]
    return json.dumps(value(4), indent=chance.choice((None, 2, 4)), ensure_ascii=chance.random() < 0.5)


def of_bytes(chance):
    return chance.randbytes(chance.randint(1, 80)).decode(errors="replace")


def of_long_runs(chance):
    return chance.choice("aA-= \u00e9中1\n") * chance.randint(1, 1500) + chance.choice(("", "b", " ", "\n"))


def of_files(chance, files):
    text = chance.choice(files)
    begin = chance.randrange(len(text))
    return text[begin:begin + chance.randint(1, 1500)]


def texts():
    """The same at each run."""
    chance = random.Random(62)
    files = [path.read_text(encoding="utf-8") for folder, name in (("docs", "*.md"), ("src", "*.cc"), ("tests", "*.py"))
             for path in sorted((REPOSITORY / folder).rglob(name))]
    files = [text for text in files if text]
    makers = (of_blocks, of_blocks, of_blocks, of_words, of_words, of_spaces, of_json, of_bytes, of_long_runs,
              lambda c: of_files(c, files), lambda c: of_files(c, files))
    made = [makers[i % len(makers)](chance) for i in range(TEXTS)]
    # Half a surrogate pair is no character, and no JSON.
    return [re.sub("[\ud800-\udfff]", "\ufffd", text) for text in made]


def ids_are_tiktoken_s():
    made = texts()
    lines = "".join(json.dumps(text) + "\n" for text in made).encode()
    for encoding in ENCODINGS:
        theirs = tiktoken.ids(encoding, lines)
        code, out, err = run(["ai", "tokens", "--each", "--ids", "--encoding", encoding], None, stdin=lines)
        check_equal((code, err), (0, ""), encoding)
        ours = out.splitlines()
        check_equal((len(ours), len(theirs)), (TEXTS, TEXTS), "texts")
        for text, our, their in zip(made, ours, theirs):
            check_equal(our, their, "%s of %r" % (encoding, text))
        code, out, _ = run(["ai", "tokens", "--each", "--encoding", encoding], None, stdin=lines)
        check_equal([int(line) for line in out.splitlines()], [len(json.loads(line)) for line in theirs], "counts")
        print("%s: %d texts, %d tokens" % (encoding, TEXTS, sum(len(json.loads(line)) for line in theirs)))


def kinds_of_characters_are_tiktoken_s():
    """Every code point there is, as the classes of its own regular expressions see it."""
    classes = {"kUpper": "[\\p{Lu}\\p{Lt}]", "kLower": "\\p{Ll}", "kCaseless": "[\\p{Lm}\\p{Lo}]", "kMark": "\\p{M}",
               "kNumber": "\\p{N}", "kBreak": "[\\r\\n]", "kSpace": "[^\\S\\r\\n]"}
    text = (REPOSITORY / "src" / "ai" / "data" / "character_kinds.inc").read_text(encoding="utf-8")
    changes = [(int(first, 16), kind) for first, kind in re.findall(r"\{(0x[0-9a-f]+), (\w+)\}", text)]
    ours = {kind: [] for kind in [*classes, "kOther"]}
    for (first, kind), (end, _) in zip(changes, [*changes[1:], (0x110000, None)]):
        ours[kind] += range(first, end)
    for kind, theirs in zip(classes, tiktoken.matching(list(classes.values()))):
        check_equal(len(ours[kind]), len(theirs), kind)
        check_equal(ours[kind], theirs, kind)


def bytes_that_are_no_utf_8_are_counted_as_what_a_client_sends():
    chance = random.Random(8)
    raws = [b"caf\xe9 \xe4\xbd na\xefve" + chance.randbytes(200) for _ in range(20)]
    lines = "".join(json.dumps(raw.decode(errors="replace")) + "\n" for raw in raws).encode()
    with work_directory() as directory:
        for raw, theirs in zip(raws, tiktoken.ids("o200k_base", lines), strict=True):
            (directory / "t.txt").write_bytes(raw)
            check_equal(run(["ai", "tokens", "--ids", "t.txt"], directory), (0, theirs + "\n", ""), raw)


def a_text_is_a_file_or_standard_input():
    with work_directory() as directory:
        (directory / "t.txt").write_text("hello world")
        check_equal(run(["ai", "tokens", "t.txt"], directory), (0, "2\n", ""), "a file")
        check_equal(run(["ai", "tokens"], directory, stdin=b"hello world\n"), (0, "3\n", ""), "standard input")
        check_equal(run(["ai", "tokens", "--ids", "-"], directory, stdin=b"hello world"), (0, "[24912,2375]\n", ""), "ids")
        check_equal(run(["ai", "tokens", "--ids", "--encoding", "cl100k_base", "t.txt"], directory),
                    (0, "[15339,1917]\n", ""), "cl100k")
        check_equal(run(["ai", "tokens", "--ids"], directory, stdin=b""), (0, "[]\n", ""), "nothing")
        code, out, err = run(["ai", "tokens", "missing.txt"], directory)
        check((code, out) == (2, "") and "missing.txt" in err, "a file that is not there: %d %s" % (code, err))
        code, out, err = run(["ai", "tokens", "."], directory)
        check(code in (1, 2) and out == "" and err.startswith("error: "), "a folder: %d %s" % (code, err))
        code, out, err = run(["ai", "tokens", "--encoding", "p50k_base"], directory)
        check((code, out) == (2, "") and "cl100k_base" in err, "an encoding there is not: %d %s" % (code, err))


def lines_that_are_no_strings_are_told():
    with work_directory() as directory:
        (directory / "in.ndjson").write_text('"hello world"\n{"a":1}\n\n"a\\nb"\n"open\n')
        code, out, err = run(["ai", "tokens", "--each", "in.ndjson"], directory)
        check_equal((code, out), (1, "2\n3\n"), "what is counted")
        check_equal([line.split(": ")[0] for line in err.splitlines()], ["in.ndjson:2", "in.ndjson:5"], err)


def a_megabyte_of_one_letter_is_no_burden():
    code, out, err = run(["ai", "tokens"], None, stdin=b"a" * (1 << 20))
    check_equal((code, err), (0, ""), "a long word")
    check(0 < int(out) <= 1 << 18, out)


try:
    tiktoken.modules()
except tiktoken.Unavailable as reason:
    print("skipped in part: no tiktoken to compare with: %s" % reason)
    main(a_text_is_a_file_or_standard_input, lines_that_are_no_strings_are_told, a_megabyte_of_one_letter_is_no_burden)
    skip("no tiktoken: %s" % reason)
main(a_text_is_a_file_or_standard_input, lines_that_are_no_strings_are_told, a_megabyte_of_one_letter_is_no_burden,
     ids_are_tiktoken_s, kinds_of_characters_are_tiktoken_s, bytes_that_are_no_utf_8_are_counted_as_what_a_client_sends)
