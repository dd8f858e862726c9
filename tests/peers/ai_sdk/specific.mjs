// What one provider alone has: its counts of tokens, its own formats, its rules, its signatures.
import {deepStrictEqual as equal, ok, rejects} from 'node:assert';
import {createRequire} from 'node:module';

const MODEL = 'anthropic.claude-3-haiku-20240307-v1:0';
const asked = (content) => [{role: 'user', content}];

export function checks(folder, options, known, ask) {
  const require = createRequire(folder + '/');
  const last = async () => (await ask('GET', 'requests')).requests.at(-1);
  const script = (...rules) => ask('POST', 'script', {rules});
  return {
    async 'OpenAI: vectors travel in base64, and come out as they went in'() {
      await script({kind: 'embed', vector: [0.5, -0.25, 1]});
      const {client} = known.openai();
      const given = {model: 'text-embedding-3-small', input: 'x'};
      equal((await client.embeddings.create(given)).data[0].embedding, [0.5, -0.25, 1]);
      equal(JSON.parse((await last()).body).encoding_format, 'base64');
      equal((await client.embeddings.create({...given, encoding_format: 'float'})).data[0].embedding, [0.5, -0.25, 1]);
    },
    async 'OpenAI: what was read from a cache, and what was thought, is part of the sums'() {
      await script({usage: {input: 100, cache_read: 30, output: 20, reasoning: 50}});
      const {usage} = await known.openai().client.chat.completions.create({model: 'gpt-4o-mini', messages: asked('x')});
      equal([usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens], [130, 30]);
      equal([usage.completion_tokens, usage.completion_tokens_details.reasoning_tokens, usage.total_tokens], [70, 50, 200]);
    },
    async 'OpenAI: reasoning models have no max_tokens'() {
      await script();
      const create = (more) => known.openai().client.chat.completions.create({model: 'o3-mini', messages: asked('x'), ...more});
      await rejects(create({max_tokens: 5}), /max_completion_tokens/);
      const cut = (await create({max_completion_tokens: 2})).choices[0];
      equal([cut.finish_reason, cut.message.content], ['length', 'Answer e']);
    },
    async 'OpenAI: several choices, whole and streamed'() {
      await script();
      const {client} = known.openai();
      const given = {model: 'gpt-4o-mini', messages: asked('x'), n: 3};
      equal((await client.chat.completions.create(given)).choices.map((choice) => choice.index), [0, 1, 2]);
      const seen = new Set();
      for await (const chunk of await client.chat.completions.create({...given, stream: true})) seen.add(chunk.choices[0].index);
      equal([...seen], [0, 1, 2]);
    },
    async 'Azure: a prompt that is filtered, and the version that is wanted'() {
      await script();
      await ask('POST', 'faults', {kind: 'status', error: 'content_filter'});
      await rejects(known.azure().chat('x'), (error) => {
        equal([error.status, error.code], [400, 'content_filter']);
        ok(error.error.innererror.content_filter_result.violence.filtered);
        return true;
      });
      const answer = await fetch(`${options.url}/openai/deployments/d/chat/completions`, {
        method: 'POST', headers: {'api-key': options.key}, body: JSON.stringify({messages: asked('x')})});
      equal(answer.status, 404);
    },
    async 'Anthropic: two versions, two ways to log in'() {
      await script();
      await known.anthropic().chat('x');
      let {headers} = await last();
      equal([headers['anthropic-version'], headers.authorization, headers['x-api-key']], ['2026-10-21', 'Bearer fake-key', undefined]);
      await known.anthropicOld().chat('x');
      headers = (await last()).headers;
      equal([headers['anthropic-version'], headers['x-api-key']], ['2023-06-01', 'fake-key']);
      const given = {model: 'm', max_tokens: 9, messages: asked('x'), temperature: 0.5};
      await known.anthropicOld().client.messages.create(given);
      await rejects(known.anthropic().client.messages.create(given), /sampling/);
    },
    async 'Anthropic: counts tokens, thinks, and reads from its cache'() {
      await script({reasoning: 'a thought', text: 'said', usage: {input: 10, cache_read: 200, cache_write_1h: 7, output: 3}});
      const {client} = known.anthropic();
      const given = {model: 'm', messages: asked('twelve bytes')};
      equal((await client.messages.countTokens(given)).input_tokens, 6);
      const message = await client.messages.stream({...given, max_tokens: 10}).finalMessage();
      equal(message.content.map((block) => [block.type, block.text ?? block.thinking]), [['thinking', 'a thought'], ['text', 'said']]);
      const {usage} = message;
      equal([usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation.ephemeral_1h_input_tokens], [10, 200, 7]);
    },
    async 'Google: counts tokens, thinks, and is cut off'() {
      await script({reasoning: 'a thought', text: 'said', finish: 'length', usage: {reasoning: 9, output: 4}});
      const {models} = known.google().client;
      equal((await models.countTokens({model: 'gemini-2.5-flash', contents: 'twelve bytes'})).totalTokens, 6);
      const answer = await models.generateContent({model: 'gemini-2.5-flash', contents: 'x'});
      equal([answer.text, answer.candidates[0].finishReason], ['said', 'MAX_TOKENS']);
      equal([answer.usageMetadata.candidatesTokenCount, answer.usageMetadata.thoughtsTokenCount], [4, 9]);
      const one = await models.embedContent({model: 'gemini-embedding-001', contents: 'x', config: {outputDimensionality: 3}});
      equal(one.embeddings[0].values.length, 3);
    },
    async 'Bedrock: signatures are verified, with the session and by the clock'() {
      await script();
      const {sdk} = known.bedrock();
      const {NodeHttpHandler} = require('@smithy/node-http-handler');
      const chat = (config, modelId = MODEL) => new sdk.BedrockRuntimeClient({
        endpoint: options.url, region: 'eu-central-1', maxAttempts: 1, requestHandler: new NodeHttpHandler(),
        credentials: {accessKeyId: 'AKIDEXAMPLE', secretAccessKey: options.secret}, ...config,
      }).send(new sdk.ConverseCommand({modelId, messages: [{role: 'user', content: [{text: 'x'}]}]}));
      await chat({});
      await chat({}, 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.anthropic.claude-v1:0');
      ok((await last()).target.includes('%2F'), 'its slash is encoded');
      const minutes = 60 * 1000;
      await chat({systemClockOffset: -4 * minutes});
      await rejects(chat({systemClockOffset: -6 * minutes}), {name: 'InvalidSignatureException', message: /expired/});
      await rejects(chat({systemClockOffset: 6 * minutes}), {name: 'InvalidSignatureException', message: /not yet current/});
      const given = {accessKeyId: 'AKIDEXAMPLE', secretAccessKey: options.secret};
      await rejects(chat({credentials: {...given, sessionToken: 'of nobody'}}), {name: 'UnrecognizedClientException'});
      await rejects(chat({credentials: {...given, accessKeyId: 'AKIDNOBODY'}}), {name: 'UnrecognizedClientException'});
      await ask('POST', 'script', {aws: [{access_key: 'AKIDEXAMPLE', secret_key: options.secret, session_token: 'a session'}]});
      await chat({credentials: {...given, sessionToken: 'a session'}});
      await rejects(chat({}), {name: 'UnrecognizedClientException'});
    },
    async "Bedrock: Claude's own format, whole and streamed, and the count of tokens"() {
      await script({text: 'said in pieces', reasoning: 'hm', usage: {input: 5, output: 6}});
      const {client, sdk} = known.bedrock();
      const body = JSON.stringify({anthropic_version: 'bedrock-2023-05-31', max_tokens: 50, messages: asked('twelve bytes')});
      const whole = JSON.parse(Buffer.from((await client.send(new sdk.InvokeModelCommand({modelId: MODEL, body}))).body));
      equal([whole.content[1].text, whole.usage.output_tokens], ['said in pieces', 7]);  // with the thought
      const streamed = await client.send(new sdk.InvokeModelWithResponseStreamCommand({modelId: MODEL, body}));
      let text = '';
      for await (const {chunk} of streamed.body) text += JSON.parse(Buffer.from(chunk.bytes)).delta?.text ?? '';
      equal(text, 'said in pieces');
      const counted = await client.send(new sdk.CountTokensCommand({modelId: MODEL, input: {converse: {
        messages: [{role: 'user', content: [{text: 'twelve bytes'}]}]}}}));
      equal(counted.inputTokens, 6);
    },
    async 'Bedrock: the embeddings of Titan and of Cohere'() {
      await script({kind: 'embed', vector: [0.5, -1]});
      const {client, sdk} = known.bedrock();
      const invoke = async (modelId, body) => JSON.parse(Buffer.from(
        (await client.send(new sdk.InvokeModelCommand({modelId, body: JSON.stringify(body)}))).body));
      const titan = await invoke('amazon.titan-embed-text-v2:0', {inputText: 'twelve bytes'});
      equal([titan.embedding, titan.inputTextTokenCount], [[0.5, -1], 3]);
      const texts = ['a', 'b'];
      const cohere = await invoke('cohere.embed-english-v3', {texts, input_type: 'search_document'});
      equal([cohere.embeddings, cohere.texts], [[[0.5, -1], [0.5, -1]], texts]);
      await rejects(invoke('cohere.embed-english-v3', {texts}), {name: 'ValidationException'});
      await rejects(invoke('amazon.titan-embed-text-v2:0', {inputText: 'x', texts}), {name: 'ValidationException'});
    },
    async 'Bedrock: exceptions in the stream are of their own kinds'() {
      await script();
      for (const [error, name] of [['rate_limit', 'ThrottlingException'], ['server', 'InternalServerException'],
        ['conflict', 'ModelStreamErrorException'], ['overloaded', 'ServiceUnavailableException']]) {
        await ask('POST', 'faults', {kind: 'error_in_stream', error, after: 2});
        await rejects(known.bedrock().stream('x'), {name});
      }
    },
  };
}
