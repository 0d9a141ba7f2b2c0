/**
 * What a TLS handshake says in the clear, for every protocol that turns to TLS: server name and application protocol
 * that the client asks for (RFC 6066 §3, RFC 7301), version and cipher suite that the server chose (RFC 5246 §7.4.1,
 * RFC 8446 §4.1), and up to TLS 1.2 the subject of the server's certificate (RFC 5280 §4.1).
 *
 * Bytes may be cut anywhere. A direction keeps at most one handshake message of `HANDSHAKE_BYTES_MAX`; whatever is
 * longer, or no TLS, ends the observation with what is known by then.
 */
import { Cursor } from '../../base/cursor.ts';
import type { HeldMemory } from '../../base/memory-budget.ts';
import type { TlsFacts } from '../../contracts/event.ts';
import {
  type Direction,
  FRAME_MALFORMED,
  FRAME_MORE,
  FRAME_OK,
  type FrameOut,
  type FrameVerdict,
  TO_CLIENT,
} from '../../contracts/protocol.ts';
import { commonNameOf } from './x509.ts';

const HANDSHAKE_BYTES_MAX = 64 * 1024;
/** TLSPlaintext: content type, version, length (RFC 8446 §5.1). */
export const TLS_HEADER_BYTES = 5;
const MESSAGE_HEADER_BYTES = 4;
/** TLSCiphertext.length of TLS 1.2 and before. */
const RECORD_BYTES_MAX = 16_384 + 2048;

/** Content type of a handshake record, with which each side begins. */
export const TLS_HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_HELLO = 2;
const CERTIFICATE = 11;
const SERVER_HELLO_DONE = 14;

const EXTENSION_SERVER_NAME = 0;
const EXTENSION_ALPN = 16;
const EXTENSION_SUPPORTED_VERSIONS = 43;

/** Frame of a TLS record; `out.type` is the caller's to set. Which content types may come is for the caller to know. */
export function tlsRecordFrame(bytes: Uint8Array, start: number, end: number, out: FrameOut): FrameVerdict {
  if (end - start < TLS_HEADER_BYTES) {
    out.need = TLS_HEADER_BYTES;
    return FRAME_MORE;
  }
  const length = ((bytes[start + 3] as number) << 8) | (bytes[start + 4] as number);
  if (bytes[start + 1] !== 3 || length === 0 || length > RECORD_BYTES_MAX) return FRAME_MALFORMED;
  out.length = TLS_HEADER_BYTES + length;
  return FRAME_OK;
}

const NOTHING = new Uint8Array(0);

/** One direction: where it stands in its records, and the handshake message it is in. */
class Half {
  /** Bytes of the record header that are there, and the header. */
  headerBytes = 0;
  readonly header: Uint8Array = new Uint8Array(TLS_HEADER_BYTES);
  /** Bytes of the current record still to come. */
  recordLeft = 0;
  message: Uint8Array = NOTHING;
  messageBytes = 0;
  /** Nothing more is to be learnt from this direction. */
  done = false;
}

export class TlsObserver {
  readonly facts: TlsFacts = {};
  private readonly halves: readonly [Half, Half] = [new Half(), new Half()];
  private readonly memory: HeldMemory | undefined;

  /** `memory`: where what it holds is counted. */
  constructor(memory?: HeldMemory) {
    this.memory = memory;
  }

  /** Nothing more can be learnt: the rest of the connection is ciphertext, or no TLS. */
  get done(): boolean {
    return this.halves[TO_CLIENT].done;
  }

  /** Memory is short: the observation ends with what is known by now. */
  relieve(): void {
    for (const half of this.halves) this.end(half);
  }

