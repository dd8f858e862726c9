// The official clients of AI providers behind one face, so that one check is for all of them:
//   chat(prompt, {tools, result, schema}) → {text, calls: [{id, name, arguments}], finish, usage: {input, output}}
//   stream(prompt, …)                     → the same, with `pieces` and, at `onPiece`, each as it comes; `signal` ends it
//   embed(texts)                          → vectors
//   nonsense()                            → what is said to a request that is none
// None of them tries again by itself.
import {createRequire} from 'node:module';

export const MAX_TOKENS = 1000;

export function clients(folder, {url, key, secret, model}) {
  const require = createRequire(folder + '/');
  const load = (name) => require(name);
  return {
    openai: () => chatCompletions(new (load('openai').OpenAI)({baseURL: url + '/v1', apiKey: key, maxRetries: 0}), model ?? 'gpt-4o-mini'),
    responses: () => responses(new (load('openai').OpenAI)({baseURL: url + '/v1', apiKey: key, maxRetries: 0}), 'gpt-4o-mini'),
    azure: () => chatCompletions(new (load('openai').AzureOpenAI)(
      {endpoint: url, apiKey: key, apiVersion: '2024-10-21', maxRetries: 0}), 'my-deployment'),
    anthropic: () => anthropic(new (load('@anthropic-ai/sdk').Anthropic)({baseURL: url, apiKey: key, maxRetries: 0}), model),
    anthropicOld: () => anthropic(new (load('anthropic-0-137').Anthropic)({baseURL: url, apiKey: key, maxRetries: 0}), model),
    google: () => google(new (load('@google/genai').GoogleGenAI)({apiKey: key, httpOptions: {baseUrl: url}})),
    bedrock: () => bedrock(load('@aws-sdk/client-bedrock-runtime'), load('@smithy/node-http-handler'), url, secret),
    ollama: () => ollama(new (load('ollama').Ollama)({host: url, headers: {Authorization: `Bearer ${key}`}})),
  };
}

const gather = () => ({text: '', pieces: [], calls: [], finish: null, usage: null});

function say(out, piece, more) {
  if (!piece) return;
  out.text += piece;
  out.pieces.push(piece);
  more.onPiece?.(piece);
}

const parsed = (calls) => calls.map((call) => ({...call, arguments: JSON.parse(call.arguments)}));

function chatCompletions(client, model) {
  const made = (prompt, {tools, result, schema}) => ({
    model, messages: [{role: 'system', content: 'Be brief.'}, {role: 'user', content: prompt}, ...(result ? [
      {role: 'assistant', content: null, tool_calls: [{id: result.id, type: 'function', function: {
        name: result.name, arguments: JSON.stringify(result.arguments)}}]},
      {role: 'tool', tool_call_id: result.id, content: result.content}] : [])],
    ...(tools && {tools: tools.map((tool) => ({type: 'function', function: tool}))}),
    ...(schema && {response_format: {type: 'json_schema', json_schema: {name: 'answer', schema, strict: true}}})});
  const counted = (usage) => usage && {input: usage.prompt_tokens, output: usage.completion_tokens};
  return {
    client,
    async chat(prompt, more = {}) {
      const answer = await client.chat.completions.create(made(prompt, more), {signal: more.signal});
      const {message, finish_reason: finish} = answer.choices[0];
      return {text: message.content ?? '', finish, usage: counted(answer.usage), calls: parsed((message.tool_calls ?? []).map(
        (call) => ({id: call.id, ...call.function})))};
    },
    async stream(prompt, more = {}) {
      const out = gather();
      for await (const chunk of await client.chat.completions.create(
        {...made(prompt, more), stream: true, stream_options: {include_usage: true}}, {signal: more.signal})) {
        if (chunk.usage) out.usage = counted(chunk.usage);
        const choice = chunk.choices[0];
        if (!choice) continue;
        out.finish = choice.finish_reason ?? out.finish;
        say(out, choice.delta.content, more);
        for (const {index, id, function: said} of choice.delta.tool_calls ?? []) {
          out.calls[index] ??= {id, name: said.name, arguments: ''};
          out.calls[index].arguments += said.arguments ?? '';
        }
      }
      return {...out, calls: parsed(out.calls)};
    },
    async embed(input) {
      const answer = await client.embeddings.create({model: 'text-embedding-3-small', input});
      return answer.data.map((row) => row.embedding);
    },
    nonsense: () => client.chat.completions.create({model, messages: 'none'}),
  };
}

