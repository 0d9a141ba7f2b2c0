/**
 * Numbers of the PostgreSQL frontend/backend protocol, versions 3.0 and 3.2 (PostgreSQL documentation, chapter
 * "Frontend/Backend Protocol", section "Message Formats"). A typed message is a tag byte, a big-endian Int32 length
 * that counts itself but not the tag, and the body; the packets that open a connection have no tag.
 */

/** Bytes of tag and length. */
export const HEADER_BYTES = 5;

/** Request codes of untyped packets, in the place of the protocol version. */
export const CODE_CANCEL = 80877102;
export const CODE_TLS = 80877103;
export const CODE_GSS = 80877104;
/** The server refuses longer opening packets (MAX_STARTUP_PACKET_LENGTH). */
export const STARTUP_BYTES_MAX = 10_000;
/** The server refuses longer messages (MaxAllocSize). */
export const MESSAGE_BYTES_MAX = 0x3fffffff;
/** Messages that carry only names, formats or a status are refused above this (PQ_SMALL_MESSAGE_LIMIT). */
export const SMALL_MESSAGE_BYTES_MAX = 10_000;
export const CANCEL_KEY_BYTES_MAX = 256;
/** Columns of a row (MaxTupleAttributeNumber). */
export const COLUMNS_MAX = 1664;

/** `Frame.type` of what is no typed message; typed messages use their tag. */
export const FRAME_UNTYPED = 0x100;
export const FRAME_NEGOTIATION = 0x101;
export const FRAME_TLS_RECORD = 0x102;
export const FRAME_NOT_TLS = 0x103;

/** Tags the client sends. */
export const BIND = 0x42;
export const CLOSE = 0x43;
export const DESCRIBE = 0x44;
export const EXECUTE = 0x45;
export const FUNCTION_CALL = 0x46;
export const FLUSH = 0x48;
export const PARSE = 0x50;
export const QUERY = 0x51;
export const SYNC = 0x53;
export const TERMINATE = 0x58;
export const COPY_FAIL = 0x66;
export const PASSWORD = 0x70;

/** Tags both sides send. */
export const COPY_DONE = 0x63;
export const COPY_DATA = 0x64;

/** Tags the server sends. */
export const PARSE_COMPLETE = 0x31;
export const BIND_COMPLETE = 0x32;
export const CLOSE_COMPLETE = 0x33;
export const NOTIFICATION = 0x41;
export const COMMAND_COMPLETE = 0x43;
export const DATA_ROW = 0x44;
export const ERROR_RESPONSE = 0x45;
export const COPY_IN = 0x47;
export const COPY_OUT = 0x48;
export const EMPTY_QUERY = 0x49;
export const BACKEND_KEY_DATA = 0x4b;
export const NOTICE = 0x4e;
export const AUTHENTICATION = 0x52;
export const PARAMETER_STATUS = 0x53;
export const ROW_DESCRIPTION = 0x54;
export const FUNCTION_RESPONSE = 0x56;
export const COPY_BOTH = 0x57;
export const READY_FOR_QUERY = 0x5a;
export const NO_DATA = 0x6e;
export const PORTAL_SUSPENDED = 0x73;
export const PARAMETER_DESCRIPTION = 0x74;
export const NEGOTIATE_VERSION = 0x76;

/** One-byte answers to a request for encryption. */
export const ANSWER_TLS = 0x53;
export const ANSWER_GSS = 0x47;
export const ANSWER_NO = 0x4e;

/** AuthenticationXXX codes. */
export const AUTH_OK = 0;
export const AUTH_KERBEROS = 2;
export const AUTH_CLEARTEXT = 3;
export const AUTH_MD5 = 5;
export const AUTH_SCM = 6;
export const AUTH_GSS = 7;
export const AUTH_GSS_CONTINUE = 8;
export const AUTH_SSPI = 9;
export const AUTH_SASL = 10;
export const AUTH_SASL_CONTINUE = 11;
export const AUTH_SASL_FINAL = 12;

/** Status bytes of ReadyForQuery. */
export const STATUS_IDLE = 0x49;
export const STATUS_OPEN = 0x54;
export const STATUS_FAILED = 0x45;

/** First bytes of a binary COPY stream. */
export const COPY_SIGNATURE: readonly number[] = [0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00];

/** Int32 at `at`, signed: hostile lengths come out negative or too large, and both fail a range check. */
export function int32At(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

/** Int16 at `at`, unsigned. */
export function uint16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
