// Decodes a segment file with kafkajs and prints the values of its records, one a line.
//   node kafkajs.mjs FOLDER_OF_NODE_MODULES FILE
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

const require = createRequire(process.argv[2] + '/');
const kafkajs = require('kafkajs');
const Decoder = require('kafkajs/src/protocol/decoder');
const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder');
const lz4 = require('lz4js');
const {decompress} = require('fzstd');

kafkajs.CompressionCodecs[kafkajs.CompressionTypes.LZ4] = () => ({decompress: async (buffer) => Buffer.from(lz4.decompress(buffer))});
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({decompress: async (buffer) => Buffer.from(decompress(buffer))});

const decoder = new Decoder(readFileSync(process.argv[3]));
while (decoder.canReadBytes(61)) {
  const batch = await decodeBatch(decoder);
  if (batch.isControlBatch) continue;
  for (const record of batch.records) console.log(record.value.toString());
}
