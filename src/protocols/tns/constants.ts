/** Numbers of the wire: TNS packet types and flags, TTC message types, functions and options. */

export const PACKET_CONNECT = 1;
export const PACKET_ACCEPT = 2;
export const PACKET_REFUSE = 4;
export const PACKET_REDIRECT = 5;
export const PACKET_DATA = 6;
export const PACKET_ABORT = 9;
export const PACKET_RESEND = 11;
export const PACKET_MARKER = 12;
export const PACKET_ATTENTION = 13;
export const PACKET_CONTROL = 14;
export const PACKET_TYPE_MAX = 19;

export const HEADER_BYTES = 8;
/** Header and data flags of a DATA packet. */
export const DATA_HEADER_BYTES = 10;
/** From this version on, packets after ACCEPT have four-byte lengths. */
export const VERSION_LARGE_PACKETS = 315;
export const VERSION_ACCEPT_FLAGS = 318;
/** Packet flag of a CONNECT that follows a REDIRECT. */
export const FLAG_REDIRECTED = 0x04;

export const DATA_EOF = 0x0040;
export const DATA_COMPRESSED = 0x0400;
export const DATA_END_OF_REQUEST = 0x0800;
export const DATA_END_OF_RESPONSE = 0x2000;
export const ACCEPT_END_OF_RESPONSE = 0x02000000;

export const MSG_PROTOCOL = 1;
export const MSG_DATA_TYPES = 2;
export const MSG_FUNCTION = 3;
export const MSG_ERROR = 4;
export const MSG_ROW = 7;
export const MSG_PARAMETERS = 8;
export const MSG_STATUS = 9;
export const MSG_IO_VECTOR = 11;
export const MSG_LOB_DATA = 14;
export const MSG_PIGGYBACK = 17;
export const MSG_FLUSH_OUT_BINDS = 19;
export const MSG_IMPLICIT_RESULTS = 27;
export const MSG_END_OF_RESPONSE = 29;
export const MSG_FAST_AUTH = 34;

export const FN_OPEN = 0x02;
export const FN_REEXECUTE = 0x04;
export const FN_FETCH = 0x05;
export const FN_LOGOFF = 0x09;
export const FN_COMMIT = 0x0e;
export const FN_ROLLBACK = 0x0f;
export const FN_CLOSE = 0x14;
export const FN_VERSION = 0x3b;
/** The bundled call of clients before version 10. */
export const FN_OALL7 = 0x47;
export const FN_REEXECUTE_FETCH = 0x4e;
export const FN_OSQL7 = 0x4a;
/** A bundle of version 8 that nobody has described. */
export const FN_BUNDLE_8 = 0x3e;
/** The two calls of O3LOGON: the session key, then the password. */
export const FN_O3LOGON = 0x51;
export const FN_O3LOGON_KEY = 0x52;
export const FN_OALL8 = 0x5e;
export const FN_LOB = 0x60;
export const FN_CLOSE_CURSORS = 0x69;
export const FN_SESSION_SWITCH = 0x6b;
export const FN_AUTH_2 = 0x73;
export const FN_AUTH_1 = 0x76;
export const FN_END_TO_END = 0x87;
export const FN_CANCEL_CURSORS = 0x78;
export const FN_DIRECT_PATH_PREPARE = 0x80;
export const FN_DIRECT_PATH_LOAD = 0x81;
export const FN_DIRECT_PATH_OPERATION = 0x82;
export const FN_PING = 0x93;
export const FN_SCHEMA = 0x98;
export const FN_APP_CONTEXT = 0x9a;
export const FN_SESSION_STATE = 0xb0;
export const FN_PIPELINE_BEGIN = 0xc7;
export const FN_PIPELINE_END = 0xc8;

export const OPTION_PARSE = 0x01;
export const OPTION_EXECUTE = 0x20;
export const OPTION_PLSQL_BIND = 0x400;

/** Bit of the login mode: a new password is set. */
export const MODE_CHANGE_PASSWORD = 2;
/** Login modes, bits of the third argument of the authentication calls. */
export const MODE_RETRY = 0x80;
export const PRIVILEGED_MODES: readonly (readonly [bit: number, name: string, effectiveUser: string])[] = [
  [0x20, 'sysdba', 'SYS'],
  [0x40, 'sysoper', 'PUBLIC'],
  [0x400000, 'sysasm', 'SYS'],
  [0x1000000, 'sysbackup', 'SYSBACKUP'],
  [0x2000000, 'sysdg', 'SYSDG'],
  [0x4000000, 'syskm', 'SYSKM'],
  [0x8000000, 'sysrac', 'SYSRAC'],
];
export const MODE_TOKEN = 0x20000000;

/** End of a fetch, not an error. */
export const ORA_NO_DATA_FOUND = 1403;

/** Functions without SQL that are recorded under a name of their own. */
export const COMMANDS: ReadonlyMap<number, readonly [operation: string, call: string]> = new Map([
  [FN_COMMIT, ['COMMIT', 'command']],
  [FN_ROLLBACK, ['ROLLBACK', 'command']],
  [0x30, ['STARTUP', 'command']],
  [0x31, ['SHUTDOWN', 'command']],
  [0x67, ['TRANSACTION SWITCH', 'command']],
  [0x68, ['TRANSACTION CHANGE', 'command']],
  [0x77, ['DESCRIBE', 'command']],
  [0x79, ['ENQUEUE', 'command']],
  [0x7a, ['DEQUEUE', 'command']],
  [0x7d, ['SUBSCRIBE', 'command']],
  [0x91, ['ARRAY QUEUE', 'command']],
]);

export const LOB_CREATE_TEMPORARY = 0x110;
export const LOB_READ = 0x02;
export const LOB_WRITE = 0x40;
/** LOB operations that read or change data. */
export const LOB_OPERATIONS: ReadonlyMap<number, string> = new Map([
  [LOB_READ, 'LOB READ'],
  [0x20, 'LOB TRIM'],
  [LOB_WRITE, 'LOB WRITE'],
  [0x100, 'LOB FILE OPEN'],
]);
/** LOB operations that are not recorded: length, chunk size, temporary LOBs, open and close, and questions about files. */
export const LOB_HOUSEKEEPING: ReadonlySet<number> = new Set([
  0x01,
  0x4000,
  LOB_CREATE_TEMPORARY,
  0x111,
  0x80111,
  0x8000,
  0x10000,
  0x11000,
  0x200,
  0x400,
  0x800,
]);
/** The session was given back to a pool: its cursors are gone. */
export const CALL_STATUS_SESSION_RELEASED = 0x8000;
