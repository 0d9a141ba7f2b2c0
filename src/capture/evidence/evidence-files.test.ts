import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import {
  DESCRIPTOR_CAPTURED_BYTES,
  DESCRIPTOR_LINK,
  DESCRIPTOR_NANOSECONDS,
  DESCRIPTOR_SECONDS,
  DESCRIPTOR_VLAN,
  DESCRIPTOR_WIRE_BYTES,
  DESCRIPTOR_WORDS,
  LINK_ETHERNET,
  VLAN_PRESENT,
} from '../../contracts/packet.ts';
import { InputError } from '../batch.ts';
import { openFiles } from '../files/file.ts';
import { commentOf, pcapngBlocks } from '../files/pcapng-blocks.ts';
import { EvidenceFiles, evidenceFiles } from './evidence-files.ts';

const FRAME: Uint8Array = Uint8Array.from({ length: 61 }, (_, i) => i);

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wiretrail-evidence-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function descriptors(vlan: number): Int32Array {
  const words = new Int32Array(DESCRIPTOR_WORDS);
  words[DESCRIPTOR_CAPTURED_BYTES] = FRAME.length;
  words[DESCRIPTOR_WIRE_BYTES] = 1000;
  words[DESCRIPTOR_LINK] = LINK_ETHERNET;
  words[DESCRIPTOR_VLAN] = vlan;
  words[DESCRIPTOR_SECONDS] = 1_795_307_973;
  words[DESCRIPTOR_NANOSECONDS] = 123_456_789;
  return words;
}

test('a packet is read back as it was, with its comment and the tag that the kernel took off', () => {
  const files = new EvidenceFiles(folder, 1 << 20);
  files.write(FRAME, descriptors(VLAN_PRESENT | 77), 0, 'session one');
  files.write(FRAME, descriptors(0), 0, 'session two');
  files.close();
  const [path = ''] = evidenceFiles(folder);
  const source = openFiles([path]);
  const batch = source.poll(0);
  assert.ok(batch);
  assert.equal(batch.count, 2);
  const [at = 0, captured = 0, wire] = batch.descriptors;
  const frame = Buffer.from(batch.bytes.subarray(at, at + captured));
  assert.equal(wire, 1004);
  assert.equal(frame.toString('hex', 12, 16), '8100004d');
  assert.deepEqual(Buffer.concat([frame.subarray(0, 12), frame.subarray(16)]), Buffer.from(FRAME));
  assert.equal(batch.descriptors[DESCRIPTOR_SECONDS], 1_795_307_973);
  assert.equal(batch.descriptors[DESCRIPTOR_NANOSECONDS], 123_456_789);
  source.close();
  const comments = [...pcapngBlocks(readFileSync(path))].map(commentOf);
  assert.deepEqual(comments, [undefined, undefined, 'session one', 'session two']);
});

test('the oldest files go when the folder is full, also those of an earlier run; others stay', () => {
  const bytesMax = 16_384;
  writeFileSync(join(folder, 'evidence-00000007.pcapng'), new Uint8Array(10_000));
  writeFileSync(join(folder, 'notes.txt'), new Uint8Array(100_000));
  const files = new EvidenceFiles(folder, bytesMax);
  for (let i = 0; i < 500; i++) files.write(FRAME, descriptors(0), 0, `number ${i}`);
  files.close();
  const names = evidenceFiles(folder);
  const total = names.reduce((sum, name) => sum + statSync(name).size, 0);
  assert.ok(total <= bytesMax, `${total} bytes`);
  assert.ok(total > bytesMax / 2, `${total} bytes`);
  assert.ok(!names.some((name) => name.endsWith('00000007.pcapng')));
  assert.ok(readdirSync(folder).includes('notes.txt'));
  assert.equal(files.counters.packets, 500);
  assert.ok(files.counters.deletedFiles > 3);
  const last = [...pcapngBlocks(readFileSync(names.at(-1) ?? ''))].at(-1);
  assert.equal(last && commentOf(last), 'number 499');
});

test('several writers share the budget, and none goes on with a file that another one deleted', () => {
  const bytesMax = 32_768;
  const busy = new EvidenceFiles(folder, bytesMax, 2);
  const quiet = new EvidenceFiles(folder, bytesMax, 2);
  quiet.write(FRAME, descriptors(0), 0, 'quiet, early');
  // The quiet writer's file becomes the oldest, and goes.
  for (let i = 0; i < 1000; i++) busy.write(FRAME, descriptors(0), 0, `busy ${i}`);
  quiet.write(FRAME, descriptors(0), 0, 'quiet, late');
  busy.close();
  quiet.close();
  const names = evidenceFiles(folder);
  const comments = names.flatMap((name) => [...pcapngBlocks(readFileSync(name))].map(commentOf));
  assert.ok(!comments.includes('quiet, early'));
  assert.ok(comments.includes('quiet, late') && comments.includes('busy 999'));
  assert.ok(names.reduce((sum, name) => sum + statSync(name).size, 0) <= bytesMax);
  assert.equal(busy.counters.failures + quiet.counters.failures, 0);
});

test('a folder that went away costs packets, not the sensor', () => {
  const files = new EvidenceFiles(folder, 1 << 20);
  rmSync(folder, { recursive: true });
  files.write(FRAME, descriptors(0), 0, 'lost');
  assert.equal(files.counters.failures, 1);
  assert.throws(() => new EvidenceFiles('/dev/null/evidence', 1), InputError);
});

test('blocks of a file that is cut off or damaged end where sense ends', () => {
  const files = new EvidenceFiles(folder, 1 << 20);
  files.write(FRAME, descriptors(0), 0, 'whole');
  files.close();
  const bytes = new Uint8Array(readFileSync(evidenceFiles(folder)[0] ?? ''));
  for (let length = 0; length < bytes.length; length++) {
    assert.ok([...pcapngBlocks(bytes.subarray(0, length))].length < 3);
  }
  const packet = [...pcapngBlocks(bytes)][2] ?? new Uint8Array(0);
  for (let i = 0; i < packet.length; i++) {
    const damaged = Uint8Array.from(packet);
    damaged[i] = 0xff;
    assert.equal(typeof (commentOf(damaged) ?? ''), 'string');
  }
});
