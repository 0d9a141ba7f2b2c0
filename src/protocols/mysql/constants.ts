/**
 * Numbers of the MySQL client/server protocol: MySQL Internals "Client/Server Protocol" and the MariaDB knowledge base
 * page of the same name. MariaDB's additions carry its name.
 */

/** Packet header: length (3 bytes, little endian) and sequence number. */
export const HEADER_BYTES = 4;
/** A payload of exactly this many bytes is continued by the next packet. */
export const PAYLOAD_MAX = 0xffffff;
/** Compressed packet header: length, sequence number, length before compression (0: stored). */
export const COMPRESSED_HEADER_BYTES = 7;

// Capability flags of the handshake.
export const CLIENT_MYSQL = 1;
export const CLIENT_CONNECT_WITH_DB = 0x8;
export const CLIENT_COMPRESS = 0x20;
export const CLIENT_PROTOCOL_41 = 0x200;
export const CLIENT_SSL = 0x800;
export const CLIENT_SECURE_CONNECTION = 0x8000;
export const CLIENT_PLUGIN_AUTH = 0x80000;
export const CLIENT_CONNECT_ATTRS = 0x100000;
export const CLIENT_PLUGIN_AUTH_LENENC = 0x200000;
export const CLIENT_SESSION_TRACK = 0x800000;
export const CLIENT_DEPRECATE_EOF = 0x1000000;
export const CLIENT_OPTIONAL_METADATA = 0x2000000;
export const CLIENT_ZSTD_COMPRESSION = 0x4000000;
export const CLIENT_QUERY_ATTRIBUTES = 0x8000000;
/** In the extended capabilities of MariaDB. */
export const MARIADB_CACHE_METADATA = 0x10;

// First byte of a reply.
export const REPLY_OK = 0x00;
export const REPLY_NEXT_FACTOR = 0x02;
export const REPLY_LOCAL_INFILE = 0xfb;
export const REPLY_EOF = 0xfe;
export const REPLY_ERR = 0xff;
/** Payload of an EOF packet since 4.1: marker, warnings, status. */
export const EOF_BYTES = 5;
/** An ERR with this code reports progress (MariaDB) and ends nothing. */
export const ERR_PROGRESS = 0xffff;
/**
 * Errors by which a server says that it gave a statement up for a KILL or a time limit: ER_QUERY_INTERRUPTED,
 * ER_CONNECTION_KILLED, ER_STATEMENT_TIMEOUT (MariaDB), ER_QUERY_TIMEOUT, ER_SESSION_WAS_KILLED (MySQL).
 */
export const ERRS_CANCELLED: ReadonlySet<number> = new Set([1317, 1927, 1969, 3024, 3169]);

// Server status flags.
export const STATUS_IN_TRANSACTION = 0x0001;
export const STATUS_MORE_RESULTS = 0x0008;
export const STATUS_CURSOR_EXISTS = 0x0040;
export const STATUS_LAST_ROW_SENT = 0x0080;
export const STATUS_PS_OUT_PARAMS = 0x1000;
export const STATUS_STATE_CHANGED = 0x4000;

// Entries of session state tracking.
export const TRACK_SYSTEM_VARIABLE = 0;
export const TRACK_SCHEMA = 1;
export const TRACK_GTIDS = 3;

// Commands.
export const COM_QUIT = 0x01;
export const COM_INIT_DB = 0x02;
export const COM_QUERY = 0x03;
export const COM_FIELD_LIST = 0x04;
export const COM_CREATE_DB = 0x05;
export const COM_DROP_DB = 0x06;
export const COM_REFRESH = 0x07;
export const COM_SHUTDOWN = 0x08;
export const COM_STATISTICS = 0x09;
export const COM_PROCESS_INFO = 0x0a;
export const COM_PROCESS_KILL = 0x0c;
export const COM_DEBUG = 0x0d;
export const COM_PING = 0x0e;
export const COM_CHANGE_USER = 0x11;
export const COM_BINLOG_DUMP = 0x12;
export const COM_TABLE_DUMP = 0x13;
export const COM_REGISTER_SLAVE = 0x15;
export const COM_STMT_PREPARE = 0x16;
export const COM_STMT_EXECUTE = 0x17;
export const COM_STMT_SEND_LONG_DATA = 0x18;
export const COM_STMT_CLOSE = 0x19;
export const COM_STMT_RESET = 0x1a;
export const COM_SET_OPTION = 0x1b;
export const COM_STMT_FETCH = 0x1c;
export const COM_BINLOG_DUMP_GTID = 0x1e;
export const COM_RESET_CONNECTION = 0x1f;
export const COM_CLONE = 0x20;
export const MARIADB_COM_STMT_BULK_EXECUTE = 0xfa;

/** MariaDB: the statement prepared last, whose id the client need not know yet. */
export const MARIADB_LAST_STATEMENT = 0xffffffff;
/** COM_STMT_EXECUTE flag: the number of parameters is sent (query attributes). */
export const EXECUTE_PARAMETER_COUNT = 0x08;
/** COM_STMT_BULK_EXECUTE flags: a result row for each row; parameter types are sent. */
export const BULK_UNIT_RESULTS = 64;
export const BULK_SEND_TYPES = 128;

// Column types, as in bind values.
export const TYPE_DECIMAL = 0;
export const TYPE_TINY = 1;
export const TYPE_SHORT = 2;
export const TYPE_LONG = 3;
export const TYPE_FLOAT = 4;
export const TYPE_DOUBLE = 5;
export const TYPE_NULL = 6;
export const TYPE_TIMESTAMP = 7;
export const TYPE_LONGLONG = 8;
export const TYPE_INT24 = 9;
export const TYPE_DATE = 10;
export const TYPE_TIME = 11;
export const TYPE_DATETIME = 12;
export const TYPE_YEAR = 13;
/** Second byte of a type. */
export const TYPE_UNSIGNED = 0x8000;

/** Types whose values are length-encoded bytes, and whether they are text. */
export const BYTES_TYPES: ReadonlyMap<number, { readonly name: string; readonly text: boolean }> = new Map([
  [0, { name: 'decimal', text: true }],
  [15, { name: 'varchar', text: true }],
  [16, { name: 'bit', text: false }],
  [242, { name: 'vector', text: false }],
  [245, { name: 'json', text: true }],
  [246, { name: 'decimal', text: true }],
  [247, { name: 'enum', text: true }],
  [248, { name: 'set', text: true }],
  [249, { name: 'tinyblob', text: false }],
  [250, { name: 'mediumblob', text: false }],
  [251, { name: 'longblob', text: false }],
  [252, { name: 'blob', text: false }],
  [253, { name: 'varchar', text: true }],
  [254, { name: 'char', text: true }],
  [255, { name: 'geometry', text: false }],
]);

/** The protocol's lengths: three bytes at `at`, little endian. */
export function u24(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
}