function responses(client, model) {
  const made = (prompt, {tools, result, schema}) => ({
    model, instructions: 'Be brief.', input: [{role: 'user', content: prompt}, ...(result ? [
      {type: 'function_call', call_id: result.id, name: result.name, arguments: JSON.stringify(result.arguments)},
      {type: 'function_call_output', call_id: result.id, output: result.content}] : [])],
    ...(tools && {tools: tools.map((tool) => ({type: 'function', strict: false, ...tool}))}),
    ...(schema && {text: {format: {type: 'json_schema', name: 'answer', schema, strict: true}}})});
  const heard = (answer) => {
    const calls = answer.output.filter((item) => item.type === 'function_call');
    return {text: answer.output_text ?? '', finish: calls.length ? 'tool_calls' : answer.status === 'completed' ? 'stop' : answer.status,
      usage: {input: answer.usage.input_tokens, output: answer.usage.output_tokens},
      calls: parsed(calls.map((call) => ({id: call.call_id, name: call.name, arguments: call.arguments})))};
  };
  return {
    client,
    chat: async (prompt, more = {}) => heard(await client.responses.create(made(prompt, more), {signal: more.signal})),
    async stream(prompt, more = {}) {
      const out = gather();
      let last = null;
      const given = {};
      for await (const event of await client.responses.create({...made(prompt, more), stream: true}, {signal: more.signal})) {
        if (event.type === 'response.output_text.delta') say(out, event.delta, more);
        if (event.type === 'response.function_call_arguments.delta') given[event.item_id] = (given[event.item_id] ?? '') + event.delta;
        if (['response.completed', 'response.incomplete'].includes(event.type)) last = event.response;
        if (event.type === 'error') throw Object.assign(new Error(event.message), {code: event.code});
      }
      if (!last) throw new Error('the stream has no end');
      for (const item of last.output.filter((each) => each.type === 'function_call')) {
        if (given[item.id] !== item.arguments) throw new Error(`deltas ${given[item.id]} are not ${item.arguments}`);
      }
      return {...heard({...last, output_text: out.text}), pieces: out.pieces};
    },
  };
}

function anthropic(client, model = 'claude-haiku-4-5') {
  const made = (prompt, {tools, result, schema}) => ({
    model, max_tokens: MAX_TOKENS, system: 'Be brief.', messages: [{role: 'user', content: prompt}, ...(result ? [
      {role: 'assistant', content: [{type: 'tool_use', id: result.id, name: result.name, input: result.arguments}]},
      {role: 'user', content: [{type: 'tool_result', tool_use_id: result.id, content: result.content}]}] : [])],
    ...(tools && {tools: tools.map(({name, description, parameters}) => ({name, description, input_schema: parameters}))}),
    ...(schema && {output_config: {format: {type: 'json_schema', schema}}})});
  const heard = (message) => ({
    text: message.content.filter((block) => block.type === 'text').map((block) => block.text).join(''),
    calls: message.content.filter((block) => block.type === 'tool_use').map(({id, name, input}) => ({id, name, arguments: input})),
    finish: {end_turn: 'stop', tool_use: 'tool_calls'}[message.stop_reason] ?? message.stop_reason,
    usage: {input: message.usage.input_tokens, output: message.usage.output_tokens}});
  return {
    client,
    chat: async (prompt, more = {}) => heard(await client.messages.create(made(prompt, more), {signal: more.signal})),
    async stream(prompt, more = {}) {
      const out = gather();
      const stream = client.messages.stream(made(prompt, more), {signal: more.signal});
      stream.on('text', (piece) => say(out, piece, more));
      return {...heard(await stream.finalMessage()), pieces: out.pieces};
    },
    nonsense: () => client.messages.create({model, messages: [{role: 'user', content: 'no max_tokens'}]}),
  };
}

function google(client) {
  const made = (prompt, {tools, result, schema, signal}) => ({
    model: 'gemini-2.5-flash', contents: [{role: 'user', parts: [{text: prompt}]}, ...(result ? [
      {role: 'model', parts: [{functionCall: {id: result.id, name: result.name, args: result.arguments}}]},
      {role: 'user', parts: [{functionResponse: {id: result.id, name: result.name, response: {output: result.content}}}]}] : [])],
    config: {systemInstruction: 'Be brief.', abortSignal: signal,
      ...(tools && {tools: [{functionDeclarations: tools.map(
        ({name, description, parameters}) => ({name, description, parametersJsonSchema: parameters}))}]}),
      ...(schema && {responseMimeType: 'application/json', responseJsonSchema: schema})}});
  const add = (out, answer, more) => {
    for (const part of answer.candidates?.[0]?.content?.parts ?? []) {
      if (part.text && !part.thought) say(out, part.text, more);
      if (part.functionCall) {
        out.calls.push({id: part.functionCall.id, name: part.functionCall.name, arguments: part.functionCall.args});
      }
    }
    const usage = answer.usageMetadata;
    if (usage) out.usage = {input: usage.promptTokenCount, output: usage.candidatesTokenCount};
    const finish = answer.candidates?.[0]?.finishReason;
    // Gemini stops at calls as at anything else; some say so in a reason of their own.
    if (finish) out.finish = out.calls.length ? 'tool_calls' : {STOP: 'stop', MAX_TOKENS: 'length'}[finish] ?? finish;
  };
  return {
    client,
    async chat(prompt, more = {}) {
      const out = gather();
      add(out, await client.models.generateContent(made(prompt, more)), {});
      return out;
    },
    async stream(prompt, more = {}) {
      const out = gather();
      for await (const answer of await client.models.generateContentStream(made(prompt, more))) add(out, answer, more);
      if (!out.finish) throw new Error('the stream has no end');
      return out;
    },
    async embed(texts) {
      const answer = await client.models.embedContent({model: 'gemini-embedding-001', contents: texts});
      return answer.embeddings.map((row) => row.values);
    },
  };
}

