// What tiktoken makes of texts.
//   node tiktoken.mjs FOLDER ids ENCODING             of each line of stdin, a JSON string, the ids as ordinary text
//   node tiktoken.mjs FOLDER matching '["\\p{L}"]'    for each pattern, the code points that it finds
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

const [folder, what, argument] = process.argv.slice(2);
const {get_encoding: getEncoding, Tiktoken} = createRequire(folder + '/')('tiktoken');

if (what === 'ids') {
  const encoding = getEncoding(argument);
  for (const line of readFileSync(0, 'utf8').split('\n')) {
    if (line) console.log(JSON.stringify(Array.from(encoding.encode_ordinary(JSON.parse(line)))));
  }
} else {
  // An encoding of bytes alone gives back the text that its pattern finds, and leaves out the rest.
  const ranks = '! 0 ' + [...Array(256).keys()].map((byte) => Buffer.from([byte]).toString('base64')).join(' ');
  const kStep = 0x800;  // as many surrogates as there are, which are no characters
  console.log(JSON.stringify(JSON.parse(argument).map((pattern) => {
    const encoding = new Tiktoken(ranks, {}, pattern);
    const found = [];
    for (let first = 0; first < 0x110000; first += kStep) {
      if (first === 0xd800) continue;
      const text = String.fromCodePoint(...[...Array(kStep).keys()].map((i) => first + i));
      found.push(...[...Buffer.from(encoding.encode_ordinary(text)).toString()].map((c) => c.codePointAt(0)));
    }
    encoding.free();
    return found;
  })));
}
