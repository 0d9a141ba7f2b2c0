/**
 * What protocol sessions emit: one event a login, statement, logout or opaque connection. Never one a packet.
 *
 * Classes only so that every instance has all fields and one hidden class; they carry no behaviour.
 */

/** A bind value: decoded by type, or its bytes in hexadecimal with the type's name or number. */
export type BindValue =
  | string
  | number
  | boolean
  | null
  | { readonly type: string; readonly hex: string }
  /** A value over the cap: its first part, true length and SHA-256. */
  | { readonly type: string; readonly text: string; readonly length: number; readonly sha256: string }
  | { readonly type: string; readonly hex: string; readonly length: number; readonly sha256: string };

/** Who speaks, as far as the protocol told. Immutable: a session replaces it when something changes. */
export interface Identity {
  /** `db.system.name`; may become known late (MariaDB names itself in its greeting). */
  readonly system: string;
  readonly user: string | undefined;
  readonly effectiveUser: string | undefined;
  readonly osUser: string | undefined;
  readonly clientHost: string | undefined;
  readonly program: string | undefined;
  readonly endUser: string | undefined;
  readonly database: string | undefined;
}

export const MARK_GAP = 1;
export const MARK_TRUNCATED = 2;
export const MARK_MIDSTREAM = 4;
export const MARK_NO_REPLY = 8;
export const MARK_UNKNOWN_HANDLE = 16;
export const MARK_MALFORMED = 32;
export const MARK_REDACTED = 64;
export const MARK_MASKED = 128;
export const MARK_CANCELLED = 256;
/** Names in `audit.marks`, by bit number. */
export const MARK_NAMES: readonly string[] = [
  'gap',
  'truncated',
  'midstream',
  'no_reply',
  'unknown_handle',
  'malformed',
  'redacted',
  'masked',
  'cancelled',
];

/** Names of the bits that are set. */
export function markNames(marks: number): string[] {
  return MARK_NAMES.filter((_, bit) => marks & (1 << bit));
}

export type TransactionState = 'idle' | 'open' | 'failed';

/** What came of one statement of a request. A request with several statements has several. */
export class Outcome {
  /** SQLSTATE or native code when it failed. */
  errorCode: string | undefined = undefined;
  errorText: string | undefined = undefined;
  /** Rows of a result set; `undefined` when the statement returns none. */
  returnedRows: number | undefined = undefined;
  affectedRows: number | undefined = undefined;
  /** The server's own word for what it did ("INSERT", "CREATE TABLE"), where the protocol has one. */
  tag: string | undefined = undefined;
  responseBytes = 0;
  /** Bytes of bulk data that the client sent for it after the request itself (COPY, LOAD DATA). */
  bulkBytes = 0;
  firstByteUs = 0;
  endUs = 0;
}

export class StatementEvent {
  readonly kind = 'statement' as const;
  identity: Identity;
  /** First byte of the request. */
  startUs: number;
  /** `audit.call`: simple, prepared, rpc, cursor, bulk, copy, replication, … */
  call: string;
  /** Text as sent, or of the prepared statement; `undefined` when the wire did not tell. */
  text: string | undefined = undefined;
  /** True length in bytes and SHA-256 of the whole text, when `text` was cut. */
  textLength: number | undefined = undefined;
  textSha256: string | undefined = undefined;
  parameters: readonly BindValue[] | undefined = undefined;
  /** Operation the protocol itself names (a command without SQL: "PING", "INIT_DB"); wins over the text's. */
  operation: string | undefined = undefined;
  procedure: string | undefined = undefined;
  /** Tables that the protocol itself names, where no text does (a direct path load). */
  objects: readonly string[] | undefined = undefined;
  /** What the client said of the request beside its text, by name (MySQL query attributes). */
  tags: ReadonlyMap<string, string> | undefined = undefined;
  /** In reply order; empty when no reply was seen. The one being received is last. */
  outcomes: Outcome[] = [];
  transaction: TransactionState | undefined = undefined;
  marks = 0;
  lostBytes = 0;
  constructor(identity: Identity, startUs: number, call: string) {
    this.identity = identity;
    this.startUs = startUs;
    this.call = call;
  }
}

export class LoginEvent {
  readonly kind = 'login' as const;
  identity: Identity;
  startUs: number;
  endUs = 0;
  firstByteUs = 0;
  /** Authentication method as the protocol names it (md5, scram-sha-256, caching_sha2_password). */
  method: string | undefined = undefined;
  errorCode: string | undefined = undefined;
  errorText: string | undefined = undefined;
  marks = 0;
  lostBytes = 0;
  constructor(identity: Identity, startUs: number) {
    this.identity = identity;
    this.startUs = startUs;
  }
}

export class LogoutEvent {
  readonly kind = 'logout' as const;
  identity: Identity;
  startUs: number;
  /** `quit`, `fin`, `rst`, `unseen`. */
  reason: string;
  marks = 0;
  lostBytes = 0;
  constructor(identity: Identity, startUs: number, reason: string) {
    this.identity = identity;
    this.startUs = startUs;
    this.reason = reason;
  }
}

/** What can still be said of an encrypted connection. */
export interface TlsFacts {
  version?: string;
  sni?: string;
  alpn?: string;
  cipher?: string;
  subject?: string;
}

export class OpaqueEvent {
  readonly kind = 'opaque' as const;
  identity: Identity;
  startUs: number;
  /** Why nothing can be read: `tls`, `gss`, `native-encryption`, `unknown-version`. */
  reason: string;
  tls: TlsFacts | undefined = undefined;
  marks = 0;
  lostBytes = 0;
  constructor(identity: Identity, startUs: number, reason: string) {
    this.identity = identity;
    this.startUs = startUs;
    this.reason = reason;
  }
}

export type AuditEvent = StatementEvent | LoginEvent | LogoutEvent | OpaqueEvent;
