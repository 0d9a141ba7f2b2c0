/** ArcSight Common Event Format, version 0: a header of seven fields, then key=value pairs. */
import { type Alarm, severityRank } from './alarm.ts';

/** By rank of severity, on CEF's scale of 0 to 10. */
const SEVERITIES = [1, 3, 5, 8, 10];
const MESSAGE_CHARS_MAX = 1023;

/** Public key → CEF key. */
const EXTENSIONS: readonly (readonly [string, string])[] = [
  ['audit.id', 'externalId'],
  ['client.address', 'src'],
  ['client.port', 'spt'],
  ['server.address', 'dst'],
  ['server.port', 'dpt'],
  ['user.name', 'suser'],
  ['audit.program', 'sproc'],
  ['db.operation.name', 'act'],
  ['db.response.status_code', 'reason'],
  ['db.query.text', 'msg'],
];
const CUSTOM: readonly (readonly [string, string])[] = [
  ['db.system.name', 'cs1'],
  ['db.namespace', 'cs2'],
  ['audit.fingerprint', 'cs3'],
];

export function cefLine({ rule, severity, timeUs, record }: Alarm, version: string): string {
  const head = [
    'CEF:0',
    'Wiretrail',
    'wiretrail',
    version,
    rule,
    rule,
    String(SEVERITIES[severityRank(severity)] ?? 0),
  ];
  const pairs = [`rt=${Math.floor(timeUs / 1000)}`];
  for (const [key, name] of EXTENSIONS) if (record[key] !== undefined) pairs.push(`${name}=${value(record[key])}`);
  for (const [key, name] of CUSTOM) {
    if (record[key] !== undefined) pairs.push(`${name}Label=${key}`, `${name}=${value(record[key])}`);
  }
  return `${head.map(header).join('|')}|${pairs.join(' ')}`;
}

function header(text: string): string {
  return text.replace(/[\\|]/g, '\\$&').replace(/[\r\n]+/g, ' ');
}

function value(raw: unknown): string {
  return String(raw)
    .slice(0, MESSAGE_CHARS_MAX)
    .replace(/[\\=]/g, '\\$&')
    .replace(/\r\n|\r|\n/g, '\\n');
}
