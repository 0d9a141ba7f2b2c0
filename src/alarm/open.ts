/** From the text of an `--alarm` option to a way out. */
import { readFileSync } from 'node:fs';
import { UserError } from '../base/errors.ts';
import { fileTransport } from './file.ts';
import type { AlarmTransport } from './outlet.ts';
import { syslogTransport } from './syslog.ts';
import { webhookTransport } from './webhook.ts';

const PORTS = { udp: 514, tcp: 514, tls: 6514 } as const;
const FILE_MIB_DEFAULT = 64;
const FILE_KEEP_DEFAULT = 5;
const MIB = 1024 * 1024;
export const ALARM_FORMS =
  'syslog+udp://HOST, syslog+tcp://HOST, syslog+tls://HOST?ca=FILE, cef+…://HOST, https://…?secret-file=FILE, file:///PATH?mib=64&keep=5';

/** Throws a UserError for a URL that names no way out, or a file that cannot be read. */
export function openTransport(text: string, version: string): AlarmTransport {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw new UserError(`--alarm ${text}: no URL; expected ${ALARM_FORMS}`);
  const stream = /^(syslog|cef)\+(udp|tcp|tls):$/.exec(url.protocol);
  if (stream !== null) {
    const protocol = stream[2] as keyof typeof PORTS;
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (host === '') throw new UserError(`--alarm ${text}: no host`);
    const port = url.port === '' ? PORTS[protocol] : Number(url.port);
    const form = stream[1] === 'cef' ? 'cef' : 'json';
    return syslogTransport({ protocol, host, port, form, ca: fileOf(url, 'ca'), version });
  }
  if (url.protocol === 'http:' || url.protocol === 'https:') {
    const secret = fileOf(url, 'secret-file');
    url.searchParams.delete('secret-file');
    return webhookTransport({
      url,
      secret: secret && Buffer.from(secret.toString('latin1').trim(), 'latin1'),
      version,
    });
  }
  if (url.protocol === 'file:') {
    const bytesMax = numberOf(url, 'mib', FILE_MIB_DEFAULT) * MIB;
    return fileTransport({
      path: decodeURIComponent(url.pathname),
      bytesMax,
      keep: numberOf(url, 'keep', FILE_KEEP_DEFAULT),
    });
  }
  throw new UserError(`--alarm ${text}: expected ${ALARM_FORMS}`);
}

function fileOf(url: URL, name: string): Buffer | undefined {
  const path = url.searchParams.get(name);
  if (path === null) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UserError(`--alarm: cannot read ${name}: ${(error as Error).message}`);
  }
}

function numberOf(url: URL, name: string, otherwise: number): number {
  const text = url.searchParams.get(name);
  if (text === null) return otherwise;
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0 || number > 1_000_000 || (name === 'mib' && number === 0))
    throw new UserError(`--alarm: ${name}=${text} is no sensible number`);
  return number;
}