  /** Takes the next bytes of a direction, as many or few as there are. */
  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const half = this.halves[direction];
    let pos = start;
    while (pos < end && !half.done) {
      pos = half.recordLeft === 0 ? this.readHeader(half, bytes, pos) : this.readBody(direction, half, bytes, pos, end);
    }
  }

  /** One byte of a record header; checks it when it is complete. */
  private readHeader(half: Half, bytes: Uint8Array, pos: number): number {
    half.header[half.headerBytes++] = bytes[pos] as number;
    if (half.headerBytes < TLS_HEADER_BYTES) return pos + 1;
    half.headerBytes = 0;
    const length = ((half.header[3] as number) << 8) | (half.header[4] as number);
    // Everything but handshake records comes after the part that is in the clear.
    const readable = half.header[0] === TLS_HANDSHAKE && half.header[1] === 3;
    if (!readable || length === 0 || length > RECORD_BYTES_MAX) this.end(half);
    half.recordLeft = length;
    return pos + 1;
  }

  private readBody(direction: Direction, half: Half, bytes: Uint8Array, pos: number, end: number): number {
    const wanted = half.messageBytes < MESSAGE_HEADER_BYTES ? MESSAGE_HEADER_BYTES : messageLength(half.message);
    const count = Math.min(end - pos, half.recordLeft, wanted - half.messageBytes);
    this.append(half, bytes, pos, count);
    half.recordLeft -= count;
    if (half.messageBytes < MESSAGE_HEADER_BYTES) return pos + count;
    const length = messageLength(half.message);
    if (length > HANDSHAKE_BYTES_MAX) {
      this.end(half);
    } else if (half.messageBytes === length) {
      half.messageBytes = 0;
      this.read(direction, half, new Cursor().reset(half.message, 0, length));
    }
    return pos + count;
  }

  private read(direction: Direction, half: Half, cursor: Cursor): void {
    const type = cursor.u8();
    cursor.skip(3);
    if (direction !== TO_CLIENT) {
      if (type === CLIENT_HELLO) this.readClientHello(cursor);
      this.end(half);
    } else if (type === SERVER_HELLO) {
      this.readServerHello(cursor);
      if (this.facts.version === VERSIONS.get(0x0304)) this.end(half);
    } else if (type === CERTIFICATE) {
      cursor.skip(3); // length of the list; the server's own certificate comes first
      const length = u24(cursor);
      const subject = commonNameOf(cursor.bytes, cursor.pos, cursor.pos + length, cursor.end);
      if (subject !== undefined) this.facts.subject = `CN=${subject}`;
      this.end(half);
    } else if (type === SERVER_HELLO_DONE) {
      this.end(half);
    }
  }

  private append(half: Half, bytes: Uint8Array, pos: number, count: number): void {
    const needed = half.messageBytes + count;
    if (needed > half.message.length) {
      // Grown by what came, never by what a length promises.
      const grown = new Uint8Array(Math.max(512, 2 * half.message.length, needed));
      grown.set(half.message.subarray(0, half.messageBytes));
      this.memory?.add(grown.length - half.message.length);
      half.message = grown;
    }
    half.message.set(bytes.subarray(pos, pos + count), half.messageBytes);
    half.messageBytes = needed;
  }

  /** Nothing more is to be learnt from this direction. */
  private end(half: Half): void {
    half.done = true;
    this.memory?.add(-half.message.length);
    half.message = NOTHING;
    half.messageBytes = 0;
  }

  private readClientHello(cursor: Cursor): void {
    cursor.skip(2 + 32);
    cursor.skip(cursor.u8());
    cursor.skip(cursor.u16be());
    cursor.skip(cursor.u8());
    this.readExtensions(cursor, (type, body) => {
      if (type === EXTENSION_SERVER_NAME) this.readServerName(body);
      else if (type === EXTENSION_ALPN) this.readAlpn(body);
    });
  }

  private readServerHello(cursor: Cursor): void {
    let version = cursor.u16be();
    cursor.skip(32);
    cursor.skip(cursor.u8());
    const cipher = cursor.u16be();
    cursor.skip(1);
    if (cursor.failed) return;
    this.readExtensions(cursor, (type, body) => {
      if (type === EXTENSION_SUPPORTED_VERSIONS) version = body.u16be();
      else if (type === EXTENSION_ALPN) this.readAlpn(body);
    });
    this.facts.version = VERSIONS.get(version) ?? hex16(version);
    this.facts.cipher = CIPHERS.get(cipher) ?? hex16(cipher);
  }

  private readExtensions(cursor: Cursor, take: (type: number, body: Cursor) => void): void {
    const total = cursor.u16be();
    if (cursor.failed || total > cursor.remaining()) return;
    const body = new Cursor();
    while (cursor.remaining() >= 4) {
      const type = cursor.u16be();
      const length = cursor.u16be();
      const start = cursor.pos;
      if (!cursor.skip(length)) return;
      take(type, body.reset(cursor.bytes, start, start + length));
    }
  }

  /** The first name of type host_name. */
  private readServerName(body: Cursor): void {
    body.skip(2);
    if (body.u8() !== 0) return;
    const name = body.text(body.u16be(), 'latin1');
    if (!body.failed && isPrintable(name)) this.facts.sni = name;
  }

  /** What the client offers, in order; replaced by what the server chose where that is in the clear. */
  private readAlpn(body: Cursor): void {
    const names: string[] = [];
    body.skip(2);
    while (body.remaining() > 0 && names.length < ALPN_NAMES_MAX) names.push(body.text(body.u8(), 'latin1'));
    if (!body.failed && names.length > 0 && names.every(isPrintable)) this.facts.alpn = names.join(',');
  }
}

