/**
 * A scripted server: answers TDS 7 and TDS 5.0 clients as MS-TDS §2.2 and the TDS 5.0 specification say, with fixed
 * answers to what it is asked, and records the traffic. No database is behind it.
 */
import { createServer, type Server, type Socket } from 'node:net';
import * as c from '#src/protocols/tds/constants.js';
import * as t from '#src/protocols/tds/testing.js';
import { type ConnectionRecorder, Recorder } from '../support/recorder.ts';
import { type Credentials, Transport } from './transport.ts';

/** Logins of this user fail. */
export const DENIED_USER = 'denied';
/** Unicode, target name, NTLM, target is a domain, NTLM2, target information, version, 128 bits, 56 bits. */
const NTLM_FLAGS = 0xa2890205;
const NTLM_NAME_AT = 56;
const RECORDED_PORT = 1433;
const FIRST_CLIENT_PORT = 40_001;

/** Procedures by number that return a handle, and how many. */
const RETURNS: ReadonlyMap<number, number> = new Map([
  [2, 1],
  [3, 1],
  [4, 1],
  [5, 2],
  [11, 1],
  [13, 1],
  [14, 1],
]);

/** A server that can do TLS. */
export interface Security {
  readonly credentials: Credentials;
  /** TLS for everything, also where the client wants it for the login only. */
  readonly demandsAll?: boolean;
}

export class ScriptedServer {
  readonly recorder: Recorder = new Recorder();
  /** Called when a statement has come that is not answered. */
  onWaiting: () => void = () => undefined;
  /** The batches that came, whichever way: what a client asked for where TLS hides it from the recording. */
  readonly batches: string[] = [];
  readonly security: Security | undefined;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private connections = 0;

  constructor(security?: Security) {
    this.security = security;
    this.server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      const port = FIRST_CLIENT_PORT + this.connections++;
      new Conversation(socket, this.recorder.connection(port, RECORDED_PORT), this);
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    return address.port;
  }

  /** Waits until every client has gone. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

class Conversation {
  private readonly server: ScriptedServer;
  private readonly transport: Transport;
  private handles = 0;
  private isSybase = false;
  /** TDS 4.2: names and types of columns are two tokens. */
  private isOldest = false;
  /** From TDS 7.2 on row counts have 64 bits and user types 32; from 7.1 on text has a collation. */
  private isWide = true;
  private hasCollations = true;
  private version = 0;

  constructor(socket: Socket, recording: ConnectionRecorder, server: ScriptedServer) {
    this.server = server;
    const write = (bytes: Uint8Array): void => {
      recording.data('server', bytes);
      socket.write(bytes);
    };
    const message = (type: number, body: Buffer): void => {
      const answer = this.answer(type, body);
      if (answer !== undefined) this.send(answer);
    };
    this.transport = new Transport({ write, message, failed: () => socket.destroy() }, server.security?.credentials);
    socket.on('data', (bytes) => {
      recording.data('client', bytes);
      this.transport.receive(bytes);
    });
    socket.on('error', () => recording.end());
    socket.on('end', () => {
      recording.end();
      socket.end();
    });
    socket.on('close', () => {
      recording.end();
      this.transport.close();
    });
  }

  /** The reply that was awaited is cut short; the acknowledgement is a message of its own. */
  private attention(): Uint8Array {
    this.send(this.done(c.DONE_ERROR));
    return this.done(c.DONE_ATTENTION);
  }

  private send(tokens: Uint8Array): void {
    this.transport.send(t.message(c.PACKET_REPLY, tokens, this.isSybase ? 512 : 4096));
  }

