/**
 * A scripted Oracle server, enough for the thin driver: listener, negotiation, O5LOGON with a 12c verifier, and then
 * one prepared reply to each call. It reads nothing of the calls but their function and sequence number, so what the
 * sensor makes of them is held against the program's own arguments, not against this server's reading.
 */
import { createCipheriv, createDecipheriv, createHash, pbkdf2Sync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import * as t from '#src/protocols/tns/testing.js';
import type { Heard } from '../support/recorder.ts';

/** Makes the payload of a reply from the call's sequence number and payload. */
export type Reply = (seq: number, call: Uint8Array) => Uint8Array;

export interface ServerOptions {
  /** TTC field version that the server offers: 7 is 12.1, 8 is 12.2, 12 is 19c. */
  readonly fieldVersion: number;
  readonly password: string;
  /** ORA code and text instead of a successful login. */
  readonly refuseLogin?: readonly [code: number, text: string];
  /** Text of a REFUSE instead of ACCEPT. */
  readonly refuse?: string;
}

const END_OF_REQUEST = 0x800;
const DATA_END_OF_RESPONSE = 0x2000;
/** Flags of ACCEPT. */
const END_OF_RESPONSE = 0x0200_0000;
const FAST_AUTH = 0x1000_0000;
const SALT = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
const CSK_SALT = Buffer.from('ffeeddccbbaa99887766554433221100', 'hex');
const VERIFIER_12C = 0x4815;
const VERSION_19 = 0x13_00_00_00;
const SPEEDY_SALT = 'AUTH_PBKDF2_SPEEDY_KEY';

/** Functions that are answered without a script. */
const AUTH_1 = 0x76;
const AUTH_2 = 0x73;
const LOGOFF = 0x09;
const PING = 0x93;
const PIPELINE_END = 0xc8;
const EXECUTE = 0x5e;
/** Packet type, and the kind that asks both sides to start afresh. */
const MARKER = 12;
const RESET = 2;

export class ScriptedServer {
  readonly heard: Heard[] = [];
  readonly replies: Reply[] = [];
  /** Calls that get no reply until the client breaks them off. */
  silentCalls = 0;
  port = 0;
  private waiting = 0;
  private readonly options: ServerOptions;
  private readonly server: Server;
  private readonly sessionKey: Buffer = randomBytes(32);
  private held: Buffer = Buffer.alloc(0);
  private call: Buffer = Buffer.alloc(0);
  private large = false;

  constructor(options: ServerOptions) {
    this.options = options;
    this.server = createServer((socket) => this.serve(socket));
  }

  async listen(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    this.port = address.port;
  }

  close(): void {
    this.server.close();
  }

  private serve(socket: Socket): void {
    this.held = Buffer.alloc(0);
    this.large = false;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      this.heard.push({ from: 'client', bytes: new Uint8Array(chunk) });
      this.held = Buffer.concat([this.held, chunk]);
      for (;;) {
        if (this.held.length < 8) return;
        const length = this.large ? this.held.readUInt32BE(0) : this.held.readUInt16BE(0);
        if (length < 8 || this.held.length < length) return;
        const packet = this.held.subarray(0, length);
        this.held = this.held.subarray(length);
        this.packet(socket, packet);
      }
    });
  }

  private send(socket: Socket, packet: Uint8Array): void {
    this.heard.push({ from: 'server', bytes: new Uint8Array(packet) });
    socket.write(packet);
  }

  private packet(socket: Socket, packet: Buffer): void {
    const type = packet[4];
    if (type === 1) {
      if (this.options.refuse !== undefined) {
        this.send(socket, t.refuse(this.options.refuse));
        socket.end();
        return;
      }
      const version = this.modern() ? 319 : this.options.fieldVersion >= 12 ? 318 : 317;
      this.send(socket, t.accept(version, this.modern() ? END_OF_RESPONSE | FAST_AUTH : 0));
      this.large = true;
      return;
    }
    if (type === MARKER) this.interrupted(socket, packet[10] ?? 0);
    if (type !== 6 || packet.length <= 10) return;
    const flags = packet.readUInt16BE(8);
    this.call = Buffer.concat([this.call, packet.subarray(10)]);
    if ((flags & END_OF_REQUEST) === 0) return;
    const call = this.call;
    this.call = Buffer.alloc(0);
    const at = callOffset(call);
    if (this.silentCalls > 0 && call[at + 1] === EXECUTE && !call.includes(TIME_ZONE_QUERY)) {
      this.silentCalls--;
      this.waiting = call[at + 2] ?? 0;
      return;
    }
    const payload = this.modern() ? t.bytes(tokenOf(call, at), this.answer(call), 29) : this.answer(call);
    for (let at = 0; at < payload.length; at += CHUNK) {
      const isLast = this.modern() && at + CHUNK >= payload.length;
      this.send(socket, t.data(payload.subarray(at, at + CHUNK), isLast ? DATA_END_OF_RESPONSE : 0, true));
    }
  }

  /** The client breaks a call off: reset, its answer, and the status. */
  private interrupted(socket: Socket, kind: number): void {
    const marker = (value: number): Uint8Array => t.bytes(t.u32(11), MARKER, 0, 0, 0, 1, 0, value);
    if (kind === RESET) {
      const text = 'ORA-01013: user requested cancel of current operation\n';
      this.send(socket, t.data(this.oer(this.waiting, { error: 1013, text }), 0, true));
    } else this.send(socket, t.bytes(marker(1), marker(RESET)));
  }

  /** 23ai: fast authentication, and replies whose end is marked. */
  private modern(): boolean {
    return this.options.fieldVersion >= 17;
  }

  private answer(call: Buffer): Uint8Array {
    if (call[0] === 34) {
      const at = call.indexOf(Buffer.of(3, AUTH_1));
      return t.bytes(this.protocol(), 2, t.u16(0), this.challenge(call[at + 2] ?? 0));
    }
    if (call[0] === 1) return this.protocol();
    if (call[0] === 2) return t.bytes(2, t.u16(0));
    const at = callOffset(call);
    const fn = call[at + 1] ?? 0;
    const seq = call[at + 2] ?? 0;
    if (fn === AUTH_1) return this.challenge(seq);
    if (fn === AUTH_2) return this.verify(call, seq);
    if (fn === LOGOFF || fn === PING || fn === PIPELINE_END) return t.bytes(9, t.ub(1), t.ub(seq));
    if (call.includes(TIME_ZONE_QUERY)) return this.query(seq, [['DBTIMEZONE', 1]], [[t.clr('+00:00')]], 99);
    const reply = this.replies.shift();
    if (reply === undefined) throw new Error(`no reply is scripted for: ${call.toString('latin1')}`);
    return reply(seq, call);
  }

  private protocol(): Uint8Array {
    const caps = new Uint8Array(55);
    caps[7] = this.options.fieldVersion;
    caps[15] = 0x29;
    caps[16] = 0x90;
    caps[27] = 1;
    caps[37] = 0xb8;
    caps[40] = 0x64;
    const runtime = new Uint8Array(11);
    runtime[6] = 4;
    const fdo = new Uint8Array(11);
    fdo.set([0x07, 0xd0], 9);
    return t.bytes(
      1,
      6,
      0,
      'Scripted',
      0,
      [0x69, 0x03],
      1,
      [0, 0],
      t.u16(11),
      fdo,
      caps.length,
      caps,
      runtime.length,
      runtime,
    );
  }

  private passwordHash(): Buffer {
    const salt = Buffer.concat([SALT, Buffer.from(SPEEDY_SALT)]);
    const key = pbkdf2Sync(Buffer.from(this.options.password), salt, 4096, 64, 'sha512');
    return createHash('sha512').update(key).update(SALT).digest().subarray(0, 32);
  }

  private challenge(seq: number): Uint8Array {
    const cipher = createCipheriv('aes-256-cbc', this.passwordHash(), Buffer.alloc(16)).setAutoPadding(false);
    const key = Buffer.concat([cipher.update(this.sessionKey), cipher.final()])
      .toString('hex')
      .toUpperCase();
    const pairs = [
      t.pair('AUTH_SESSKEY', key),
      t.pair('AUTH_VFR_DATA', SALT.toString('hex').toUpperCase(), VERIFIER_12C),
      t.pair('AUTH_PBKDF2_CSK_SALT', CSK_SALT.toString('hex').toUpperCase()),
      t.pair('AUTH_PBKDF2_VGEN_COUNT', '4096'),
      t.pair('AUTH_PBKDF2_SDER_COUNT', '3'),
    ];
    return t.bytes(8, t.ub(pairs.length), ...pairs, this.oer(seq));
  }

  private verify(call: Buffer, seq: number): Uint8Array {
    const { refuseLogin } = this.options;
    if (refuseLogin) return this.oer(seq, { error: refuseLogin[0], text: refuseLogin[1] });
    const sent = pairValue(call, 'AUTH_SESSKEY');
    const decipher = createDecipheriv('aes-256-cbc', this.passwordHash(), Buffer.alloc(16)).setAutoPadding(false);
    const theirs = Buffer.concat([decipher.update(Buffer.from(sent, 'hex')), decipher.final()]).subarray(0, 32);
    const both = Buffer.concat([theirs, this.sessionKey]).toString('hex').toUpperCase();
    const combined = pbkdf2Sync(Buffer.from(both), CSK_SALT, 3, 32, 'sha512');
    const proof = Buffer.concat([randomBytes(16), Buffer.from('SERVER_TO_CLIENT'), Buffer.alloc(16, 16)]);
    const cipher = createCipheriv('aes-256-cbc', combined, Buffer.alloc(16)).setAutoPadding(false);
    const response = Buffer.concat([cipher.update(proof), cipher.final()])
      .toString('hex')
      .toUpperCase();
    const pairs = [
      t.pair('AUTH_SVR_RESPONSE', response),
      t.pair('AUTH_VERSION_NO', String(VERSION_19)),
      t.pair('AUTH_SESSION_ID', '77'),
      t.pair('AUTH_SERIAL_NUM', '5'),
    ];
    return t.bytes(8, t.ub(pairs.length), ...pairs, this.oer(seq));
  }

  /** A whole result: description, rows, and the status of a fetch that found the end. */
  query(
    seq: number,
    columns: readonly (readonly [name: string, type: number])[],
    rows: readonly (readonly Uint8Array[])[],
    cursor: number,
  ): Uint8Array {
    const end = this.oer(seq, { rows: rows.length, cursor, error: 1403, text: 'ORA-01403: no data found\n' });
    return t.bytes(t.describe(this.options.fieldVersion, columns), t.rows(rows), t.PARAMETERS, end);
  }

  /** An end-of-call status in the server's field version. */
  oer(seq: number, options: t.OerOptions = {}): Uint8Array {
    return t.oer(seq, { ...options, fieldVersion: this.options.fieldVersion });
  }
}

