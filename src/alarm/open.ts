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
    checkParameters(url, protocol === 'tls' ? ['ca'] : []);
    checkNoUser(url);
    const host = hostOf(url);
    const port = url.port === '' ? PORTS[protocol] : Number(url.port);
    const form = stream[1] === 'cef' ? 'cef' : 'json';
    return syslogTransport({ protocol, host, port, form, ca: fileOf(url, 'ca'), version });
  }
  switch (url.protocol) {
    case 'http:':
    case 'https:':
      return hookTransport(url, version);
    case 'smtp:':
    case 'smtps:':
      return mailTransport(url, version);
    case 'file:':
      return lineTransport(url);
    default:
      throw new UserError(`--alarm ${text}: expected ${ALARM_FORMS}`);
  }
}

/** What is left of the URL without the name of the secret's file is the hook's own. */
function hookTransport(url: URL, version: string): AlarmTransport {
  checkNoUser(url);
  const secret = secretOf(url, 'secret-file');
  url.searchParams.delete('secret-file');
  return webhookTransport({ url, secret: secret === undefined ? undefined : Buffer.from(secret, 'latin1'), version });
}

function lineTransport(url: URL): AlarmTransport {
  checkParameters(url, ['mib', 'keep']);
  const path = decoded(url, url.pathname);
  if (url.host !== '' || path.endsWith('/')) throw refusal(url, 'name a file, with three slashes: file:///PATH');
  const bytesMax = numberOf(url, 'mib', FILE_MIB_DEFAULT, 1) * MIB;
  return fileTransport({ path, bytesMax, keep: numberOf(url, 'keep', FILE_KEEP_DEFAULT) });
}

/** Mail by `smtp://` (STARTTLS, or `tls=none`) or `smtps://`; a password is read from a file, never from the URL. */
function mailTransport(url: URL, version: string): AlarmTransport {
  checkParameters(url, ['to', 'from', 'tls', 'ca', 'pause', 'password-file']);
  const isImplicit = url.protocol === 'smtps:';
  const tls = url.searchParams.get('tls') ?? 'starttls';
  const host = hostOf(url);
  const to = url.searchParams.getAll('to').flatMap((list) => list.split(','));
  const user = decoded(url, url.username);
  if (to.length === 0 || !to.every(isAddress)) throw refusal(url, 'name the receivers with to=ADDRESS');
  if (url.password !== '') throw refusal(url, 'a password in the URL is seen by everyone; use password-file=FILE');
  const password = secretOf(url, 'password-file');
  if ((user === '') !== (password === undefined))
    throw refusal(url, 'a user needs password-file=FILE, and that needs a user');
  if (tls !== 'starttls' && tls !== 'none') throw refusal(url, `tls=${tls}; known: starttls, none`);
  const security = isImplicit ? 'implicit' : tls === 'none' ? 'none' : 'starttls';
  if (security === 'none' && user !== '') throw refusal(url, 'no password without TLS');
  const from = url.searchParams.get('from') ?? `wiretrail@${hostname()}`;
  if (!isAddress(from)) throw refusal(url, `from=${from} is no address`);
  return smtpTransport({
    host,
    port: url.port === '' ? (isImplicit ? SUBMISSIONS_PORT : SUBMISSION_PORT) : Number(url.port),
    security,
    from,
    to,
    login: password === undefined ? undefined : { user, password: Buffer.from(password, 'latin1').toString() },
    ca: fileOf(url, 'ca'),
    pauseMs: numberOf(url, 'pause', MAIL_PAUSE_S_DEFAULT) * 1000,
    version,
  });
}

/** Without path, user and parameters: those may hold a secret. */
function refusal(url: URL, reason: string): UserError {
  return new UserError(`--alarm ${url.protocol}//${url.host}: ${reason}`);
}

/** A misspelt parameter must not pass for a default. */
function checkParameters(url: URL, known: readonly string[]): void {
  const names = known.length === 0 ? 'none' : known.join(', ');
  for (const name of url.searchParams.keys())
    if (!known.includes(name)) throw refusal(url, `unknown parameter ${name}; there are: ${names}`);
}

function checkNoUser(url: URL): void {
  if (url.username !== '' || url.password !== '') throw refusal(url, 'takes no user or password');
}

function decoded(url: URL, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refusal(url, 'a % must be followed by two hexadecimal digits; % itself is %25');
  }
}

/** Enough to keep headers whole; the server says the rest. */
function isAddress(text: string): boolean {
  return /^[^\s@<>,;"]+@[^\s@<>,;"]+$/.test(text);
}

function hostOf(url: URL): string {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (host === '') throw refusal(url, 'no host');
  return host;
}

/** The bytes of a file, one a character, without white space at its ends. */
function secretOf(url: URL, name: string): string | undefined {
  const secret = fileOf(url, name)?.toString('latin1').trim();
  if (secret === '') throw refusal(url, `the file of ${name} is empty`);
  return secret;
}

function fileOf(url: URL, name: string): Buffer | undefined {
  const path = url.searchParams.get(name);
  if (path === null) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    throw refusal(url, `cannot read ${name}: ${(error as Error).message}`);
  }
}

const NUMBER_MAX = 1_000_000;

function numberOf(url: URL, name: string, otherwise: number, min = 0): number {
  const text = url.searchParams.get(name);
  if (text === null) return otherwise;
  const number = text === '' ? Number.NaN : Number(text);
  if (!Number.isSafeInteger(number) || number < min || number > NUMBER_MAX)
    throw refusal(url, `${name}=${text}: expected a whole number from ${min} to ${NUMBER_MAX}`);
  return number;
}
