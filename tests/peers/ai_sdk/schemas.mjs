// Whatever our fake says in OpenAI's name is valid by the schemas that OpenAI publishes, each event of a stream, too.
import {ok} from 'node:assert';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

const RULES = [
  {match: 'breaks the schema', json: 'invalid'},
  {match: 'weather', tool_calls: [{name: 'get_weather', arguments: {city: 'Paris'}}]},
  {match: 'long', text: 'one two three', finish: 'length', reasoning: 'hm', usage: {cache_read: 3}},
];
const SCHEMAS = [
  {type: 'object', properties: {label: {enum: ['bug', 'feature']}, why: {type: 'string', minLength: 3}, n: {type: 'integer', minimum: 2}},
    required: ['label', 'why', 'n'], additionalProperties: false},
  {type: 'array', items: {$ref: '#/$defs/row'}, minItems: 2, $defs: {row: {type: 'object', required: ['a', 'b'], properties: {
    a: {type: ['string', 'null']}, b: {anyOf: [{type: 'object', required: ['x'], properties: {x: {type: 'boolean'}}}, {type: 'null'}]}}}}},
  {allOf: [{type: 'object', required: ['a'], properties: {a: {const: 7}}}, {required: ['b'], properties: {
    b: {type: 'number', exclusiveMinimum: 0, maximum: 1}}}]},
  {type: 'integer', minimum: 11, multipleOf: 5},
  {type: 'integer', exclusiveMaximum: -3},
  {type: 'string', enum: ['one']},
  {type: 'boolean'},
];
const TOOL = {name: 'get_weather', description: 'd', parameters: {type: 'object', properties: {}}};

// `nullable` is a word of OpenAPI 3.0 that is left here and there, and none of JSON Schema.
function nullable(schema) {
  if (Array.isArray(schema)) return schema.map(nullable);
  if (schema === null || typeof schema !== 'object') return schema;
  const {nullable: may, ...rest} = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, nullable(value)]));
  return may === true ? {anyOf: [rest, {type: 'null'}]} : rest;
}

export async function checks(folder, {url, key, openapi}, ask) {
  const Ajv = createRequire(folder + '/')('ajv/dist/2020').default;
  const ajv = new Ajv({strict: false, validateFormats: false, allErrors: false, logger: false});
  ajv.addSchema({$id: 'openai', components: nullable(JSON.parse(readFileSync(openapi)).components)});
  await ask('POST', 'script', {rules: RULES});

  const compiled = {};
  function valid(name, value) {
    const check = compiled[name] ??= ajv.compile({$ref: `openai#/components/schemas/${name}`});
    ok(check(value), `${name}: ${ajv.errorsText(check.errors)} in ${JSON.stringify(value)}`);
  }
  async function post(path, body, headers = {}) {
    return fetch(url + path, {method: 'POST', body: body instanceof FormData ? body : JSON.stringify(body),
      headers: {authorization: `Bearer ${key}`, ...headers}});
  }
  async function answer(name, path, body, status = 200) {
    const response = await post(path, body);
    ok(response.status === status, `${path}: ${response.status}`);
    const value = await response.json();
    valid(name, value);
    return value;
  }
  async function events(name, path, body) {
    const text = await (await post(path, {...body, stream: true})).text();
    const data = text.split('\n').filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]');
    ok(data.length > 2, text);
    for (const line of data) valid(name, JSON.parse(line.slice(6)));
    return data.map((line) => JSON.parse(line.slice(6)));
  }
  const asked = (content) => ({model: 'gpt-4o-mini', messages: [{role: 'user', content}]});
  const tools = {tools: [{type: 'function', function: TOOL}]};

  return {
    async 'chat completions'() {
      await answer('CreateChatCompletionResponse', '/v1/chat/completions', {...asked('hello'), n: 2});
      await answer('CreateChatCompletionResponse', '/v1/chat/completions', {...asked('weather'), ...tools});
      await answer('CreateChatCompletionResponse', '/v1/chat/completions', asked('a long one'));
    },
    async 'chunks of chat completions'() {
      for (const body of [{...asked('hello'), n: 2}, {...asked('weather'), ...tools}, asked('a long one'),
        {...asked('hello'), stream_options: {include_usage: true}}]) {
        await events('CreateChatCompletionStreamResponse', '/v1/chat/completions', body);
      }
    },
    async 'responses'() {
      const given = {model: 'gpt-4o-mini', tools: [{type: 'function', strict: false, ...TOOL}]};
      for (const input of ['hello', 'weather', 'a long one']) {
        await answer('Response', '/v1/responses', {...given, input});
        const all = await events('ResponseStreamEvent', '/v1/responses', {...given, input});
        ok(all.every((event, index) => event.sequence_number === index), 'numbers rise by one');
      }
    },
    async 'an error amid a response'() {
      await ask('POST', 'faults', {kind: 'error_in_stream', error: 'server', after: 4});
      const all = await events('ResponseStreamEvent', '/v1/responses', {model: 'gpt-4o-mini', input: 'hello'});
      ok(all.at(-1).type === 'error');
    },
    async 'embeddings and moderations'() {
      await answer('CreateEmbeddingResponse', '/v1/embeddings', {model: 'text-embedding-3-small', input: ['a', 'b'], dimensions: 8});
      const moderated = await answer('CreateModerationResponse', '/v1/moderations', {model: 'omni-moderation-latest', input: 'kill them'});
      ok(moderated.results[0].flagged);
    },
    async 'files and batches'() {
      const form = new FormData();
      form.append('purpose', 'batch');
      form.append('file', new Blob([JSON.stringify({custom_id: 'a', method: 'POST', url: '/v1/chat/completions', body: asked('hi')})]), 'b');
      const file = await answer('OpenAIFile', '/v1/files', form);
      let batch = await answer('Batch', '/v1/batches', {input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h'});
      for (let looks = 0; batch.status !== 'completed' && looks < 10; looks++) {
        batch = await (await fetch(`${url}/v1/batches/${batch.id}`, {headers: {authorization: `Bearer ${key}`}})).json();
        valid('Batch', batch);
      }
      const got = await fetch(`${url}/v1/files/${batch.output_file_id}/content`, {headers: {authorization: `Bearer ${key}`}});
      const line = JSON.parse(await got.text());
      ok(line.custom_id === 'a' && line.response.status_code === 200);
      valid('CreateChatCompletionResponse', line.response.body);
    },
    async 'answers by a schema, and those that are none'() {
      for (const [index, schema] of SCHEMAS.entries()) {
        const check = ajv.compile(schema);
        const wanted = {type: 'json_schema', json_schema: {name: 'x', schema, strict: true}};
        const said = async (prompt) => JSON.parse((await (await post('/v1/chat/completions',
          {...asked(prompt), response_format: wanted})).json()).choices[0].message.content);
        const value = await said('anything');
        ok(check(value), `${index}: ${JSON.stringify(value)}: ${ajv.errorsText(check.errors)}`);
        ok(!check(await said('breaks the schema')), `${index}: what was to be invalid is not`);
      }
    },
    async 'errors'() {
      for (const error of ['key', 'permission', 'bad_request', 'not_found', 'rate_limit', 'quota', 'server', 'overloaded']) {
        await ask('POST', 'faults', {kind: 'status', error, retry_after: 1});
        const response = await post('/v1/chat/completions', asked('hello'));
        ok(response.status >= 400);
        const value = await response.json();
        ok(value.error.type !== null);
        valid('ErrorResponse', value);
      }
    },
  };
}
