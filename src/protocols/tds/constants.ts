/** Numbers of the wire: MS-TDS §2.2.3.1 (packets), §2.2.4 to §2.2.7 (tokens), TDS 5.0 Functional Specification. */

export const HEADER_BYTES = 8;
/** The largest packet either side may choose is 32,767 bytes (MS-TDS) or 65,535 (TDS 5.0). */
export const PACKET_BYTES_MAX = 65_535;

// Packet types.
export const PACKET_BATCH = 0x01;
export const PACKET_OLD_LOGIN = 0x02;
export const PACKET_RPC = 0x03;
export const PACKET_REPLY = 0x04;
export const PACKET_ATTENTION = 0x06;
export const PACKET_BULK = 0x07;
export const PACKET_FEDAUTH = 0x08;
export const PACKET_TRANSACTION = 0x0e;
export const PACKET_TDS5 = 0x0f;
export const PACKET_LOGIN7 = 0x10;
export const PACKET_SSPI = 0x11;
export const PACKET_PRELOGIN = 0x12;
export const PACKET_SMP = 0x53;

// Packet status bits.
export const STATUS_EOM = 0x01;
export const STATUS_IGNORE = 0x02;
export const STATUS_RESET = 0x08;
export const STATUS_RESET_KEEP_TRANSACTION = 0x10;
/** 0x04 belongs to old clients and has no meaning any more. */
export const STATUS_MASK = 0x1f;

// Session multiplex protocol (MC-SMP §2.2.1.1).
export const SMP_HEADER_BYTES = 16;
export const SMP_SYN = 0x01;
export const SMP_ACK = 0x02;
export const SMP_FIN = 0x04;
export const SMP_DATA = 0x08;

// Tokens of replies, TDS 7.
export const TOKEN_OFFSET = 0x78;
export const TOKEN_RETURN_STATUS = 0x79;
export const TOKEN_COLUMNS = 0x81;
export const TOKEN_ALT_COLUMNS = 0x88;
export const TOKEN_DATA_CLASSIFICATION = 0xa3;
export const TOKEN_TABLE_NAME = 0xa4;
export const TOKEN_COLUMN_INFO = 0xa5;
export const TOKEN_ORDER = 0xa9;
export const TOKEN_ERROR = 0xaa;
export const TOKEN_INFO = 0xab;
export const TOKEN_RETURN_VALUE = 0xac;
export const TOKEN_LOGIN_ACK = 0xad;
export const TOKEN_FEATURE_ACK = 0xae;
export const TOKEN_ROW = 0xd1;
export const TOKEN_NBC_ROW = 0xd2;
export const TOKEN_ALT_ROW = 0xd3;
export const TOKEN_ENV_CHANGE = 0xe3;
export const TOKEN_SESSION_STATE = 0xe4;
export const TOKEN_SSPI = 0xed;
export const TOKEN_FEDAUTH_INFO = 0xee;
export const TOKEN_DONE = 0xfd;
export const TOKEN_DONE_PROC = 0xfe;
export const TOKEN_DONE_IN_PROC = 0xff;

// Tokens of TDS 4.2 and 5.0 that TDS 7 has not, or uses otherwise.
export const TOKEN5_CURSOR_DECLARE3 = 0x10;
export const TOKEN5_PARAMETER_FORMAT2 = 0x20;
export const TOKEN5_LANGUAGE = 0x21;
export const TOKEN5_CURSOR_DECLARE2 = 0x23;
export const TOKEN5_ROW_FORMAT2 = 0x61;
export const TOKEN5_DYNAMIC2 = 0x62;
export const TOKEN5_MESSAGE = 0x65;
export const TOKEN5_LOGOUT = 0x71;
export const TOKEN5_PROCEDURE_ID = 0x7c;
export const TOKEN5_CURSOR_DELETE = 0x81;
export const TOKEN5_CURSOR_FETCH = 0x82;
export const TOKEN5_CURSOR_INFO = 0x83;
export const TOKEN5_CURSOR_OPEN = 0x84;
export const TOKEN5_CURSOR_UPDATE = 0x85;
export const TOKEN5_CURSOR_DECLARE = 0x86;
export const TOKEN5_CURSOR_INFO2 = 0x87;
export const TOKEN5_CURSOR_INFO3 = 0x88;
export const TOKEN4_COLUMN_NAMES = 0xa0;
export const TOKEN4_COLUMN_FORMATS = 0xa1;
export const TOKEN5_KEY = 0xca;
export const TOKEN5_PARAMETERS = 0xd7;
export const TOKEN5_CAPABILITY = 0xe2;
export const TOKEN5_EXTENDED_ERROR = 0xe5;
export const TOKEN5_DBRPC = 0xe6;
export const TOKEN5_DYNAMIC = 0xe7;
export const TOKEN5_DBRPC2 = 0xe8;
export const TOKEN5_PARAMETER_FORMAT = 0xec;
export const TOKEN5_ROW_FORMAT = 0xee;

// DONE status bits (§2.2.7.6).
export const DONE_MORE = 0x01;
export const DONE_ERROR = 0x02;
export const DONE_IN_TRANSACTION = 0x04;
export const DONE_COUNT = 0x10;
export const DONE_ATTENTION = 0x20;
export const DONE_SERVER_ERROR = 0x100;

// ENVCHANGE types (§2.2.7.9).
export const ENV_DATABASE = 1;
export const ENV_CHARSET = 3;
export const ENV_BEGIN = 8;
export const ENV_COMMIT = 9;
export const ENV_ROLLBACK = 10;
export const ENV_ENLIST = 11;
export const ENV_DEFECT = 12;
export const ENV_TRANSACTION_ENDED = 17;
export const ENV_RESET = 18;
export const ENV_ROUTING = 20;

// PRELOGIN (§2.2.6.5).
/** The server has not answered yet, or its answer was not seen. */
export const ENCRYPT_UNKNOWN: number = -1;
export const ENCRYPT_OFF = 0;
export const ENCRYPT_ON = 1;
export const ENCRYPT_NOT_SUPPORTED = 2;
export const ENCRYPT_REQUIRED = 3;
