/**
 * Framing: how long the message that starts here is, from its header alone.
 *
 * Only lengths and tags are judged. What a length must at least and may at most be is known for each tag, so most
 * garbage fails here; `plausible.ts` looks inside as well.
 */
import {
  type Direction,
  FRAME_MALFORMED,
  FRAME_MORE,
  FRAME_OK,
  FRAME_WAIT,
  type FrameOut,
  type FrameVerdict,
  TO_CLIENT,
} from '../../contracts/protocol.ts';
import { TLS_HANDSHAKE, tlsRecordFrame } from '../sdk/tls.ts';
import {
  AWAIT_GSS,
  AWAIT_NOTHING,
  AWAIT_TLS,
  PHASE_LOGIN,
  PHASE_READY,
  PHASE_START,
  PHASE_TLS,
  type Session,
} from './session.ts';
import * as wire from './wire.ts';

/** No length reaches it: the tag is illegal. */
const NEVER = 0x7fffffff;

/** Least and largest value of the length field by tag, and how many leading bytes of the message are read (0: all). */
interface TagTable {
  readonly least: Int32Array;
  readonly most: Int32Array;
  readonly want: Int32Array;
}

type TagRule = readonly [tag: number, least: number, most: number, want: number];

function tagTable(rules: readonly TagRule[]): TagTable {
  const table = { least: new Int32Array(256).fill(NEVER), most: new Int32Array(256), want: new Int32Array(256) };
  for (const [tag, least, most, want] of rules) {
    table.least[tag] = least;
    table.most[tag] = most;
    table.want[tag] = want;
  }
  return table;
}

const LARGE = wire.MESSAGE_BYTES_MAX;
const SMALL = wire.SMALL_MESSAGE_BYTES_MAX;
/** Enough of a CopyData message to recognise a binary stream's signature or trailer. */
const COPY_DATA_WANT = wire.HEADER_BYTES + wire.COPY_SIGNATURE.length;
/** Enough of a password message for the name of a SASL mechanism; the secret behind it is not asked for. */
const PASSWORD_WANT = 48;
/** Error fields beyond it (a quoted statement, a stack of contexts) are not needed. */
const ERROR_WANT = 16 * 1024;

const REQUESTS: TagTable = tagTable([
  [wire.BIND, 12, LARGE, 0],
  [wire.CLOSE, 6, SMALL, 0],
  [wire.DESCRIBE, 6, SMALL, 0],
  [wire.EXECUTE, 9, SMALL, 0],
  [wire.FUNCTION_CALL, 14, LARGE, 0],
  [wire.FLUSH, 4, 4, 0],
  [wire.PARSE, 8, LARGE, 0],
  [wire.QUERY, 5, LARGE, 0],
  [wire.SYNC, 4, 4, 0],
  [wire.TERMINATE, 4, 4, 0],
  [wire.COPY_FAIL, 5, LARGE, wire.HEADER_BYTES],
  [wire.PASSWORD, 4, 0xffff, PASSWORD_WANT],
  [wire.COPY_DONE, 4, 4, 0],
  [wire.COPY_DATA, 4, LARGE, COPY_DATA_WANT],
]);

const REPLIES: TagTable = tagTable([
  [wire.PARSE_COMPLETE, 4, 4, 0],
  [wire.BIND_COMPLETE, 4, 4, 0],
  [wire.CLOSE_COMPLETE, 4, 4, 0],
  [wire.NOTIFICATION, 10, LARGE, wire.HEADER_BYTES],
  [wire.COMMAND_COMPLETE, 5, SMALL, 256],
  [wire.DATA_ROW, 6, LARGE, wire.HEADER_BYTES],
  [wire.ERROR_RESPONSE, 5, LARGE, ERROR_WANT],
  [wire.COPY_IN, 7, SMALL, wire.HEADER_BYTES + 1],
  [wire.COPY_OUT, 7, SMALL, wire.HEADER_BYTES + 1],
  [wire.EMPTY_QUERY, 4, 4, 0],
  [wire.BACKEND_KEY_DATA, 12, 8 + wire.CANCEL_KEY_BYTES_MAX, 0],
  [wire.NOTICE, 5, LARGE, wire.HEADER_BYTES],
  [wire.AUTHENTICATION, 8, 0xffff, 512],
  [wire.PARAMETER_STATUS, 6, 0xffff, 0],
  [wire.ROW_DESCRIPTION, 6, LARGE, wire.HEADER_BYTES + 2],
  [wire.FUNCTION_RESPONSE, 8, LARGE, wire.HEADER_BYTES],
  [wire.COPY_BOTH, 7, SMALL, wire.HEADER_BYTES + 1],
  [wire.READY_FOR_QUERY, 5, 5, 0],
  [wire.NO_DATA, 4, 4, 0],
  [wire.PORTAL_SUSPENDED, 4, 4, 0],
  [wire.PARAMETER_DESCRIPTION, 6, 6 + 4 * 0xffff, 0],
  [wire.NEGOTIATE_VERSION, 12, SMALL, wire.HEADER_BYTES],
  [wire.COPY_DONE, 4, 4, 0],
  [wire.COPY_DATA, 4, LARGE, COPY_DATA_WANT],
]);