const CHUNK = 8000;
/** Asked by the driver itself after each login. */
export const TIME_ZONE_QUERY = 'SELECT DBTIMEZONE FROM DUAL';

/** Where `03 fn seq` begins behind piggybacks: those of these tests contain no such bytes themselves. */
function callOffset(call: Buffer): number {
  if (call[0] === 3) return 0;
  for (let at = 3; at + 2 < call.length; at++) {
    const known = [0x5e, 4, 5, 0x4e, 0x0e, 0x0f, LOGOFF, 0x60, PING, 0x80, 0x81, 0x82, PIPELINE_END].includes(
      call[at + 1] ?? 0,
    );
    if (call[at] === 3 && known && call[at + 2] === (call[2] ?? 0) + countPiggybacks(call, at)) return at;
  }
  return 0;
}

/** Replies of a pipeline begin with the token number of their call. */
function tokenOf(call: Buffer, at: number): Uint8Array {
  const size = call[at + 3] ?? 0;
  if (call[0] !== 3 && call[0] !== 0x11) return new Uint8Array(0);
  return size >= 1 && size <= 8 && call[at + 1] !== AUTH_2
    ? t.bytes(33, call.subarray(at + 3, at + 4 + size))
    : new Uint8Array(0);
}

function countPiggybacks(call: Buffer, end: number): number {
  let count = 1;
  for (let at = 3; at + 2 < end; at++) {
    if (call[at] === 0x11 && call[at + 2] === (call[2] ?? 0) + count && (call[at + 1] ?? 0) >= 0x60) count++;
  }
  return count;
}

/** The value behind `key`: a length, then counted bytes, in chunks when long. */
function pairValue(call: Buffer, key: string): string {
  let at = call.indexOf(key) + key.length;
  at += 1 + (call[at] ?? 0);
  if (call[at] !== 0xfe) return call.toString('latin1', at + 1, at + 1 + (call[at] ?? 0));
  return call.toString('latin1', at + 3, at + 3 + (call[at + 2] ?? 0));
}
