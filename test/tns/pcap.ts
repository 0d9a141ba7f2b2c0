/** Writes what a tap heard as a capture: one TCP connection over IPv4, with handshake and close. */
import { writeFileSync } from 'node:fs';

/** One side's bytes, in the order of the wire. */
export interface Heard {
  readonly fromServer: boolean;
  readonly bytes: Uint8Array;
}

const LINK_RAW_IP = 101;
const SYN = 0x02;
const ACK = 0x10;
const FIN = 0x01;
const SEGMENT_BYTES = 1400;
const CLIENT = { address: [10, 0, 0, 1], port: 40_000 };
const SERVER = { address: [10, 0, 0, 2], port: 1521 };
const START_SECONDS = 1_700_000_000;
const STEP_US = 500;

export function writeConversation(path: string, heard: readonly Heard[]): void {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(LINK_RAW_IP, 20);
  const parts: Buffer[] = [header];
  const sequence = [1000, 5000];
  let count = 0;
  const frame = (side: 0 | 1, flags: number, payload: Uint8Array): void => {
    const packet = segment(side, sequence, flags, payload);
    sequence[side] = (sequence[side] as number) + payload.length + (flags & (SYN | FIN) ? 1 : 0);
    const record = Buffer.alloc(16);
    const us = count++ * STEP_US;
    record.writeUInt32LE(START_SECONDS + Math.floor(us / 1e6), 0);
    record.writeUInt32LE(us % 1e6, 4);
    record.writeUInt32LE(packet.length, 8);
    record.writeUInt32LE(packet.length, 12);
    parts.push(record, packet);
  };
  const none = new Uint8Array(0);
  frame(0, SYN, none);
  frame(1, SYN | ACK, none);
  frame(0, ACK, none);
  for (const { fromServer, bytes } of heard) {
    for (let at = 0; at < bytes.length; at += SEGMENT_BYTES) {
      frame(fromServer ? 1 : 0, ACK, bytes.subarray(at, at + SEGMENT_BYTES));
    }
  }
  frame(0, FIN | ACK, none);
  frame(1, FIN | ACK, none);
  frame(0, ACK, none);
  writeFileSync(path, Buffer.concat(parts));
}

function segment(side: 0 | 1, sequence: readonly number[], flags: number, payload: Uint8Array): Buffer {
  const [from, to] = side === 0 ? [CLIENT, SERVER] : [SERVER, CLIENT];
  const packet = Buffer.alloc(40 + payload.length);
  packet[0] = 0x45;
  packet.writeUInt16BE(packet.length, 2);
  packet[8] = 64;
  packet[9] = 6;
  packet.set(from.address, 12);
  packet.set(to.address, 16);
  packet.writeUInt16BE(checksum(packet.subarray(0, 20), 0), 10);
  packet.writeUInt16BE(from.port, 20);
  packet.writeUInt16BE(to.port, 22);
  packet.writeUInt32BE(sequence[side] as number, 24);
  if (flags & ACK) packet.writeUInt32BE(sequence[1 - side] as number, 28);
  packet[32] = 0x50;
  packet[33] = flags;
  packet.writeUInt16BE(65_535, 34);
  packet.set(payload, 40);
  const pseudo = [...from.address, ...to.address, 0, 6, (packet.length - 20) >> 8, (packet.length - 20) & 0xff];
  packet.writeUInt16BE(checksum(packet.subarray(20), sum(Uint8Array.from(pseudo))), 36);
  return packet;
}

function sum(bytes: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) total += ((bytes[i] as number) << 8) | (bytes[i + 1] ?? 0);
  return total;
}

function checksum(bytes: Uint8Array, initial: number): number {
  let total = initial + sum(bytes);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}