/** `ProtocolModule.frame`. */
export function frame(
  session: Session,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: FrameOut,
): FrameVerdict {
  if (session.phase === PHASE_TLS) return tlsFrame(bytes, start, end, out);
  if (direction === TO_CLIENT) {
    return session.awaited === AWAIT_NOTHING
      ? replyFrame(bytes, start, end, out)
      : answerFrame(session.awaited, bytes, start, end, out);
  }
  return clientFrame(session, bytes, start, end, out);
}

/** A typed message from the server. */
export function replyFrame(bytes: Uint8Array, start: number, end: number, out: FrameOut): FrameVerdict {
  return typedFrame(REPLIES, bytes, start, end, out);
}

/** A typed message from the client. */
export function requestFrame(bytes: Uint8Array, start: number, end: number, out: FrameOut): FrameVerdict {
  return typedFrame(REQUESTS, bytes, start, end, out);
}

function clientFrame(session: Session, bytes: Uint8Array, start: number, end: number, out: FrameOut): FrameVerdict {
  // GSS tokens look like opening packets; what is asked after a request for TLS tells itself by its first byte.
  if (session.awaited === AWAIT_GSS) return FRAME_WAIT;
  const first = bytes[start] as number;
  if (session.phase !== PHASE_READY && session.phase !== PHASE_LOGIN) {
    if (first === TLS_HANDSHAKE) return tlsFrame(bytes, start, end, out);
    if (first === 0) return untypedFrame(bytes, start, end, out);
    if (session.phase === PHASE_START) return FRAME_MALFORMED;
  }
  return requestFrame(bytes, start, end, out);
}

/** A message with a tag. The hottest function of the folder: called once a row. */
function typedFrame(table: TagTable, bytes: Uint8Array, start: number, end: number, out: FrameOut): FrameVerdict {
  const tag = bytes[start] as number;
  if (end - start < wire.HEADER_BYTES) {
    if (table.least[tag] === NEVER) return FRAME_MALFORMED;
    out.need = wire.HEADER_BYTES;
    return FRAME_MORE;
  }
  const length = wire.int32At(bytes, start + 1);
  if (length < (table.least[tag] as number) || length > (table.most[tag] as number)) return FRAME_MALFORMED;
  out.length = length + 1;
  out.type = tag;
  out.want = table.want[tag] as number;
  out.rest = out.want === 0 && table === REQUESTS;
  return FRAME_OK;
}

/** StartupMessage, SSLRequest, GSSENCRequest, CancelRequest. */
function untypedFrame(bytes: Uint8Array, start: number, end: number, out: FrameOut): FrameVerdict {
  if (end - start < 8) {
    out.need = 8;
    return FRAME_MORE;
  }
  const length = wire.int32At(bytes, start);
  if (!isOpening(length, wire.int32At(bytes, start + 4))) return FRAME_MALFORMED;
  out.length = length;
  out.type = wire.FRAME_UNTYPED;
  return FRAME_OK;
}

/** Whether an untyped packet may have this length and this version or request code. */
export function isOpening(length: number, code: number): boolean {
  switch (code) {
    case wire.CODE_TLS:
    case wire.CODE_GSS:
      return length === 8;
    case wire.CODE_CANCEL:
      return length >= 16 && length <= 12 + wire.CANCEL_KEY_BYTES_MAX;
    default: {
      const major = code >>> 16;
      return length >= 8 && length <= wire.STARTUP_BYTES_MAX && major >= 1 && major <= MAJOR_MAX;
    }
  }
}

/** Versions above are taken for garbage, not for a protocol of the future. */
const MAJOR_MAX = 9;

/** The one-byte answer to a request for encryption; servers that cannot fork, or do not know it, send an error. */
function answerFrame(awaited: number, bytes: Uint8Array, start: number, end: number, out: FrameOut): FrameVerdict {
  const first = bytes[start] as number;
  if (first === wire.ERROR_RESPONSE) return replyFrame(bytes, start, end, out);
  const yes = awaited === AWAIT_TLS ? wire.ANSWER_TLS : wire.ANSWER_GSS;
  if (first !== yes && first !== wire.ANSWER_NO) return FRAME_MALFORMED;
  out.length = 1;
  out.type = wire.FRAME_NEGOTIATION;
  return FRAME_OK;
}

/** A TLS record; what is none is handed on as a byte, so that the session can say so and stop. */
function tlsFrame(bytes: Uint8Array, start: number, end: number, out: FrameOut): FrameVerdict {
  const verdict = tlsRecordFrame(bytes, start, end, out);
  if (verdict === FRAME_MORE) return FRAME_MORE;
  const type = bytes[start] as number;
  const legal = verdict === FRAME_OK && type >= TLS_FIRST && type <= TLS_LAST;
  if (!legal) out.length = 1;
  out.type = legal ? wire.FRAME_TLS_RECORD : wire.FRAME_NOT_TLS;
  return FRAME_OK;
}

/** Content types of records. */
const TLS_FIRST = 20;
const TLS_LAST = 24;
