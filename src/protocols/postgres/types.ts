/** Built-in types by OID (the server's pg_type.dat, fixed for all versions). */

export const OID_BOOL = 16;
export const OID_BYTEA = 17;
export const OID_CHAR = 18;
export const OID_NAME = 19;
export const OID_INT8 = 20;
export const OID_INT2 = 21;
export const OID_INT4 = 23;
export const OID_TEXT = 25;
export const OID_OID = 26;
export const OID_XID = 28;
export const OID_JSON = 114;
export const OID_XML = 142;
export const OID_CIDR = 650;
export const OID_FLOAT4 = 700;
export const OID_FLOAT8 = 701;
export const OID_UNKNOWN = 705;
export const OID_INET = 869;
export const OID_BPCHAR = 1042;
export const OID_VARCHAR = 1043;
export const OID_DATE = 1082;
export const OID_TIME = 1083;
export const OID_TIMESTAMP = 1114;
export const OID_TIMESTAMPTZ = 1184;
export const OID_INTERVAL = 1186;
export const OID_TIMETZ = 1266;
export const OID_NUMERIC = 1700;
export const OID_UUID = 2950;
export const OID_JSONB = 3802;

const NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'unspecified'],
  [OID_BOOL, 'bool'],
  [OID_BYTEA, 'bytea'],
  [OID_CHAR, 'char'],
  [OID_NAME, 'name'],
  [OID_INT8, 'int8'],
  [OID_INT2, 'int2'],
  [OID_INT4, 'int4'],
  [OID_TEXT, 'text'],
  [OID_OID, 'oid'],
  [OID_XID, 'xid'],
  [OID_JSON, 'json'],
  [OID_XML, 'xml'],
  [600, 'point'],
  [OID_CIDR, 'cidr'],
  [OID_FLOAT4, 'float4'],
  [OID_FLOAT8, 'float8'],
  [OID_UNKNOWN, 'unknown'],
  [790, 'money'],
  [829, 'macaddr'],
  [OID_INET, 'inet'],
  [OID_BPCHAR, 'bpchar'],
  [OID_VARCHAR, 'varchar'],
  [OID_DATE, 'date'],
  [OID_TIME, 'time'],
  [OID_TIMESTAMP, 'timestamp'],
  [OID_TIMESTAMPTZ, 'timestamptz'],
  [OID_INTERVAL, 'interval'],
  [OID_TIMETZ, 'timetz'],
  [1560, 'bit'],
  [1562, 'varbit'],
  [OID_NUMERIC, 'numeric'],
  [OID_UUID, 'uuid'],
  [OID_JSONB, 'jsonb'],
]);

/** Array type → element type. */
const ELEMENTS: ReadonlyMap<number, number> = new Map([
  [199, OID_JSON],
  [651, OID_CIDR],
  [1000, OID_BOOL],
  [1001, OID_BYTEA],
  [1002, OID_CHAR],
  [1003, OID_NAME],
  [1005, OID_INT2],
  [1007, OID_INT4],
  [1009, OID_TEXT],
  [1014, OID_BPCHAR],
  [1015, OID_VARCHAR],
  [1016, OID_INT8],
  [1021, OID_FLOAT4],
  [1022, OID_FLOAT8],
  [1028, OID_OID],
  [1041, OID_INET],
  [1115, OID_TIMESTAMP],
  [1182, OID_DATE],
  [1183, OID_TIME],
  [1185, OID_TIMESTAMPTZ],
  [1187, OID_INTERVAL],
  [1231, OID_NUMERIC],
  [1270, OID_TIMETZ],
  [2951, OID_UUID],
  [3807, OID_JSONB],
]);

/** Element type of an array type; `undefined` for all others. */
export function elementOf(type: number): number | undefined {
  return ELEMENTS.get(type);
}

/** Name of a type, `int4[]` for arrays; its OID in digits when it is not built in. */
export function typeName(type: number): string {
  const element = ELEMENTS.get(type);
  if (element !== undefined) return `${NAMES.get(element)}[]`;
  return NAMES.get(type) ?? String(type);
}
