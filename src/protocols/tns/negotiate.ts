/**
 * TTC negotiation: message 1 (protocol: platforms, server capabilities) and message 2 (data types: client capabilities,
 * representations). Together they tell the dialect, the field version and which optional fields there are.
 */
import { Cursor } from '../../base/cursor.ts';
import { decodeText } from '../../base/text.ts';
import { DIALECT_F1, DIALECT_F8, DIALECT_N, DIALECT_U, DIALECT_UNKNOWN, type Dialect } from './reader.ts';

const CAP_FIELD_VERSION = 7;
const CAP_CALL_STATUS = 15;
const CAP_WIDE_TYPE_LIST = 27;
const CAP_BIG_CHUNKS = 37;
const RUNTIME_LONG_STRINGS = 6;
const FIELD_VERSION_SEQUENCE = 3;
/** Text fields are counted bytes; without it they are raw bytes of the announced length. */
const FLAG_CONVERT_LENGTHS = 0x02;
const REPRESENTATION_UNIVERSAL = 1;
const TYPE_SB2 = 28;
const TYPE_POINTER = 32;
const NAME_BYTES_MAX = 256;
const LIST_ENTRIES_MIN = 8;

export class Negotiation {
  clientPlatform: string | undefined = undefined;
  serverPlatform: string | undefined = undefined;
  private clientCaps: Uint8Array | undefined = undefined;
  private serverCaps: Uint8Array | undefined = undefined;
  private serverRuntime: Uint8Array | undefined = undefined;
  /** Character set of the client's texts, an Oracle number; 0 while unknown. */
  charset = 0;
  /** Texts stand in requests without a count of their own. */
  rawText = false;
  dialect: Dialect = DIALECT_UNKNOWN;
  /** -1 while unknown. */
  fieldVersion = -1;

  get callStatusField(): boolean {
    return this.serverCaps === undefined || this.clientCaps === undefined || this.both(CAP_CALL_STATUS, 1);
  }

  /** Statuses begin with a sequence number. */
  get sequenceField(): boolean {
    return this.fieldVersion < 0 || this.fieldVersion >= FIELD_VERSION_SEQUENCE;
  }

  get bigChunks(): boolean {
    return this.both(CAP_BIG_CHUNKS, 0x20);
  }

  /** Longest value that is not moved behind the others of its row. */
  get stringBytesMax(): number {
    return ((this.serverRuntime?.[RUNTIME_LONG_STRINGS] ?? 0) & 4) === 0 ? 4000 : 32_767;
  }

  private both(index: number, bit: number): boolean {
    return ((this.clientCaps?.[index] ?? 0) & (this.serverCaps?.[index] ?? 0) & bit) !== 0;
  }

  clientProtocol(cursor: Cursor): void {
    cursor.skip(1);
    while (cursor.remaining() > 0 && cursor.u8() !== 0);
    this.clientPlatform = name(cursor);
  }

  /** Reads the server's message 1; the cursor ends behind it. */
  serverProtocol(cursor: Cursor): void {
    cursor.skip(1);
    while (cursor.remaining() > 0 && cursor.u8() !== 0);
    this.serverPlatform = name(cursor);
    cursor.skip(2 + 1);
    cursor.skip(cursor.u16le() * 5);
    cursor.skip(cursor.u16be());
    this.serverCaps = counted(cursor);
    this.serverRuntime = counted(cursor);
    if (cursor.failed) this.serverCaps = undefined;
    this.agree();
  }

  clientDataTypes(cursor: Cursor): void {
    cursor.skip(1);
    const charset = cursor.u16le();
    cursor.skip(2);
    const flags = cursor.u8();
    const caps = counted(cursor);
    if (cursor.failed) return;
    this.charset = charset;
    this.rawText = (flags & FLAG_CONVERT_LENGTHS) === 0;
    this.clientCaps = caps;
    this.agree();
  }

  private agree(): void {
    if (!this.clientCaps || !this.serverCaps) return;
    this.fieldVersion = Math.min(this.clientCaps[CAP_FIELD_VERSION] ?? 0, this.serverCaps[CAP_FIELD_VERSION] ?? 0);
  }

  /** The server's message 2 settles the dialect. Equal platforms need no conversion at all. */
  serverDataTypes(cursor: Cursor): void {
    if (this.clientPlatform !== undefined && this.clientPlatform === this.serverPlatform) {
      this.dialect = DIALECT_N;
      return;
    }
    const wide = this.both(CAP_WIDE_TYPE_LIST, 1);
    const from = cursor.pos + 1;
    // Time zone (11 bytes) and version of its file (4) come first where both sides have them.
    for (const skipped of [0, 4, 11, 15]) {
      const found = dialectOfList(
        new Cursor().reset(cursor.bytes, Math.min(from + skipped, cursor.end), cursor.end),
        wide,
      );
      if (found !== DIALECT_UNKNOWN) {
        this.dialect = found;
        return;
      }
    }
    if (this.clientPlatform !== undefined) this.dialect = DIALECT_U;
  }
}

/** Entries `type, conversion, [representation, 0]`, ended by type 0, up to the message's last byte. */
function dialectOfList(cursor: Cursor, wide: boolean): Dialect {
  let entries = 0;
  let numbers = 0;
  let pointers = 0;
  while (!cursor.failed) {
    const type = wide ? cursor.u16be() : cursor.u8();
    if (type === 0) break;
    const conversion = wide ? cursor.u16be() : cursor.u8();
    if (conversion === 0) continue;
    const representation = wide ? cursor.u16be() : cursor.u8();
    if ((wide ? cursor.u16be() : cursor.u8()) !== 0) return DIALECT_UNKNOWN;
    entries++;
    if (type === TYPE_SB2) numbers = representation;
    else if (type === TYPE_POINTER) pointers = representation;
  }
  if (cursor.failed || cursor.remaining() > 1 || entries < LIST_ENTRIES_MIN || numbers === 0) return DIALECT_UNKNOWN;
  if (numbers === REPRESENTATION_UNIVERSAL) return DIALECT_U;
  return pointers === REPRESENTATION_UNIVERSAL ? DIALECT_F1 : DIALECT_F8;
}

function name(cursor: Cursor): string {
  const start = cursor.pos;
  while (cursor.remaining() > 0 && cursor.peek() !== 0) cursor.skip(1);
  const text = decodeText(cursor.bytes, start, Math.min(cursor.pos, start + NAME_BYTES_MAX), 'latin1');
  cursor.skip(Math.min(1, cursor.remaining()));
  return text;
}

function counted(cursor: Cursor): Uint8Array {
  const length = cursor.u8();
  const start = cursor.pos;
  return cursor.skip(length) ? cursor.bytes.slice(start, cursor.pos) : new Uint8Array(0);
}
