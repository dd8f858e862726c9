"""What is asked and what is answered, in nobody's wire format."""
import dataclasses
import json
import re

MESSAGE_TOKENS = 3  # of each message, for its role
NO_UTF8 = '\ue0ff'  # stands in a text for bytes that are no UTF-8


@dataclasses.dataclass
class Call:
    provider: str  # openai, azure, anthropic, google, bedrock, ollama
    kind: str  # chat, embed, count, moderate; batch: files and batches, which have no model
    model: str
    body: dict
    messages: list = dataclasses.field(default_factory=list)  # (role, text); a tool's result has the role 'tool'
    tools: list = dataclasses.field(default_factory=list)  # (name, JSON Schema of the arguments)
    tool_choice: str = 'auto'  # auto, none, any, or a tool's name
    schema: object = None  # of the answer; True: any JSON
    max_tokens: int | None = None
    stream: bool = False
    inputs: list = dataclasses.field(default_factory=list)  # of embed
    dimensions: int | None = None
    count: int = 1  # of choices
    batch: bool = False

    @property
    def last_user(self):
        if self.kind in ('embed', 'moderate'):
            return '\n'.join(self.inputs)
        return next((text for role, text in reversed(self.messages) if role == 'user'), '')

    @property
    def prompt(self):
        return '\n'.join(text for _, text in self.messages)

    @property
    def tool_result(self):
        """What a tool gave, if that is what the model is to go on from."""
        role, text = self.messages[-1] if self.messages else ('', '')
        return text if role == 'tool' else None

    def input_tokens(self):
        if self.kind in ('embed', 'moderate'):
            return sum(tokens(text) for text in self.inputs)
        tools = sum(tokens(name) + tokens(json.dumps(schema)) for name, schema in self.tools)
        return tools + sum(MESSAGE_TOKENS + tokens(text) for _, text in self.messages)


@dataclasses.dataclass
class Usage:
    """Disjoint: no token is in two of them."""
    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def total_input(self):
        return self.input + self.cache_read + self.cache_write

    @property
    def cache_write(self):
        return self.cache_write_5m + self.cache_write_1h

    @property
    def total_output(self):
        return self.output + self.reasoning


@dataclasses.dataclass
class Answer:
    text: str = ''
    pieces: list = dataclasses.field(default_factory=list)  # the text as it is streamed
    reasoning: str = ''
    tool_calls: list = dataclasses.field(default_factory=list)  # ToolCall
    finish: str = 'stop'  # stop, length, tool_calls, content_filter
    vectors: list = dataclasses.field(default_factory=list)
    usage: Usage = dataclasses.field(default_factory=Usage)
    head_ms: float = 0
    chunk_ms: float = 0
    faults: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class ToolCall:
    id: str
    name: str
    arguments: str  # JSON, unless the script wants otherwise

    def value(self):
        """For the formats in which arguments are no text."""
        try:
            return json.loads(self.arguments)
        except ValueError:
            return {'unparsable': self.arguments}


class Refused(Exception):
    """A call that gets an error for an answer: of which kind, and why."""

    def __init__(self, kind, message=None, **more):
        super().__init__(message or kind)
        self.kind = kind
        self.message = message
        self.more = more


def tokens(text):
    """A count that everybody can check by hand: a token is four bytes."""
    return (len(text.encode('utf-8', 'replace')) + 3) // 4


def cut(text):
    """Text as a model streams it: word by word."""
    return re.findall(r'\s*\S+\s*$|\s*\S+', text) or ([text] if text else [])


def to_json(value):
    """The bytes of a JSON text; where NO_UTF8 stands they are no UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(',', ':'))
    return text.encode('utf-8', 'replace').replace(NO_UTF8.encode(), b'\xff\xc0\x80')


def text_of(content, kinds=('text', 'input_text', 'output_text')):
    """The text of what OpenAI and Anthropic call content: a string or parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ''
    return '\n'.join(part.get('text', '') for part in content
                     if isinstance(part, dict) and (part.get('type') in kinds or ('type' not in part and 'text' in part)))
