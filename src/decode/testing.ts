/** Builders of frames for this folder's tests: each layer is a function from its payload to bytes. */
import { DESCRIPTOR_WORDS, LINK_ETHERNET, type PacketBatch } from '../contracts/packet.ts';

export type Bytes = readonly number[];

export function u16(value: number): Bytes {
  return [(value >> 8) & 255, value & 255];
}

export function u32(value: number): Bytes {
  return [...u16(value >>> 16), ...u16(value & 0xffff)];
}

export function text(value: string): Bytes {
  return [...Buffer.from(value, 'latin1')];
}

export function ethernet(type: number, payload: Bytes): Bytes {
  return [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ...u16(type), ...payload];
}

export function vlan(id: number, type: number, payload: Bytes): Bytes {
  return [...u16(0x2000 | id), ...u16(type), ...payload];
}

export interface Ipv4Fields {
  readonly options?: Bytes;
  readonly totalBytes?: number;
  readonly id?: number;
  /** Flags and offset in units of 8 bytes. */
  readonly fragment?: number;
  readonly source?: number;
}

export function ipv4(protocol: number, payload: Bytes, fields: Ipv4Fields = {}): Bytes {
  const options = fields.options ?? [];
  const headerBytes = 20 + options.length;
  return [
    0x40 | (headerBytes / 4),
    0,
    ...u16(fields.totalBytes ?? headerBytes + payload.length),
    ...u16(fields.id ?? 0),
    ...u16(fields.fragment ?? 0),
    64,
    protocol,
    0,
    0,
    ...u32(fields.source ?? 0x0a000001),
    ...u32(0x0a000002),
    ...options,
    ...payload,
  ];
}

export function ipv6(next: number, payload: Bytes, payloadBytes: number = payload.length): Bytes {
  const address = (last: number): Bytes => [...u32(0x20010db8), ...u32(0), ...u32(0), ...u32(last)];
  return [0x60, 0, 0, 0, ...u16(payloadBytes), next, 64, ...address(1), ...address(2), ...payload];
}

export function udp(port: number, payload: Bytes): Bytes {
  return [...u16(55_555), ...u16(port), ...u16(8 + payload.length), 0, 0, ...payload];
}

/** From port 40000 to 5432, sequence number 7, acknowledgement 9, PSH and ACK. */
export function tcp(payload: Bytes, options: Bytes = []): Bytes {
  const offset = ((20 + options.length) / 4) << 4;
  return [...u16(40_000), ...u16(5432), ...u32(7), ...u32(9), offset, 0x18, 1, 0, 0, 0, 0, 0, ...options, ...payload];
}

export interface FrameFields {
  readonly link?: number;
  readonly capturedBytes?: number;
  readonly wireBytes?: number;
  readonly vlan?: number;
  readonly seconds?: number;
  readonly nanoseconds?: number;
}

/** A batch of one frame, in the middle of bytes that belong to nobody. */
export function batchOf(frame: Bytes, fields: FrameFields = {}): PacketBatch {
  const captured = fields.capturedBytes ?? frame.length;
  const bytes = new Uint8Array(captured + 64).fill(0x45);
  bytes.set(frame.slice(0, captured), 32);
  const descriptors = new Int32Array(DESCRIPTOR_WORDS);
  const wire = fields.wireBytes ?? frame.length;
  const link = fields.link ?? LINK_ETHERNET;
  descriptors.set([32, captured, wire, fields.vlan ?? 0, link, 3, fields.seconds ?? 0, fields.nanoseconds ?? 0]);
  return { bytes, descriptors, count: 1, lostBefore: 0 };
}
