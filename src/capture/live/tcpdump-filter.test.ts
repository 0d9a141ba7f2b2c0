import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputError } from '../batch.ts';
import { Conversation } from '../synthetic.ts';
import { packetsOf } from '../test-support.ts';
import { TestNet } from './net-test-support.ts';
import { openRing } from './ring.ts';
import { compileFilter, parseProgram } from './tcpdump-filter.ts';

test('instructions as the kernel takes them', () => {
  const program = parseProgram('2\n21 0 1 4294963200\n6 0 0 262144\n');
  const data = new DataView(program.buffer);
  const words = new Uint16Array(program.buffer);
  assert.equal(program.length, 16);
  assert.deepEqual([words[0], data.getUint8(2), data.getUint8(3)], [21, 0, 1]);
  assert.equal(new Uint32Array(program.buffer)[1], 4_294_963_200);
});

test('what is no program is refused', () => {
  for (const text of ['', '2\n6 0 0 1\n', '1\n6 0 0\n', 'tcpdump version 4\n', '0\n']) {
    assert.throws(() => parseProgram(text), InputError, text);
  }
});

test('only what the expression names is captured; one that is wrong is told in one line', (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  try {
    const filter = compileFilter('tcp port 3306', 'in0');
    const source = openRing({ interfaces: ['in0'], filter, blockBytes: 64 * 1024, blockCount: 16, retireMs: 2 });
    t.after(() => source.close());
    const frames = [3306, 5432].flatMap(
      (port) => new Conversation({ server: { address: '10.0.0.2', port } }).open().toServer('x').packets,
    );
    net.send('out0', frames);
    let seen = 0;
    for (let quiet = 0; quiet < 5; quiet++) {
      for (let batch = source.poll(20); batch !== undefined; batch = source.poll(20)) {
        seen += packetsOf(batch).length;
        source.release(batch);
      }
    }
    assert.equal(seen, frames.length / 2);
    assert.throws(() => compileFilter('tcp prot 3306', 'in0'), /^InputError: --filter 'tcp prot 3306': [^\n]+$/);
  } catch (error) {
    if (error instanceof InputError && error.message.includes('not installed')) t.skip(error.message);
    else throw error;
  }
});
