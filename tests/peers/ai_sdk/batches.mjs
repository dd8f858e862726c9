// Batches of OpenAI and of Anthropic, from the upload to the results.
import {deepStrictEqual as equal, ok} from 'node:assert';

const RULES = [{match: 'fails', error: 'context_length'}, {match: 'Say', text: 'Said.', usage: {input: 10, output: 5}}];
const PROMPTS = {first: 'Say one', second: 'fails', third: 'Say three'};

export function checks(known, ask) {
  const billed = async (before) => (await ask('GET', `ledger?since=${before}`)).rows.map(
    (row) => [row.call, row.batch, row.input, row.output]);
  const calls = async () => (await ask('GET', 'ledger')).totals.calls;

  function openai(endpoint, line) {
    return async () => {
      await ask('POST', 'script', {rules: RULES});
      const before = await calls();
      const {client} = known.openai();
      const text = Object.entries(PROMPTS).map(([id, prompt]) => JSON.stringify(
        {custom_id: id, method: 'POST', url: endpoint, body: {model: 'gpt-4o-mini', ...line(prompt)}})).join('\n') + '\n';
      const file = await client.files.create({file: new File([text], 'in.jsonl'), purpose: 'batch'});
      equal([file.filename, file.bytes, await (await client.files.content(file.id)).text()], ['in.jsonl', text.length, text]);
      let batch = await client.batches.create({input_file_id: file.id, endpoint, completion_window: '24h'});
      const states = [batch.status];
      while (batch.status !== 'completed' && states.length < 10) {
        batch = await client.batches.retrieve(batch.id);
        states.push(batch.status);
      }
      equal(states, ['validating', 'in_progress', 'finalizing', 'completed']);
      equal(batch.request_counts, {total: 3, completed: 2, failed: 1});
      const rows = async (id) => (await (await client.files.content(id)).text()).trim().split('\n').map((row) => JSON.parse(row));
      equal((await rows(batch.output_file_id)).map((row) => [row.custom_id, row.response.status_code]), [['third', 200], ['first', 200]]);
      const [bad] = await rows(batch.error_file_id);
      equal([bad.custom_id, bad.response.status_code, bad.response.body.error.code], ['second', 400, 'context_length_exceeded']);
      equal(await billed(before), [['first', true, 10, 5], ['third', true, 10, 5]]);
    };
  }

  function anthropic(name) {
    return async () => {
      await ask('POST', 'script', {rules: RULES});
      const before = await calls();
      const {batches} = known[name]().client.messages;
      let batch = await batches.create({requests: Object.entries(PROMPTS).map(([id, prompt]) => (
        {custom_id: id, params: {model: 'claude-haiku-4-5', max_tokens: 100, messages: [{role: 'user', content: prompt}]}}))});
      equal([batch.processing_status, batch.results_url], ['in_progress', null]);
      for (let looks = 0; batch.processing_status !== 'ended' && looks < 10; looks++) batch = await batches.retrieve(batch.id);
      equal(batch.request_counts, {processing: 0, succeeded: 2, errored: 1, canceled: 0, expired: 0});
      const results = {};
      for await (const row of await batches.results(batch.id)) results[row.custom_id] = row.result;
      equal(Object.keys(results), ['third', 'second', 'first']);
      equal([results.first.message.content[0].text, results.first.message.usage.service_tier], ['Said.', 'batch']);
      equal([results.second.type, results.second.error.error.type], ['errored', 'invalid_request_error']);
      equal(await billed(before), [['first', true, 10, 5], ['third', true, 10, 5]]);
      const canceled = await batches.cancel((await batches.create({requests: [{custom_id: 'a', params: {
        model: 'm', max_tokens: 1, messages: [{role: 'user', content: 'Say'}]}}]})).id);
      equal([canceled.processing_status, (await batches.retrieve(canceled.id)).request_counts.canceled], ['canceling', 1]);
    };
  }

  return {
    'OpenAI, chat completions': openai('/v1/chat/completions', (prompt) => ({messages: [{role: 'user', content: prompt}]})),
    'OpenAI, responses': openai('/v1/responses', (input) => ({input})),
    'OpenAI, embeddings are billed for their input': async () => {
      await ask('POST', 'script', {rules: []});
      const before = await calls();
      const {client} = known.openai();
      const body = {model: 'text-embedding-3-small', input: 'a text'};
      const file = await client.files.create({purpose: 'batch', file: new File(
        [JSON.stringify({custom_id: 'e', method: 'POST', url: '/v1/embeddings', body})], 'e.jsonl')});
      let batch = await client.batches.create({input_file_id: file.id, endpoint: '/v1/embeddings', completion_window: '24h'});
      for (let looks = 0; batch.status !== 'completed' && looks < 10; looks++) batch = await client.batches.retrieve(batch.id);
      const {response} = JSON.parse(await (await client.files.content(batch.output_file_id)).text());
      ok(response.body.data[0].embedding.length === 1536);
      equal(await billed(before), [['e', true, 2, 0]]);
    },
    'OpenAI, one that is cancelled, and one that fails': async () => {
      const {client} = known.openai();
      const file = await client.files.create({file: new File(['{}\n'], 'in.jsonl'), purpose: 'batch'});
      const make = () => client.batches.create({input_file_id: file.id, endpoint: '/v1/embeddings', completion_window: '24h'});
      const {id} = await make();
      equal((await client.batches.cancel(id)).status, 'cancelling');
      equal((await client.batches.retrieve(id)).status, 'cancelled');
      await ask('POST', 'script', {batch: {states: [], ending: 'failed'}});
      const again = await client.files.create({file: new File(['{\n'], 'in.jsonl'), purpose: 'batch'});
      const failing = await client.batches.create({input_file_id: again.id, endpoint: '/v1/embeddings', completion_window: '24h'});
      const failed = await client.batches.retrieve(failing.id);
      equal([failed.status, failed.errors.data[0].code], ['failed', 'invalid_json_line']);
    },
    'Anthropic': anthropic('anthropic'),
    'Anthropic, the version before': anthropic('anthropicOld'),
  };
}
