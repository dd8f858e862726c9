// Official clients against a gateway, or whatever else speaks as OpenAI or Anthropic do:
//   node gateway.mjs FOLDER --base-url URL --dialect openai|anthropic [--key K] [--model M] [--control URL] [--only WORDS] [--beside yes]
// Prints a line of JSON for each check: {"check", "failed"?, …what was seen}. With --control, that of our own fake behind
// the gateway, it is scripted as happy.mjs wants it, and answers are withheld, fail and are given up in the middle; without,
// any model will do, and what it says is not judged. With --beside, what else a gateway offers is asked for, too. FOLDER is
// where npm put the clients.
import {deepStrictEqual as equal, ok, rejects} from 'node:assert';
import {parseArgs} from 'node:util';

import {checks as happy, HELLO, RULES, WEATHER} from './happy.mjs';
import {clients} from './clients.mjs';

const text = {type: 'string'};
const {values: options, positionals: [folder]} = parseArgs({allowPositionals: true, options: {
  'base-url': text, dialect: text, key: {...text, default: 'fake-key'}, model: text, control: text, only: text, beside: text}});
const url = options['base-url'].replace(/\/v1\/?$/, '');
const names = {openai: ['openai'], anthropic: ['anthropic', 'anthropicOld']}[options.dialect];
const known = (key) => clients(folder, {url, key, model: options.model});
const LONG = 'Write one sentence on each of the months of a year.';

async function ask(method, path, body) {
  const answer = await fetch(`${options.control}/fake/${path}`, {method, body: body && JSON.stringify(body)});
  if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
  return answer.json();
}
const fault = (kind, more) => ask('POST', 'faults', {kind, ...more});
async function until(what, condition) {
  for (let n = 0; n < 2000; n++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`waited for ${what}`);
}

// Of whatever model.
const anyModel = (each, wrong) => ({
  async 'an answer, whole'() {
    const {text: said, finish, usage} = await each.chat(LONG);
    ok(said && ['stop', 'length'].includes(finish) && usage.input > 0 && usage.output > 0, JSON.stringify({said, finish, usage}));
    return {characters: said.length, usage};
  },
  async 'an answer, streamed'() {
    const begun = performance.now();
    const times = [];
    const {pieces, finish, usage} = await each.stream(LONG, {onPiece: () => times.push(performance.now() - begun)});
    ok(pieces.length > 1 && ['stop', 'length'].includes(finish) && usage.output > 0, JSON.stringify({pieces, finish, usage}));
    return {pieces: pieces.length, first_ms: Math.round(times[0]), last_ms: Math.round(times.at(-1)), usage};
  },
  async 'a stream that is given up is soon over'() {
    const abort = new AbortController();
    const begun = performance.now();
    await each.stream(LONG, {signal: abort.signal, onPiece: () => abort.abort()}).then(() => {}, () => {});
    return {after_ms: Math.round(performance.now() - begun)};
  },
  async 'a wrong key is told'() {
    await rejects(wrong.chat(LONG), {status: 401});
  },
  async 'a request that is none is told'() {
    await rejects(each.nonsense(), (error) => {
      equal([error.status, error.constructor.name], [400, 'BadRequestError']);
      ok(error.error?.error?.message ?? error.error?.message, 'a body with a message');
      return true;
    });
  },
});

// With our own fake behind it.
const scripted = (each) => ({
  async 'no piece is kept back'() {
    await fault('hold', {phase: 'between_chunks', after: 6});
    let heard = '';
    const answer = each.stream('Say hello', {onPiece: (piece) => heard += piece});
    await until('the first pieces', async () => heard && (await ask('GET', 'counters')).held === 1);
    ok(heard !== HELLO, heard);
    await ask('POST', 'release', {});
    equal((await answer).text, HELLO);
  },
  async 'pieces come when they are made'() {
    await fault('slow', {chunk_ms: 60});
    const times = [];
    await each.stream('Say hello', {onPiece: () => times.push(performance.now())});
    const took = times.at(-1) - times[0];
    ok(took > (times.length - 1) * 60 / 2, `${times}`);
    return {pieces: times.length, took_ms: Math.round(took)};
  },
  async 'what is given up here is given up there'() {
    const before = (await ask('GET', 'ledger')).totals.calls;
    await fault('hold', {phase: 'between_chunks', after: 6});
    const abort = new AbortController();
    await each.stream('Say hello', {signal: abort.signal, onPiece: () => abort.abort()}).then(() => {}, () => {});
    await until('the end of it', async () => {
      const row = (await ask('GET', `ledger?since=${before}`)).rows[0];
      return row && row.outcome === 'client gone';
    });
  },
  async 'a stream that breaks off does not look whole'() {
    for (const [kind, more] of [['reset', {phase: 'between_chunks', after: 4}], ['error_in_stream', {error: 'overloaded', after: 4}]]) {
      await fault(kind, {...more, times: null});
      try {
        await rejects(each.stream('Say hello'), undefined, kind);
      } finally {
        await ask('DELETE', 'faults');
      }
    }
  },
  async 'who asks for too much is told so'() {
    await fault('status', {error: 'rate_limit', retry_after: 1, times: null});
    try {
      await rejects(each.chat('Say hello'), {status: 429});
      await rejects(each.stream('Say hello'), {status: 429});
    } finally {
      await ask('DELETE', 'faults');
    }
  },
  async 'tools are called in a stream that comes byte by byte'() {
    await fault('split');
    equal((await each.stream('What is the weather?', {tools: [WEATHER]})).calls[0].name, 'get_weather');
  },
});

