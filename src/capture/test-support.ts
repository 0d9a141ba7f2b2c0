/** Helpers of the capture tests: temporary files, and a source drained into plain objects. */
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
  type PacketBatch,
  type PacketSource,
} from '../contracts/packet.ts';

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
