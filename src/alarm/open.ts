/** From the text of an `--alarm` option to a way out. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { UserError } from '../base/errors.ts';
import { fileTransport } from './file.ts';
import { ALARM_FORMS } from './forms.ts';
import type { AlarmTransport } from './outlet.ts';
import { smtpTransport } from './smtp.ts';
import { syslogTransport } from './syslog.ts';
import { webhookTransport } from './webhook.ts';

const PORTS = { udp: 514, tcp: 514, tls: 6514 } as const;
const SUBMISSION_PORT = 587;
const SUBMISSIONS_PORT = 465;
const MAIL_PAUSE_S_DEFAULT = 60;
const FILE_MIB_DEFAULT = 64;
const FILE_KEEP_DEFAULT = 5;
const MIB = 1024 * 1024;

/** Throws a UserError for a URL that names no way out, or a file that cannot be read. */
export function openTransport(text: string, version: string): AlarmTransport {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw new UserError(`--alarm ${text}: no URL; expected ${ALARM_FORMS}`);
  const stream = /^(syslog|cef)\+(udp|tcp|tls):$/.exec(url.protocol);
  if (stream !== null) {
    const protocol = stream[2] as keyof typeof PORTS;
    const host = hostOf(url);
    const port = url.port === '' ? PORTS[protocol] : Number(url.port);
    const form = stream[1] === 'cef' ? 'cef' : 'json';
    return syslogTransport({ protocol, host, port, form, ca: fileOf(url, 'ca'), version });
  }
  if (url.protocol === 'http:' || url.protocol === 'https:') {
    const secret = secretOf(url, 'secret-file');
    url.searchParams.delete('secret-file');
    return webhookTransport({ url, secret: secret === undefined ? undefined : Buffer.from(secret, 'latin1'), version });
  }
  if (url.protocol === 'smtp:' || url.protocol === 'smtps:') return mailTransport(url, version);
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

/** Mail by `smtp://` (STARTTLS, or `tls=none`) or `smtps://`; a password is read from a file, never from the URL. */
function mailTransport(url: URL, version: string): AlarmTransport {
  const implicit = url.protocol === 'smtps:';
  const tls = url.searchParams.get('tls') ?? 'starttls';
  const host = hostOf(url);
  const to = url.searchParams.getAll('to').flatMap((list) => list.split(','));
  const user = decodeURIComponent(url.username);
  const password = secretOf(url, 'password-file');
  const refuse = (reason: string): never => {
    throw new UserError(`--alarm ${url.protocol}//${host}: ${reason}`);
  };
  if (to.length === 0 || !to.every(isAddress)) refuse('name the receivers with to=ADDRESS');
  if (url.password !== '') refuse('a password in the URL is seen by everyone; use password-file=FILE');
  if ((user === '') !== (password === undefined)) refuse('a user needs password-file=FILE, and that needs a user');
  if (tls !== 'starttls' && tls !== 'none') refuse(`tls=${tls}; known: starttls, none`);
  const security = implicit ? 'implicit' : tls === 'none' ? 'none' : 'starttls';
  if (security === 'none' && user !== '') refuse('no password without TLS');
  const from = url.searchParams.get('from') ?? `wiretrail@${hostname()}`;
  if (!isAddress(from)) refuse(`from=${from} is no address`);
  return smtpTransport({
    host,
    port: url.port === '' ? (implicit ? SUBMISSIONS_PORT : SUBMISSION_PORT) : Number(url.port),
    security,
    from,
    to,
    login: password === undefined ? undefined : { user, password: Buffer.from(password, 'latin1').toString() },
    ca: fileOf(url, 'ca'),
    pauseMs: numberOf(url, 'pause', MAIL_PAUSE_S_DEFAULT) * 1000,
    version,
  });
}

/** Enough to keep headers whole; the server says the rest. */
function isAddress(text: string): boolean {
  return /^[^\s@<>,;"]+@[^\s@<>,;"]+$/.test(text);
}

function hostOf(url: URL): string {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (host === '') throw new UserError(`--alarm ${url.protocol}//: no host`);
  return host;
}

/** The bytes of a file, one a character, without white space at its ends. */
function secretOf(url: URL, name: string): string | undefined {
  return fileOf(url, name)?.toString('latin1').trim();
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
