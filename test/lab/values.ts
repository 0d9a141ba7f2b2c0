/**
 * When a value in a server's log and a value in an audit record are the same one.
 *
 * The server prints what it made of a value, by its type's output function; the record has what the client sent,
 * decoded by type. The rules here are all that is forgiven; anything else is a difference.
 */
import type { LoggedValue } from './log.ts';

const NUMBER_PATTERN = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i;
const TIME_PATTERN = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?\s*(Z|[-+]\d\d(?::?\d\d)?)?$/;
const BOOLEANS: Readonly<Record<string, readonly string[]>> = { true: ['t', 'true', '1'], false: ['f', 'false', '0'] };

/** `recorded` is a JSON value of `db.query.parameters`. */
export function sameValue(logged: LoggedValue, recorded: unknown): boolean {
  if (logged !== null && typeof logged === 'object' && 'bytes' in logged) return sameLength(logged.bytes, recorded);
  if (logged === null || recorded === null) return logged === recorded;
  if (typeof recorded === 'object')
    return sameBytes(logged, recorded as { hex?: string; text?: string; length?: number });
  if (typeof logged !== 'string') {
    return typeof recorded === 'string' && Buffer.from(recorded).toString('hex') === logged.hex;
  }
  if (typeof recorded === 'boolean') return (BOOLEANS[String(recorded)] ?? []).includes(logged);
  if (typeof recorded === 'number') return NUMBER_PATTERN.test(logged) && sameNumber(Number(logged), recorded);
  return typeof recorded === 'string' && (logged === recorded || sameText(logged, recorded));
}

/** Equal, or equal as 32-bit floats: a float4 is printed with the digits it has, and sent as the double it widens to. */
function sameNumber(logged: number, recorded: number): boolean {
  return logged === recorded || (!Number.isInteger(logged) && Math.fround(logged) === Math.fround(recorded));
}

/** All that is said of a value is its length, or nothing at all. */
function sameLength(bytes: number | null, recorded: unknown): boolean {
  if (bytes === null) return true;
  if (recorded === null || typeof recorded !== 'object') return false;
  const { hex = '', length = hex.length / 2 } = recorded as { hex?: string; length?: number };
  return length === bytes;
}

/** A value kept as bytes, or cut: then its length and beginning are compared. */
function sameBytes(
  logged: string | { readonly hex: string },
  recorded: { hex?: string; text?: string; length?: number },
): boolean {
  const hex = typeof logged === 'string' ? Buffer.from(logged).toString('hex') : (logged?.hex ?? '');
  const kept = recorded.hex ?? Buffer.from(recorded.text ?? '').toString('hex');
  if (recorded.length === undefined) return kept === hex || sameInteger(logged, kept);
  return recorded.length === hex.length / 2 && hex.startsWith(kept);
}

/** A binary integer whose type the wire never told: big-endian, two's complement. */
function sameInteger(logged: unknown, hex: string): boolean {
  if (typeof logged !== 'string' || !/^-?\d+$/.test(logged) || ![4, 8, 16].includes(hex.length)) return false;
  return BigInt.asIntN(hex.length * 4, BigInt(`0x${hex}`)) === BigInt(logged);
}

/** Text that spells one value in two ways: numbers, points in time, JSON with other spaces, arrays with other quotes. */
function sameText(logged: string, recorded: string): boolean {
  if (NUMBER_PATTERN.test(logged) && NUMBER_PATTERN.test(recorded)) return Number(logged) === Number(recorded);
  const time = normalTime(logged);
  if (time !== undefined) return time === normalTime(recorded);
  const boolean = Object.values(BOOLEANS).find((words) => words.includes(logged));
  if (boolean !== undefined) return boolean.includes(recorded);
  if (!/^[{[]/.test(logged)) return false;
  return sameJson(logged, recorded) || logged.replaceAll('"', '') === recorded.replaceAll('"', '');
}

/** Seconds in UTC and fraction without trailing zeros; a time without zone stays as it is written. */
function normalTime(text: string): string | undefined {
  const [, date, time, fraction = '', zone] = TIME_PATTERN.exec(text) ?? [];
  if (date === undefined || time === undefined) return undefined;
  const digits = fraction.replace(/0+$/, '');
  if (zone === undefined) return `${date} ${time}.${digits}`;
  const offset = zone === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}`;
  return `${Date.parse(`${date}T${time}${offset}`)}.${digits}`;
}

function sameJson(logged: string, recorded: string): boolean {
  try {
    return JSON.stringify(JSON.parse(logged)) === JSON.stringify(JSON.parse(recorded));
  } catch {
    return false;
  }
}

/** A literal as MariaDB writes a bound value into a statement's text. */
const LITERAL = String.raw`(NULL|(?:TIMESTAMP|DATE|TIME)?'(?:[^'\\]|\\.|'')*'|[-+]?[0-9.]+(?:e[-+]?\d+)?)`;
/** What a `?` is no placeholder in: literals, quoted names, comments. */
const QUOTED = /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`[^`]*`|\/\*.*?\*\/|(?:--\s|#)[^\n]*/gs;

/** The values that make `inlined` out of `template`; `undefined` when it isn't made out of it. */
export function inlinedValues(template: string, inlined: string): LoggedValue[] | undefined {
  const plain = template.replace(QUOTED, (quoted) => quoted.replaceAll('?', '\0'));
  const parts = plain.split('?').map((part) => part.replaceAll('\0', '?').replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const match = new RegExp(`^${parts.join(LITERAL)}$`, 'is').exec(inlined);
  return match === null ? undefined : match.slice(1).map(literalValue);
}

function literalValue(literal: string): LoggedValue {
  if (literal === 'NULL') return null;
  const quote = literal.indexOf("'");
  if (quote < 0) return literal;
  const bytes: Buffer[] = [];
  for (const [unit] of literal.slice(quote + 1, -1).matchAll(/\\\\x[0-9A-F]{2}|\\.|''|[^\\']+/gs))
    bytes.push(unitBytes(unit));
  const all = Buffer.concat(bytes);
  const text = all.toString();
  return Buffer.from(text).equals(all) ? text : { hex: all.toString('hex') };
}

/** MariaDB writes a byte that is no text as \xHH, and then escapes that backslash; so `\\xHH` in data can't be told apart. */
const BYTE_PREFIX = '\\\\x';

const ESCAPES: Readonly<Record<string, string>> = { '0': '\0', n: '\n', r: '\r', t: '\t', Z: '\x1a' };

function unitBytes(unit: string): Buffer {
  if (unit.startsWith(BYTE_PREFIX)) return Buffer.from(unit.slice(BYTE_PREFIX.length), 'hex');
  if (unit.startsWith('\\')) return Buffer.from(ESCAPES[unit.slice(1)] ?? unit.slice(1));
  return Buffer.from(unit === "''" ? "'" : unit);
}