  private answer(type: number, body: Buffer): Uint8Array | undefined {
    switch (type) {
      case c.PACKET_PRELOGIN:
        return this.prelogin(body);
      case c.PACKET_LOGIN7:
        return this.login7(body);
      case c.PACKET_SSPI:
        return this.welcome();
      case c.PACKET_OLD_LOGIN:
        this.isSybase = true;
        this.isOldest = body[OLD_VERSION_AT] === 4;
        return sybaseLogin(body);
      case c.PACKET_BATCH:
        return this.isSybase
          ? this.sybase(body)
          : this.batch(text(body.subarray(this.isWide ? body.readUInt32LE(0) : 0)));
      case c.PACKET_RPC:
        return this.calls(body);
      case c.PACKET_TDS5:
        return body[0] === c.TOKEN5_LOGOUT ? this.sybaseDone(0, 0) : this.sybase(body);
      case c.PACKET_BULK:
        return this.isSybase ? this.sybaseDone(c.DONE_COUNT, 3) : this.done(c.DONE_COUNT, 3, 0xf0);
      case c.PACKET_TRANSACTION:
        return this.transaction(body);
      case c.PACKET_ATTENTION:
        return this.attention();
      default:
        return undefined;
    }
  }

  private done(status: number, count = 0, command = 0, token: number = c.TOKEN_DONE): Uint8Array {
    return t.done(status, count, command, token).subarray(0, this.isWide ? 13 : 9);
  }

  private columns(): Uint8Array {
    const narrow = (column: Uint8Array) => (this.isWide ? column : column.subarray(2));
    const nvarchar = this.hasCollations ? t.NVARCHAR : t.NVARCHAR.subarray(0, 3);
    const name = narrow(t.bytes(t.u32(0), t.u16(0), nvarchar, t.b('name')));
    const id = narrow(t.bytes(t.u32(0), t.u16(0), t.INTN, t.b('id')));
    return t.bytes(c.TOKEN_COLUMNS, t.u16(2), name, id);
  }

  private rows(token: number): Uint8Array {
    const row = (text: string, value: number) => t.bytes(c.TOKEN_ROW, t.u16(text.length * 2), text, 4, t.u32(value));
    const more = token === c.TOKEN_DONE ? 0 : c.DONE_MORE;
    const end = this.done(c.DONE_COUNT | more, 2, 0xc1, token);
    return t.bytes(this.columns(), row('ann', 1), row('bob', 2), end);
  }

  /** A query between SET FMTONLY ON and OFF: columns, no rows. */
  private description(): Uint8Array {
    return t.bytes(
      this.done(c.DONE_MORE),
      this.columns(),
      this.done(c.DONE_MORE | c.DONE_COUNT, 0, 0xc1),
      this.done(0),
    );
  }

  /** What a batch gets: rows for a query, an error for a table that is not there, a count for a change. */
  private batch(sql: string): Uint8Array | undefined {
    this.server.batches.push(sql);
    if (/waitfor/i.test(sql)) {
      this.server.onWaiting();
      return undefined;
    }
    if (/no_such/.test(sql)) return t.bytes(t.error(208, "Invalid object name 'no_such'."), this.done(c.DONE_ERROR));
    if (/fmtonly on/i.test(sql)) return this.description();
    if (/insert\s+bulk/i.test(sql)) return this.done(0);
    if (/select/i.test(sql)) return this.rows(c.TOKEN_DONE);
    if (/\b(insert|update|delete)\b/i.test(sql)) return this.done(c.DONE_COUNT, 1, 0xc5);
    return this.done(0);
  }

  /** Without a key there is no TLS; with one it is for as much as the client wants, or for everything. */
  private prelogin(body: Buffer): Uint8Array {
    const { security } = this.server;
    if (security === undefined) return t.prelogin(c.ENCRYPT_NOT_SUPPORTED);
    const wanted = clientEncryption(body);
    const agreed = security.demandsAll && wanted === c.ENCRYPT_OFF ? c.ENCRYPT_REQUIRED : wanted;
    this.transport.encryptsReplies = agreed !== c.ENCRYPT_OFF;
    return t.prelogin(agreed);
  }

  private login7(body: Buffer): Uint8Array {
    this.version = body.readUInt32LE(4);
    const major = this.version >>> 24;
    this.isWide = major >= 0x72;
    this.hasCollations = major >= 0x71;
    const at = body.readUInt16LE(40);
    const user = body.toString('utf16le', at, at + 2 * body.readUInt16LE(42));
    if (user === DENIED_USER) {
      return t.bytes(t.error(18456, `Login failed for user '${DENIED_USER}'.`), this.done(c.DONE_ERROR));
    }
    const isIntegrated = body.readUInt16LE(80) > 0;
    return isIntegrated ? t.counted(c.TOKEN_SSPI, NTLM_CHALLENGE) : this.welcome();
  }