// What is not asked of a model.
const beside = {
  openai: (each) => ({
    async 'the models are listed'() {
      const ids = [];
      for await (const model of each.client.models.list()) ids.push([model.id, model.object]);
      ok(ids.some(([id, object]) => id === 'gpt-4o-mini' && object === 'model'), JSON.stringify(ids));
    },
    async 'what is not offered is told in words that the client knows'() {
      await rejects(each.client.responses.create({model: 'gpt-4o-mini', input: 'x'}), (error) => {
        equal([error.constructor.name, error.type, error.code], ['NotFoundError', 'invalid_request_error', 'unknown_url']);
        ok(error.message.includes('/chat/completions') && error.requestID.startsWith('req_'), error.message);
        return true;
      });
      await rejects(each.client.get('/chat/completions'), (error) => {
        equal([error.status, error.code], [405, 'method_not_supported']);
        return true;
      });
    },
  }),
  anthropic: (each) => ({
    async 'the models are listed'() {
      const page = await each.client.models.list();
      const {type, id, display_name: name, created_at: made} = page.data.find((model) => model.id === 'claude-haiku-4-5');
      equal([type, id, name, page.has_more, page.hasNextPage()], ['model', 'claude-haiku-4-5', 'claude-haiku-4-5', false, false]);
      equal([page.first_id, page.last_id], [page.data[0].id, page.data.at(-1).id]);
      ok(Date.now() - Date.parse(made) < 86400000, made);
    },
    async 'what is not offered is told in words that the client knows'() {
      for (const [method, path, status, name, type] of [['post', '/v1/complete', 404, 'NotFoundError', 'not_found_error'],
        ['get', '/v1/messages', 405, 'APIError', 'invalid_request_error']]) {
        await rejects(each.client[method](path, {body: method === 'post' ? {} : undefined}), (error) => {
          equal([error.status, error.constructor.name, error.error.error.type], [status, name, type]);
          equal(error.requestID, error.error.request_id);
          ok(error.requestID.startsWith('req_'), error.requestID);
          return true;
        });
      }
    },
  }),
};

// Of Anthropic's, with our own fake behind it.
const counting = (each) => ({
  async 'tokens are counted as the provider counts them, and for nothing'() {
    const {calls} = (await ask('GET', 'ledger')).totals;
    const asked = {model: 'claude-haiku-4-5', messages: [{role: 'user', content: 'twelve bytes'}]};
    equal((await each.client.messages.countTokens(asked)).input_tokens, 6);
    const {input_tokens: more} = await each.client.messages.countTokens({...asked, system: 'Be brief.', tools: [
      {name: WEATHER.name, description: WEATHER.description, input_schema: WEATHER.parameters}]});
    ok(more > 20, `${more}`);
    equal((await ask('GET', 'ledger')).totals.calls, calls);
    await rejects(each.client.messages.countTokens({...asked, messages: []}), {status: 400});
  },
});

async function report(group, all) {
  for (const [name, check] of Object.entries(all)) {
    const row = {check: `${group}: ${name}`};
    if (options.only && !row.check.includes(options.only)) continue;
    try {
      console.log(JSON.stringify({...row, ...await check()}));
    } catch (error) {
      console.log(JSON.stringify({...row, failed: error.stack ?? String(error)}));
    }
  }
}

if (options.control) await ask('POST', 'script', {rules: RULES});
for (const name of names) {
  const each = known(options.key)[name]();
  await report(name, anyModel(each, known('wrong')[name]()));
  if (options.control) await report(name, {...happy(each, {counts: true}), ...scripted(each), ...(options.beside && beside[options.dialect](each)), ...(options.dialect === 'anthropic' && counting(each))});
}
process.exit(0);  // some clients keep their connections
