/**
 * Alarms as e-mail: RFC 5321 submission, STARTTLS (RFC 3207) unless told otherwise, text in RFC 5322 form. The first alarm
 * leaves at once; those that come within the pause after a message leave together in one digest, so that a busy rule
 * costs a mailbox one message a pause and not one a record.
 */
import { connect, isIP, type Socket } from 'node:net';
import { hostname } from 'node:os';
import type { Transporter } from 'nodemailer';
import { formatTime } from '../base/time.ts';
import { SEVERITIES, type Severity, severityRank } from '../contracts/record.ts';
import type { Alarm } from './alarm.ts';
import type { AlarmTransport } from './outlet.ts';

export interface SmtpOptions {
  readonly host: string;
  readonly port: number;
  /** `starttls` asks for it and gives up without; `none` speaks in the clear. */
  readonly security: 'implicit' | 'starttls' | 'none';
  readonly from: string;
  readonly to: readonly string[];
  readonly login: { readonly user: string; readonly password: string } | undefined;
  /** Certificates to trust instead of the system's, PEM. */
  readonly ca: Buffer | undefined;
  /** Between two messages; alarms of that time are one digest. */
  readonly pauseMs: number;
  /** Of this program. */
  readonly version: string;
}

/** As many alarms as an outlet's queue holds, so that one digest empties it. */
const DIGEST_ALARMS_MAX = 1000;
/** Of a digest, alarms that are listed one by one; all are counted. */
const LISTED_MAX = 50;
const TEXT_CHARS_MAX = 2000;
const LISTED_TEXT_CHARS_MAX = 200;
/** Each step of the dialogue: less than an outlet waits for the whole of it. */
const STEP_TIMEOUT_MS = 9000;

/** Lines of a single alarm, in this order; what a record does not say is left out. */
const LINES: readonly (readonly [string, string])[] = [
  ['time', 'Time'],
  ['user.name', 'User'],
  ['audit.effective_user', 'Acting as'],
  ['audit.end_user', 'End user'],
  ['audit.program', 'Program'],
  ['client.address', 'Client'],
  ['server.address', 'Server'],
  ['server.port', 'Port'],
  ['db.system.name', 'Product'],
  ['db.namespace', 'Database'],
  ['db.operation.name', 'Operation'],
  ['db.collection.names', 'Objects'],
  ['db.response.status_code', 'Error'],
  ['db.response.returned_rows', 'Rows returned'],
  ['audit.affected_rows', 'Rows affected'],
  ['audit.id', 'Record'],
  ['audit.session', 'Session'],
];

export interface AlarmMail {
  readonly subject: string;
  readonly text: string;
}

/** The statement stays out of the subject: mail servers log those. */
export function alarmMail({ rule, severity, record }: Alarm): AlarmMail {
  const lines = [`Rule: ${rule}`, `Severity: ${severity}`];
  for (const [key, label] of LINES) if (record[key] !== undefined) lines.push(`${label}: ${oneLine(record[key])}`);
  const text = record['db.query.text'];
  if (text !== undefined) lines.push('', cut(String(text), TEXT_CHARS_MAX));
  return { subject: `[wiretrail] ${severity}: ${rule}`, text: `${lines.join('\n')}\n` };
}

/** Several alarms: how many of each rule, then the first of them. */
export function digestMail(alarms: readonly Alarm[]): AlarmMail {
  const counts = new Map<string, { severity: Severity; count: number }>();
  for (const { rule, severity } of alarms) {
    const known = counts.get(rule);
    if (known === undefined) counts.set(rule, { severity, count: 1 });
    else known.count++;
  }
  const rows = [...counts].sort(([, a], [, b]) => severityRank(b.severity) - severityRank(a.severity));
  const worst = rows[0]?.[1].severity ?? SEVERITIES[0];
  const lines = rows.map(([rule, { severity, count }]) => `${String(count).padStart(6)}  ${severity}  ${rule}`);
  lines.push('');
  for (const { rule, timeUs, record } of alarms.slice(0, LISTED_MAX)) {
    const who = `${oneLine(record['user.name'] ?? '(unknown)')} ${record['client.address'] ?? ''}`;
    lines.push(`${formatTime(timeUs)}  ${rule}  ${who}  record ${record['audit.id'] ?? ''}`);
    const text = record['db.query.text'];
    if (text !== undefined) lines.push(`    ${cut(oneLine(text), LISTED_TEXT_CHARS_MAX)}`);
  }
  if (alarms.length > LISTED_MAX) lines.push(`… and ${alarms.length - LISTED_MAX} more; the store has all records.`);
  return { subject: `[wiretrail] ${worst}: ${alarms.length} alarms`, text: `${lines.join('\n')}\n` };
}

export function smtpTransport(options: SmtpOptions): AlarmTransport {
  const { host, port, security, login, ca, from, to, version, pauseMs } = options;
  let socket: Socket | undefined;
  let mailer: Transporter | undefined;
  /** The mailer is loaded for the first message: few sensors send any, and it takes a third of a command's start. */
  const mailerOf = async (): Promise<Transporter> => {
    const { createTransport } = await import('nodemailer');
    return createTransport({
      // Ours, so that it can be ended in the midst of a dialogue.
      getSocket: (_options, done) => {
        socket?.destroy();
        socket = opened(host, port, done);
      },
      host,
      port,
      secure: security === 'implicit',
      requireTLS: security === 'starttls',
      ignoreTLS: security === 'none',
      ...(login && { auth: { user: login.user, pass: login.password } }),
      tls: { minVersion: 'TLSv1.2', ...(isIP(host) === 0 && { servername: host }), ...(ca && { ca }) },
      connectionTimeout: STEP_TIMEOUT_MS,
      greetingTimeout: STEP_TIMEOUT_MS,
      socketTimeout: STEP_TIMEOUT_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  };
  const post = async ({ subject, text }: AlarmMail, first: Alarm | undefined): Promise<void> => {
    mailer ??= await mailerOf();
    await mailer.sendMail({
      from,
      to: [...to],
      subject,
      text,
      // The same for every attempt, so that a mailbox can tell a repetition.
      messageId: `<${String(first?.record['audit.id'] ?? '')}.${first?.rule ?? ''}@${hostname()}>`.replace(/\s/g, ''),
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Mailer': `wiretrail/${version}` },
    });
  };
  return {
    name: `${security === 'implicit' ? 'smtps' : 'smtp'}://${host}:${port}`,
    send: (alarm) => post(alarmMail(alarm), alarm),
    digest: { alarmsMax: DIGEST_ALARMS_MAX, pauseMs, send: (alarms) => post(digestMail(alarms), alarms[0]) },
    close: () => socket?.destroy(),
  };
}

/** Calls back once: with the connection, or with why there is none. */
function opened(
  host: string,
  port: number,
  done: (error: Error | null, opened: { connection: Socket } | false) => void,
): Socket {
  const socket = connect({ host, port });
  const fail = (error: Error): void => {
    socket.off('close', closed);
    done(error, false);
  };
  const closed = (): void => fail(new Error('the connection was closed'));
  socket.once('error', fail).once('close', closed);
  socket.setTimeout(STEP_TIMEOUT_MS, () => socket.destroy(new Error('no answer')));
  socket.once('connect', () => {
    socket.off('error', fail).off('close', closed);
    done(null, { connection: socket });
  });
  return socket;
}

function oneLine(value: unknown): string {
  return (Array.isArray(value) ? value.join(', ') : String(value)).replace(/\s+/g, ' ');
}

function cut(text: string, charsMax: number): string {
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : text;
}