  private welcome(): Uint8Array {
    const collation = t.counted(c.TOKEN_ENV_CHANGE, 7, 5, t.hex('0904d00034'), 0);
    const size = t.environment(4, '4096', '4096');
    const ack = t.loginAck(this.version >>> 24 === 0x70 ? 0x07000000 : this.version);
    return t.bytes(t.environment(c.ENV_DATABASE, 'shop', 'master'), collation, ack, size, this.done(0));
  }

  private transaction(body: Buffer): Uint8Array {
    const kind = body.readUInt16LE(body.readUInt32LE(0));
    const id = Buffer.of(8, 1, 0, 0, 0, 0, 0, 0, 0);
    if (kind === 5) return t.bytes(t.counted(c.TOKEN_ENV_CHANGE, c.ENV_BEGIN, id, 0), t.done());
    const end = kind === 8 ? c.ENV_ROLLBACK : c.ENV_COMMIT;
    return kind === 7 || kind === 8 ? t.bytes(t.counted(c.TOKEN_ENV_CHANGE, end, 0, id), t.done()) : t.done();
  }

  /** One call; its handles if it returns any; a result for what looks like a query. */
  private calls(body: Buffer): Uint8Array {
    const at = body.readUInt32LE(0);
    const isNumbered = body.readUInt16LE(at) === 0xffff;
    const number = isNumbered ? body.readUInt16LE(at + 2) : 0;
    const all = text(body.subarray(at)) + text(body.subarray(at + 1));
    const tokens: Uint8Array[] = [];
    if (/no_such/.test(all)) tokens.push(t.error(208, "Invalid object name 'no_such'."));
    else if (/select/i.test(all) && number !== 11) tokens.push(this.rows(c.TOKEN_DONE_IN_PROC));
    tokens.push(t.RETURN_STATUS);
    const count = RETURNS.get(number) ?? 0;
    for (let i = 0; i < count; i++) tokens.push(t.returnValue(++this.handles));
    tokens.push(t.doneProc(/no_such/.test(all) ? c.DONE_ERROR : 0));
    return t.bytes(...tokens);
  }

  private sybase(body: Buffer): Uint8Array {
    const sql = body.toString('latin1');
    if (/no_such/.test(sql))
      return t.bytes(this.isOldest ? oldError() : sybaseError(), this.sybaseDone(c.DONE_ERROR, 0));
    if (/fmtonly on/i.test(sql)) return t.bytes(SYBASE_TABLE, this.sybaseDone(0, 0));
    if (!/select/i.test(sql)) return this.sybaseDone(0, 0);
    if (/@@spid/.test(sql)) return this.sybaseNumber(51);
    const row = (value: string) => t.bytes(c.TOKEN_ROW, value.length, t.ascii(value));
    return t.bytes(
      this.sybaseColumn('c', 2, t.bytes(0x27, 30)),
      row('one'),
      row('two'),
      this.sybaseDone(c.DONE_COUNT, 2),
    );
  }

  private sybaseNumber(value: number): Uint8Array {
    return t.bytes(
      this.sybaseColumn('n', 7, Buffer.of(0x38)),
      c.TOKEN_ROW,
      t.u32(value),
      this.sybaseDone(c.DONE_COUNT, 1),
    );
  }

  private sybaseColumn(name: string, userType: number, type: Uint8Array): Uint8Array {
    const named = t.bytes(name.length, t.ascii(name));
    if (!this.isOldest) return t.counted(c.TOKEN5_ROW_FORMAT, t.u16(1), named, 0, t.u32(userType), type, 0);
    const formats = t.counted(c.TOKEN4_COLUMN_FORMATS, t.u32(userType), type);
    return t.bytes(t.counted(c.TOKEN4_COLUMN_NAMES, named), formats);
  }

  private sybaseDone(status: number, count: number): Uint8Array {
    return t.bytes(c.TOKEN_DONE, t.u16(status), t.u16(0), t.u32(count));
  }
}

