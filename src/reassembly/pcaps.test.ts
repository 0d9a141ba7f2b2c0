/** Real captures: bytes and hash of each direction, against another tool's view. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PacketView } from '../contracts/view.ts';
import { Decoder } from '../decode/decoder.ts';
import { DECODE_TCP } from '../decode/layers.ts';
import { Reassembler } from './reassembler.ts';
import { type FlowLog, Recorder, readPcap } from './testing.ts';

interface TruthFlow {
  readonly node0: string;
  readonly node1: string;
  readonly bytes_0_to_1: number;
  readonly sha256_0_to_1: string;
  readonly bytes_1_to_0: number;
  readonly sha256_1_to_0: string;
}

const ROOT = join(import.meta.dirname, '../../../shared/pcaps');
const FOLDERS = ['tcp', 'encap', 'mixed'];

function replay(path: string): FlowLog[] {
  const batch = readPcap(path);
  const decoder = new Decoder();
  const reassembler = new Reassembler({ flowsMax: 4096, pagesMax: 4096 });
  const recorder = new Recorder(reassembler);
  reassembler.setReceiver(recorder);
  const view = new PacketView();
  for (let i = 0; i < batch.count; i++) if (decoder.decode(batch, i, view) === DECODE_TCP) reassembler.push(view);
  reassembler.flush(0);
  return recorder.flows;
}

/** Length and SHA-256 of one direction, gaps left out. */
function describe(chunks: readonly Buffer[]): string {
  const bytes = Buffer.concat(chunks);
  return `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Endpoints in the order of their text, and what each sent. */
function entry(a: string, b: string, fromA: string, fromB: string): [string, string] {
  return a < b ? [`${a} ${b}`, `${fromA} / ${fromB}`] : [`${b} ${a}`, `${fromB} / ${fromA}`];
}

/** Flows where the other tool is wrong, or shows something else than bytes; by endpoints, with our own result. */
const DIFFERENCES: ReadonlyMap<string, string> = new Map([
  [
    // 8 bytes are missing in the capture; the tool's stream has a sentence of 34 characters in their place.
    '10.180.156.1:40005 10.180.156.2:80',
    '37 03fd05dec3848fe3e671798d8193e1a552018ad3e271ca60f3da4174f43d7b65 / 24 3b603b6194b9a737ace5728532d93c79507cc2063cee04936e9d6468c64463cf',
  ],
  [
    // One direction only, with a segment missing: the tool gives up at the hole, six segments follow.
    '10.0.0.1:61541 81.218.72.15:80',
    '8528 7fdb28fac455dcb84eed8447ea082d22318590e2e31c7a452d8d8f05b388980d / 0 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  ],
]);

for (const folder of FOLDERS) {
  const directory = join(ROOT, folder);
  const files = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.pcap')) : [];
  test(`captures of ${folder}`, async (t) => {
    if (files.length === 0) t.skip('../shared/pcaps is not here');
    for (const file of files) {
      await t.test(file, () => {
        const truth = JSON.parse(readFileSync(join(directory, file.replace('.pcap', '.truth.json')), 'utf8')) as {
          readonly flows: readonly TruthFlow[];
        };
        const seen = new Map<string, string[]>();
        for (const { endpoints, bytes } of replay(join(directory, file))) {
          const [key, value] = entry(endpoints[0], endpoints[1], describe(bytes[0]), describe(bytes[1]));
          seen.set(key, [...(seen.get(key) ?? []), value]);
        }
        for (const flow of truth.flows) {
          if (flow.bytes_0_to_1 + flow.bytes_1_to_0 === 0) continue;
          const [key, value] = entry(
            flow.node0.replace(/[[\]]/g, ''),
            flow.node1.replace(/[[\]]/g, ''),
            `${flow.bytes_0_to_1} ${flow.sha256_0_to_1}`,
            `${flow.bytes_1_to_0} ${flow.sha256_1_to_0}`,
          );
          const expected = DIFFERENCES.get(key) ?? value;
          assert.ok(seen.get(key)?.includes(expected), `${key}: expected ${expected}, seen ${seen.get(key)}`);
        }
      });
    }
  });
}
