/**
 * Writes what a connection carried as a pcap, as if it had been captured: the bytes are those that a real client and a
 * scripted server exchanged, the TCP around them is made here. Segments of 1,460 bytes, handshake and end included.
 */
import { writeFileSync } from 'node:fs';
import { pcapHeader, pcapRecord } from '#src/capture/pcap-writer.js';

const SEGMENT_BYTES_MAX = 1460;
const FLAG_FIN = 0x01;
const FLAG_SYN = 0x02;
const FLAG_PUSH_ACK = 0x18;
const FLAG_ACK = 0x10;
/** 2026-01-01 00:00 UTC: times are counted from here, so that a recording is the same each time. */
const EPOCH_NS = 1_767_225_600_000_000_000n;
const STEP_NS = 1_000_000n;

export type Origin = 'client' | 'server';

export class Recorder {
  private readonly records: Uint8Array[] = [pcapHeader({ resolution: 'us' })];
  private packets = 0n;

  connection(clientPort: number, serverPort: number): ConnectionRecorder {
    return new ConnectionRecorder(this, clientPort, serverPort);
  }

  add(frame: Uint8Array): void {
    const tsNs = EPOCH_NS + this.packets++ * STEP_NS;
    this.records.push(pcapRecord({ bytes: frame, tsNs }, { resolution: 'us' }));
  }

  save(path: string): void {
    writeFileSync(path, Buffer.concat(this.records));
  }
}

export class ConnectionRecorder {
  private readonly recorder: Recorder;
  private readonly ports: Readonly<Record<Origin, number>>;
  private readonly sequence: Record<Origin, number> = { client: 1000, server: 5000 };
  private ended = false;

  constructor(recorder: Recorder, clientPort: number, serverPort: number) {
    this.recorder = recorder;
    this.ports = { client: clientPort, server: serverPort };
    this.segment('client', FLAG_SYN, NOTHING);
    this.segment('server', FLAG_SYN | FLAG_ACK, NOTHING);
  }

  data(from: Origin, bytes: Uint8Array): void {
    for (let pos = 0; pos < bytes.length; pos += SEGMENT_BYTES_MAX) {
      this.segment(from, FLAG_PUSH_ACK, bytes.subarray(pos, pos + SEGMENT_BYTES_MAX));
    }
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.segment('client', FLAG_FIN | FLAG_ACK, NOTHING);
    this.segment('server', FLAG_FIN | FLAG_ACK, NOTHING);
  }

  private segment(from: Origin, flags: number, payload: Uint8Array): void {
    const to = from === 'client' ? 'server' : 'client';
    const frame = Buffer.alloc(54 + payload.length);
    frame.writeUInt16BE(0x0800, 12);
    frame[14] = 0x45;
    frame.writeUInt16BE(40 + payload.length, 16);
    frame[22] = 64;
    frame[23] = 6;
    frame.set(ADDRESSES[from], 26);
    frame.set(ADDRESSES[to], 30);
    frame.writeUInt16BE(this.ports[from], 34);
    frame.writeUInt16BE(this.ports[to], 36);
    frame.writeUInt32BE(this.sequence[from], 38);
    frame.writeUInt32BE((flags & FLAG_ACK) === 0 ? 0 : this.sequence[to], 42);
    frame[46] = 0x50;
    frame[47] = flags;
    frame.writeUInt16BE(64_000, 48);
    frame.set(payload, 54);
    const isMarked = (flags & (FLAG_SYN | FLAG_FIN)) !== 0;
    this.sequence[from] = (this.sequence[from] + payload.length + (isMarked ? 1 : 0)) >>> 0;
    this.recorder.add(frame);
  }
}

const NOTHING = new Uint8Array(0);
const ADDRESSES: Readonly<Record<Origin, Uint8Array>> = {
  client: Uint8Array.of(192, 0, 2, 1),
  server: Uint8Array.of(192, 0, 2, 2),
};