/** The table that rows are loaded into: a name and a number. */
const SYBASE_TABLE: Uint8Array = t.counted(
  c.TOKEN5_ROW_FORMAT,
  t.u16(2),
  ...[t.bytes(4, t.ascii('name'), 0, t.u32(2), 0x27, 30, 0), t.bytes(2, t.ascii('id'), 0, t.u32(7), 0x38, 0)],
);

/** MS-NLMP §2.2.1.2: the name of the server's domain, a nonce, and AV pairs of domain and computer. */
const NTLM_CHALLENGE: Uint8Array = ntlmChallenge('SHOP', 'DB1');

function ntlmChallenge(domain: string, computer: string): Uint8Array {
  const pair = (id: number, text: string) => t.bytes(t.u16(id), t.u16(text.length * 2), text);
  const name = t.bytes(domain);
  const pairs = t.bytes(pair(2, domain), pair(1, computer), t.u16(0), t.u16(0));
  const field = (bytes: Uint8Array, at: number) => t.bytes(t.u16(bytes.length), t.u16(bytes.length), t.u32(at));
  const nonce = t.hex('0123456789abcdef');
  const version = t.hex('0a00614a0000000f');
  return t.bytes(
    ...[t.ascii('NTLMSSP\0'), t.u32(2), field(name, NTLM_NAME_AT), t.u32(NTLM_FLAGS), nonce, Buffer.alloc(8)],
    ...[field(pairs, NTLM_NAME_AT + name.length), version, name, pairs],
  );
}

/** What the client wants of TLS: PRELOGIN is a list of options, each with where its value is and how long. */
function clientEncryption(body: Buffer): number {
  for (let at = 0; at + 5 <= body.length && body[at] !== 0xff; at += 5) {
    if (body[at] === 1) return body[body.readUInt16BE(at + 1)] ?? c.ENCRYPT_NOT_SUPPORTED;
  }
  return c.ENCRYPT_NOT_SUPPORTED;
}

/** The readable part of a message. */
function text(body: Buffer): string {
  return body.toString('utf16le');
}

function sybaseLogin(body: Buffer): Uint8Array {
  const user = body.toString('latin1', 31, 31 + (body[61] ?? 0));
  const failed = user === DENIED_USER;
  const server = t.bytes(10, t.ascii('sql server'), t.hex('0c050000'));
  const isOldest = body[OLD_VERSION_AT] === 4;
  const version = t.hex(isOldest ? '04020000' : '05000000');
  const ack = t.counted(c.TOKEN_LOGIN_ACK, isOldest ? 1 : failed ? 6 : 5, version, server);
  // What the client asked for is granted: its own capability token, sent back.
  const at = body.indexOf(c.TOKEN5_CAPABILITY, 560);
  const capabilities = at < 0 ? Buffer.alloc(0) : body.subarray(at, at + 3 + body.readUInt16LE(at + 1));
  const done = t.bytes(c.TOKEN_DONE, t.u16(failed ? c.DONE_ERROR : 0), t.u16(0), t.u32(0));
  return t.bytes(ack, ...(failed ? [sybaseError()] : []), capabilities, done);
}

/** Of the login record: the version the client speaks. */
const OLD_VERSION_AT = 458;

/** TDS 4.2 has ERROR, its text in single bytes. */
function oldError(): Uint8Array {
  const text = 'no_such not found.';
  const server = t.bytes(3, t.ascii('ASE'), 0);
  return t.counted(c.TOKEN_ERROR, t.u32(208), 1, 16, t.u16(text.length), t.ascii(text), server, t.u16(1));
}

function sybaseError(): Uint8Array {
  const message = 'no_such not found.';
  const state = t.bytes(5, t.ascii('ZZZZZ'), 0, t.u16(0));
  const body = t.bytes(
    t.u32(208),
    1,
    16,
    state,
    t.u16(message.length),
    t.ascii(message),
    3,
    t.ascii('ASE'),
    0,
    t.u16(1),
  );
  return t.counted(c.TOKEN5_EXTENDED_ERROR, body);
}
