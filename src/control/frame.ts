/** Frames of the control socket: a header of four 32-bit words in network order, then the content. See `README.md`. */

/** "WTC1". */
export const CONTROL_MAGIC = 0x57544331;
export const HEADER_BYTES = 16;
export const CONTENT_BYTES_MAX: number = 16 * 1024 * 1024;

export const CODE_STATUS = 1;
export const CODE_RELOAD = 2;
export const CODE_PUSH = 3;
/** Set in the code of a reply, whose other bits are the request's. */
export const CODE_REPLY = 0x8000_0000;

/** `param1` of a reply. */
export const RESULT_DONE = 0;
/** The sensor understood and did not do it; the content says why. */
export const RESULT_REFUSED = 1;
export const RESULT_UNKNOWN_CODE = 2;
export const RESULT_FAILED = 3;

export interface Frame {
  readonly code: number;
  readonly param1: number;
  readonly content: Buffer;
}

export function encodeFrame(code: number, param1: number, content: Uint8Array): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + content.length);
  frame.writeUInt32BE(CONTROL_MAGIC, 0);
  frame.writeUInt32BE(code, 4);
  frame.writeUInt32BE(param1, 8);
  frame.writeUInt32BE(content.length, 12);
  frame.set(content, HEADER_BYTES);
  return frame;
}

/** Puts frames together from what a socket gives. After an error nothing it is given can be believed. */
export class FrameReader {
  /** Why the peer does not speak this protocol. */
  error: string | undefined = undefined;
  private chunks: Buffer[] = [];
  private held = 0;
  private wanted = HEADER_BYTES;

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.held += chunk.length;
  }

  /** The next whole frame; `undefined` when there is none yet, or after an error. */
  next(): Frame | undefined {
    if (this.error !== undefined || this.held < this.wanted) return undefined;
    const [first] = this.chunks;
    const bytes = this.chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.chunks);
    this.chunks = [bytes];
    if (bytes.readUInt32BE(0) !== CONTROL_MAGIC) {
      this.error = 'not a control frame';
      return undefined;
    }
    const length = bytes.readUInt32BE(12);
    if (length > CONTENT_BYTES_MAX) {
      this.error = `a content of ${length} bytes, at most ${CONTENT_BYTES_MAX} are allowed`;
      return undefined;
    }
    this.wanted = HEADER_BYTES + length;
    if (bytes.length < this.wanted) return undefined;
    const frame = {
      code: bytes.readUInt32BE(4),
      param1: bytes.readUInt32BE(8),
      content: bytes.subarray(HEADER_BYTES, this.wanted),
    };
    const rest = bytes.subarray(this.wanted);
    this.chunks = [rest];
    this.held = rest.length;
    this.wanted = HEADER_BYTES;
    return frame;
  }
}
