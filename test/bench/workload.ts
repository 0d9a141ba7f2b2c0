/** Seeded captures for the benches: the same bytes every time, with known contents. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { pcapHeader, pcapRecord } from '#src/capture/files/pcap-writer.js';
import { Conversation } from '#src/capture/synthetic.js';
import { randomFrom } from '../support/random.ts';

export interface Workload {
  readonly flows: number;
  readonly packets: number;
  readonly statements: number;
}

/** Packets of a flow that are no request and no reply: handshake, greeting, login, its reply. */
const OPENING_PACKETS = 6;
const START_NS = 1_760_000_000_000_000_000n;
/** From packet to packet: a million packets a second, a gigabit line that is full. */
const STEP_NS = 1000n;

const NAMES = ['orders', 'customer', 'stock', 'invoice', 'account', 'session', 'payment', 'address'];

/** An OLTP statement of about 100 bytes. */
function statement(random: () => number): string {
  const table = NAMES[Math.floor(random() * NAMES.length)];
  const id = Math.floor(random() * 1e9);
  const kind = random();
  if (kind < 0.6)
    return `SELECT id, name, state, changed_at FROM ${table} WHERE id = ${id} AND state = 'open' ORDER BY changed_at`;
  if (kind < 0.85)
    return `UPDATE ${table} SET state = 'paid', amount = ${id % 1000}.50, changed_at = NOW() WHERE id = ${id} LIMIT 1`;
  return `INSERT INTO ${table} (id, name, state, amount) VALUES (${id}, 'name of ${id}', 'new', ${id % 1000})`;
}

export function mysqlPacket(sequence: number, body: Uint8Array): Uint8Array {
  const packet = Buffer.alloc(4 + body.length);
  packet.writeUIntLE(body.length, 0, 3);
  packet[3] = sequence;
  packet.set(body, 4);
  return packet;
}

export const GREETING: Uint8Array = mysqlPacket(
  0,
  Buffer.concat([
    Buffer.from('\x0a8.0.36\0', 'latin1'),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from('abcdefgh\0', 'latin1'),
    Buffer.from([0xff, 0xf7, 0x2d, 0x02, 0x00, 0xff, 0x81, 0x15]),
    Buffer.alloc(10),
    Buffer.from('ijklmnopqrst\0mysql_native_password\0', 'latin1'),
  ]),
);
export const LOGIN: Uint8Array = mysqlPacket(
  1,
  Buffer.concat([
    Buffer.from([0x05, 0xa6, 0x0b, 0x00, 0, 0, 0, 1, 33]),
    Buffer.alloc(23),
    Buffer.from('bench\0\0shop\0mysql_native_password\0', 'latin1'),
  ]),
);
export const OK = (sequence: number): Uint8Array => mysqlPacket(sequence, Buffer.from([0, 1, 0, 2, 0, 0, 0]));

/**
 * MySQL conversations that take turns packet by packet, `stepNs` from one to the next: half requests of about 100 bytes,
 * half one-packet replies.
 */
export function writeMysqlCapture(
  path: string,
  flows: number,
  packetsPerFlow: number,
  seed: number,
  stepNs: bigint = STEP_NS,
): Workload {
  const random = randomFrom(seed);
  const requests = Math.floor((packetsPerFlow - OPENING_PACKETS) / 2);
  const fd = openSync(path, 'w');
  writeSync(fd, pcapHeader());
  const conversations = Array.from({ length: flows }, (_, i) => {
    const client = { address: `10.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`, port: 20_000 + (i % 40_000) };
    const seqs = { clientSeq: Math.floor(random() * 2 ** 32), serverSeq: Math.floor(random() * 2 ** 32) };
    return new Conversation({ client, server: { address: '10.200.0.1', port: 3306 }, ...seqs });
  });
  let packets = 0;
  let nowNs = START_NS;
  const emit = (say: (conversation: Conversation) => void): void => {
    let turn = 0;
    // A step may be several packets: those of one flow lie a round apart, as the flows take turns.
    for (const conversation of conversations) {
      conversation.packets.length = 0;
      say(conversation);
      turn = Math.max(turn, conversation.packets.length);
    }
    for (let i = 0; i < turn; i++) {
      const records: Uint8Array[] = [];
      for (const conversation of conversations) {
        const packet = conversation.packets[i];
        if (!packet) continue;
        nowNs += stepNs;
        packets++;
        records.push(pcapRecord({ bytes: packet.bytes, tsNs: nowNs }));
      }
      writeSync(fd, Buffer.concat(records));
    }
  };
  emit((conversation) => conversation.open());
  emit((conversation) => conversation.toClient(GREETING));
  emit((conversation) => conversation.toServer(LOGIN));
  emit((conversation) => conversation.toClient(OK(2)));
  for (let i = 0; i < requests; i++) {
    emit((conversation) => {
      const text = Buffer.from(`\x03${statement(random)}`, 'latin1');
      conversation.toServer(mysqlPacket(0, text));
    });
    emit((conversation) => conversation.toClient(OK(1)));
  }
  closeSync(fd);
  return { flows, packets, statements: flows * requests };
}