function bedrock(sdk, {NodeHttpHandler}, url, secret) {
  // Over HTTP/1.1: its own choice would be HTTP/2.
  const client = new sdk.BedrockRuntimeClient({
    endpoint: url, region: 'us-east-1', maxAttempts: 1, requestHandler: new NodeHttpHandler(),
    credentials: {accessKeyId: 'AKIDEXAMPLE', secretAccessKey: secret}});
  const made = (prompt, {tools, result}) => ({
    modelId: 'anthropic.claude-3-haiku-20240307-v1:0', system: [{text: 'Be brief.'}], inferenceConfig: {maxTokens: MAX_TOKENS},
    messages: [{role: 'user', content: [{text: prompt}]}, ...(result ? [
      {role: 'assistant', content: [{toolUse: {toolUseId: result.id, name: result.name, input: result.arguments}}]},
      {role: 'user', content: [{toolResult: {toolUseId: result.id, content: [{text: result.content}]}}]}] : [])],
    ...(tools && {toolConfig: {tools: tools.map(({name, description, parameters}) => (
      {toolSpec: {name, description, inputSchema: {json: parameters}}}))}})});
  const finish = (reason) => ({end_turn: 'stop', tool_use: 'tool_calls', max_tokens: 'length'}[reason] ?? reason);
  const counted = (usage) => usage && {input: usage.inputTokens, output: usage.outputTokens};
  return {
    client, sdk,
    async chat(prompt, more = {}) {
      const answer = await client.send(new sdk.ConverseCommand(made(prompt, more)), {abortSignal: more.signal});
      const content = answer.output.message.content;
      return {text: content.map((block) => block.text ?? '').join(''), finish: finish(answer.stopReason), usage: counted(answer.usage),
        calls: content.filter((block) => block.toolUse).map(
          ({toolUse}) => ({id: toolUse.toolUseId, name: toolUse.name, arguments: toolUse.input}))};
    },
    async stream(prompt, more = {}) {
      const out = gather();
      const answer = await client.send(new sdk.ConverseStreamCommand(made(prompt, more)), {abortSignal: more.signal});
      for await (const event of answer.stream) {
        say(out, event.contentBlockDelta?.delta?.text, more);
        const begun = event.contentBlockStart?.start?.toolUse;
        if (begun) out.calls.push({id: begun.toolUseId, name: begun.name, arguments: ''});
        const input = event.contentBlockDelta?.delta?.toolUse?.input;
        if (input) out.calls.at(-1).arguments += input;
        if (event.messageStop) out.finish = finish(event.messageStop.stopReason);
        if (event.metadata) out.usage = counted(event.metadata.usage);
      }
      if (!out.finish) throw new Error('the stream has no end');
      return {...out, calls: parsed(out.calls)};
    },
  };
}

function ollama(client) {
  const made = (prompt, {tools, result, schema}) => ({
    model: 'llama3.2', messages: [{role: 'system', content: 'Be brief.'}, {role: 'user', content: prompt}, ...(result ? [
      {role: 'assistant', content: '', tool_calls: [{function: {name: result.name, arguments: result.arguments}}]},
      {role: 'tool', tool_name: result.name, content: result.content}] : [])],
    ...(tools && {tools: tools.map((tool) => ({type: 'function', function: tool}))}), ...(schema && {format: schema})});
  const add = (out, answer, more) => {
    say(out, answer.message.content, more);
    for (const call of answer.message.tool_calls ?? []) {
      out.calls.push({id: call.id, name: call.function.name, arguments: call.function.arguments});
    }
    if (answer.done) {
      out.finish = out.calls.length ? 'tool_calls' : answer.done_reason;
      out.usage = {input: answer.prompt_eval_count, output: answer.eval_count};
    }
    return out;
  };
  return {
    client,
    chat: async (prompt, more = {}) => add(gather(), await client.chat({...made(prompt, more), stream: false}), {}),
    async stream(prompt, more = {}) {
      const out = gather();
      const answers = await client.chat({...made(prompt, more), stream: true});
      more.signal?.addEventListener('abort', () => answers.abort());
      for await (const answer of answers) add(out, answer, more);
      if (!out.finish) throw new Error('the stream has no end');
      return out;
    },
    async embed(input) {
      return (await client.embed({model: 'nomic-embed-text', input})).embeddings;
    },
  };
}
