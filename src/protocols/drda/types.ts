/** Types of values on the wire (DRDA volume 1, "Environmental Descriptors"). The lowest bit says nullable. */

export const INTEGER = 0x02;
export const SMALL = 0x04;
export const ONE_BYTE_INTEGER = 0x06;
export const FLOAT16 = 0x08;
export const FLOAT8 = 0x0a;
export const FLOAT4 = 0x0c;
export const DECIMAL = 0x0e;
export const ZONED_DECIMAL = 0x10;
export const RESULT_SET_LOCATOR = 0x14;
export const INTEGER8 = 0x16;
export const LOB_LOCATOR = 0x18;
export const CLOB_LOCATOR = 0x1a;
export const DBCLOB_LOCATOR = 0x1c;
export const ROWID = 0x1e;
export const DATE = 0x20;
export const TIME = 0x22;
export const TIMESTAMP = 0x24;
export const FIXED_BYTES = 0x26;
export const VARIABLE_BYTES = 0x28;
export const LONG_BYTES = 0x2a;
export const TERMINATED_BYTES = 0x2c;
export const TERMINATED_SBCS = 0x2e;
export const FIXED_SBCS = 0x30;
export const VARIABLE_SBCS = 0x32;
export const LONG_SBCS = 0x34;
export const FIXED_DBCS = 0x36;
export const VARIABLE_DBCS = 0x38;
export const LONG_DBCS = 0x3a;
export const FIXED_MIXED = 0x3c;
export const VARIABLE_MIXED = 0x3e;
export const LONG_MIXED = 0x40;
export const TERMINATED_MIXED = 0x42;
export const SHORT_BYTES = 0x44;
export const SHORT_SBCS = 0x46;
export const SHORT_MIXED = 0x48;
export const DATALINK_SBCS = 0x4c;
export const DATALINK_MIXED = 0x4e;
/** Derby: a serialised object. */
export const USER_DEFINED = 0x50;
export const DECIMAL_FLOAT = 0xba;
export const TIMESTAMP_ZONE = 0xb6;
export const BOOLEAN = 0xbe;
/** BINARY and VARBINARY of DB2 for z/OS. */
export const BINARY = 0xc0;
export const VARBINARY = 0xc2;
export const LOB_BYTES = 0xc8;
export const LOB_SBCS = 0xca;
export const LOB_DBCS = 0xcc;
export const LOB_MIXED = 0xce;

/** The descriptor does not tell: nothing behind such a value can be read. */
export const BYTES_UNKNOWN = -1;
/** Two bytes of length, in bytes. */
export const BYTES_COUNTED = -2;
/** Two bytes of length, in characters of two bytes. */
export const BYTES_COUNTED_PAIRS = -3;
/** One byte of length. */
export const BYTES_COUNTED_SHORT = -4;
/** Up to and with a zero byte. */
export const BYTES_TERMINATED = -5;

/** Bit of a LOB's length: the row holds a placeholder of the other bits' length, an EXTDTA object the value. */
export const PLACEHOLDER = 0x8000;

/** Bytes that a value of `type` takes in a row, or one of `BYTES_*`. */
export function valueBytes(type: number, length: number): number {
  switch (type) {
    case INTEGER:
    case FLOAT4:
    case RESULT_SET_LOCATOR:
    case LOB_LOCATOR:
    case CLOB_LOCATOR:
    case DBCLOB_LOCATOR:
      return 4;
    case SMALL:
      return 2;
    case ONE_BYTE_INTEGER:
      return 1;
    case FLOAT16:
      return 16;
    case FLOAT8:
    case INTEGER8:
      return 8;
    case DECIMAL:
      return ((length >> 8) >> 1) + 1;
    case ZONED_DECIMAL:
      return length >> 8;
    case DATE:
    case TIME:
    case TIMESTAMP:
    case TIMESTAMP_ZONE:
    case BINARY:
    case FIXED_BYTES:
    case FIXED_SBCS:
    case FIXED_MIXED:
    case DECIMAL_FLOAT:
    case BOOLEAN:
      return length;
    case FIXED_DBCS:
      return 2 * length;
    case VARIABLE_DBCS:
    case LONG_DBCS:
      return BYTES_COUNTED_PAIRS;
    case SHORT_BYTES:
    case SHORT_SBCS:
    case SHORT_MIXED:
      return BYTES_COUNTED_SHORT;
    case TERMINATED_BYTES:
    case TERMINATED_SBCS:
    case TERMINATED_MIXED:
      return BYTES_TERMINATED;
    case LOB_BYTES:
    case LOB_SBCS:
    case LOB_DBCS:
    case LOB_MIXED:
      return length & PLACEHOLDER ? length & ~PLACEHOLDER : BYTES_UNKNOWN;
    case ROWID:
    case VARIABLE_BYTES:
    case VARBINARY:
    case LONG_BYTES:
    case VARIABLE_SBCS:
    case LONG_SBCS:
    case VARIABLE_MIXED:
    case LONG_MIXED:
    case DATALINK_SBCS:
    case DATALINK_MIXED:
    case USER_DEFINED:
      return BYTES_COUNTED;
    default:
      return BYTES_UNKNOWN;
  }
}
