#!/usr/bin/env python3
"""Decodes a segment file with kafka-python, an independent reader, and prints what it found.

  kafka_decoder.py FILE      one line of JSON per record; control batches as {"control": offset}
  kafka_decoder.py --check   exit 0 if kafka-python and the codecs' modules are there, 4 if not

Without python3-kafka (2.0.2 is Debian's) there is nothing to compare with: the test that calls this says that
it was skipped.
"""
import json
import sys


def load():
    try:
        from kafka.record.memory_records import MemoryRecords
        import lz4.frame  # noqa: F401: kafka-python decompresses with it
        import zstandard  # noqa: F401
    except ImportError as error:
        print(f'not installed: {error}', file=sys.stderr)
        sys.exit(4)
    return MemoryRecords


def main():
    MemoryRecords = load()
    if sys.argv[1] == '--check':
        return 0
    with open(sys.argv[1], 'rb') as file:
        records = MemoryRecords(file.read())
    while records.has_next():
        batch = records.next_batch()
        if not batch.validate_crc():
            print(f'bad checksum at offset {batch.base_offset}', file=sys.stderr)
            return 1
        if batch.is_control_batch:
            print(json.dumps({'control': batch.base_offset}))
            continue
        for record in batch:
            print(json.dumps({
                'offset': record.offset,
                'timestamp': record.timestamp,
                'key': None if record.key is None else record.key.decode(),
                'value': None if record.value is None else record.value.decode(),
                'headers': len(record.headers),
            }))
    return 0


if __name__ == '__main__':
    sys.exit(main())