const ALPN_NAMES_MAX = 16;

function messageLength(message: Uint8Array): number {
  return (
    MESSAGE_HEADER_BYTES + (((message[1] as number) << 16) | ((message[2] as number) << 8) | (message[3] as number))
  );
}

function u24(cursor: Cursor): number {
  return (cursor.u8() << 16) | cursor.u16be();
}

function hex16(value: number): string {
  return `0x${value.toString(16).padStart(4, '0')}`;
}

/** Names come from the wire; control characters have no place in them. */
function isPrintable(name: string): boolean {
  return /^[\x21-\x7e]+$/.test(name);
}

const VERSIONS: ReadonlyMap<number, string> = new Map([
  [0x0300, 'SSLv3'],
  [0x0301, 'TLSv1'],
  [0x0302, 'TLSv1.1'],
  [0x0303, 'TLSv1.2'],
  [0x0304, 'TLSv1.3'],
]);

/** The suites in use (IANA "TLS Cipher Suites"); others are given by number. */
const CIPHERS: ReadonlyMap<number, string> = new Map([
  [0x1301, 'TLS_AES_128_GCM_SHA256'],
  [0x1302, 'TLS_AES_256_GCM_SHA384'],
  [0x1303, 'TLS_CHACHA20_POLY1305_SHA256'],
  [0x1304, 'TLS_AES_128_CCM_SHA256'],
  [0x000a, 'TLS_RSA_WITH_3DES_EDE_CBC_SHA'],
  [0x002f, 'TLS_RSA_WITH_AES_128_CBC_SHA'],
  [0x0033, 'TLS_DHE_RSA_WITH_AES_128_CBC_SHA'],
  [0x0035, 'TLS_RSA_WITH_AES_256_CBC_SHA'],
  [0x0039, 'TLS_DHE_RSA_WITH_AES_256_CBC_SHA'],
  [0x003c, 'TLS_RSA_WITH_AES_128_CBC_SHA256'],
  [0x003d, 'TLS_RSA_WITH_AES_256_CBC_SHA256'],
  [0x0067, 'TLS_DHE_RSA_WITH_AES_128_CBC_SHA256'],
  [0x006b, 'TLS_DHE_RSA_WITH_AES_256_CBC_SHA256'],
  [0x009c, 'TLS_RSA_WITH_AES_128_GCM_SHA256'],
  [0x009d, 'TLS_RSA_WITH_AES_256_GCM_SHA384'],
  [0x009e, 'TLS_DHE_RSA_WITH_AES_128_GCM_SHA256'],
  [0x009f, 'TLS_DHE_RSA_WITH_AES_256_GCM_SHA384'],
  [0xc009, 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA'],
  [0xc00a, 'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA'],
  [0xc013, 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA'],
  [0xc014, 'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA'],
  [0xc023, 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256'],
  [0xc024, 'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384'],
  [0xc027, 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256'],
  [0xc028, 'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384'],
  [0xc02b, 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'],
  [0xc02c, 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'],
  [0xc02f, 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'],
  [0xc030, 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384'],
  [0xcca8, 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256'],
  [0xcca9, 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256'],
  [0xccaa, 'TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256'],
]);
