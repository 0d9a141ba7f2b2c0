/**
 * The server's end of a TDS connection: messages out of packets, and TLS by MS-TDS §2.2.6.5 and §3.2.5.2: its handshake
 * inside PRELOGIN packets and its records bare afterwards, or bare from the first byte (TDS 8.0).
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import * as c from '#src/protocols/tds/constants.js';
import * as t from '#src/protocols/tds/testing.js';

/** The name that the certificate is for. */
export const SERVER_NAME = 'localhost';
const TLS_HEADER_BYTES = 5;

export interface Credentials {
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** A key and a certificate by openssl, of this run. */
export function makeCredentials(): Credentials {
  const directory = mkdtempSync(join(tmpdir(), 'wiretrail-tds-key-'));
  try {
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const subject = ['-subj', `/CN=${SERVER_NAME}`, '-addext', `subjectAltName=DNS:${SERVER_NAME}`];
    execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'pipe' });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What a transport has to do with the world outside. */
export interface TransportEnds {
  /** Bytes for the client, as they go over the wire. */
  readonly write: (bytes: Uint8Array) => void;
  readonly message: (type: number, body: Buffer) => void;
  /** TLS has failed: the connection cannot go on. */
  readonly failed: () => void;
}

export class Transport {
  /** Replies go through TLS once there is one; cleared when TLS is for the login only. */
  encryptsReplies = true;
  private readonly ends: TransportEnds;
  private readonly credentials: Credentials | undefined;
  private readonly plain: MessageReader;
  private buffered: Buffer = Buffer.alloc(0);
  private tls: ServerTls | undefined;

  constructor(ends: TransportEnds, credentials: Credentials | undefined) {
    this.ends = ends;
    this.credentials = credentials;
    this.plain = new MessageReader((type, body) => {
      if (type === c.PACKET_PRELOGIN && isTls(body)) this.secure(body, true);
      else ends.message(type, body);
    });
  }

  /** Bytes of the wire: TDS packets, TLS records, or the one after the other. */
  receive(bytes: Buffer): void {
    this.buffered = Buffer.concat([this.buffered, bytes]);
    for (;;) {
      const isRecord = isTls(this.buffered);
      if (this.buffered.length < (isRecord ? TLS_HEADER_BYTES : c.HEADER_BYTES)) return;
      const length = isRecord ? TLS_HEADER_BYTES + this.buffered.readUInt16BE(3) : this.buffered.readUInt16BE(2);
      if (this.buffered.length < length) return;
      const unit = this.buffered.subarray(0, length);
      this.buffered = this.buffered.subarray(length);
      if (isRecord) this.secure(unit, false);
      else this.plain.feed(unit);
    }
  }

  send(message: Uint8Array): void {
    if (this.tls !== undefined && this.encryptsReplies) this.tls.send(message);
    else this.ends.write(message);
  }

  close(): void {
    this.tls?.close();
  }

  private secure(bytes: Buffer, wrapped: boolean): void {
    if (this.credentials !== undefined) this.tls ??= new ServerTls(this.credentials, wrapped, this.ends);
    if (this.tls === undefined) this.ends.failed();
    else this.tls.receive(bytes, wrapped);
  }
}

/** TLS of the server: what it writes is wrapped into PRELOGIN packets as long as what it gets is. */
class ServerTls {
  private readonly wire: Duplex;
  private readonly socket: TLSSocket;
  private wraps: boolean;

  constructor(credentials: Credentials, wrapped: boolean, ends: TransportEnds) {
    this.wraps = wrapped;
    const put = (chunks: readonly Buffer[], done: () => void): void => {
      const bytes = Buffer.concat(chunks);
      // A flight of the handshake is one message: clients await one for each of theirs.
      ends.write(this.wraps ? t.message(c.PACKET_PRELOGIN, bytes) : bytes);
      done();
    };
    this.wire = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => put([chunk], done),
      writev: (list, done) =>
        put(
          list.map(({ chunk }) => chunk as Buffer),
          done,
        ),
    });
    const maxVersion = wrapped ? 'TLSv1.2' : 'TLSv1.3';
    const secureContext = createSecureContext({ ...credentials, maxVersion });
    const application = wrapped ? {} : { ALPNProtocols: ['tds/8.0'] };
    this.socket = new TLSSocket(this.wire, { isServer: true, secureContext, ...application });
    const messages = new MessageReader(ends.message);
    this.socket.on('data', (bytes: Buffer) => messages.feed(bytes));
    this.socket.on('error', () => ends.failed());
  }

  receive(bytes: Buffer, wrapped: boolean): void {
    this.wraps = wrapped;
    this.wire.push(bytes);
  }

  send(message: Uint8Array): void {
    this.socket.write(message);
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Puts messages together from packets. */
class MessageReader {
  private readonly onMessage: (type: number, body: Buffer) => void;
  private buffered: Buffer = Buffer.alloc(0);
  private body: Buffer = Buffer.alloc(0);

  constructor(onMessage: (type: number, body: Buffer) => void) {
    this.onMessage = onMessage;
  }

  feed(bytes: Buffer): void {
    this.buffered = Buffer.concat([this.buffered, bytes]);
    while (this.buffered.length >= c.HEADER_BYTES) {
      const length = this.buffered.readUInt16BE(2);
      if (this.buffered.length < length) return;
      const packet = this.buffered.subarray(0, length);
      this.buffered = this.buffered.subarray(length);
      this.body = Buffer.concat([this.body, packet.subarray(c.HEADER_BYTES)]);
      if (((packet[1] ?? 0) & c.STATUS_EOM) === 0) continue;
      const body = this.body;
      this.body = Buffer.alloc(0);
      this.onMessage(packet[0] ?? 0, body);
    }
  }
}

/** The types of TLS records, none of which is the type of a packet that a client sends, nor an option of PRELOGIN. */
function isTls(bytes: Buffer): boolean {
  const first = bytes[0] ?? 0;
  return first >= 0x14 && first <= 0x17;
}
