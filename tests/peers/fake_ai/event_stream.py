"""Amazon's event stream: frames of headers and a payload, each with two checksums."""
import struct
import zlib

STRING = 7


def frame(headers, payload=b''):
    """Headers are strings, as all that services send are."""
    packed = b''.join(struct.pack('>B', len(name)) + name.encode() + struct.pack('>BH', STRING, len(value.encode()))
                      + value.encode() for name, value in headers)
    prelude = struct.pack('>II', 16 + len(packed) + len(payload), len(packed))
    whole = prelude + struct.pack('>I', zlib.crc32(prelude)) + packed + payload
    return whole + struct.pack('>I', zlib.crc32(whole))


def event(name, payload):
    return frame([(':event-type', name), (':content-type', 'application/json'), (':message-type', 'event')], payload)


def exception(name, payload):
    return frame([(':exception-type', name), (':content-type', 'application/json'), (':message-type', 'exception')], payload)


def damaged(whole):
    """One bit of the payload is another."""
    return whole[:-6] + bytes([whole[-6] ^ 1]) + whole[-5:]
