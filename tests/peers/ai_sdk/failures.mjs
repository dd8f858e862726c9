// Each fault of our own fake, as the official clients see it: the right kind of error, and never an answer that looks whole.
import {deepStrictEqual as equal, ok, rejects} from 'node:assert';

import {clients} from './clients.mjs';
import {HELLO, RULES, WEATHER} from './happy.mjs';

// Kind of fault -> class of error of OpenAI's and Anthropic's clients, Bedrock's exception, and status at each.
const KINDS = {
  bad_request: ['BadRequestError', 'ValidationException', {all: 400}],
  permission: ['PermissionDeniedError', 'AccessDeniedException', {all: 403}],
  not_found: ['NotFoundError', 'ResourceNotFoundException', {all: 404}],
  rate_limit: ['RateLimitError', 'ThrottlingException', {all: 429}],
  quota: ['RateLimitError', 'ServiceQuotaExceededException', {all: 429, bedrock: 400}],
  server: ['InternalServerError', 'InternalServerException', {all: 500}],
  overloaded: ['InternalServerError', 'ServiceUnavailableException', {all: 503, anthropic: 529, anthropicOld: 529}],
  timeout: ['InternalServerError', 'ModelTimeoutException', {all: 504, bedrock: 408}],
};
const PROVIDERS = ['openai', 'responses', 'azure', 'anthropic', 'anthropicOld', 'google', 'bedrock', 'ollama'];

const statusOf = (error) => error.status ?? error.status_code ?? error.$metadata?.httpStatusCode;

function isClass(name, error, [sdkClass, exception]) {
  const wanted = {bedrock: exception, google: 'ApiError', ollama: 'ResponseError'}[name] ?? sdkClass;
  const names = [error.name];  // and what it is a kind of
  for (let kind = error; kind; kind = Object.getPrototypeOf(kind)) names.push(kind.constructor.name);
  ok(names.includes(wanted), `${names} for ${wanted}`);
}

export function checks(folder, options, known, ask) {
  const fault = (kind, more) => ask('POST', 'faults', {kind, ...more});
  const until = async (what, condition) => {
    for (let n = 0; n < 2000; n++) {
      if (await condition()) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(`waited for ${what}`);
  };
  const all = {};
  const made = {};
  for (const name of PROVIDERS) {
    const each = () => made[name] ??= known[name]();
    all[`${name} tells a wrong key`] = async () => {
      const wrong = clients(folder, {...options, key: 'wrong', secret: 'wrong'})[name]();
      const status = {google: 400, bedrock: 403}[name] ?? 401;
      await rejects(wrong.chat('Say hello'), (error) => {
        equal(statusOf(error), status);
        isClass(name, error, ['AuthenticationError', 'InvalidSignatureException']);
        return true;
      });
    };
    all[`${name} tells errors apart`] = async () => {
      for (const [kind, row] of Object.entries(KINDS)) {
        for (const way of ['chat', 'stream']) {
          await fault('status', {error: kind, retry_after: 2});
          await rejects(each()[way]('Say hello'), (error) => {
            equal([kind, statusOf(error)], [kind, row[2][name] ?? row[2].all]);
            isClass(name, error, row);
            return true;
          });
        }
      }
    };
    all[`${name} says when to come back, and when not to`] = async () => {
      const told = async (kind) => {
        await fault('status', {error: kind, retry_after: 2});
        return each().chat('Say hello').then(() => ok(false), (error) => error);
      };
      const soon = await told('rate_limit');
      const never = await told('quota');
      if (['openai', 'responses'].includes(name)) {
        equal([soon.headers.get('retry-after-ms'), soon.code, never.code], ['2000', 'rate_limit_exceeded', 'insufficient_quota']);
      } else if (name === 'azure') {
        equal([soon.headers.get('retry-after'), /retry after 2 seconds/.test(soon.message)], ['2', true]);
      } else if (name.startsWith('anthropic')) {
        equal([soon.headers.get('retry-after'), never.headers.get('x-should-retry')], ['2', 'false']);
      } else if (name === 'google') {
        ok(/"retryDelay":"2s"/.test(soon.message) && /PerDay/.test(never.message), never.message);
      }
    };
    all[`${name} fails where a stream does`] = async () => {
      const broken = [['error_in_stream', {error: 'overloaded', after: 3}], ['reset', {phase: 'between_chunks', after: 2}],
        ['reset', {phase: 'before_head'}], ['reset', {phase: 'in_head'}], ['reset', {phase: 'before_first_chunk'}],
        ...(name === 'ollama' ? [] : [['broken_frame', {after: 2}]])];  // whose client passes over what is no JSON
      for (const [kind, more] of broken) {
        await fault(kind, more);
        const heard = [];
        await rejects(each().stream('Say hello', {onPiece: (piece) => heard.push(piece)}), undefined, `${kind} ${JSON.stringify(more)}`);
        ok(heard.join('') !== HELLO, `${kind}: all of it came`);
      }
      equal((await ask('GET', 'faults')).waiting, []);
    };
    all[`${name} gets what comes byte by byte`] = async () => {
      await fault('split', {times: 3});
      equal((await each().stream('Say hello')).text, HELLO);
      equal((await each().chat('Say hello')).text, HELLO);
      equal((await each().stream('What is the weather?', {tools: [WEATHER]})).calls[0].name, 'get_weather');
    };
    all[`${name} hears the first pieces while the rest is withheld`] = async () => {
      await fault('hold', {phase: 'between_chunks', after: 6});
      let heard = '';
      const answer = each().stream('Say hello', {onPiece: (piece) => heard += piece});
      await until('the first pieces', async () => heard && (await ask('GET', 'counters')).held === 1);
      ok(heard !== HELLO, heard);
      await ask('POST', 'release', {});
      equal((await answer).text, HELLO);
    };
    all[`${name} gives up in the middle, and what was made until then is billed`] = async () => {
      const before = (await ask('GET', 'ledger')).totals.calls;
      await fault('hold', {phase: 'between_chunks', after: 6});
      const abort = new AbortController();
      const answer = each().stream('Say hello', {signal: abort.signal, onPiece: () => abort.abort()});
      await answer.then(() => {}, () => {});  // as its client has it
      let row = null;
      await until('the row', async () => {
        row = (await ask('GET', `ledger?since=${before}`)).rows[0];
        return row && row.outcome !== 'under way';
      });
      equal([row.outcome, row.input, row.output > 0 && row.output < 22], ['client gone', 111, true], JSON.stringify(row));
    };
  }
  return {
    async 'the script is there'() {
      await ask('POST', 'script', {rules: RULES});
    },
    ...all,
  };
}
