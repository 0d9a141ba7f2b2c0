/** Helpers of the capture tests: temporary files, and a source drained into plain objects. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  DESCRIPTOR_CAPTURED_BYTES,
  DESCRIPTOR_INTERFACE,
  DESCRIPTOR_LINK,
  DESCRIPTOR_NANOSECONDS,
  DESCRIPTOR_OFFSET,
  DESCRIPTOR_SECONDS,
  DESCRIPTOR_VLAN,
  DESCRIPTOR_WIRE_BYTES,
  DESCRIPTOR_WORDS,
  LINK_ETHERNET,
  type PacketBatch,
  type PacketSource,
} from '../contracts/packet.ts';
import { InputError } from './batch.ts';
import type { CapturedPacket } from './files/pcap-writer.ts';
import { Conversation } from './synthetic.ts';

/** A packet copied out of a batch. */
export interface SeenPacket {
  readonly hex: string;
  readonly tsNs: bigint;
  readonly wireBytes: number;
  readonly link: number;
  readonly vlan: number;
  readonly interfaceIndex: number;
}

export function packetsOf(batch: PacketBatch): SeenPacket[] {
  const seen: SeenPacket[] = [];
  for (let i = 0; i < batch.count; i++) {
    const word = (index: number) => batch.descriptors[i * DESCRIPTOR_WORDS + index] as number;
    const offset = word(DESCRIPTOR_OFFSET);
    seen.push({
      hex: Buffer.from(batch.bytes.subarray(offset, offset + word(DESCRIPTOR_CAPTURED_BYTES))).toString('hex'),
      tsNs: BigInt(word(DESCRIPTOR_SECONDS) >>> 0) * 1_000_000_000n + BigInt(word(DESCRIPTOR_NANOSECONDS)),
      wireBytes: word(DESCRIPTOR_WIRE_BYTES),
      link: word(DESCRIPTOR_LINK),
      vlan: word(DESCRIPTOR_VLAN),
      interfaceIndex: word(DESCRIPTOR_INTERFACE),
    });
  }
  return seen;
}

const POLLS_MAX = 100_000;

/** Reads `source` to its end and closes it. Fails when it does not end. */
export function drain(source: PacketSource): SeenPacket[] {
  const seen: SeenPacket[] = [];
  try {
    for (let polls = 0; !source.ended; polls++) {
      if (polls > POLLS_MAX) throw new Error('the source does not end');
      const batch = source.poll(100);
      if (batch === undefined) continue;
      seen.push(...packetsOf(batch));
      source.release(batch);
    }
    return seen;
  } finally {
    source.close();
  }
}

/** A folder that is removed after the test. */
export class TempFolder {
  readonly path: string;
  #count = 0;

  constructor(t: TestContext) {
    this.path = mkdtempSync(join(tmpdir(), 'wiretrail-capture-'));
    t.after(() => rmSync(this.path, { recursive: true, force: true }));
  }

  /** Writes a file and returns its path. */
  write(bytes: Uint8Array | string, name = `input-${this.#count++}.pcap`): string {
    const path = join(this.path, name);
    writeFileSync(path, bytes);
    return path;
  }
}

const START_NS = 1_760_000_000_123_456_789n;

/** A conversation, a truncated packet, an empty packet. */
export function samplePackets(): CapturedPacket[] {
  const conversation = new Conversation({ startNs: START_NS, mssBytes: 300 }).open();
  conversation.toServer('select 1').toClient(new Uint8Array(1000).fill(7)).close();
  return [
    ...conversation.packets,
    { bytes: Uint8Array.of(1, 2, 3), tsNs: START_NS + 5_000_000_000n, wireBytes: 1500 },
    { bytes: new Uint8Array(0), tsNs: START_NS + 6_000_000_000n },
  ];
}

/** What a reader makes of `packets` in a file whose times have a resolution of `unitNs`. */
export function expected(
  packets: readonly CapturedPacket[],
  unitNs: bigint,
  link: number = LINK_ETHERNET,
): SeenPacket[] {
  return packets.map((packet) => ({
    hex: Buffer.from(packet.bytes).toString('hex'),
    tsNs: (packet.tsNs / unitNs) * unitNs,
    wireBytes: packet.wireBytes ?? packet.bytes.length,
    link,
    vlan: 0,
    interfaceIndex: 0,
  }));
}

/** For `assert.throws`: an `InputError` whose message has `part`. */
export function inputError(part: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof InputError, String(error));
    assert.ok(error.message.includes(part), error.message);
    return true;
  };
}
