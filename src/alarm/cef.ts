/** ArcSight Common Event Format, version 0: a header of seven fields, then key=value pairs. */
import { isIPv6 } from 'node:net';
import { severityRank } from '../contracts/record.ts';
import { type Alarm, longestPrefix } from './alarm.ts';

/** By rank of severity, on CEF's scale of 0 to 10. */
const CEF_SEVERITIES = [1, 3, 5, 8, 10];
/** Lengths of the dictionary: of `msg`, and of the shorter of the others. */
const MESSAGE_CHARS_MAX = 1023;
const FIELD_CHARS_MAX = 255;

/** Public key → CEF key. */
const EXTENSIONS: readonly (readonly [string, string])[] = [
  ['audit.id', 'externalId'],
  ['client.port', 'spt'],
  ['server.port', 'dpt'],
  ['user.name', 'suser'],
  ['audit.program', 'sproc'],
  ['db.operation.name', 'act'],
  ['db.response.status_code', 'reason'],
];
/** Public key → CEF key for IPv4; for IPv6 a custom key and its label. */
const ADDRESSES: readonly (readonly [string, string, string, string])[] = [
  ['client.address', 'src', 'c6a2', 'Source IPv6 Address'],
  ['server.address', 'dst', 'c6a3', 'Destination IPv6 Address'],
];
const TEXT_KEY = 'db.query.text';
const CUSTOM: readonly (readonly [string, string])[] = [
  ['db.system.name', 'cs1'],
  ['db.namespace', 'cs2'],
  ['audit.fingerprint', 'cs3'],
];

/** One line of at most `bytesMax` bytes, as far as cutting the statement's text makes it so. */
export function cefLine({ rule, severity, timeUs, record }: Alarm, version: string, bytesMax: number): string {
  const rank = String(CEF_SEVERITIES[severityRank(severity)] ?? 0);
  const head = ['CEF:0', 'Wiretrail', 'wiretrail', version, rule, rule, rank];
  const pairs = [`rt=${Math.floor(timeUs / 1000)}`];
  for (const [key, v4, v6, label] of ADDRESSES) {
    const address = record[key];
    if (address === undefined) continue;
    if (isIPv6(String(address))) pairs.push(`${v6}Label=${label}`, `${v6}=${field(address)}`);
    else pairs.push(`${v4}=${field(address)}`);
  }
  for (const [key, name] of EXTENSIONS) if (record[key] !== undefined) pairs.push(`${name}=${field(record[key])}`);
  for (const [key, name] of CUSTOM) {
    if (record[key] !== undefined) pairs.push(`${name}Label=${key}`, `${name}=${field(record[key])}`);
  }
  const line = `${head.map(header).join('|')}|${pairs.join(' ')}`;
  if (record[TEXT_KEY] === undefined) return line;
  const text = String(record[TEXT_KEY]);
  const withText = (chars: number): string => `${line} msg=${escaped(text.slice(0, chars))}`;
  const chars = longestPrefix(
    Math.min(text.length, MESSAGE_CHARS_MAX),
    (count) => Buffer.byteLength(withText(count)) <= bytesMax,
  );
  return withText(chars);
}

function header(text: string): string {
  return text.replace(/[\\|]/g, '\\$&').replace(/[\r\n]+/g, ' ');
}

function field(value: unknown): string {
  return escaped(String(value).slice(0, FIELD_CHARS_MAX));
}

function escaped(text: string): string {
  return text.replace(/[\\=]/g, '\\$&').replace(/\r\n|\r|\n/g, '\\n');
}
