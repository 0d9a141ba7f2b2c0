/**
 * Writes what connections carried as a pcap, as if it had been captured: the bytes are those that a real client and a
 * scripted server exchanged, the TCP around them is made here. Segments of 1,460 bytes, handshake and end included.
 */
import { writeFileSync } from 'node:fs';
import { pcapHeader, pcapRecord } from '#src/capture/files/pcap-writer.js';
import { type Endpoint, tcpFrame } from '#src/capture/frames.js';
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_SYN } from '#src/contracts/view.js';

const SEGMENT_BYTES_MAX = 1460;
const CLIENT_ADDRESS = '192.0.2.1';
const SERVER_ADDRESS = '192.0.2.2';
/** 2026-01-01 00:00 UTC: times are counted from here, so that a recording is the same each time. */
const EPOCH_NS = 1_767_225_600_000_000_000n;
const STEP_NS = 1_000_000n;

export type Origin = 'client' | 'server';

/** One side's bytes, in the order of the wire. */
export interface Heard {
  readonly from: Origin;
  readonly bytes: Uint8Array;
}

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
  private readonly ends: Readonly<Record<Origin, Endpoint>>;
  private readonly sequence: Record<Origin, number> = { client: 1000, server: 5000 };
  private ended = false;

  constructor(recorder: Recorder, clientPort: number, serverPort: number) {
    this.recorder = recorder;
    this.ends = {
      client: { address: CLIENT_ADDRESS, port: clientPort },
      server: { address: SERVER_ADDRESS, port: serverPort },
    };
    this.segment('client', TCP_SYN, NOTHING);
    this.segment('server', TCP_SYN | TCP_ACK, NOTHING);
  }

  data(from: Origin, bytes: Uint8Array): void {
    for (let pos = 0; pos < bytes.length; pos += SEGMENT_BYTES_MAX) {
      this.segment(from, TCP_PSH | TCP_ACK, bytes.subarray(pos, pos + SEGMENT_BYTES_MAX));
    }
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.segment('client', TCP_FIN | TCP_ACK, NOTHING);
    this.segment('server', TCP_FIN | TCP_ACK, NOTHING);
  }

  private segment(from: Origin, flags: number, payload: Uint8Array): void {
    const to = from === 'client' ? 'server' : 'client';
    const ack = (flags & TCP_ACK) === 0 ? 0 : this.sequence[to];
    this.recorder.add(tcpFrame(this.ends[from], this.ends[to], { seq: this.sequence[from], ack, flags }, payload));
    const isMarked = (flags & (TCP_SYN | TCP_FIN)) !== 0;
    this.sequence[from] = (this.sequence[from] + payload.length + (isMarked ? 1 : 0)) >>> 0;
  }
}

/** Writes one connection as a capture. */
export function writeConversation(path: string, serverPort: number, heard: readonly Heard[]): void {
  const recorder = new Recorder();
  const connection = recorder.connection(CLIENT_PORT, serverPort);
  for (const { from, bytes } of heard) connection.data(from, bytes);
  connection.end();
  recorder.save(path);
}

const CLIENT_PORT = 40_000;
const NOTHING = new Uint8Array(0);
