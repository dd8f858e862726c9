"""Which paths there are, and whose words are spoken at each."""
import dataclasses
import re
import typing

from .anthropic import Anthropic
from .answers import Refused
from .bedrock import Bedrock
from .google import Google
from .ollama import Ollama
from .openai import Azure
from .openai_responses import Responses


@dataclasses.dataclass
class Route:
    """`read(body, model, request)` gives the Call, `render(call, answer, request)` the Response."""
    method: str
    pattern: re.Pattern
    dialect: object
    read: typing.Callable = None
    render: typing.Callable = None
    bills: bool = True
    plain: typing.Callable = None  # instead of both: plain(request, groups), for what generates nothing


def generating():
    openai, azure, anthropic, google, bedrock, ollama = Responses(), Azure(), Anthropic(), Google(), Bedrock(), Ollama()

    def post(pattern, dialect, read, render, bills=True, **more):
        return Route('POST', re.compile(pattern), dialect, lambda body, model, _: read(body, model, **more), render, bills)

    def for_azure(read):
        def checked(body, model, request):
            if 'api-version' not in request.query:
                raise Refused('not_found', 'Resource not found')
            return read(body, model)
        return checked

    def versioned(body, model, request):
        return anthropic.read_messages(body, model, anthropic.check_version(request))

    def counted(body, model, request):
        anthropic.check_version(request)
        return anthropic.read_count(body, model)

    deployment, gemini, model = '/openai/deployments/([^/]+)', '/(?:v1|v1beta)/models/([^/:]+)(?::|%3A)', '/model/([^/]+)'
    return [
        post('/v1/chat/completions', openai, openai.read_chat, openai.chat),
        post('/v1/responses', openai, openai.read_responses, openai.responses),
        post('/v1/embeddings', openai, openai.read_embeddings, openai.embeddings),
        post('/v1/moderations', openai, openai.read_moderations, openai.moderations, bills=False),
        Route('POST', re.compile(deployment + '/chat/completions'), azure, for_azure(azure.read_chat), azure.chat),
        Route('POST', re.compile(deployment + '/embeddings'), azure, for_azure(azure.read_embeddings), azure.embeddings),
        post('/openai/v1/chat/completions', azure, azure.read_chat, azure.chat),
        post('/openai/v1/embeddings', azure, azure.read_embeddings, azure.embeddings),
        Route('POST', re.compile('/v1/messages'), anthropic, versioned, anthropic.messages),
        Route('POST', re.compile('/v1/messages/count_tokens'), anthropic, counted, anthropic.count, bills=False),
        post(gemini + 'generateContent', google, google.read_generate, google.generate),
        post(gemini + 'streamGenerateContent', google, google.read_generate, google.generate, stream=True),
        post(gemini + 'embedContent', google, google.read_embed, google.embed),
        post(gemini + 'batchEmbedContents', google, google.read_embed_all, google.embed_all),
        post(gemini + 'countTokens', google, google.read_count, google.count, bills=False),
        post(model + '/converse', bedrock, bedrock.read_converse, bedrock.converse),
        post(model + '/converse-stream', bedrock, bedrock.read_converse, bedrock.converse, stream=True),
        post(model + '/invoke', bedrock, bedrock.read_invoke, bedrock.invoke),
        post(model + '/invoke-with-response-stream', bedrock, bedrock.read_invoke, bedrock.invoke, stream=True),
        post(model + '/count-tokens', bedrock, bedrock.read_count, bedrock.count, bills=False),
        post('/api/chat', ollama, ollama.read_chat, ollama.chat),
        post('/api/embed', ollama, ollama.read_embed, ollama.embed),
    ]


def plain(openai_batches, anthropic_batches):
    """Files and batches."""
    rows = []
    for batches, table in (
            (openai_batches, (('POST', '/v1/files', 'upload'), ('GET', '/v1/files/([^/]+)', 'file'),
                              ('DELETE', '/v1/files/([^/]+)', 'forget'), ('GET', '/v1/files/([^/]+)/content', 'content'),
                              ('POST', '/v1/batches', 'create'), ('GET', '/v1/batches', 'listed'),
                              ('GET', '/v1/batches/([^/]+)', 'look'), ('POST', '/v1/batches/([^/]+)/cancel', 'cancel'))),
            (anthropic_batches, (('POST', '/v1/messages/batches', 'create'), ('GET', '/v1/messages/batches', 'listed'),
                                 ('GET', '/v1/messages/batches/([^/]+)', 'look'),
                                 ('GET', '/v1/messages/batches/([^/]+)/results', 'results'),
                                 ('POST', '/v1/messages/batches/([^/]+)/cancel', 'cancel')))):
        rows += [Route(method, re.compile(pattern), batches.dialect, plain=getattr(batches, name))
                 for method, pattern, name in table]
    return rows


def whose(path):
    """The dialect in which to say that there is no such path."""
    for start, dialect in (('/openai/', Azure), ('/v1/messages', Anthropic), ('/v1beta/', Google), ('/model/', Bedrock),
                           ('/api/', Ollama)):
        if path.startswith(start):
            return dialect()
    return Responses()
